package store

import (
	"errors"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// forAnHour lets visits be cached for so long that no test sees them expire by
// themselves.
func forAnHour(c *Config) { c.CacheAge = time.Hour }

// hearing waits until the store hears of changes, and so may cache.
func hearing(t testing.TB, s *Store) {
	t.Helper()
	eventually(t, func() bool {
		s.cache.mu.Lock()
		defer s.cache.mu.Unlock()
		return s.cache.live
	})
}

// remembers waits until the store has the visit in its cache.
func remembers(t testing.TB, s *Store, id string) {
	t.Helper()
	v, _ := visitOf(id)
	eventually(t, func() bool { // again and again: news of anything may come between
		if _, ok, err := s.Cached(t.Context(), id); !ok || err != nil {
			t.Fatalf("Cached = %v, %v", ok, err)
		}
		_, ok := s.cache.get(v)
		return ok
	})
}

func testCacheSavesRoundTrips(t *testing.T, client redis.UniversalClient) {
	asked := counting(client)
	var clock clock
	s := newStore(t, client, func(c *Config) { c.Now = clock.now })
	hearing(t, s)
	id := created(t, s, someone())
	want, _, _ := s.Load(t.Context(), id)
	remembers(t, s, id)

	cached := func(trips int64) {
		t.Helper()
		before := asked.Load()
		got, ok, err := s.Cached(t.Context(), id)
		if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
			t.Errorf("Cached = ok %v, error %v, difference:\n%s", ok, err, diff)
		}
		if n := asked.Load() - before; n != trips {
			t.Errorf("Redis was asked %d times, want %d", n, trips)
		}
		// It is the caller's, to the last slice.
		got.Identity.Names[0].Given[0], got.Identity.BirthDates[0] = "Mallory", "1900-01-01"
		_ = append(got.Identity.Names[0].Given, "Eve")
	}
	for range 5 {
		cached(0)
	}
	clock.forward(s.CacheAge)
	cached(1)
	remembers(t, s, id)
	cached(0)

	// The cache does not outlive the visit.
	_, err := s.Change(t.Context(), id, func(state journey.State) (journey.State, error) {
		state.Created = clock.now().Add(s.CacheAge/2 - s.AbsoluteLimit)
		return state, nil
	})
	must(t, err)
	remembers(t, s, id)
	clock.forward(s.CacheAge / 2)
	if _, ok, err := s.Cached(t.Context(), id); ok || err != nil {
		t.Errorf("Cached after the absolute limit = %v, %v", ok, err)
	}
}

// What is not finished is not cached, nor is "not found", nor anything with the
// cache off.
func testNotCached(t *testing.T, client redis.UniversalClient) {
	asked := counting(client)
	trips := func(s *Store, id string, want bool) {
		t.Helper()
		before := asked.Load()
		for range 3 {
			if _, ok, err := s.Cached(t.Context(), id); ok != want || err != nil {
				t.Errorf("Cached = %v, %v", ok, err)
			}
		}
		if n := asked.Load() - before; n != 3 {
			t.Errorf("Redis was asked %d times, not 3", n)
		}
	}
	s := newStore(t, client, forAnHour)
	hearing(t, s)
	trips(s, created(t, s, nobody()), true)
	trips(s, created(t, s, signedIn("a")), true)
	trips(s, newID(), false)
	off := newStore(t, client, func(c *Config) { c.CacheAge = 0 })
	trips(off, created(t, off, someone()), true)
}

// What one replica changes, renews or ends, the others serve no longer: at
// once, and not only when their cache grows old.
func testCacheHears(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, forAnHour), newStore(t, client, forAnHour)
	hearing(t, s)
	hearing(t, other)
	for _, tt := range []struct {
		name string
		end  func(id string) error
		ok   bool
	}{
		{"change", func(id string) error { _, err := other.Change(t.Context(), id, same(signedIn("changed"))); return err }, true},
		{"change of", func(id string) error {
			return other.ChangeOf(t.Context(), someone().Subject, same(signedIn("changed")))
		}, true},
		{"change on", func(id string) error {
			return other.ChangeOn(t.Context(), someone().Record.TRN, same(signedIn("changed")))
		}, true},
		{"renew", func(id string) error { _, _, err := other.Renew(t.Context(), id, unchanged); return err }, false},
		{"delete", func(id string) error { return other.Delete(t.Context(), id) }, false},
		{"delete all", func(id string) error { _, err := other.DeleteAll(t.Context(), someone().Subject); return err }, false},
	} {
		id, bystander := created(t, s, someone()), created(t, s, someone())
		remembers(t, s, bystander)
		remembers(t, s, id)
		remembers(t, other, id)
		must(t, tt.end(id))
		// The one that did it knows without hearing of it.
		if state, ok, err := other.Cached(t.Context(), id); ok != tt.ok || err != nil || ok && state.Subject != "changed" {
			t.Errorf("%s, seen by itself: %v, %v", tt.name, ok, err)
		}
		eventually(t, func() bool {
			state, ok, err := s.Cached(t.Context(), id)
			must(t, err)
			return ok == tt.ok && state.Subject != someone().Subject
		})
		if tt.name == "change" || tt.name == "renew" || tt.name == "delete" { // of one visit
			v, _ := visitOf(bystander)
			if _, ok := s.cache.get(v); !ok {
				t.Errorf("%s emptied the cache of another visit", tt.name)
			}
		}
	}
}

