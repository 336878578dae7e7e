package store

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// attempt counts a lookup and checks whether it is allowed.
func attempt(t testing.TB, s *Store, subject string, want bool) {
	t.Helper()
	if ok, err := s.Attempt(t.Context(), subject); ok != want || err != nil {
		t.Errorf("Attempt = %v, %v, want %v", ok, err, want)
	}
}

// Five lookups are five lookups, over all replicas and at once.
func testAttempts(t *testing.T, client redis.UniversalClient) {
	replicas := []*Store{newStore(t, client, nil), newStore(t, client, nil), newStore(t, client, nil)}
	var allowed atomic.Int64
	together(12, func(i int) {
		ok, err := replicas[i%3].Attempt(t.Context(), "a")
		if err != nil {
			t.Error(err)
		}
		if ok {
			allowed.Add(1)
		}
	})
	if allowed.Load() != int64(replicas[0].LookupLimit) {
		t.Errorf("%d lookups were allowed", allowed.Load())
	}
	attempt(t, replicas[0], "a", false)
	attempt(t, replicas[0], "b", true)
}

// The window begins with the first lookup, and nothing prolongs it.
func testAttemptsWindow(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, func(c *Config) { c.LookupLimit = 1 })
	attempt(t, s, "a", true)
	key := onlyKey(t, client, "tr:attempts:*")
	lives(t, client, key, s.LookupWindow)
	must(t, client.PExpire(t.Context(), key, time.Hour).Err()) // as if time had passed
	attempt(t, s, "a", false)
	lives(t, client, key, time.Hour)

	must(t, client.PExpire(t.Context(), key, time.Millisecond).Err())
	eventually(t, func() bool { return client.Exists(t.Context(), key).Val() == 0 })
	attempt(t, s, "a", true)
	attempt(t, s, "a", false)
	lives(t, client, key, s.LookupWindow)
}

// What is given back can be used again, and no more than was counted.
func testGiveBack(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, func(c *Config) { c.LookupLimit = 2 })
	must(t, s.GiveBack(t.Context(), "a"))
	attempt(t, s, "a", true)
	attempt(t, s, "a", true)
	attempt(t, s, "a", false)
	must(t, s.GiveBack(t.Context(), "a"))
	must(t, s.GiveBack(t.Context(), "a"))
	attempt(t, s, "a", true)
	attempt(t, s, "a", false)
	for _, key := range client.Keys(t.Context(), "tr:attempts:*").Val() {
		if left := client.TTL(t.Context(), key).Val(); left <= 0 {
			t.Errorf("a count lives for %s", left)
		}
	}
}
