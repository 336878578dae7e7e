package store

import (
	"bytes"
	"context"
	"errors"
	mathrand "math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

// Compare-and-set: a value is replaced only if nobody else did so since it was
// read, and else read again.

// swap runs write in a transaction, if what lies at key is still sealed as it
// was, or there is still nothing: no two sealed values are the same, whatever they
// hold. Else the error is redis.TxFailedErr.
func (s *Store) swap(ctx context.Context, action, key string, sealed []byte, write func(redis.Pipeliner) error) error {
	var answered bool // WATCH and GET went well: errors are no longer theirs
	err := s.Client.Watch(ctx, func(tx *redis.Tx) error {
		now, err := tx.Get(ctx, key).Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		answered = true
		if !bytes.Equal(now, sealed) {
			return redis.TxFailedErr
		}
		_, err = tx.TxPipelined(ctx, write)
		return err
	}, key)
	switch {
	case err == nil, errors.Is(err, redis.TxFailedErr), errors.Is(err, errGone):
		return err
	case !answered:
		return notSent{noStore(action, err)}
	}
	return noStore(action, err)
}

// notSent is an error of Redis from before anything was written.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

// untilSwapped calls try, which swaps, until nobody else is quicker or ctx ends.
func untilSwapped[T any](ctx context.Context, action string, try func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		value, err := try()
		var early notSent
		switch {
		case errors.Is(err, redis.TxFailedErr):
		case errors.As(err, &early) && attempt == 1:
			// A pooled connection that the server closed: WATCH belongs to its
			// connection, so go-redis cannot retry on another by itself.
		default:
			return value, err
		}
		select {
		case <-ctx.Done():
			return value, noStore(action, ctx.Err())
		case <-time.After(mathrand.N(time.Duration(min(attempt, 10)) * time.Millisecond)):
		}
	}
}