// A visit that is ended while a replica reads it does not enter the cache.
func TestCacheMeetsDelete(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, forAnHour)
	other := newStore(t, client, func(c *Config) { c.CacheAge = 0 })
	hearing(t, s)
	id := created(t, s, someone())
	client.AddHook(&meanwhile{"getex", func() {
		heard := s.cache.heard()
		must(t, other.Delete(t.Context(), id))
		eventually(t, func() bool { return s.cache.heard() > heard })
	}})
	if _, ok, err := s.Cached(t.Context(), id); !ok || err != nil {
		t.Fatalf("Cached = %v, %v", ok, err) // Redis had it when it was asked
	}
	if _, ok, err := s.Cached(t.Context(), id); ok || err != nil {
		t.Errorf("Cached after the end = %v, %v", ok, err)
	}
}

// A replica that does not hear of changes must not cache. It says so once, and
// caches again when it hears again.
func TestDeaf(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	client := open(t, server.url())
	var log log
	s := newStore(t, client, func(c *Config) { forAnHour(c); c.Logger = log.logger() })
	hearing(t, s)
	id := created(t, s, someone())
	remembers(t, s, id)
	v, _ := visitOf(id)

	// The subscription breaks, and Redis refuses it, though nothing else.
	must(t, client.Do(t.Context(), "ACL", "SETUSER", "default", "-subscribe").Err())
	must(t, client.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err())
	eventually(t, func() bool { _, ok := s.cache.get(v); return !ok })
	for range 3 {
		if _, ok, err := s.Cached(t.Context(), id); !ok || err != nil {
			t.Errorf("Cached = %v, %v", ok, err)
		}
		if _, ok := s.cache.get(v); ok {
			t.Error("a deaf replica caches")
		}
	}
	eventually(t, func() bool { return strings.Contains(log.String(), "no visit is cached") })
	must(t, client.Do(t.Context(), "ACL", "SETUSER", "default", "+subscribe").Err())
	remembers(t, s, id)
	eventually(t, func() bool { return strings.Contains(log.String(), "are cached") })
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines in the log, want one for each turn:\n%s", lines, log.String())
	}
}

// Personal data leaves memory soon after it was last of use, and there is a
// bound to how much of it there is.
func TestCacheIsSwept(t *testing.T) {
	var clock clock
	c := newCache(clock.now)
	c.listening(true)
	put := func(i int, life time.Duration) {
		c.put(visit{byte(i), byte(i >> 8)}, signedIn("a"), clock.now().Add(life), c.heard())
	}
	put(1, time.Second)
	put(2, time.Minute)
	clock.forward(time.Second)
	if c.sweep(); c.visits.Len() != 1 {
		t.Errorf("%d visits are left, want 1", c.visits.Len())
	}
	for i := range cacheSize + 10 {
		put(i, time.Minute)
	}
	if c.visits.Len() != cacheSize {
		t.Errorf("%d visits are remembered, want %d", c.visits.Len(), cacheSize)
	}
}

// Close leaves nothing running, whether Redis is there or not.
func TestCloseEndsEverything(t *testing.T) {
	for name, address := range map[string]string{
		"embedded": Embedded, "redis": startRedis(t).url(), "no redis": "redis://127.0.0.1:1",
	} {
		r, err := Connect(address, (&log{}).logger())
		must(t, err)
		s := newStore(t, r.Client, nil)
		if name != "no redis" {
			hearing(t, s)
			remembers(t, s, created(t, s, someone()))
		}
		must(t, s.Close())
		must(t, s.Close())
		if s.cache.visits.Len() != 0 || s.cache.live {
			t.Errorf("%s: a closed store remembers", name)
		}
		must(t, r.Close())
		if _, _, err := s.Load(t.Context(), newID()); !errors.Is(err, journey.NoStore) {
			t.Errorf("%s: Load of a closed client = %v", name, err)
		}
	}
	var stacks strings.Builder
	eventually(t, func() bool {
		stacks.Reset()
		pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		return !strings.Contains(stacks.String(), "go-redis") && !strings.Contains(stacks.String(), "miniredis") &&
			!strings.Contains(stacks.String(), "(*Store)")
	})
}
