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

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// What becomes of files, and of links, while the secrets are rotated.

// Read under the old secret, changed to lie under the new, in the steps that
// Config describes.
func testFileRotation(t *testing.T, client redis.UniversalClient) {
	before := newStore(t, client, withSecrets('a'))
	write(t, before, "a", note{Text: "a", Keep: time.Hour})
	old := onlyKey(t, client, "tr:ticket:*")

	s := newStore(t, client, withSecrets('b', 'a'))
	says(t, s, "a", "a")
	_, err := notes(s).Change(t.Context(), "a", func(n note, found bool) (note, error) {
		if n.Text != "a" || !found {
			t.Errorf("before the change there is %q, %v", n.Text, found)
		}
		n.Text = "b"
		return n, nil
	})
	must(t, err)
	now := onlyKey(t, client, "tr:ticket:*")
	if now == old {
		t.Error("a changed file lies under the old secret")
	}
	lives(t, client, now, time.Hour)
	says(t, newStore(t, client, withSecrets('b')), "a", "b")
	says(t, newStore(t, client, withSecrets('a')), "a", "") // and is nowhere else

	// What is removed under one is not there under the other.
	write(t, before, "b", note{Text: "b"})
	must(t, notes(s).Remove(t.Context(), "b"))
	says(t, s, "b", "")
	says(t, newStore(t, client, withSecrets('a', 'b')), "b", "")
	if s.Unreadable() != 0 {
		t.Errorf("%d cannot be read", s.Unreadable())
	}
}

// Move takes files of every kind, and what they have left to live.
func testMoveFiles(t *testing.T, client redis.UniversalClient) {
	before, s := newStore(t, client, withSecrets('a')), newStore(t, client, withSecrets('b', 'a'))
	for kind := range fileKinds {
		for _, n := range []note{{Text: string(kind)}, {Text: string(kind), Keep: time.Hour}} {
			_, err := FilesOf[note](before, kind).Change(t.Context(), n.Keep.String(), func(note, bool) (note, error) { return n, nil })
			must(t, err)
		}
	}
	must(t, before.SetLink(t.Context(), issuer, subject, someLink()))
	for _, want := range []int{len(fileKinds)*2 + 1, 0} {
		if moved, err := s.Move(t.Context()); moved != want || err != nil {
			t.Errorf("Move = %d, %v, want %d", moved, err, want)
		}
	}
	after := newStore(t, client, withSecrets('b'))
	linked(t, after, issuer, subject, someLink().TRN)
	for kind, pattern := range fileKinds {
		for _, keep := range []time.Duration{0, time.Hour} {
			n, found, err := FilesOf[note](after, kind).Read(t.Context(), keep.String())
			if n.Text != string(kind) || !found || err != nil {
				t.Errorf("Read of %s = %q, %v, %v", kind, n.Text, found, err)
			}
			key := after.keys.names(toKind(kind), keep.String())[0]
			if keep > 0 {
				lives(t, client, key, keep)
			} else if life := client.TTL(t.Context(), key).Val(); life != -1 {
				t.Errorf("what is for good lives for %v", life)
			}
		}
		if keys := keysOf(t, client, pattern); len(keys) != 2 {
			t.Errorf("%d keys of %s, want 2", len(keys), kind)
		}
	}
}

func toKind(k FileKind) kind { return kind(k) }

// Another secret than the one that sealed: nothing is found under the names that
// it makes, and nothing that others keep is lost.
func testOtherSecretsFiles(t *testing.T, client redis.UniversalClient) {
	s, stranger := newStore(t, client, withSecrets('a')), newStore(t, client, withSecrets('b'))
	write(t, s, "a", note{Text: "ours"})
	says(t, stranger, "a", "")
	must(t, notes(stranger).Each(t.Context(), func(name string, _ note) error { t.Errorf("a stranger sees %q", name); return nil }))
	if stranger.Unreadable() != 1 {
		t.Errorf("%d cannot be read, want 1", stranger.Unreadable())
	}
	write(t, stranger, "a", note{Text: "theirs"})
	if moved, err := stranger.Move(t.Context()); moved != 0 || err != nil {
		t.Errorf("Move = %d, %v", moved, err)
	}
	must(t, notes(stranger).Remove(t.Context(), "a"))
	says(t, s, "a", "ours")

	// What does not say whose it is, as that of another version, has nowhere to go.
	key := s.keys.names(ticketKind, "b")[0]
	sealed, err := s.keys.seal(ticketKind, key, map[string]any{"Name": "b", "Text": "b"})
	must(t, err)
	must(t, client.Set(t.Context(), key, sealed, 0).Err())
	if moved, err := newStore(t, client, withSecrets('c', 'a')).Move(t.Context()); moved != 1 || err != nil {
		t.Errorf("Move = %d, %v", moved, err)
	}
	if client.Get(t.Context(), key).Val() != string(sealed) {
		t.Error("what has nowhere to go was moved")
	}
}

