package store

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// note is a file that says how long it is to be kept.
type note struct {
	Text  string
	Count map[string]int
	Keep  time.Duration
}

func (n note) Life() time.Duration { return n.Keep }

// fileKinds are all of them, with the pattern of their keys.
var fileKinds = map[FileKind]string{
	TRNRequests: "tr:trn-request:*", Tickets: "tr:ticket:*", Handovers: "tr:handover:*", Ledger: "tr:ledger:*",
}

func notes(s *Store) Files[note] { return FilesOf[note](s, Tickets) }

// write replaces what there is by n.
func write(t testing.TB, s *Store, name string, n note) {
	t.Helper()
	got, err := notes(s).Change(t.Context(), name, func(note, bool) (note, error) { return n, nil })
	if diff := cmp.Diff(n, got); diff != "" || err != nil {
		t.Fatalf("Change = error %v, difference:\n%s", err, diff)
	}
}

// says checks the text of a file, "" for none.
func says(t testing.TB, s *Store, name, text string) {
	t.Helper()
	n, found, err := notes(s).Read(t.Context(), name)
	if n.Text != text || found != (text != "") || err != nil {
		t.Errorf("Read = %q, %v, %v, want %q", n.Text, found, err, text)
	}
}

// counted counts one more in a file.
func counted(t testing.TB, s *Store, name string) {
	t.Helper()
	_, err := notes(s).Change(t.Context(), name, func(n note, found bool) (note, error) {
		count := maps.Clone(n.Count)
		if !found {
			count = map[string]int{}
		}
		count["times"]++
		n.Count = count
		return n, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// counts checks how often counted was called.
func counts(t testing.TB, s *Store, name string, want int) {
	t.Helper()
	if n, _, err := notes(s).Read(t.Context(), name); n.Count["times"] != want || err != nil {
		t.Errorf("Read = counted %d, %v, want %d", n.Count["times"], err, want)
	}
}

func testFileIsKept(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	says(t, s, "a", "")
	first := note{Text: "first", Count: map[string]int{"x": 1}}
	got, err := notes(s).Change(t.Context(), "a", func(n note, found bool) (note, error) {
		if found || cmp.Diff(note{}, n) != "" {
			t.Errorf("before the first there is %v, %v", n, found)
		}
		return first, nil
	})
	if diff := cmp.Diff(first, got); diff != "" || err != nil {
		t.Fatalf("Change = error %v, difference:\n%s", err, diff)
	}
	got, found, err := notes(other).Read(t.Context(), "a")
	if diff := cmp.Diff(first, got); diff != "" || !found || err != nil {
		t.Fatalf("Read = %v, error %v, difference:\n%s", found, err, diff)
	}
	_, err = notes(other).Change(t.Context(), "a", func(n note, found bool) (note, error) {
		if diff := cmp.Diff(first, n); diff != "" || !found {
			t.Errorf("before the second = %v, difference:\n%s", found, diff)
		}
		n.Text = "second"
		return n, nil
	})
	must(t, err)
	says(t, s, "a", "second")

	// Removed, and made anew within the minute in which that shows.
	must(t, notes(s).Remove(t.Context(), "a"))
	says(t, other, "a", "")
	lives(t, client, onlyKey(t, client, "tr:ticket:*"), grave)
	must(t, notes(s).Remove(t.Context(), "a"))
	must(t, notes(s).Each(t.Context(), func(name string, _ note) error { t.Errorf("%q is removed", name); return nil }))
	_, err = notes(s).Change(t.Context(), "a", func(n note, found bool) (note, error) {
		if found || n.Text != "" {
			t.Errorf("what was removed is still %q, %v", n.Text, found)
		}
		return note{Text: "anew"}, nil
	})
	must(t, err)
	says(t, other, "a", "anew")
	if s.Unreadable()+other.Unreadable() != 0 {
		t.Error("a removed file counts as unreadable")
	}
}

// Everybody counts at once, on two replicas, while others look on: none is lost.
func testFileChangesInParallel(t *testing.T, client redis.UniversalClient) {
	replicas := []*Store{newStore(t, client, nil), newStore(t, client, nil)}
	const n = 16
	together(n, func(i int) {
		if _, _, err := notes(replicas[i%2]).Read(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		counted(t, replicas[i%2], "a")
	})
	counts(t, replicas[0], "a", n)
}

// Another changes, makes or removes the file after it was read: change runs again,
// on what there is then.
func testFileChangeRunsAgain(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	for _, tt := range []struct {
		name         string
		before, then string
		meanwhile    func()
	}{
		{"changed", "old", "theirs", func() { write(t, other, "a", note{Text: "theirs"}) }},
		{"made", "", "theirs", func() { write(t, other, "a", note{Text: "theirs"}) }},
		{"removed", "old", "", func() { must(t, notes(other).Remove(t.Context(), "a")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			flush(t, client)
			if tt.before != "" {
				write(t, s, "a", note{Text: tt.before})
			}
			var seen []string
			_, err := notes(s).Change(t.Context(), "a", func(n note, found bool) (note, error) {
				if seen = append(seen, n.Text); len(seen) == 1 {
					tt.meanwhile()
				}
				if found != (n.Text != "") {
					t.Errorf("found = %v", found)
				}
				return note{Text: n.Text + "ours"}, nil
			})
			if !slices.Equal(seen, []string{tt.before, tt.then}) || err != nil {
				t.Errorf("Change saw %q, %v", seen, err)
			}
			says(t, other, "a", tt.then+"ours")
		})
	}
}

// An error is returned as it is, and what was there stays as it was: nothing, or
// something.
func testFileChangeFails(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	reason := errors.New("no")
	fails := func() {
		t.Helper()
		n, err := notes(s).Change(t.Context(), "a", func(n note, _ bool) (note, error) { return note{Text: "wrong"}, reason })
		if err != reason || n.Text != "" {
			t.Errorf("Change = %v, %v", n, err)
		}
	}
	fails()
	if keys := keysOf(t, client, "tr:*"); len(keys) != 0 {
		t.Errorf("a change that failed left %v", keys)
	}
	write(t, s, "a", note{Text: "right"})
	fails()
	says(t, s, "a", "right")
}

// To leave a file as it is costs a read. To change it in place is a change, even
// where it holds what it held before by reference.
func testFileUnchanged(t *testing.T, client redis.UniversalClient) {
	asked := counting(client)
	s := newStore(t, client, noCache)
	write(t, s, "a", note{Text: "x", Count: map[string]int{"times": 1}, Keep: time.Hour})
	key := onlyKey(t, client, "tr:ticket:*")
	sealed := client.Get(t.Context(), key).Val()

	before := asked.Load()
	n, err := notes(s).Change(t.Context(), "a", func(n note, _ bool) (note, error) { return n, nil })
	if n.Text != "x" || err != nil || asked.Load()-before != 1 {
		t.Errorf("Change = %v, %v, and asked Redis %d times", n, err, asked.Load()-before)
	}
	if client.Get(t.Context(), key).Val() != sealed {
		t.Error("what was not changed was written")
	}
	_, err = notes(s).Change(t.Context(), "a", func(n note, _ bool) (note, error) { n.Count["times"]++; return n, nil })
	must(t, err)
	counts(t, s, "a", 2)
}

// A value says at every change how long it is to be kept, and one that does not
// is kept for good.
func testFileLife(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	write(t, s, "a", note{Text: "open"})
	key := onlyKey(t, client, "tr:ticket:*")
	forGood := func() {
		t.Helper()
		if life := client.TTL(t.Context(), key).Val(); life != -1 {
			t.Errorf("a file lives for %v", life)
		}
	}
	forGood()
	write(t, s, "a", note{Text: "settled", Keep: time.Hour})
	lives(t, client, key, time.Hour)
	write(t, s, "a", note{Text: "open again"})
	forGood()
	write(t, s, "a", note{Text: "settled", Keep: 50 * time.Millisecond})
	eventually(t, func() bool { _, found, err := notes(s).Read(t.Context(), "a"); must(t, err); return !found })

	flush(t, client)
	_, err := FilesOf[[]string](s, Tickets).Change(t.Context(), "a", func([]string, bool) ([]string, error) { return nil, nil })
	must(t, err)
	forGood()
	if words, found, err := FilesOf[[]string](s, Tickets).Read(t.Context(), "a"); words != nil || !found || err != nil {
		t.Errorf("Read of nothing in particular = %v, %v, %v", words, found, err)
	}
}

// Names that are near each other are apart, and so are kinds.
func testFilesAreApart(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	names := []string{"", "a", "A", " a", "a*", "*", "a\x00", "1:a", "\u00e9", "e\u0301", strings.Repeat("a", 1<<10), issuer + subject}
	for kind, pattern := range fileKinds {
		for _, name := range names {
			_, err := FilesOf[note](s, kind).Change(t.Context(), name, func(n note, found bool) (note, error) {
				if found {
					t.Errorf("%q is there already", name)
				}
				return note{Text: string(kind) + name}, nil
			})
			must(t, err)
		}
		if keys := keysOf(t, client, pattern); len(keys) != len(names) {
			t.Errorf("%d keys of %s, want %d", len(keys), kind, len(names))
		}
	}
	must(t, s.SetLink(t.Context(), "a", "b", someLink()))
	must(t, FilesOf[note](s, Tickets).Remove(t.Context(), "a"))
	for kind := range fileKinds {
		for _, name := range names {
			n, found, err := FilesOf[note](s, kind).Read(t.Context(), name)
			removed := kind == Tickets && name == "a"
			if err != nil || found == removed || !removed && n.Text != string(kind)+name {
				t.Errorf("Read of %s %q = %q, %v, %v", kind, name, n.Text, found, err)
			}
		}
	}
}

// More files than a page of SCAN holds, of several kinds, on several servers.
func testEachFile(t *testing.T, client redis.UniversalClient) {
	var log log
	s := newStore(t, client, func(c *Config) { c.Logger = log.logger() })
	const n = 250
	together(4, func(i int) {
		for j := range n / 4 {
			write(t, s, string(rune('a'+i))+strings.Repeat("x", j), note{Text: "x"})
		}
	})
	write(t, s, "other-marker", note{Text: "other"})
	_, err := FilesOf[note](s, Ledger).Change(t.Context(), "ledger", func(note, bool) (note, error) { return note{Text: "ledger"}, nil })
	must(t, err)
	// One cannot be read, one is of a type that says nothing to us, one is removed.
	from := s.keys.names(ticketKind, "a")[0]
	must(t, client.Set(t.Context(), s.keys.names(ticketKind, "other-marker")[0], client.Get(t.Context(), from).Val(), 0).Err())
	_, err = FilesOf[string](s, Tickets).Change(t.Context(), "type-marker", func(string, bool) (string, error) { return "words", nil })
	must(t, err)
	must(t, notes(s).Remove(t.Context(), "a"))

	seen := map[string]bool{}
	must(t, notes(s).Each(t.Context(), func(name string, n note) error {
		if n.Text != "x" {
			t.Errorf("%q says %q", name, n.Text)
		}
		seen[name] = true
		return nil
	}))
	if want := n/4*4 - 1; len(seen) != want || seen["a"] {
		t.Errorf("Each found %d, want %d", len(seen), want)
	}
	if s.Unreadable() != 2 || strings.Count(log.String(), "level=WARN") != 2 || strings.Contains(log.String(), "marker") {
		t.Errorf("%d unreadable, want 2, and in the log:\n%s", s.Unreadable(), &log)
	}

	// It ends with the first error, which is the caller's.
	reason, calls := errors.New("enough"), 0
	if err := notes(s).Each(t.Context(), func(string, note) error { calls++; return reason }); err != reason || calls != 1 {
		t.Errorf("Each = %v after %d calls", err, calls)
	}
}

// What lies where a file belongs and cannot be read is an outage, not an absent
// file: nobody is to do again what it says was done.
func testFileCannotBeRead(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, withSecrets('a'))
	write(t, s, "a", note{Text: "marker"})
	write(t, s, "b", note{Text: "b"})
	must(t, s.SetLink(t.Context(), issuer, subject, someLink()))
	key := s.keys.names(ticketKind, "a")[0]
	get := func(key string) []byte { b, err := client.Get(t.Context(), key).Bytes(); must(t, err); return b }
	original := get(key)
	stranger := ring(t, 'b')
	strangers, err := stranger.seal(ticketKind, key, kept{[]string{"a"}, []byte(`{"Text":"marker"}`)})
	must(t, err)
	seal := func(v any) []byte { sealed, err := s.keys.seal(ticketKind, key, v); must(t, err); return sealed }
	for name, value := range map[string][]byte{
		"another's": get(s.keys.names(ticketKind, "b")[0]), "a link": get(onlyKey(t, client, "tr:link:*")),
		"sealed with another secret": strangers, "cut": original[:20], "plain": []byte(`{"Whose":["a"],"Value":{"Text":"c"}}`),
		"flipped":         append(original[:len(original)-1:len(original)-1], original[len(original)-1]^1),
		"of another type": seal(kept{[]string{"a"}, []byte(`{"Text":7}`)}), "nobody's": seal(kept{nil, []byte(`{"Text":"c"}`)}),
		"of another version": seal(map[string]any{"Name": "a", "Text": "c"}),
	} {
		must(t, client.Set(t.Context(), key, value, 0).Err())
		n, found, err := notes(s).Read(t.Context(), "a")
		if !errors.Is(err, journey.NoStore) || found || n.Text != "" || strings.Contains(err.Error(), "marker") {
			t.Errorf("%s: Read = %q, %v, %v", name, n.Text, found, err)
		}
		_, err = notes(s).Change(t.Context(), "a", func(n note, _ bool) (note, error) {
			t.Errorf("%s: to be changed", name)
			return note{Text: "overwritten"}, nil
		})
		if !errors.Is(err, journey.NoStore) {
			t.Errorf("%s: Change = %v", name, err)
		}
		if now, err := client.Get(t.Context(), key).Bytes(); err != nil || !bytes.Equal(now, value) {
			t.Errorf("%s: it was overwritten (%v)", name, err)
		}
	}
}

// With a single connection nothing may hold it while asking for another; and a
// pooled connection that turns out to be dead is not felt.
func TestFileConnections(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	ctx, cancel := context.WithTimeout(t.Context(), poolTimeout)
	defer cancel()
	s := newStore(t, open(t, server.url()+"?pool_size=1"), func(c *Config) { noCache(c); withSecrets('b', 'a')(c) })
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			_, err := notes(s).Change(ctx, "a", func(n note, _ bool) (note, error) { n.Text += "x"; return n, nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	says(t, s, "a", "xxx")

	s = newStore(t, open(t, "redis://"+breakOnce(t, server, "watch", false)), noCache)
	counted(t, s, "b")
	counts(t, s, "b", 1)
}

// Many files take longer than one: each has its time, but nothing has all the
// time in the world.
func TestEachLimits(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, noCache)
	const n = 5
	for i := range n {
		write(t, s, string(rune('a'+i)), note{Text: "x"})
	}
	limits := &limits{seen: map[time.Time]int{}}
	client.AddHook(limits)
	must(t, notes(s).Each(t.Context(), func(string, note) error { return nil }))
	if len(limits.seen) != n+1 || limits.seen[time.Time{}] != 0 {
		t.Errorf("%d limits, want %d; %d commands have none", len(limits.seen), n+1, limits.seen[time.Time{}])
	}
}
