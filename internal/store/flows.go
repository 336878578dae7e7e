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
	take := once{redis.NewStringCmd(ctx, "getdel", key)}
	err := s.Client.Process(ctx, take)
	if errors.Is(err, redis.Nil) {
		return journey.Flow{}, false, nil
	}
	if err != nil {
		return journey.Flow{}, false, noStore("take flow", err)
	}
	var flow journey.Flow
	sealed, _ := take.Bytes()
	if err := s.keys.open(flowKind, key, sealed, &flow); err != nil {
		s.unread(ctx, flowKind, err)
		return journey.Flow{}, false, nil
	}
	return flow, true, nil
}

// once is a command that go-redis must not send twice. Had the first GETDEL
// been carried out and only its answer been lost, a second would say "not
// found" of a flow that Redis had.
type once struct{ *redis.StringCmd }

func (once) NoRetry() bool { return true }
