package store

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// FuzzCookie: whatever a stranger's cookie holds, it is nobody's visit, and
// Redis is asked for no more than one key of ours.
func FuzzCookie(f *testing.F) {
	client := open(f, Embedded)
	asked := counting(client)
	s := newStore(f, client, func(c *Config) { c.CacheAge = 0 })
	id := created(f, s, someone())
	for _, seed := range []string{"", id[1:], id + "=", strings.Repeat("A", idLen), strings.Repeat("\x00", idLen),
		"*" + id[1:], strings.ToLower(id), strings.Repeat("9", 8192), id + "\r\nFLUSHALL\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		if cookie == id {
			return
		}
		before := asked.Load()
		if state, ok, err := s.Load(t.Context(), cookie); ok || err != nil || state.Browser != "" {
			t.Errorf("Load(%q) = %v, %v", cookie, ok, err)
		}
		if n := asked.Load() - before; n > 1 || len(cookie) != idLen && n > 0 {
			t.Errorf("Load(%q) asked Redis %d times", cookie, n)
		}
		if n, err := s.Rounds(t.Context(), cookie); n != 0 || err != nil {
			t.Errorf("Rounds(%q) = %d, %v", cookie, n, err)
		}
	})
}

// FuzzOpen: nothing opens that was not sealed, however near it comes.
func FuzzOpen(f *testing.F) {
	keys := ring(f, 'a', 'b')
	sealed, err := keys.seal(visitKind, "tr:visit:1", someone())
	must(f, err)
	for _, n := range []int{0, 1, headerLen, headerLen + 11, headerLen + 12, headerLen + 27, headerLen + 28, len(sealed) - 1} {
		f.Add(sealed[:n])
	}
	f.Add(append(sealed[:len(sealed):len(sealed)], 0))
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, kind := range append([]kind{visitKind, flowKind}, keptKinds...) {
			if err := keys.open(kind, "tr:visit:1", value, new(journey.State)); err == nil {
				t.Errorf("%x opens as a %s", value, kind)
			}
		}
	})
}

// FuzzConnect: an address is taken or refused, never with its password in the
// error, wherever in the address that stands.
func FuzzConnect(f *testing.F) {
	const password = "hunter2Hunter2"
	for _, seed := range [][2]string{
		{"redis://u:", "@host:6379/0"}, {"redis://u:12/", "@host"}, {"redis://u:12?", "@host"}, {"redis://u:%", "@host"},
		{"unix://u:1/", "@/run/x"}, {"redis+sentinel://h?master_name=m&password=", ""}, {"redis+sentinel://h?password=a&", "&db=x"},
		{"rediss+cluster://:", "@h?addr=b:1"}, {"redis:", "@host"}, {"", ":x@host"}, {"redis://u:#", "@h"}, {"redis://u:a+", "@["},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		address := before + password + after
		r, err := Connect(address, slog.New(slog.DiscardHandler))
		if err == nil {
			r.Close()
			return
		}
		if strings.Contains(err.Error(), password) && couldBePassword(address, password) {
			t.Errorf("%q: %v", address, err)
		}
	})
}

// couldBePassword reports whether the word stands where passwords do: before an
// "@", or in the query behind a password.
func couldBePassword(address, word string) bool {
	i := strings.Index(address, word)
	u, err := url.Parse(address)
	return strings.Contains(address[i:], "@") || err == nil && u.Query().Has("password") && strings.Contains(u.RawQuery, word)
}
