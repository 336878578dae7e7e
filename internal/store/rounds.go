package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// A browser can go round in circles: it signs in, the visit just made is gone or
// cannot be used (a Redis that forgets, clocks that disagree, two hosts with
// cookies of their own), and it is sent to One Login again, which knows it and
// sends it straight back. Nobody clicks, so nobody stops it.
//
// What tells such a browser from others is the cookie of the visit it just made.
// Its count of sign-ins is kept under that id but apart from the visit, because
// it is asked for when the visit is gone. It holds nothing of anybody and so is a
// plain number, and it lives for a minute, so that a person who signs in again
// later starts from nothing.
const roundLife = time.Minute

// Rounds is how many sign-ins, one after another, ended in the visit with that
// id. It is 0 when none did in the last minute, or the id is none of ours.
func (s *Store) Rounds(ctx context.Context, id string) (int, error) {
	v, ok := visitOf(id)
	if !ok {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	text, err := s.Client.Get(ctx, roundKind.key(v.String())).Result()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, noStore("read round", err)
	}
	n, err := strconv.Atoi(text)
	if err != nil { // which would quote what it read
		s.unread(ctx, roundKind, errFormat)
		return 0, nil
	}
	return n, nil
}

// KeepRound keeps for a minute that n sign-ins, one after another, ended in the
// visit with that id. It keeps nothing for an id that is none of ours.
func (s *Store) KeepRound(ctx context.Context, id string, n int) error {
	v, ok := visitOf(id)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return noStore("keep round", s.Client.Set(ctx, roundKind.key(v.String()), n, roundLife).Err())
}
