package store

import (
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// returning is what most requests are of: a teacher linked before, whose
// identity was not asked for again.
func returning() journey.State {
	state := someone()
	state.Verification, state.Identity, state.NINO = journey.NotAsked, journey.Identity{}, journey.Answer{}
	return state
}

func BenchmarkCached(b *testing.B) {
	for _, bb := range []struct {
		name  string
		state journey.State
	}{{"returning", returning()}, {"just matched", someone()}} {
		b.Run(bb.name, func(b *testing.B) {
			s := newStore(b, open(b, Embedded), forAnHour)
			hearing(b, s)
			id := created(b, s, bb.state)
			remembers(b, s, id)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := s.Cached(b.Context(), id); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	server := startRedis(b)
	for name, address := range map[string]string{"tcp": server.url(), "unix": "unix://" + server.socket} {
		b.Run(name, func(b *testing.B) {
			s := newStore(b, open(b, address), func(c *Config) { c.CacheAge = 0 })
			id := created(b, s, returning())
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := s.Load(b.Context(), id); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkChange(b *testing.B) {
	s := newStore(b, open(b, startRedis(b).url()), func(c *Config) { c.CacheAge = 0 })
	id := created(b, s, someone())
	for b.Loop() {
		if _, err := s.Change(b.Context(), id, unchanged); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	keys, state := ring(b, 'a'), someone()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.seal(visitKind, "tr:visit:1", state); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	keys := ring(b, 'a')
	sealed, err := keys.seal(visitKind, "tr:visit:1", someone())
	must(b, err)
	b.SetBytes(int64(len(sealed)))
	b.ReportAllocs()
	for b.Loop() {
		var state journey.State
		if err := keys.open(visitKind, "tr:visit:1", sealed, &state); err != nil {
			b.Fatal(err)
		}
	}
}

// A request of a returning teacher costs no allocation within the cache age.
func TestCachedDoesNotAllocate(t *testing.T) {
	s := newStore(t, open(t, Embedded), forAnHour)
	hearing(t, s)
	id := created(t, s, returning())
	remembers(t, s, id)
	if n := testing.AllocsPerRun(100, func() { s.Cached(t.Context(), id) }); n >= 1 {
		t.Errorf("Cached allocates %v times", n)
	}
}
