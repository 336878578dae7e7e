package store

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Attempt counts a lookup of the subject's details and reports whether it is
// within the limit, over all replicas and browsers.
func (s *Store) Attempt(ctx context.Context, subject string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	names := s.keys.names(attemptsKind, subject)

	// SET NX starts the window and INCR leaves it alone. Together they cannot
	// leave a count that never ends, as INCR and then EXPIRE could.
	var count *redis.IntCmd
	_, err := s.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		tx.SetNX(ctx, names[0], 0, s.LookupWindow)
		count = tx.Incr(ctx, names[0])
		return nil
	})
	if err != nil {
		return false, noStore("count lookup", err)
	}
	lookups := count.Val()
	for _, name := range names[1:] { // from before a rotation of the secrets
		n, err := s.Client.Get(ctx, name).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return false, noStore("count lookup", err)
		}
		lookups += n
	}
	return lookups <= int64(s.LookupLimit), nil
}
