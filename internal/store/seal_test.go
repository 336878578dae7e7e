package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// ring is the keyring of secrets made of these bytes.
func ring(t testing.TB, fills ...byte) keyring {
	t.Helper()
	var secrets [][]byte
	for _, fill := range fills {
		secrets = append(secrets, secret(fill))
	}
	keys, err := newKeyring(secrets)
	must(t, err)
	return keys
}

func TestSealedOpens(t *testing.T) {
	sealed, err := ring(t, 'a').seal(visitKind, "tr:visit:1", someone())
	must(t, err)
	for _, tt := range []struct {
		name   string
		keys   keyring
		kind   kind
		key    string
		change func([]byte) []byte
		err    error
	}{
		{"as it was", ring(t, 'a'), visitKind, "tr:visit:1", nil, nil},
		{"by an older secret", ring(t, 'b', 'a'), visitKind, "tr:visit:1", nil, nil},
		{"by a newer secret", ring(t, 'a', 'b'), visitKind, "tr:visit:1", nil, nil},
		{"by another secret", ring(t, 'b'), visitKind, "tr:visit:1", nil, errKeyID},
		{"at another key", ring(t, 'a'), visitKind, "tr:visit:2", nil, errSeal},
		{"as another kind", ring(t, 'a'), flowKind, "tr:visit:1", nil, errSeal},
		{"as another kind at its key", ring(t, 'a'), flowKind, "tr:flow:1", nil, errSeal},
		{"empty", ring(t, 'a'), visitKind, "tr:visit:1", func([]byte) []byte { return nil }, errFormat},
		{"only a version", ring(t, 'a'), visitKind, "tr:visit:1", func(b []byte) []byte { return b[:1] }, errFormat},
		{"only a header", ring(t, 'a'), visitKind, "tr:visit:1", func(b []byte) []byte { return b[:headerLen] }, errSeal},
		{"without its tag", ring(t, 'a'), visitKind, "tr:visit:1", func(b []byte) []byte { return b[:len(b)-16] }, errSeal},
		{"longer", ring(t, 'a'), visitKind, "tr:visit:1", func(b []byte) []byte { return append(b, 0) }, errSeal},
		{"of a later version", ring(t, 'a'), visitKind, "tr:visit:1", func(b []byte) []byte { b[0]++; return b }, errFormat},
		{"with an unknown key id", ring(t, 'a'), visitKind, "tr:visit:1", func(b []byte) []byte { b[1]++; return b }, errKeyID},
		// The key id of a secret that did not seal it.
		{"with another's key id", ring(t, 'a', 'b'), visitKind, "tr:visit:1", func(b []byte) []byte { copy(b[1:], ring(t, 'b')[0].id); return b }, errSeal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			value := slices.Clone(sealed)
			if tt.change != nil {
				value = tt.change(value)
			}
			var got journey.State
			if err := tt.keys.open(tt.kind, tt.key, value, &got); err != tt.err {
				t.Errorf("open = %v, want %v", err, tt.err)
			}
			if tt.err != nil && cmp.Diff(journey.State{}, got) != "" {
				t.Errorf("open gave %v besides its error", got)
			}
		})
	}
	for i := range len(sealed) * 8 {
		flipped := slices.Clone(sealed)
		flipped[i/8] ^= 1 << (i % 8)
		if err := ring(t, 'a').open(visitKind, "tr:visit:1", flipped, new(journey.State)); err == nil {
			t.Fatalf("bit %d may be flipped", i)
		}
	}
	again, err := ring(t, 'a').seal(visitKind, "tr:visit:1", someone())
	if must(t, err); bytes.Equal(again[:headerLen+12], sealed[:headerLen+12]) {
		t.Error("a nonce was used twice")
	}
}

// Values outlive versions of the program: what it does not know it leaves out.
func TestSealedOpensAfterUpgrade(t *testing.T) {
	keys := ring(t, 'a')
	sealed, err := keys.seal(visitKind, "k", map[string]any{"Subject": "s", "OfALaterVersion": []int{1}})
	must(t, err)
	var state journey.State
	if err := keys.open(visitKind, "k", sealed, &state); err != nil || state.Subject != "s" {
		t.Errorf("open = %v, %v", state, err)
	}
	sealed, err = keys.seal(visitKind, "k", map[string]any{"Subject": 7})
	must(t, err)
	if err := keys.open(visitKind, "k", sealed, &state); err != errFormat {
		t.Errorf("open of another type = %v", err)
	}
}