// In the midst of a rotation, replicas that do not agree on the first secret, and
// that move what there is to and fro, lose no change.
func testFilesHalfway(t *testing.T, client redis.UniversalClient) {
	behind, ahead := newStore(t, client, withSecrets('a', 'b')), newStore(t, client, withSecrets('b', 'a'))
	var done atomic.Bool
	var moving sync.WaitGroup
	for _, s := range []*Store{behind, ahead} {
		moving.Go(func() {
			for !done.Load() {
				if _, err := s.Move(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	const n = 12
	together(n, func(i int) { counted(t, []*Store{behind, ahead}[i%2], "a") })
	done.Store(true)
	moving.Wait()
	counts(t, behind, "a", n)
	counts(t, ahead, "a", n)
	if keys := keysOf(t, client, "tr:ticket:*"); len(keys) != 1 {
		t.Errorf("%d keys of one file", len(keys))
	}
	if keys := keysOf(t, client, "tr:lock:*"); len(keys) != 0 {
		t.Errorf("%d locks are left", len(keys))
	}
}

// What one replica makes where the other has just removed, both see.
func testFileGraveHalfway(t *testing.T, client redis.UniversalClient) {
	behind, ahead := newStore(t, client, withSecrets('a', 'b')), newStore(t, client, withSecrets('b', 'a'))
	for i, s := range []*Store{behind, ahead} {
		other := []*Store{ahead, behind}[i]
		write(t, s, "a", note{Text: "old"})
		must(t, notes(s).Remove(t.Context(), "a"))
		says(t, other, "a", "")
		write(t, other, "a", note{Text: "new"})
		says(t, s, "a", "new")
		must(t, notes(s).Remove(t.Context(), "a"))
	}
}

// A move that was interrupted leaves two copies. The next to change the file
// leaves one, or another replica would go on with the other.
func TestInterruptedMove(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	behind := newStore(t, client, func(c *Config) { noCache(c); withSecrets('a', 'b')(c) })
	ahead := newStore(t, client, func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
	write(t, behind, "a", note{Text: "old"})
	ctx, cancel := context.WithCancel(t.Context())
	client.AddHook(&meanwhile{"pttl", func() { client.AddHook(&meanwhile{"set", cancel}) }})
	if _, err := ahead.Move(ctx); !errors.Is(err, journey.NoStore) {
		t.Fatalf("Move = %v", err)
	}
	if keys := keysOf(t, client, "tr:ticket:*"); len(keys) != 2 {
		t.Fatalf("%d copies", len(keys))
	}
	write(t, ahead, "a", note{Text: "new"})
	says(t, behind, "a", "new")

	// The same for a link, whose older copy is even another.
	must(t, behind.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "old"}))
	ctx, cancel = context.WithCancel(t.Context())
	key := ahead.keys.names(linkKind, issuer, "a")[0]
	client.AddHook(&meanwhileAt{key, meanwhile{"set", cancel}})
	if err := ahead.SetLink(ctx, issuer, "a", journey.Link{TRN: "new"}); !errors.Is(err, journey.NoStore) {
		t.Fatalf("SetLink = %v", err)
	}
	_, err := ahead.Move(t.Context())
	must(t, err)
	linked(t, ahead, issuer, "a", "new")
	linked(t, behind, issuer, "a", "new")
}

// meanwhileAt is meanwhile for commands about a key that begins so.
type meanwhileAt struct {
	key string
	meanwhile
}

func (m *meanwhileAt) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	hooked := m.meanwhile.ProcessHook(next)
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); len(args) > 1 && strings.HasPrefix(fmt.Sprint(args[1]), m.key) {
			return hooked(ctx, cmd)
		}
		return next(ctx, cmd)
	}
}

// Reading looks under one name after the other. What is moved between the two is
// found all the same.
func TestReadMeetsMove(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	before := newStore(t, client, func(c *Config) { noCache(c); withSecrets('a')(c) })
	s := newStore(t, client, func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
	move := &meanwhile{"get", func() { _, err := s.Move(t.Context()); must(t, err) }}

	write(t, before, "a", note{Text: "a"})
	client.AddHook(move)
	says(t, s, "a", "a")

	must(t, before.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "1"}))
	client.AddHook(&meanwhile{"get", move.f})
	linked(t, s, issuer, "a", "1")
}

