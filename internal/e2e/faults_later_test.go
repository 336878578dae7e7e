package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
)

// Faults of One Login that meet people who have signed in, or a relying party
// that has seen better days.

// TestFaultsOfSignOut: whatever One Login does, the person is signed out here,
// and there.
func TestFaultsOfSignOut(t *testing.T) {
	t.Parallel()
	b := brokenStack(t)
	for _, fault := range faultsAt(onelogin.AtLogout) {
		t.Run(fault.Name, func(t *testing.T) {
			v := b.teacher(t)
			v.open(deepLink).choose("known").at(deepLink).sees(http.StatusOK, "signed in")
			b.OneLogin.Reset()
			defer b.OneLogin.StopFaults()
			must(t, b.OneLogin.Play(onelogin.Play{Fault: fault.Name}))
			served := b.served.Load()

			v.open("/teaching-record/sign-out").press("Sign out")
			if ours := strings.HasPrefix(v.url.String(), b.site); ours != strings.HasPrefix(fault.Name, "logout-state-") {
				t.Errorf("ended at %s", v.url)
			} else if ours {
				v.sees(http.StatusOK, "You have signed out")
			}
			if status := v.fetch("/records"); status != http.StatusUnauthorized || b.served.Load() != served {
				t.Errorf("after signing out the service answers %d", status)
			}
			if v.open(deepLink); v.url.Path != "/account" {
				t.Errorf("One Login did not ask who it is, but led to %s", v.url)
			}
			if left := b.OneLogin.Playing(); len(left) > 0 {
				t.Errorf("not played: %v", left)
			}
			b.rules(t, fault)
		})
	}
}

// signsIn reports whether somebody new gets as far as the question, and the
// heading of where they end.
func (b *broken) signsIn(t *testing.T) (heading string, asked bool) {
	t.Helper()
	v := b.teacher(t)
	v.open(deepLink)
	b.choose(t, v)
	return v.text("h1"), v.url.Path == ninoPage
}

func (b *broken) playEvery(t *testing.T, faults ...string) {
	t.Helper()
	for _, fault := range faults {
		must(t, b.OneLogin.Play(onelogin.Play{Fault: fault, Every: true}))
	}
}

// TestOldCopies: while One Login's documents cannot be had, the old ones serve,
// also past their time.
func TestOldCopies(t *testing.T) {
	t.Parallel()
	b := brokenStack(t)
	b.playEvery(t, "discovery-max-age-1", "jwks-max-age-1", "did-max-age-1")
	if heading, asked := b.signsIn(t); !asked {
		t.Fatalf("before the outage, somebody ended at %q", heading)
	}
	b.OneLogin.StopFaults()
	b.OneLogin.Reset()
	b.playEvery(t, "discovery-503", "jwks-503", "did-503")
	b.await("the relying party to ask for each document again", func() bool {
		if heading, asked := b.signsIn(t); !asked {
			t.Fatalf("during the outage, somebody ended at %q", heading)
		}
		hits := b.OneLogin.Record().Hits
		return hits["discovery"] > 0 && hits["jwks"] > 0 && hits["did"] > 0
	})
	b.OneLogin.StopFaults()
	b.OneLogin.Reset()
	b.playEvery(t, "did-no-keys") // told from the old copy, once it is fetched
	b.await("a new copy after the outage", func() bool {
		heading, asked := b.signsIn(t)
		return !asked && heading == b.headings["sign-in-problem"]
	})
}

// TestRemovedKey: a key that was published and no longer is, is dead.
func TestRemovedKey(t *testing.T) {
	t.Parallel()
	b := brokenStack(t)
	b.playEvery(t, "jwks-max-age-1")
	if heading, asked := b.signsIn(t); !asked {
		t.Fatalf("somebody ended at %q", heading)
	}
	b.playEvery(t, "jwks-key-removed")
	b.await("the key to be forgotten", func() bool {
		heading, asked := b.signsIn(t)
		return !asked && heading == b.headings["sign-in-problem"]
	})
	b.await("the operators to be told of the key", func() bool {
		return strings.Contains(b.log.String(), "incident: a token names a key that One Login does not list")
	})
}
