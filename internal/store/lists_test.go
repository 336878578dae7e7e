package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func signedIn(subject string) journey.State {
	return journey.State{Subject: subject, Created: time.Now()}
}

// ended ends all of a subject's visits and checks how many there were.
func ended(t testing.TB, s *Store, subject string, want int) {
	t.Helper()
	if n, err := s.DeleteAll(t.Context(), subject); n != want || err != nil {
		t.Errorf("DeleteAll = %d, %v, want %d", n, err, want)
	}
}

func testDeleteAll(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	stranger := created(t, s, nobody())
	theirs := created(t, s, signedIn("b"))
	old := created(t, s, signedIn("a"))
	renewed, _, err := other.Renew(t.Context(), old, unchanged) // as at completion
	must(t, err)
	first := created(t, other, signedIn("a"))
	second, _, err := s.Renew(t.Context(), created(t, s, nobody()), same(signedIn("a"))) // as at sign-in
	must(t, err)
	became := created(t, s, nobody())
	_, err = other.Change(t.Context(), became, same(signedIn("a")))
	must(t, err)

	ended(t, s, "a", 4)
	for _, id := range []string{old, renewed, first, second, became} {
		exists(t, s, id, false)
	}
	exists(t, s, stranger, true)
	exists(t, s, theirs, true)
	ended(t, s, "a", 0)
	ended(t, s, "c", 0)
	exists(t, s, theirs, true)
}

// holding is a visit signed in to, with a record.
func holding(subject, trn string) journey.State {
	state := signedIn(subject)
	state.Record.TRN = trn
	return state
}

// stale is a change that a webhook asks for.
func stale(why string) func(journey.State) (journey.State, error) {
	return func(state journey.State) (journey.State, error) {
		state.Stale = why
		return state, nil
	}
}

// isStale checks what was heard that concerns the visit.
func isStale(t testing.TB, s *Store, id, want string) {
	t.Helper()
	if state, ok, err := s.Load(t.Context(), id); state.Stale != want || !ok || err != nil {
		t.Errorf("Load = stale %q, %v, %v, want %q", state.Stale, ok, err, want)
	}
}

type changeAll func(context.Context, func(journey.State) (journey.State, error)) error

// changesAll are the calls that change all visits of subject a, with record 1.
func changesAll(s *Store) map[string]changeAll {
	return map[string]changeAll{
		"ChangeOf": func(ctx context.Context, change func(journey.State) (journey.State, error)) error {
			return s.ChangeOf(ctx, "a", change)
		},
		"ChangeOn": func(ctx context.Context, change func(journey.State) (journey.State, error)) error {
			return s.ChangeOn(ctx, "1", change)
		},
	}
}

// However a visit came to its subject or its record, it is found by them, and
// by those that it has now only.
func testChangeAll(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	theirs := map[string]string{ // visits that must stay as they are, and why
		"nobody's":         created(t, s, nobody()),
		"another's":        created(t, other, holding("b", "2")),
		"without a record": created(t, s, signedIn("c")),
	}
	moved := created(t, s, holding("a", "1")) // in both lists, but no longer theirs
	_, err := other.Change(t.Context(), moved, same(holding("b", "2")))
	must(t, err)
	theirs["moved"] = moved
	ended := created(t, s, holding("a", "1"))
	must(t, s.Delete(t.Context(), ended))

	matched, _, err := other.Renew(t.Context(), created(t, s, signedIn("a")), same(holding("a", "1"))) // as at completion
	must(t, err)
	linked := created(t, s, signedIn("a")) // as at sign-in
	_, err = s.Change(t.Context(), linked, same(holding("a", "1")))
	must(t, err)
	renewed, _, err := other.Renew(t.Context(), created(t, s, holding("a", "1")), unchanged)
	must(t, err)
	mine := []string{created(t, s, holding("a", "1")), created(t, other, holding("a", "1")), matched, linked, renewed}

	for name, changeAll := range changesAll(s) {
		runs := 0
		must(t, changeAll(t.Context(), func(state journey.State) (journey.State, error) {
			if runs++; state.Subject != "a" || state.Record.TRN != "1" {
				t.Errorf("%s: asked to change a visit of %q on %q", name, state.Subject, state.Record.TRN)
			}
			return stale(name)(state)
		}))
		if runs != len(mine) {
			t.Errorf("%s changed %d visits, want %d", name, runs, len(mine))
		}
		for _, id := range mine {
			isStale(t, other, id, name)
		}
		for why, id := range theirs {
			if state, ok, err := s.Load(t.Context(), id); state.Stale != "" || !ok || err != nil {
				t.Errorf("%s: a visit that is %s: stale %q, %v, %v", name, why, state.Stale, ok, err)
			}
		}
		exists(t, s, ended, false)
	}
	for _, none := range []string{"", "z"} {
		no := func(state journey.State) (journey.State, error) {
			t.Errorf("a visit of %q was found by %q", state.Subject, none)
			return state, nil
		}
		must(t, s.ChangeOf(t.Context(), none, no))
		must(t, s.ChangeOn(t.Context(), none, no))
	}
	must(t, s.ChangeOn(t.Context(), "2", stale("theirs")))
	isStale(t, s, moved, "theirs")
}

