package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// someone is a finished visit with every kind of fact in it.
func someone() journey.State {
	return journey.State{
		Browser: "browser-3f1", Created: time.Now().UTC().Round(0),
		Subject: "urn:fdc:gov.uk:2022:subject-marker", Email: "marker@example.com",
		IDToken: "id-token-marker", AuthTime: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), VOT: "Cl.Cm.P2",
		Verification: journey.Verified,
		Identity: journey.Identity{
			Names:      []journey.Name{{Given: []string{"Marker", "Anne"}, Family: []string{"O’Brien"}}, {Family: []string{"Smith"}}},
			BirthDates: []string{"1980-01-02", "1980-02-01"},
		},
		NINO:   journey.Answer{Given: true, Value: "QQ123456C", Looked: true},
		Record: journey.Record{TRN: "1234567", FirstName: "Marker", QTS: "2004-07-01"}, Confirmed: true,
		ReturnTo: "/qualifications?x=1",
	}
}

// nobody is a visit before sign-in.
func nobody() journey.State { return journey.State{Browser: "browser-9", ReturnTo: "/x"} }

func same(state journey.State) func(journey.State) (journey.State, error) {
	return func(journey.State) (journey.State, error) { return state, nil }
}

func unchanged(state journey.State) (journey.State, error) { return state, nil }

// created is the id of a new visit.
func created(t testing.TB, s *Store, state journey.State) string {
	t.Helper()
	id, err := s.Create(t.Context(), state)
	must(t, err)
	return id
}

// exists checks whether there is a visit.
func exists(t testing.TB, s *Store, id string, want bool) {
	t.Helper()
	if _, ok, err := s.Load(t.Context(), id); ok != want || err != nil {
		t.Errorf("Load = %v, %v, want %v", ok, err, want)
	}
}

// clock is a time that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

func testVisitIsKept(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	id := created(t, s, someone())
	want := someone()
	got, ok, err := s.Load(t.Context(), id)
	want.Created = got.Created
	if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
		t.Fatalf("Load = ok %v, error %v, difference:\n%s", ok, err, diff)
	}

	want.Email = "new@example.com"
	got, err = s.Change(t.Context(), id, same(want))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("Change = error %v, difference:\n%s", err, diff)
	}
	if got, _, _ := s.Load(t.Context(), id); got.Email != want.Email {
		t.Error("the change was not kept")
	}

	newID, got, err := s.Renew(t.Context(), id, same(want))
	if diff := cmp.Diff(want, got); diff != "" || err != nil || newID == id {
		t.Fatalf("Renew = error %v, difference:\n%s", err, diff)
	}
	exists(t, s, id, false)
	if _, err := s.Change(t.Context(), id, same(want)); !errors.Is(err, errGone) || journey.TroubleIn(err) != journey.StartAgain {
		t.Errorf("Change of the old id = %v", err)
	}
	if got, ok, err := s.Load(t.Context(), newID); !ok || err != nil || got.Email != want.Email {
		t.Errorf("the new id = %v, %v", ok, err)
	}

	must(t, s.Delete(t.Context(), newID))
	exists(t, s, newID, false)
	must(t, s.Delete(t.Context(), newID))
	if keys := keysOf(t, client, "tr:visit:*"); len(keys) != 0 {
		t.Errorf("%d visits are left in Redis", len(keys))
	}
}

// A cookie is whatever a stranger sends. None of these is anybody's visit, and
// Redis is not even asked.
func testStrangeID(t *testing.T, client redis.UniversalClient) {
	asked := counting(client)
	s := newStore(t, client, nil)
	id := created(t, s, someone())
	before := asked.Load()
	for _, strange := range []string{"", "x", id[1:], id + "x", " " + id[1:] + " ", strings.Repeat("a", 1<<20), "\x00\xff"} {
		exists(t, s, strange, false)
		if _, ok, err := s.Cached(t.Context(), strange); ok || err != nil {
			t.Errorf("Cached = %v, %v", ok, err)
		}
		if _, err := s.Change(t.Context(), strange, unchanged); !errors.Is(err, errGone) {
			t.Errorf("Change = %v", err)
		}
		if _, _, err := s.Renew(t.Context(), strange, unchanged); !errors.Is(err, errGone) {
			t.Errorf("Renew = %v", err)
		}
		must(t, s.Delete(t.Context(), strange))
	}
	if n := asked.Load() - before; n != 0 || before == 0 {
		t.Errorf("Redis was asked %d times for what is no id, %d times before", n, before)
	}
	// Of the right length, each is looked for and not found.
	for _, strange := range []string{strings.Repeat("*", idLen), strings.Repeat("\n", idLen), strings.Repeat("\x00", idLen), id[:idLen-1] + "!"} {
		exists(t, s, strange, false)
	}
}

