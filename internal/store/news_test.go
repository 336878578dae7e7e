package store

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// see checks whether it is seen for the first time.
func see(t testing.TB, s *Store, kind, id string, want bool) {
	t.Helper()
	if first, err := s.See(t.Context(), kind, id, time.Hour); first != want || err != nil {
		t.Errorf("See(%s, %s) = %v, %v, want %v", kind, id, first, err, want)
	}
}

// seen checks whether it was seen.
func seen(t testing.TB, s *Store, kind, id string, want bool) {
	t.Helper()
	if was, err := s.Seen(t.Context(), kind, id); was != want || err != nil {
		t.Errorf("Seen(%s, %s) = %v, %v, want %v", kind, id, was, err, want)
	}
}

// latest checks whether nothing later was told of.
func latest(t testing.TB, s *Store, kind, id string, at time.Time, want bool) {
	t.Helper()
	if is, err := s.Latest(t.Context(), kind, id, at); is != want || err != nil {
		t.Errorf("Latest(%s, %s, %v) = %v, %v, want %v", kind, id, at, is, err, want)
	}
}

// apart are pairs of kind and id of which none may be taken for another.
var apart = [][2]string{
	{"event", "1"}, {"event", "2"}, {"event", ""}, {"logout", "1"}, {"event", "1*"}, {"event", "1:1"}, {"event:1", "1"},
	{"event", "é\x00\r\n"}, {"event", strings.Repeat("1", 1<<16)},
}

// What many see at once, on all replicas, is seen first by one of them.
func testSeen(t *testing.T, client redis.UniversalClient) {
	replicas := []*Store{newStore(t, client, nil), newStore(t, client, nil), newStore(t, client, nil)}
	s := replicas[0]
	seen(t, s, "event", "1", false)
	var first atomic.Int64
	together(9, func(i int) {
		is, err := replicas[i%3].See(t.Context(), "event", "1", time.Hour)
		if err != nil {
			t.Error(err)
		}
		if is {
			first.Add(1)
		}
	})
	if first.Load() != 1 {
		t.Errorf("%d were the first", first.Load())
	}
	for _, pair := range apart[1:] {
		seen(t, s, pair[0], pair[1], false)
		see(t, s, pair[0], pair[1], true)
	}
	for _, pair := range apart {
		seen(t, replicas[1], pair[0], pair[1], true)
		see(t, replicas[1], pair[0], pair[1], false)
	}

	// Nobody can tell that the same id lies under two kinds.
	key := onlyKey(t, client, "tr:seen:logout:*")
	if same := keysOf(t, client, "tr:seen:event:"+strings.TrimPrefix(key, "tr:seen:logout:")); len(same) != 0 {
		t.Errorf("%v and %s show the same id", same, key)
	}
	lives(t, client, key, time.Hour)
	must(t, client.PExpire(t.Context(), key, time.Minute).Err())
	see(t, s, "logout", "1", false)
	lives(t, client, key, time.Minute) // nothing prolongs it
	must(t, client.PExpire(t.Context(), key, time.Millisecond).Err())
	eventually(t, func() bool { return client.Exists(t.Context(), key).Val() == 0 })
	seen(t, s, "logout", "1", false)
	see(t, s, "logout", "1", true)

	for _, life := range []time.Duration{0, -time.Second} {
		if first, err := s.See(t.Context(), "event", "3", life); first || err == nil {
			t.Errorf("See for %v = %v, %v", life, first, err)
		}
	}
	seen(t, s, "event", "3", false)
}

// Whatever order things are told in, what is older than what was told is not the
// latest, on any replica; and what is told again is.
func testLatest(t *testing.T, client redis.UniversalClient) {
	replicas := []*Store{newStore(t, client, nil), newStore(t, client, nil)}
	s, other := replicas[0], replicas[1]
	for _, at := range []time.Time{
		time.Date(2026, 5, 4, 3, 2, 1, 123456700, time.UTC),
		time.Date(2254, 12, 31, 23, 59, 59, 999999000, time.UTC), // the last year of exact scores
		time.Unix(0, 0),
	} {
		id := at.String()
		latest(t, s, "record", id, at, true)
		latest(t, other, "record", id, at, true)
		latest(t, other, "record", id, at.Truncate(time.Microsecond), true)
		latest(t, other, "record", id, at.In(time.FixedZone("", 3600)), true)
		latest(t, other, "record", id, at.Add(-time.Microsecond), false)
		latest(t, s, "record", id, at.Add(-time.Hour), false)
		latest(t, s, "record", id, at, true) // what is older changed nothing
		latest(t, other, "record", id, at.Add(time.Microsecond), true)
		latest(t, s, "record", id, at, false)
		latest(t, s, "record", id, time.Time{}, false)
		latest(t, s, "record", id, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), true)
		latest(t, s, "record", id, at.AddDate(1, 0, 0), false)
	}

	now := time.Now()
	for _, pair := range apart {
		latest(t, s, pair[0], pair[1], now, true)
	}
	for i, pair := range apart {
		at := now.Add(time.Duration(-i) * time.Hour) // but for the first, older
		latest(t, other, pair[0], pair[1], at, i == 0)
	}

	// In any order and at once: nothing is the latest after something later was.
	const n = 20
	var newest atomic.Int64
	order := rand.Perm(n)
	together(n, func(i int) {
		told := newest.Load()
		at := now.Add(time.Duration(order[i]) * time.Microsecond)
		is, err := replicas[i%2].Latest(t.Context(), "link", "a", at)
		switch {
		case err != nil:
			t.Error(err)
		case is && at.UnixMicro() < told, !is && order[i] == n-1:
			t.Errorf("Latest of number %d = %v", order[i], is)
		}
		for at := at.UnixMicro(); ; {
			told := newest.Load()
			if at <= told || newest.CompareAndSwap(told, at) {
				break
			}
		}
	})
	latest(t, s, "link", "a", now.Add((n-1)*time.Microsecond), true)
	latest(t, s, "link", "a", now.Add((n-2)*time.Microsecond), false)

	// It is remembered for four days after anything was told.
	key := onlyKey(t, client, "tr:latest:link:*")
	lives(t, client, key, 4*24*time.Hour)
	must(t, client.PExpire(t.Context(), key, time.Minute).Err())
	latest(t, s, "link", "a", now, false)
	lives(t, client, key, 4*24*time.Hour)
	must(t, client.PExpire(t.Context(), key, time.Millisecond).Err())
	eventually(t, func() bool { return client.Exists(t.Context(), key).Val() == 0 })
	latest(t, s, "link", "a", now, true)
}

// What is new stays new when the connection breaks, before or after Redis heard
// of it: to take it for a repetition would be to lose it.
func TestSeeOverBrokenConnection(t *testing.T) {
	t.Parallel()
	for name, passOn := range map[string]bool{"the command is lost": false, "the answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			address := "redis://" + breakOnce(t, startRedis(t), "tr:seen:", passOn)
			s := newStore(t, open(t, address), noCache)
			see(t, s, "event", "1", true)
			see(t, s, "event", "1", false)
		})
	}
}

// What was seen and is over at the moment it is looked at was seen.
func TestSeeMeetsEnd(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, noCache)
	see(t, s, "event", "1", true)
	client.AddHook(&meanwhile{"set", func() { must(t, client.FlushAll(t.Context()).Err()) }})
	see(t, s, "event", "1", false)
	see(t, s, "event", "1", true)
}
