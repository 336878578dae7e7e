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

// GiveBack takes back the count of a lookup that could not be made. It gives
// nothing back that was not counted: the count falls below nought for nobody.
func (s *Store) GiveBack(ctx context.Context, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	name := s.keys.names(attemptsKind, subject)[0]
	var count *redis.IntCmd
	_, err := s.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		// As in Attempt: without its window a count would never end.
		tx.SetNX(ctx, name, 0, s.LookupWindow)
		count = tx.Decr(ctx, name)
		return nil
	})
	if err == nil && count.Val() < 0 { // the window ended meanwhile
		err = s.Client.Del(ctx, name).Err()
	}
	return noStore("give back a lookup", err)
}