func testVisitLimits(t *testing.T, client redis.UniversalClient) {
	var clock clock
	s := newStore(t, client, func(c *Config) { c.Now = clock.now })
	id := created(t, s, someone())
	key := onlyKey(t, client, "tr:visit:*")
	lives(t, client, key, s.IdleLimit)

	// Use puts the idle limit off.
	must(t, client.PExpire(t.Context(), key, time.Minute).Err())
	exists(t, s, id, true)
	lives(t, client, key, s.IdleLimit)

	// A change cannot put off the absolute limit.
	clock.forward(s.AbsoluteLimit - time.Hour)
	_, err := s.Change(t.Context(), id, unchanged)
	must(t, err)
	lives(t, client, key, time.Hour)

	// Nor can use: the visit is over though its key is not, and then both are.
	exists(t, s, id, true)
	lives(t, client, key, s.IdleLimit)
	clock.forward(time.Hour)
	revive := same(journey.State{Created: clock.now()})
	for name, over := range map[string]func() error{
		"Change": func() error { _, err := s.Change(t.Context(), id, revive); return err },
		"Renew":  func() error { _, _, err := s.Renew(t.Context(), id, revive); return err },
	} {
		if err := over(); !errors.Is(err, errGone) {
			t.Errorf("%s after the absolute limit = %v", name, err)
		}
	}
	exists(t, s, id, false)
	if keys := keysOf(t, client, "tr:visit:*"); len(keys) != 0 {
		t.Errorf("what is over is still in Redis: %v", keys)
	}

	// A change that makes it over is one too many.
	id = created(t, s, nobody())
	_, err = s.Change(t.Context(), id, same(journey.State{Created: clock.now().Add(-s.AbsoluteLimit)}))
	if !errors.Is(err, errGone) {
		t.Errorf("Change to a visit that is over = %v", err)
	}

	// Before sign-in there is only the idle limit.
	id = created(t, s, nobody())
	clock.forward(100 * s.AbsoluteLimit)
	exists(t, s, id, true)
}

// Redis ends what nobody uses, without being asked; the embedded one as well.
func testKeysExpire(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, func(c *Config) { c.IdleLimit, c.CacheAge = 50*time.Millisecond, 0 })
	id := created(t, s, someone())
	eventually(t, func() bool { return len(keysOf(t, client, "tr:visit:*")) == 0 })
	exists(t, s, id, false)
	if _, err := s.Change(t.Context(), id, unchanged); !errors.Is(err, errGone) {
		t.Errorf("Change = %v", err)
	}
}

// together runs f n times at once, and waits.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() { <-start; f(i) })
	}
	close(start)
	all.Wait()
}

