package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func withSecrets(fills ...byte) func(*Config) {
	return func(c *Config) {
		c.Secrets = nil
		for _, fill := range fills {
			c.Secrets = append(c.Secrets, secret(fill))
		}
	}
}

// testRotation replaces the secret a by b in the three steps that Config
// describes, on two replicas of which one is always a step ahead. Whatever
// either keeps, at any time, both find, and nobody is signed out.
func testRotation(t *testing.T, client redis.UniversalClient) {
	steps := [][]byte{{'a'}, {'a', 'b'}, {'b', 'a'}, {'b'}}
	behind := newStore(t, client, withSecrets('a'))
	// One visit and one link from before, and one more of each in every step.
	people := []string{"before"}
	ids := map[string]string{"before": created(t, behind, signedIn("before"))}
	must(t, behind.SetLink(t.Context(), issuer, "before", journey.Link{TRN: "before"}))

	for step := 1; step < len(steps); step++ {
		if step == 3 { // the old secret goes: everything must have left it
			moved, err := behind.Move(t.Context())
			if moved == 0 || err != nil {
				t.Errorf("Move = %d, %v", moved, err)
			}
			if again, err := behind.Move(t.Context()); again != 0 || err != nil {
				t.Errorf("Move again = %d, %v", again, err)
			}
			for person, id := range ids { // as use does within the absolute limit
				newID, _, err := behind.Renew(t.Context(), id, unchanged)
				must(t, err)
				ids[person] = newID
			}
		}
		ahead := newStore(t, client, withSecrets(steps[step]...))
		replicas := []*Store{behind, ahead}
		for i, s := range replicas {
			person := string(steps[step]) + string(rune('0'+i))
			people = append(people, person)
			ids[person] = created(t, s, signedIn(person))
			must(t, s.SetLink(t.Context(), issuer, person, journey.Link{TRN: person}))
			must(t, s.KeepFlow(t.Context(), journey.Flow{State: person}))
			if _, ok, err := replicas[1-i].TakeFlow(t.Context(), person); !ok || err != nil {
				t.Errorf("step %d: a flow kept by %d = %v, %v", step, i, ok, err)
			}
		}
		for i, s := range replicas {
			for _, person := range people {
				exists(t, s, ids[person], true)
				linked(t, s, issuer, person, person)
				newID, _, err := s.Renew(t.Context(), ids[person], unchanged)
				must(t, err)
				exists(t, replicas[1-i], newID, true)
				ids[person] = newID
			}
		}
		behind = ahead
	}
	if n := behind.Unreadable(); n != 0 {
		t.Errorf("%d values cannot be read", n)
	}
	if keys := keysOf(t, client, "tr:link:*"); len(keys) != len(people) {
		t.Errorf("%d links for %d people", len(keys), len(people))
	}
}

// In the midst of a rotation, all of a subject's visits change and end, by
// whichever replica they were made, lookups made at one count at the other, and
// what one was told the other knows.
func testRotationHalfway(t *testing.T, client redis.UniversalClient) {
	behind, ahead := newStore(t, client, withSecrets('a', 'b')), newStore(t, client, withSecrets('b', 'a'))
	for _, s := range []*Store{behind, ahead} {
		ids := []string{created(t, behind, holding("a", "1")), created(t, ahead, holding("a", "1"))}
		for name, changeAll := range changesAll(s) {
			must(t, changeAll(t.Context(), stale(name)))
			for _, id := range ids {
				isStale(t, s, id, name)
			}
		}
		ended(t, s, "a", 2)
	}
	for i := range behind.LookupLimit {
		attempt(t, []*Store{behind, ahead}[i%2], "a", true)
	}
	attempt(t, behind, "a", false)
	attempt(t, ahead, "a", false)
	attempt(t, newStore(t, client, withSecrets('b', 'a')), "a", false)

	at := time.Now()
	for i, s := range []*Store{behind, ahead} {
		other := []*Store{ahead, behind}[i]
		id := string(rune('0' + i))
		see(t, s, "event", id, true)
		see(t, other, "event", id, false)
		seen(t, other, "event", id, true)
		latest(t, s, "record", id, at, true)
		latest(t, other, "record", id, at.Add(-time.Second), false)
		latest(t, other, "record", id, at, true)
		latest(t, other, "record", id, at.Add(time.Second), true)
		latest(t, s, "record", id, at, false)
		latest(t, s, "record", id, at.Add(time.Second), true)
	}

	// What one relinks or removes is not hidden by what the other had.
	must(t, behind.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "old"}))
	must(t, ahead.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "new"}))
	linked(t, behind, issuer, "a", "new")
	must(t, behind.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "newer"}))
	linked(t, ahead, issuer, "a", "newer")
	must(t, ahead.RemoveLink(t.Context(), issuer, "a"))
	linked(t, behind, issuer, "a", "")
	linked(t, ahead, issuer, "a", "")
}

