package store

import (
	"context"
	"errors"
	"fmt"
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
func (s *Store) DeleteAll(ctx context.Context, subject string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	ended := 0
	for _, key := range s.keys.names(visitsOfKind, subject) {
		members, err := s.Client.ZRange(ctx, key, 0, -1).Result()
		if err != nil {
			return ended, noStore("list visits", err)
		}
		for _, member := range members {
			v, err := parseVisit(member)
			if err != nil {
				return ended, fmt.Errorf("store: list visits: %w", err)
			}
			existed, err := s.delete(ctx, v)
			if existed {
				ended++
			}
			if err != nil {
				return ended, err
			}
			if err := s.Client.ZRem(ctx, key, member).Err(); err != nil {
				return ended, noStore("list visits", err)
			}
		}
	}
	return ended, nil
}
