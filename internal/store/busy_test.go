package store

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// touching has a visit read, as its own browser can, before each EXEC.
type touching struct{ touch func() }

func (touching) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (touching) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h touching) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		if slices.ContainsFunc(commands, func(c redis.Cmder) bool { return strings.EqualFold(c.Name(), "publish") }) {
			h.touch()
		}
		return next(ctx, commands)
	}
}

// TestChangeOfBusyVisit: who makes so many requests that their visit cannot be
// changed escapes nothing, and shields no other visit.
func TestChangeOfBusyVisit(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	client := open(t, server.url())
	s, other := newStore(t, client, nil), newStore(t, open(t, server.url()), nil)
	busy := created(t, s, journey.State{Subject: "a", Created: time.Now()})
	quiet := created(t, s, journey.State{Subject: "a", Created: time.Now()})
	client.AddHook(touching{func() { other.Load(t.Context(), busy) }})
	err := s.ChangeOf(t.Context(), "a", func(state journey.State) (journey.State, error) {
		state.Stale = "news"
		return state, nil
	})
	if err != nil {
		t.Errorf("ChangeOf: %v", err)
	}
	exists(t, s, busy, false)
	if state, _, err := s.Load(t.Context(), quiet); err != nil || state.Stale != "news" {
		t.Errorf("the visit beside it: %q, %v", state.Stale, err)
	}
}