// Another secret than the one that sealed: nothing is found, nothing is lost.
func testOtherSecret(t *testing.T, client redis.UniversalClient) {
	s, stranger := newStore(t, client, withSecrets('a')), newStore(t, client, withSecrets('b'))
	id := created(t, s, signedIn("a"))
	must(t, s.SetLink(t.Context(), issuer, "a", someLink()))
	exists(t, stranger, id, false)
	if _, err := stranger.Change(t.Context(), id, unchanged); !errors.Is(err, errGone) {
		t.Errorf("Change = %v", err)
	}
	must(t, stranger.ChangeOf(t.Context(), "a", stale("a stranger's")))
	linked(t, stranger, issuer, "a", "")
	ended(t, stranger, "a", 0)
	if moved, err := stranger.Move(t.Context()); moved != 0 || err != nil {
		t.Errorf("Move = %d, %v", moved, err)
	}
	exists(t, s, id, true)
	linked(t, s, issuer, "a", someLink().TRN)
}

// A link that is removed while Move has it in hand stays removed, and one that is
// made anew wins: also by a replica on which the older secret was removed too soon,
// which knows of nothing to lock.
func TestMoveMeetsChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		secrets string
		command string // of Move, after which it happens
		change  func(context.Context, *Store) error
		want    string
	}{
		{"removed", "ba", "get", func(ctx context.Context, s *Store) error { return s.RemoveLink(ctx, issuer, "a") }, ""},
		{"relinked", "ba", "get", func(ctx context.Context, s *Store) error {
			return s.SetLink(ctx, issuer, "a", journey.Link{TRN: "new"})
		}, "new"},
		{"removed too soon", "b", "pttl", func(ctx context.Context, s *Store) error { return s.RemoveLink(ctx, issuer, "a") }, ""},
		{"relinked too soon", "b", "pttl", func(ctx context.Context, s *Store) error {
			return s.SetLink(ctx, issuer, "a", journey.Link{TRN: "new"})
		}, "new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := open(t, Embedded)
			before := newStore(t, client, func(c *Config) { noCache(c); withSecrets('a')(c) })
			must(t, before.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "old"}))
			s := newStore(t, client, func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
			other := newStore(t, client, func(c *Config) { noCache(c); withSecrets([]byte(tt.secrets)...)(c) })
			client.AddHook(&meanwhile{tt.command, func() { must(t, tt.change(t.Context(), other)) }})
			_, err := s.Move(t.Context())
			must(t, err)
			linked(t, s, issuer, "a", tt.want)
		})
	}
}

// More links than a page of SCAN holds, some already moved.
func testMoveManyLinks(t *testing.T, client redis.UniversalClient) {
	before, s := newStore(t, client, withSecrets('a')), newStore(t, client, withSecrets('b', 'a'))
	const n = 250
	for i := range n {
		must(t, before.SetLink(t.Context(), issuer, string(rune(i)), journey.Link{TRN: string(rune(i))}))
	}
	must(t, s.SetLink(t.Context(), issuer, "moved", someLink()))
	if moved, err := s.Move(t.Context()); moved != n || err != nil {
		t.Errorf("Move = %d, %v", moved, err)
	}
	after := newStore(t, client, withSecrets('b'))
	for i := range n {
		linked(t, after, issuer, string(rune(i)), string(rune(i)))
	}
}

// TestBegin: what lies under an older secret moves by itself, once begun.
func TestBegin(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	must(t, newStore(t, client, withSecrets('a')).SetLink(t.Context(), issuer, "a", someLink()))
	s := newStore(t, client, withSecrets('b', 'a'))
	s.begun = false
	s.Begin()
	s.Begin()
	after := newStore(t, client, withSecrets('b'))
	for {
		_, found, err := after.Link(t.Context(), issuer, "a")
		must(t, err)
		if found {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the link was not moved")
		case <-time.After(time.Millisecond):
		}
	}
	must(t, s.Close())
	s.Begin() // too late: nothing begins
}