// While one replica moves, another that does not yet call the same secret the
// first waits with what it has to write, and neither is lost.
func TestMoveMeetsOther(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		write func(testing.TB, *Store)
		check func(testing.TB, *Store)
	}{
		{"Change", func(t testing.TB, s *Store) { counted(t, s, "a") }, func(t testing.TB, s *Store) { counts(t, s, "a", 2) }},
		{"Remove", func(t testing.TB, s *Store) { must(t, notes(s).Remove(t.Context(), "a")) }, func(t testing.TB, s *Store) { says(t, s, "a", "") }},
		{"SetLink", func(t testing.TB, s *Store) { must(t, s.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "2"})) },
			func(t testing.TB, s *Store) { linked(t, s, issuer, "a", "2") }},
		{"RemoveLink", func(t testing.TB, s *Store) { must(t, s.RemoveLink(t.Context(), issuer, "a")) },
			func(t testing.TB, s *Store) { linked(t, s, issuer, "a", "") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := open(t, Embedded)
			behind := newStore(t, client, func(c *Config) { noCache(c); withSecrets('a', 'b')(c) })
			ahead := newStore(t, client, func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
			if strings.Contains(tt.name, "Link") {
				must(t, behind.SetLink(t.Context(), issuer, "a", journey.Link{TRN: "1"}))
			} else {
				counted(t, behind, "a")
			}
			written, waits := make(chan struct{}), make(chan struct{})
			client.AddHook(&meanwhile{"pttl", func() { // ahead has read, and writes next
				client.AddHook(&meanwhileAt{"tr:lock:", meanwhile{"set", func() { close(waits) }}})
				go func() { defer close(written); tt.write(t, behind) }()
				select {
				case <-written:
				case <-waits:
				}
			}})
			moved, err := ahead.Move(t.Context())
			if moved != 1 || err != nil {
				t.Errorf("Move = %d, %v", moved, err)
			}
			<-written
			tt.check(t, behind)
			tt.check(t, ahead)
		})
	}
}

// Who died while they held a lock holds up the others until it ends by itself.
func TestLockEnds(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
	_, err := s.lock(t.Context(), ticketKind, []string{"a"})
	must(t, err)
	key := onlyKey(t, client, "tr:lock:*")
	lives(t, client, key, lockLife)
	ctx, cancel := context.WithCancel(t.Context())
	client.AddHook(&meanwhileAt{key, meanwhile{"set", cancel}})
	if _, err := notes(s).Change(ctx, "a", func(n note, _ bool) (note, error) { return n, nil }); !errors.Is(err, journey.NoStore) {
		t.Errorf("Change of what is locked = %v", err)
	}
	write(t, s, "b", note{Text: "b"}) // another's is not held up
	must(t, client.PExpire(t.Context(), key, time.Millisecond).Err())
	write(t, s, "a", note{Text: "a"})

	// Who was so slow that it ended leaves the lock of the next alone.
	unlock, err := s.lock(t.Context(), ticketKind, []string{"a"})
	must(t, err)
	must(t, client.Set(t.Context(), key, "another's", lockLife).Err())
	unlock()
	if client.Get(t.Context(), key).Val() != "another's" {
		t.Error("another's lock was removed")
	}
}

// What ends while it is being moved does not come back.
func TestMoveMeetsEnd(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	before := newStore(t, client, func(c *Config) { noCache(c); withSecrets('a')(c) })
	s := newStore(t, client, func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
	write(t, before, "a", note{Text: "a", Keep: time.Hour})
	old := onlyKey(t, client, "tr:ticket:*")
	p, err := s.at(t.Context(), ticketKind, old)
	must(t, err)
	must(t, client.Del(t.Context(), old).Err())
	must(t, s.bringHome(t.Context(), ticketKind, p))
	if keys := keysOf(t, client, "tr:ticket:*"); len(keys) != 0 {
		t.Errorf("what has ended lies at %v", keys)
	}
}
