package onelogin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// shelf is a document of numbered editions whose provider does as it is told. Its
// tests run in a synctest bubble, where time passes only when all are waiting.
type shelf struct {
	*document[int]
	log     lockedBuffer
	fetched atomic.Int64                                     // how many fetches began
	answer  func(n int) (edition int, age string, err error) // the nth fetch; age is Cache-Control
}

func newShelf(answer func(n int) (int, string, error)) *shelf {
	s := &shelf{answer: answer}
	rp := &RelyingParty{cfg: Config{Now: time.Now, Logger: slog.New(slog.NewTextHandler(&s.log, nil))}}
	s.document = newDocument(rp, "document of the tests", func(ctx context.Context) (int, http.Header, error) {
		edition, age, err := s.answer(int(s.fetched.Add(1)))
		if err == nil {
			err = ctx.Err()
		}
		return edition, http.Header{"Cache-Control": {age}}, err
	})
	return s
}

// hundred is good for 100 seconds, in as many editions as are asked for.
func hundred(n int) (int, string, error) { return n, "max-age=100", nil }

func (s *shelf) want(t *testing.T, edition, fetched int) {
	t.Helper()
	got, err := s.get(t.Context())
	synctest.Wait() // for a refresh nobody waits for
	if err != nil || got != edition {
		t.Errorf("got edition %d, %v; want %d", got, err, edition)
	}
	if n := int(s.fetched.Load()); n != fetched {
		t.Errorf("fetched %d times, want %d", n, fetched)
	}
}

func TestDocumentLife(t *testing.T) {
	t.Run("row 2: used for as long as max-age says", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(hundred)
			s.want(t, 1, 1)
			pass(79 * time.Second)
			s.want(t, 1, 1)
		})
	})
	t.Run("row 2: refreshed early, and nobody waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(hundred)
			s.want(t, 1, 1)
			pass(80 * time.Second)
			s.want(t, 1, 2) // the old one, while the new one comes
			s.want(t, 2, 2)
		})
	})
	t.Run("row 2: expired, everybody gets the new one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(hundred)
			s.want(t, 1, 1)
			pass(100 * time.Second)
			s.want(t, 2, 2)
		})
	})
	t.Run("row 2: max-age=0 is a second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(func(n int) (int, string, error) { return n, "max-age=0", nil })
			for range 10 {
				s.want(t, 1, 1)
			}
			pass(time.Second)
			s.want(t, 2, 2)
		})
	})
	t.Run("row 2: an expired copy is trusted while refresh fails, for days", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			down := errors.New("down")
			s := newShelf(func(n int) (int, string, error) {
				if n == 1 || n == 4 {
					return hundred(n)
				}
				return 0, "", down
			})
			s.want(t, 1, 1)
			pass(72 * time.Hour)
			s.want(t, 1, 2)
			pass(time.Second)
			s.want(t, 1, 3)
			pass(2 * time.Second)
			s.want(t, 4, 4)
			if n := strings.Count(s.log.String(), "could not refresh"); n != 2 {
				t.Errorf("%d warnings, want 2:\n%s", n, &s.log)
			}
		})
	})
	t.Run("row 2: an expired copy is used when the new one dawdles", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(func(n int) (int, string, error) {
				if n > 1 {
					pass(10 * time.Second)
				}
				return hundred(n)
			})
			s.want(t, 1, 1)
			pass(200 * time.Second)
			began := time.Now()
			if got, err := s.get(t.Context()); got != 1 || err != nil || time.Since(began) != patience {
				t.Errorf("got edition %d, %v after %v", got, err, time.Since(began))
			}
			pass(10 * time.Second)
			s.want(t, 2, 2)
		})
	})
	t.Run("none at hand: unreachable, and the caller's own patience counts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(func(n int) (int, string, error) { pass(time.Minute); return hundred(n) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := s.get(ctx)
			if journey.TroubleIn(err) != journey.Unreachable || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			pass(time.Minute)
			s.want(t, 1, 1) // what the impatient caller asked for came all the same
		})
	})
	t.Run("many at once: one fetch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(func(n int) (int, string, error) { pass(time.Second); return hundred(n) })
			for range 50 {
				go s.get(t.Context())
			}
			synctest.Wait()
			pass(time.Second)
			s.want(t, 1, 1)
		})
	})
}

// TestDocumentLate: row 2: who looked before a refresh landed and asks after does
// not cause another.
func TestDocumentLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(hundred)
		s.want(t, 1, 1)
		landed := <-s.refresh(t.Context(), 0) // as seen before the first landed
		if landed.Val != 1 || landed.Err != nil || s.fetched.Load() != 1 {
			t.Errorf("edition %v after %d fetches: %v", landed.Val, s.fetched.Load(), landed.Err)
		}
	})
}

