package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// What comes between, while all visits are ended or changed.

// meanwhile runs f once, after the first command of that name.
type meanwhile struct {
	name string
	f    func()
}

func (m *meanwhile) DialHook(next redis.DialHook) redis.DialHook { return next }
func (m *meanwhile) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (m *meanwhile) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if f := m.f; f != nil && cmd.Name() == m.name {
			m.f = nil
			f()
		}
		return err
	}
}

// forAll are the calls that concern all visits of subject a, with record 1, and
// what a visit looks like that was reached.
func forAll(s *Store) map[string]func(t *testing.T) (reached func(id string)) {
	calls := map[string]func(t *testing.T) func(string){
		"DeleteAll": func(t *testing.T) func(string) {
			ended(t, s, "a", 1)
			return func(id string) { exists(t, s, id, false) }
		},
	}
	for name, changeAll := range changesAll(s) {
		calls[name] = func(t *testing.T) func(string) {
			must(t, changeAll(t.Context(), stale(name)))
			return func(id string) { isStale(t, s, id, name) }
		}
	}
	return calls
}

func noCache(c *Config) { c.CacheAge = 0 }

// A visit that is renewed while all are ended or changed is reached too.
func TestAllMeetsRenew(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, noCache)
	for name, call := range forAll(s) {
		t.Run(name, func(t *testing.T) {
			flush(t, client)
			id := created(t, s, holding("a", "1"))
			var newID string
			client.AddHook(&meanwhile{"zrange", func() {
				var err error
				newID, _, err = s.Renew(t.Context(), id, unchanged)
				must(t, err)
			}})
			reached := call(t)
			reached(newID)
		})
	}
}

// So is one whose new id was listed before the call, tried, and only then
// written: in the midst of a rotation the new is even listed in front of the old.
func TestAllMeetsRenewHalfway(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	before := newStore(t, client, func(c *Config) { noCache(c); withSecrets('a')(c) })
	s := newStore(t, client, func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
	for name, call := range forAll(s) {
		t.Run(name, func(t *testing.T) {
			flush(t, client)
			old, _ := visitOf(created(t, before, holding("a", "1")))
			id := newID()
			v, _ := visitOf(id)
			must(t, s.index(t.Context(), v, journey.State{}, holding("a", "1")))
			renew := func() {
				must(t, s.write(t.Context(), client, v, holding("a", "1")))
				must(t, client.Del(t.Context(), old.key()).Err())
			}
			command := "get"
			if name == "DeleteAll" {
				command = "del"
			}
			client.AddHook(&meanwhile{command, renew})
			call(t)(id)
		})
	}
}

// Redis goes away half-way: the rest is changed by another call.
func TestChangeAllFailsHalfway(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, noCache)
	ids := []string{created(t, s, holding("a", "1")), created(t, s, holding("a", "1")), created(t, s, holding("a", "1"))}
	for name, changeAll := range changesAll(s) {
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		err := changeAll(ctx, func(state journey.State) (journey.State, error) {
			if runs++; runs == 2 {
				cancel()
			}
			return stale(name)(state)
		})
		if !errors.Is(err, journey.NoStore) || runs != 2 {
			t.Errorf("%s = %v after %d changes", name, err, runs)
		}
		changed := 0
		for _, id := range ids {
			state, _, err := s.Load(t.Context(), id)
			must(t, err)
			if state.Stale == name {
				changed++
			}
		}
		if changed != 1 {
			t.Errorf("%s changed %d visits, want 1", name, changed)
		}
		must(t, changeAll(t.Context(), stale(name)))
		for _, id := range ids {
			isStale(t, s, id, name)
		}
	}
}

// limits notes by when each command must have been answered.
type limits struct{ seen map[time.Time]int }

func (l *limits) DialHook(next redis.DialHook) redis.DialHook { return next }
func (l *limits) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (l *limits) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		limit, _ := ctx.Deadline() // zero for none
		l.seen[limit]++
		return next(ctx, cmd)
	}
}

// Many visits take longer than one: each has its time, and each time to list
// them, but nothing has all the time in the world.
func TestChangeAllLimits(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, noCache)
	const n = 5
	for range n {
		created(t, s, holding("a", "1"))
	}
	limits := &limits{}
	client.AddHook(limits)
	for name, changeAll := range changesAll(s) {
		limits.seen = map[time.Time]int{}
		must(t, changeAll(t.Context(), stale(name)))
		if len(limits.seen) != n+2 || limits.seen[time.Time{}] != 0 {
			t.Errorf("%s: %d limits, want %d; %d commands have none", name, len(limits.seen), n+2, limits.seen[time.Time{}])
		}
	}
}

// A visit that is just being created can be ended once it is there.
func TestDeleteAllMeetsCreate(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, noCache)
	v, _ := visitOf(newID())
	must(t, s.index(t.Context(), v, journey.State{}, signedIn("a")))
	ended(t, s, "a", 0)
	must(t, s.write(t.Context(), client, v, signedIn("a")))
	ended(t, s, "a", 1)
}