// One secret makes many keys, and no two of them are the same, nor the secret.
func TestKeysAreApart(t *testing.T) {
	seen := map[string]string{string(secret('a')): "the secret", string(secret('b')): "the other secret"}
	see := func(name string, key []byte) {
		if other, ok := seen[string(key)]; ok {
			t.Errorf("%s is %s", name, other)
		}
		seen[string(key)] = name
	}
	for _, key := range ring(t, 'a', 'b') {
		see("a key id", key.id)
		for kind, hash := range key.hash {
			see("the hash key for "+string(kind), hash)
		}
	}
	// The names under which a subject lies give away neither it nor each other.
	keys := ring(t, 'a', 'b')
	for _, kind := range append([]kind{visitsOfKind, visitsOnKind, attemptsKind, seenKind, latestKind}, keptKinds...) {
		for _, name := range keys.names(kind, subject) {
			see("a name of "+string(kind), []byte(strings.TrimPrefix(name, kind.key(""))))
		}
	}
}

func TestSecretsRefused(t *testing.T) {
	for _, tt := range []struct {
		secrets [][]byte
		want    string
	}{
		{nil, "a secret is required"},
		{[][]byte{{}}, "secret 1 has 0 bytes, but 32 are required"},
		{[][]byte{secret('a'), secret('b')[:31]}, "secret 2 has 31 bytes, but 32 are required"},
		{[][]byte{secret('a'), secret('b'), secret('a')}, "secret 3 repeats an earlier one"},
	} {
		if _, err := newKeyring(tt.secrets); err == nil || err.Error() != tt.want {
			t.Errorf("newKeyring = %v, want %s", err, tt.want)
		}
	}
}

// Nobody can copy, change or make up what lies in Redis: it is as good as not
// there, counted, and told to the operator without a word of what it held.
func testTampering(t *testing.T, client redis.UniversalClient) {
	var log log
	s := newStore(t, client, func(c *Config) { c.Logger = log.logger() })
	mine, theirs := created(t, s, someone()), created(t, s, signedIn("b"))
	v, _ := visitOf(mine)
	w, _ := visitOf(theirs)
	must(t, s.KeepFlow(t.Context(), someFlow()))
	must(t, s.SetLink(t.Context(), issuer, subject, someLink()))
	flow, link := onlyKey(t, client, "tr:flow:*"), onlyKey(t, client, "tr:link:*")
	get := func(key string) []byte { b, err := client.Get(t.Context(), key).Bytes(); must(t, err); return b }
	set := func(key string, value []byte) { must(t, client.Set(t.Context(), key, value, 0).Err()) }

	var unreadable int64
	check := func(name string, found bool, err error) {
		t.Helper()
		if unreadable++; found || err != nil || s.Unreadable() != unreadable {
			t.Errorf("%s: %v, %v, %d unreadable, want %d", name, found, err, s.Unreadable(), unreadable)
		}
	}
	original := get(w.key())
	for name, value := range map[string][]byte{
		"another's visit": get(v.key()), "a flow": get(flow), "a link": get(link), "nothing": {}, "cut": original[:20],
		"flipped": append(original[:len(original)-1:len(original)-1], original[len(original)-1]^1), "plain": []byte(`{"Subject":"c"}`),
	} {
		set(w.key(), value)
		_, ok, err := s.Load(t.Context(), theirs)
		check(name+", loaded", ok, err)
		_, ok, err = s.Cached(t.Context(), theirs)
		check(name+", cached", ok, err)
		if _, err = s.Change(t.Context(), theirs, unchanged); errors.Is(err, errGone) {
			err = nil
		}
		check(name+", changed", false, err)
	}
	set(flow, get(v.key()))
	_, ok, err := s.TakeFlow(t.Context(), someFlow().State)
	check("a flow", ok, err)
	set(link, get(v.key()))
	_, ok, err = s.Link(t.Context(), issuer, subject)
	check("a link", ok, err)
	_, err = s.Move(t.Context())
	check("a link to move", false, err)

	if lines := strings.Count(log.String(), "\n"); int64(lines) != unreadable || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("%d lines in the log, want %d:\n%s", lines, unreadable, log.String())
	}
	for _, marker := range append(markers(mine), theirs, v.String(), w.String(), hex.EncodeToString(original[:20])) {
		if strings.Contains(log.String(), marker) {
			t.Errorf("the log shows %q", marker)
		}
	}
}