// TestDocumentBackOff: while One Login is down it is asked ever more rarely, a
// minute at most, however many people come.
func TestDocumentBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(func(int) (int, string, error) { return 0, "", errors.New("down") })
		began := time.Now()
		var attempts []int
		for time.Since(began) < 5*time.Minute {
			before := s.fetched.Load()
			if _, err := s.get(t.Context()); journey.TroubleIn(err) != journey.Unreachable || !strings.Contains(err.Error(), "down") {
				t.Fatalf("error %v", err)
			}
			if s.fetched.Load() > before {
				attempts = append(attempts, int(time.Since(began).Seconds()))
			}
			pass(time.Second)
		}
		want := []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
		if !slices.Equal(attempts, want) {
			t.Errorf("asked after %v seconds, want %v", attempts, want)
		}
	})
}

// TestDocumentNewer: row 4: what is not listed is looked for once more, at most
// once a minute.
func TestDocumentNewer(t *testing.T) {
	t.Run("row 4: at most once a minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(hundred)
			s.want(t, 1, 1)
			for second, edition := range []int{0: 2, 1: 2, 59: 2, 60: 3, 61: 3, 119: 3, 120: 4} {
				if edition != 0 {
					if got := s.newer(t.Context()); got != edition {
						t.Errorf("after %d seconds edition %d, want %d", second, got, edition)
					}
				}
				pass(time.Second)
			}
		})
	})
	t.Run("row 4: whoever comes meanwhile waits for the same fetch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(func(n int) (int, string, error) { pass(5 * time.Second); return hundred(n) })
			s.get(t.Context())
			got := make(chan int, 50)
			for range cap(got) {
				go func() { got <- s.newer(t.Context()) }()
				pass(10 * time.Millisecond)
			}
			for range cap(got) {
				if edition := <-got; edition != 2 {
					t.Errorf("edition %d, want 2", edition)
				}
			}
			if n := s.fetched.Load(); n != 2 {
				t.Errorf("fetched %d times, want 2", n)
			}
		})
	})
	t.Run("row 4: nobody waits longer than their own request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(func(n int) (int, string, error) {
				if n > 1 {
					pass(15 * time.Second)
				}
				return hundred(n)
			})
			s.want(t, 1, 1)
			began := time.Now()
			for range 2 { // the one that began the fetch, and one that came after
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				if got := s.newer(ctx); got != 1 {
					t.Errorf("edition %d, want 1", got)
				}
				cancel()
			}
			if took := time.Since(began); took != 2*time.Second {
				t.Errorf("took %v, want 2s", took)
			}
			// One who can wait gets what the impatient ones asked for.
			if got := s.newer(t.Context()); got != 2 {
				t.Errorf("edition %d, want 2", got)
			}
		})
	})
	t.Run("row 4: a fetch that fails leaves the copy, and the minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(func(n int) (int, string, error) {
				if n > 1 {
					return 0, "", errors.New("down")
				}
				return hundred(n)
			})
			s.want(t, 1, 1)
			for range 3 {
				if got := s.newer(t.Context()); got != 1 || s.fetched.Load() != 2 {
					t.Errorf("edition %d after %d fetches, want 1 after 2", got, s.fetched.Load())
				}
			}
		})
	})
}

// TestLifetime: row 2: what Cache-Control and Age make of a document's life.
func TestLifetime(t *testing.T) {
	for _, row := range []struct {
		cache, age string
		want       time.Duration
	}{
		{"max-age=86400", "", 24 * time.Hour},
		{"private, max-age=3600", "", time.Hour},
		{"max-age=3600", "600", 50 * time.Minute},
		{"max-age=3600", "4000", shortest},
		{"max-age=3600", "soon", time.Hour},
		{"Max-Age=60, public", "", time.Minute},
		{`max-age="60"`, "", time.Minute},
		{"max-age=0", "", shortest},
		{"max-age=99999999", "", longest},
		{"", "", defaultLife},
		{"public", "", defaultLife},
		{"max-age", "", defaultLife},
		{"max-age=-1", "", defaultLife},
		{"max-age=1e3", "", defaultLife},
		{"max-age=99999999999999999999", "", defaultLife},
		{"no-store", "", shortest},
		{"no-cache, max-age=3600", "", shortest},
	} {
		h := http.Header{}
		h.Set("Cache-Control", row.cache)
		h.Set("Age", row.age)
		if got := lifetime(h); got != row.want {
			t.Errorf("Cache-Control %q, Age %q: %v, want %v", row.cache, row.age, got, row.want)
		}
	}
}

// pass lets d of the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }
