package store

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func rounds(t testing.TB, s *Store, id string, want int) {
	t.Helper()
	if n, err := s.Rounds(t.Context(), id); n != want || err != nil {
		t.Errorf("Rounds = %d, %v, want %d", n, err, want)
	}
}

func testRounds(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	id := created(t, s, someone())
	rounds(t, s, id, 0)
	must(t, s.KeepRound(t.Context(), id, 2))
	lives(t, client, onlyKey(t, client, "tr:round:*"), time.Minute)

	// It is asked for when the visit is gone, on any replica.
	must(t, s.Delete(t.Context(), id))
	rounds(t, other, id, 2)
	rounds(t, other, id, 2)
	must(t, other.KeepRound(t.Context(), id, 3))
	rounds(t, s, id, 3)
	rounds(t, s, newID(), 0)

	key := onlyKey(t, client, "tr:round:*")
	must(t, client.PExpire(t.Context(), key, time.Millisecond).Err())
	eventually(t, func() bool { return client.Exists(t.Context(), key).Val() == 0 })
	rounds(t, s, id, 0)

	for _, strange := range []string{"", id[1:], strings.Repeat("x", 1<<20)} {
		must(t, s.KeepRound(t.Context(), strange, 1))
		rounds(t, s, strange, 0)
	}
	if keys := keysOf(t, client, "tr:round:*"); len(keys) != 0 {
		t.Errorf("a round was kept for what is no id: %v", keys)
	}
	must(t, client.Set(t.Context(), key, "many", 0).Err())
	rounds(t, s, id, 0)
	if s.Unreadable() != 1 {
		t.Errorf("%d values were unreadable", s.Unreadable())
	}
}
