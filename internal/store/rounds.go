package store

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const roundKind kind = "round"

const roundLife = time.Minute

// KeepRound notes that the visit with that id was made by the nth sign-in.
func (s *Store) KeepRound(ctx context.Context, id string, n int) error {
	v, ok := visitOf(id)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return noStore("note sign-in", s.Client.Set(ctx, roundKind.key(v.String()), n, roundLife).Err())
}

// Rounds is what KeepRound noted in the last minute, or 0.
func (s *Store) Rounds(ctx context.Context, id string) (int, error) {
	v, ok := visitOf(id)
	if !ok {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	n, err := s.Client.Get(ctx, roundKind.key(v.String())).Int()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, noStore("read sign-ins", err)
}