// Nothing is written where nothing changes, be it because change wants so or
// because it fails; and what is changed in place is changed.
func testChangeAllWrites(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	state := holding("a", "1")
	state.Identity = someone().Identity
	id := created(t, s, state)
	v, _ := visitOf(id)
	reason := errors.New("no")
	for name, changeAll := range changesAll(s) {
		before := client.Get(t.Context(), v.key()).Val()
		must(t, changeAll(t.Context(), unchanged))
		err := changeAll(t.Context(), func(state journey.State) (journey.State, error) { return someone(), reason })
		if err != reason {
			t.Errorf("%s = %v", name, err)
		}
		if after := client.Get(t.Context(), v.key()).Val(); after != before || before == "" {
			t.Errorf("%s wrote a visit that was not changed", name)
		}
		must(t, changeAll(t.Context(), func(state journey.State) (journey.State, error) {
			state.Identity.Names[0].Given[0] = name
			return state, nil
		}))
		if state, _, err := s.Load(t.Context(), id); err != nil || state.Identity.Names[0].Given[0] != name {
			t.Errorf("%s lost what was changed in place: %v, %v", name, state.Identity.Names, err)
		}
	}
}

// While visits are renewed and changed, on two replicas, all that hold the record
// are changed by a third, and no other change is lost.
func testChangeAllInParallel(t *testing.T, client redis.UniversalClient) {
	s, one, two := newStore(t, client, nil), newStore(t, client, nil), newStore(t, client, nil)
	for range 5 {
		renewed, changed := created(t, s, holding("a", "1")), created(t, s, holding("a", "1"))
		together(4, func(i int) {
			var err error
			switch i {
			case 0:
				for range 3 {
					if renewed, _, err = one.Renew(t.Context(), renewed, unchanged); err != nil {
						t.Error(err)
						return
					}
				}
			case 1:
				for range 3 {
					_, err = two.Change(t.Context(), changed, func(state journey.State) (journey.State, error) {
						state.ReturnTo += "x"
						return state, nil
					})
				}
			case 2:
				err = s.ChangeOn(t.Context(), "1", stale("on"))
			case 3:
				err = s.ChangeOf(t.Context(), "a", func(state journey.State) (journey.State, error) {
					state.Ticket = "of"
					return state, nil
				})
			}
			if err != nil {
				t.Error(err)
			}
		})
		for name, id := range map[string]string{"renewed": renewed, "changed": changed} {
			state, ok, err := s.Load(t.Context(), id)
			if state.Stale != "on" || state.Ticket != "of" || !ok || err != nil {
				t.Errorf("the visit %s meanwhile: stale %q, ticket %q, %v, %v", name, state.Stale, state.Ticket, ok, err)
			}
			if name == "changed" && state.ReturnTo != "xxx" {
				t.Errorf("a change was lost: %q", state.ReturnTo)
			}
		}
		ended(t, s, "a", 2)
	}
}

// A list of visits ends with the last of them, and what is over leaves it.
func testListsEnd(t *testing.T, client redis.UniversalClient) {
	var clock clock
	s := newStore(t, client, func(c *Config) { c.Now = clock.now })
	first := created(t, s, holding("a", "1"))
	keys := []string{onlyKey(t, client, "tr:visits-of:*"), onlyKey(t, client, "tr:visits-on:*")}
	for _, key := range keys {
		lives(t, client, key, s.AbsoluteLimit)
	}
	clock.forward(s.AbsoluteLimit + time.Second)
	state := holding("a", "1")
	state.Created = clock.now()
	second := created(t, s, state)
	v, _ := visitOf(second)
	for _, key := range keys {
		if members := client.ZRange(t.Context(), key, 0, -1).Val(); len(members) != 1 || members[0] != v.String() {
			t.Errorf("listed at %s are %v", key, members)
		}
	}
	exists(t, s, first, false)
	exists(t, s, second, true)
}

// Whatever somebody writes into a list, the visits in it can be changed and
// ended. It counts once for each call.
func testStrangeMember(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	id := created(t, s, holding("a", "1"))
	for _, list := range []string{"tr:visits-of:*", "tr:visits-on:*"} {
		must(t, client.ZAdd(t.Context(), onlyKey(t, client, list), redis.Z{Score: 0, Member: "x"}).Err())
	}
	for name, changeAll := range changesAll(s) {
		must(t, changeAll(t.Context(), stale(name)))
		isStale(t, s, id, name)
	}
	ended(t, s, "a", 1)
	exists(t, s, id, false)
	if s.Unreadable() != 3 {
		t.Errorf("%d values were unreadable", s.Unreadable())
	}
}
