package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const issuer, subject = "https://oidc.example/", "urn:fdc:gov.uk:2022:subject-marker"

func someLink() journey.Link {
	return journey.Link{
		TRN: "1234567", How: "nino", At: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC),
		Identity: someone().Identity,
	}
}

// linked checks what the subject is linked to, "" for nothing.
func linked(t testing.TB, s *Store, issuer, subject, trn string) {
	t.Helper()
	link, ok, err := s.Link(t.Context(), issuer, subject)
	if link.TRN != trn || ok != (trn != "") || err != nil {
		t.Errorf("Link = %q, %v, %v, want %q", link.TRN, ok, err, trn)
	}
}

func testLinkStays(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	linked(t, s, issuer, subject, "")
	must(t, s.SetLink(t.Context(), issuer, subject, someLink()))
	got, ok, err := other.Link(t.Context(), issuer, subject)
	if diff := cmp.Diff(someLink(), got); diff != "" || !ok || err != nil {
		t.Fatalf("Link = ok %v, error %v, difference:\n%s", ok, err, diff)
	}
	key := onlyKey(t, client, "tr:link:*")
	if life := client.TTL(t.Context(), key).Val(); life != -1 {
		t.Errorf("a link lives for %v", life)
	}

	must(t, other.SetLink(t.Context(), issuer, subject, journey.Link{TRN: "7654321"}))
	linked(t, s, issuer, subject, "7654321")
	must(t, s.RemoveLink(t.Context(), issuer, subject))
	linked(t, other, issuer, subject, "")
	lives(t, client, key, grave)
	must(t, s.RemoveLink(t.Context(), issuer, subject))

	// What was removed may be linked again, and stays again.
	must(t, s.SetLink(t.Context(), issuer, subject, someLink()))
	linked(t, s, issuer, subject, "1234567")
	if life := client.TTL(t.Context(), key).Val(); life != -1 {
		t.Errorf("a link made anew lives for %v", life)
	}
	if s.Unreadable()+other.Unreadable() != 0 {
		t.Error("a removed link counts as unreadable")
	}
}

// The same subject at two issuers is two people, and no pair runs into another.
func testLinksAreApart(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	pairs := [][2]string{
		{"https://a/", "s"}, {"https://b/", "s"}, {"https://a/", "S"}, {"https://a/s", ""}, {"", "https://a/s"},
		{"https://a", "/s"}, {"https://a/", "1:s"}, {"https://a/1:", "s"}, {"https://a/", "s*"}, {"https://a/", "s\x00"},
	}
	for i, pair := range pairs {
		must(t, s.SetLink(t.Context(), pair[0], pair[1], journey.Link{TRN: string(rune('a' + i))}))
	}
	for i, pair := range pairs {
		linked(t, s, pair[0], pair[1], string(rune('a'+i)))
	}
	must(t, s.RemoveLink(t.Context(), pairs[0][0], pairs[0][1]))
	for i, pair := range pairs[1:] {
		linked(t, s, pair[0], pair[1], string(rune('b'+i)))
	}
}

// TestChangeLink: a link that is set otherwise changes as one that was not, and a
// link to no record is none, and goes.
func TestChangeLink(t *testing.T) {
	t.Parallel()
	client := open(t, startRedis(t).url())
	s := newStore(t, client, nil)
	must(t, s.SetLink(t.Context(), "issuer", "subject", journey.Link{TRN: "1"}))
	runs := 0
	must(t, s.ChangeLink(t.Context(), "issuer", "subject", func(l journey.Link, found bool) (journey.Link, error) {
		if runs++; runs == 1 {
			must(t, s.SetLink(t.Context(), "issuer", "subject", journey.Link{TRN: "2"}))
		}
		l.TRN += "0"
		return l, nil
	}))
	if l, found, err := s.Link(t.Context(), "issuer", "subject"); !found || err != nil || l.TRN != "20" || runs != 2 {
		t.Errorf("linked to %q in %d runs: %v, %v", l.TRN, runs, found, err)
	}
	must(t, s.ChangeLink(t.Context(), "issuer", "subject", func(journey.Link, bool) (journey.Link, error) { return journey.Link{}, nil }))
	if l, found, err := s.Link(t.Context(), "issuer", "subject"); found || err != nil {
		t.Errorf("linked to %q: %v", l.TRN, err)
	}
	keys, err := client.Keys(t.Context(), "tr:link:*").Result()
	must(t, err)
	for _, key := range keys {
		if life := client.TTL(t.Context(), key).Val(); life <= 0 {
			t.Errorf("%s lives for %v", key, life)
		}
	}
}