// Everybody adds a fact at once, on two replicas, while others look on: none is
// lost.
func testChangesInParallel(t *testing.T, client redis.UniversalClient) {
	replicas := []*Store{newStore(t, client, nil), newStore(t, client, nil)}
	id := created(t, replicas[0], someone())
	const n = 12
	together(n, func(i int) {
		s := replicas[i%2]
		if _, _, err := s.Load(t.Context(), id); err != nil {
			t.Error(err)
		}
		_, err := s.Change(t.Context(), id, func(state journey.State) (journey.State, error) {
			state.ReturnTo += fmt.Sprintf(" %d.", i)
			return state, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	state, _, _ := replicas[0].Load(t.Context(), id)
	for i := range n {
		if !strings.Contains(state.ReturnTo, fmt.Sprintf(" %d.", i)) {
			t.Errorf("change %d was lost: %q", i, state.ReturnTo)
		}
	}
}

func testChangeFails(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	id := created(t, s, nobody())
	reason := errors.New("no")
	fail := func(state journey.State) (journey.State, error) { return someone(), reason }
	if _, err := s.Change(t.Context(), id, fail); err != reason {
		t.Errorf("Change = %v", err)
	}
	if _, _, err := s.Renew(t.Context(), id, fail); err != reason {
		t.Errorf("Renew = %v", err)
	}
	// A subject without the time of its sign-in could never be ended.
	timeless := func(state journey.State) (journey.State, error) { state.Subject = "s"; return state, nil }
	if _, err := s.Change(t.Context(), id, timeless); err == nil || errors.Is(err, journey.NoStore) {
		t.Errorf("Change to a subject without a time = %v", err)
	}
	if got, _, err := s.Load(t.Context(), id); cmp.Diff(nobody(), got) != "" || err != nil {
		t.Errorf("the visit is now %v, %v", got, err)
	}
	if keys := keysOf(t, client, "tr:*"); len(keys) != 1 {
		t.Errorf("a change that failed left %v", keys)
	}
}

// Of those that renew a visit at once, one gets the new id.
func testRenewInParallel(t *testing.T, client redis.UniversalClient) {
	replicas := []*Store{newStore(t, client, nil), newStore(t, client, nil)}
	id := created(t, replicas[0], someone())
	var won atomic.Int64
	var winner atomic.Value
	together(8, func(i int) {
		newID, state, err := replicas[i%2].Renew(t.Context(), id, unchanged)
		switch {
		case err == nil && state.Subject == someone().Subject:
			won.Add(1)
			winner.Store(newID)
		case !errors.Is(err, errGone) || newID != "":
			t.Errorf("Renew = %q, %v", newID, err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d renewed the visit, not one", won.Load())
	}
	exists(t, replicas[0], id, false)
	exists(t, replicas[1], winner.Load().(string), true)
	if keys := keysOf(t, client, "tr:visit:*"); len(keys) != 1 {
		t.Errorf("%d visits are left", len(keys))
	}
}

// A replica reads the visit just before another changes it: the change runs
// again, on what the other made of it.
func testChangeRunsAgain(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	id := created(t, s, someone())
	runs := 0
	_, err := s.Change(t.Context(), id, func(state journey.State) (journey.State, error) {
		if runs++; runs == 1 {
			_, err := other.Change(t.Context(), id, func(state journey.State) (journey.State, error) {
				state.Ticket = "theirs"
				return state, nil
			})
			must(t, err)
		}
		state.ReturnTo = "/ours"
		return state, nil
	})
	must(t, err)
	if got, _, _ := s.Load(t.Context(), id); runs != 2 || got.Ticket != "theirs" || got.ReturnTo != "/ours" {
		t.Errorf("after %d runs: ticket %q, return to %q", runs, got.Ticket, got.ReturnTo)
	}
	// The same, but the visit is ended.
	_, _, err = s.Renew(t.Context(), id, func(state journey.State) (journey.State, error) {
		return state, other.Delete(t.Context(), id)
	})
	if !errors.Is(err, errGone) {
		t.Errorf("Renew of what was ended meanwhile = %v", err)
	}
	if keys := keysOf(t, client, "tr:visit:*"); len(keys) != 0 {
		t.Errorf("an ended visit came back: %v", keys)
	}
}

// With a single connection nothing may hold it while asking for another.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	s := newStore(t, open(t, startRedis(t).url()+"?pool_size=1"), nil)
	id := created(t, s, nobody())
	ctx, cancel := context.WithTimeout(t.Context(), poolTimeout)
	defer cancel()
	id, _, err := s.Renew(ctx, id, same(someone()))
	must(t, err)
	together(4, func(int) {
		if _, err := s.Change(ctx, id, unchanged); err != nil {
			t.Error(err)
		}
	})
	n, err := s.DeleteAll(ctx, someone().Subject)
	if n != 1 || err != nil {
		t.Errorf("DeleteAll = %d, %v", n, err)
	}
}

// A pooled connection that turns out to be dead is not felt by a change either,
// though its transaction is bound to it.
func TestChangeOverBrokenConnection(t *testing.T) {
	t.Parallel()
	address := "redis://" + breakOnce(t, startRedis(t), "watch", false)
	s := newStore(t, open(t, address), func(c *Config) { c.CacheAge = 0 })
	id := created(t, s, nobody())
	_, err := s.Change(t.Context(), id, same(someone()))
	must(t, err)
}
