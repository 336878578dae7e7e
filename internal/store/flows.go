package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// flowLife is how long a trip to One Login may take: proving an identity for
// the first time can take most of an hour.
const flowLife = time.Hour

// maxStateLen is the longest OAuth state that is looked for: ours are shorter.
const maxStateLen = 256

func flowKey(state string) (key string, ok bool) {
	if state == "" || len(state) > maxStateLen {
		return "", false
	}
	hash := sha256.Sum256([]byte(state))
	return flowKind.key(hex.EncodeToString(hash[:])), true
}

// KeepFlow keeps a flow under its State, for an hour.
func (s *Store) KeepFlow(ctx context.Context, flow journey.Flow) error {
	key, ok := flowKey(flow.State)
	if !ok {
		return fmt.Errorf("store: a flow's state must have between 1 and %d bytes", maxStateLen)
	}
	sealed, err := s.keys.seal(flowKind, key, flow)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return noStore("keep flow", s.Client.Set(ctx, key, sealed, flowLife).Err())
}

// TakeFlow returns the flow that left with that state and forgets it: of several
// that ask, one gets it.
func (s *Store) TakeFlow(ctx context.Context, state string) (journey.Flow, bool, error) {
	key, ok := flowKey(state)
	if !ok {
		return journey.Flow{}, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	sealed, err := s.take(ctx, key)
	if errors.Is(err, redis.Nil) {
		return journey.Flow{}, false, nil
	}
	if err != nil {
		return journey.Flow{}, false, noStore("take flow", err)
	}
	var flow journey.Flow
	if err := s.keys.open(flowKind, key, sealed, &flow); err != nil {
		s.unread(ctx, flowKind, err)
		return journey.Flow{}, false, nil
	}
	return flow, true, nil
}

// take reads and deletes. A connection that broke is tried once more, but not by
// go-redis: if the first command was carried out and only its answer was lost,
// the second finds nothing, which is the outage's doing and not "not found".
func (s *Store) take(ctx context.Context, key string) ([]byte, error) {
	var broken error
	for {
		take := once{redis.NewStringCmd(ctx, "getdel", key)}
		err := s.Client.Process(ctx, take)
		switch {
		case err == nil:
			return take.Bytes()
		case broken != nil && errors.Is(err, redis.Nil):
			return nil, broken
		case broken != nil || errors.Is(err, redis.Nil) || ctx.Err() != nil:
			return nil, err
		}
		broken = err
	}
}

// once is a command that go-redis must not send twice by itself.
type once struct{ *redis.StringCmd }

func (once) NoRetry() bool { return true }
