package store

import (
	"context"
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// The visits of a subject are a sorted set of their hashed ids, each scored with
// the time it is over at the latest (Unix milliseconds). A visit enters before
// it is written: one that is listed and does not exist does no harm, one that
// exists and is not listed could not be ended.

// index lists a visit among those of its subject, if it has one.
func (s *Store) index(ctx context.Context, v visit, state journey.State) error {
	if state.Subject == "" {
		return nil
	}
	if state.Created.IsZero() {
		return errors.New("store: a visit with a subject needs the time of its sign-in")
	}
	key := s.keys.names(visitsOfKind, state.Subject)[0]
	now := s.Now()
	_, err := s.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		tx.ZRemRangeByScore(ctx, key, "-inf", strconv.FormatInt(now.UnixMilli(), 10))
		tx.ZAdd(ctx, key, redis.Z{Score: float64(now.Add(s.AbsoluteLimit).UnixMilli()), Member: v.String()})
		tx.PExpire(ctx, key, s.AbsoluteLimit)
		return nil
	})
	return noStore("list visit", err)
}

// DeleteAll ends every visit of a subject, on every replica, and returns how
// many there were. When it fails half-way, what is left is still listed, so that
// it can be called again.
//
// It lists again until a list holds nothing new: a visit that is renewed in the
// meantime enters under its new id before the old one goes. A visit that is
// listed and not there stays so, because it may be about to be written.
func (s *Store) DeleteAll(ctx context.Context, subject string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	ended, seen := 0, map[string]bool{}
	for more := true; more; {
		more = false
		for _, key := range s.keys.names(visitsOfKind, subject) {
			members, err := s.Client.ZRange(ctx, key, 0, -1).Result()
			if err != nil {
				return ended, noStore("list visits", err)
			}
			for _, member := range members {
				if seen[member] {
					continue
				}
				seen[member], more = true, true
				existed, err := s.deleteListed(ctx, key, member)
				if existed {
					ended++
				}
				if err != nil {
					return ended, err
				}
			}
		}
	}
	return ended, nil
}

// deleteListed ends one of the visits listed at key.
func (s *Store) deleteListed(ctx context.Context, key, member string) (existed bool, err error) {
	v, err := parseVisit(member)
	if err != nil { // must not stop the rest from being ended
		s.unread(ctx, visitsOfKind, err)
		return false, nil
	}
	if existed, err = s.delete(ctx, v); err != nil || !existed {
		return existed, err
	}
	return true, noStore("list visits", s.Client.ZRem(ctx, key, member).Err())
}
