package store

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// log is what was logged.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// markers is everything about someone, and their cookies, that must not be seen.
func markers(ids ...string) []string {
	return append(ids, "marker", "Marker", "Anne", "Brien", "Smith", "urn:fdc", "example", "QQ123456C", "1234567",
		"1980-0", "2004-07-01", "Cl.Cm", "browser", "qualifications")
}

// Whoever reads Redis, or a copy of it, learns nothing of anybody, and cannot
// be anybody.
func testNothingIsRevealed(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	old := created(t, s, someone())
	id, _, err := s.Renew(t.Context(), old, unchanged)
	must(t, err)
	must(t, s.KeepFlow(t.Context(), someFlow()))
	must(t, s.SetLink(t.Context(), issuer, someone().Subject, someLink()))
	attempt(t, s, someone().Subject, true)
	must(t, s.KeepRound(t.Context(), id, 1))
	must(t, s.ChangeOn(t.Context(), someone().Record.TRN, stale("news-marker")))
	_, err = s.See(t.Context(), "delivery", "delivery-marker", time.Hour)
	must(t, err)
	_, err = s.Latest(t.Context(), "subject", someone().Subject, someLink().At)
	must(t, err)
	_, err = s.Latest(t.Context(), "record", someone().Record.TRN, someLink().At)
	must(t, err)
	must(t, s.Ready(t.Context()))
	for kind := range fileKinds {
		_, err := FilesOf[note](s, kind).Change(t.Context(), "name-marker", func(note, bool) (note, error) {
			return note{Text: "text-marker", Count: map[string]int{"Anne Smith": 1}}, nil
		})
		must(t, err)
	}
	rotating := newStore(t, client, withSecrets('b', 'a'))
	_, err = rotating.lock(t.Context(), ticketKind, []string{"name-marker"})
	must(t, err)

	kinds := map[string]bool{}
	each(t, client, func(ctx context.Context, node *redis.Client) error {
		for _, key := range node.Keys(ctx, "*").Val() {
			kinds[strings.Split(key, ":")[1]] = true
			value := contents(t, node, key)
			for _, marker := range append(markers(old, id), someFlow().State, "nonce", "return") {
				if strings.Contains(key, marker) || bytes.Contains(value, []byte(marker)) {
					t.Errorf("%s shows %q", key, marker)
				}
			}
		}
		return nil
	})
	// visit, visits-of, visits-on, flow, link, attempts, round, seen, latest, ready, lock, and four kinds of files
	if len(kinds) != 15 {
		t.Errorf("looked at %v", kinds)
	}
}

// contents is all there is at a key, of whatever type.
func contents(t testing.TB, node *redis.Client, key string) []byte {
	t.Helper()
	switch kind := node.Type(t.Context(), key).Val(); kind {
	case "string":
		return []byte(node.Get(t.Context(), key).Val())
	case "zset":
		return fmt.Append(nil, node.ZRangeWithScores(t.Context(), key, 0, -1).Val())
	default:
		t.Errorf("%s is a %s", key, kind)
		return nil
	}
}
