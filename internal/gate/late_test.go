package gate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestLateIdentity: a tab that comes back from its identity check when another
// tab has finished the journey changes nothing of what the service is told, and
// nothing is kept that a finished journey lets go (threats T29, T43).
func TestLateIdentity(t *testing.T) {
	for name, late := range map[string]struct {
		arrival journey.Arrival
		query   string
	}{
		"proven":       {journey.Arrival{Subject: subject, Verification: journey.Verified, Identity: person}, "code=c"},
		"not proven":   {journey.Arrival{Subject: subject, Verification: journey.Refused}, "code=c"},
		"turned away":  {journey.Arrival{Verification: journey.Refused}, "error=access_denied"},
		"a login lost": {journey.Arrival{}, "error=" + string(journey.StartAgain)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.Claims = Claims{Name: true, BirthDate: true}
			b := h.browser()
			b.signsIn("/records")
			state := b.leaves("/teaching-record/verify-identity")
			b.returns(b.leaves("/teaching-record/verify-identity"))
			b.post(askNINO, "have", "yes", "number", "QQ123456C")
			b.get("/teaching-record/connected")
			b.post(journey.Connected).goes("/records")
			before, _, err := h.store.Load(t.Context(), b.cookie)
			must(t, err)

			h.oneLogin.identity = late.arrival
			b.get("/teaching-record/callback?state=" + state + "&" + late.query).goes("/records")
			b.get("/records").shows(http.StatusOK, "the service")
			after, found, err := h.store.Load(t.Context(), b.cookie)
			must(t, err)
			if got, want := fmt.Sprintf("%+v", after), fmt.Sprintf("%+v", before); !found || got != want {
				t.Errorf("the visit was\n%s\nand is\n%s", want, got)
			}
		})
	}
}

// TestOtherPerson: when somebody else has signed in at One Login in between,
// neither gets in as the other, and a fresh start is theirs.
func TestOtherPerson(t *testing.T) {
	h := newHouse(t)
	b := h.browser().signsIn("/records")
	old := b.cookie
	const other = "urn:fdc:gov.uk:2022:somebody-else"
	h.oneLogin.signIn.Subject, h.oneLogin.identity.Subject = other, other
	b.returns(b.leaves("/teaching-record/verify-identity")).shows(http.StatusBadGateway, "You have not been signed in")
	if _, found, err := h.store.Load(t.Context(), old); found || err != nil {
		t.Errorf("the first person's visit: %v, %v", found, err)
	}
	b.finishes("/records").get("/records").shows(http.StatusOK, "the service")
	s, _, err := h.store.Load(t.Context(), b.cookie)
	must(t, err)
	if s.Subject != other {
		t.Error("the fresh start is not the other person's")
	}
}

// TestOtherService: services may share a Redis and its secrets, but whoever takes
// the cookie of one to another is a stranger there (threat T21); so is one who
// signed in at the same service with another One Login.
func TestOtherService(t *testing.T) {
	h := newHouse(t)
	halfway, done := h.browser().verifies("/records"), h.browser().finishes("/records")
	for name, edit := range map[string]func(*Config){
		"another service":   func(c *Config) { c.ServiceURL = &url.URL{Scheme: "https", Host: "other.example.gov.uk"} },
		"another One Login": func(c *Config) { c.Issuer = "https://another-one-login.example/" },
	} {
		config := h.Config
		edit(&config)
		other, err := New(config)
		must(t, err)
		elsewhere := *h
		elsewhere.Gate = other
		for _, b := range []*browser{done, halfway} {
			b := &browser{house: &elsewhere, cookie: b.cookie}
			if b.get("/records"); elsewhere.reached != 0 || b.last.StatusCode != http.StatusSeeOther {
				t.Errorf("%s: the visit opens it", name)
			}
			b.leaves("/teaching-record/sign-in?return_to=/records")
			b.get("/teaching-record/connected").goes("/teaching-record/sign-in?return_to=%2F")
			b.post(askNINO, "have", "no").shows(http.StatusForbidden, "signed out")
		}
	}
	done.get("/records").shows(http.StatusOK, "the service")
}

// TestTryAgainAtTheLimit: who has no lookups left and tries again with different
// details can still give them to the people who help, and is found once there
// are lookups again (threat T23).
func TestTryAgainAtTheLimit(t *testing.T) {
	h := newHouse(t)
	h.Limiter = limiter(false)
	b := h.browser().verifies("/records")
	b.post(askNINO, "have", "yes", "number", "QQ123456C").goes("/teaching-record/check-answers")
	b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
	b.post(journey.SupportRequested).goes("/teaching-record/national-insurance-number")
	b.post(askNINO, "have", "yes", "number", "QQ654321A").goes("/teaching-record/check-answers")
	b.get("/teaching-record/check-answers").shows(http.StatusOK, "QQ 65 43 21 A")
	if len(h.register.asked) != 0 {
		t.Error("the register was asked past the limit")
	}
	b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
	h.Limiter = limiter(true)
	b.post(journey.SupportRequested).goes("/teaching-record/national-insurance-number")
	b.post(askNINO, "have", "yes", "number", "QQ654321A").goes("/teaching-record/connected")
}

// limiter allows every lookup, or none.
type limiter bool

func (l limiter) Attempt(context.Context, string) (bool, error) { return bool(l), nil }

func (limiter) GiveBack(context.Context, string) error { return nil }

// TestCookieStaysSmall: forty tabs, failed returns and a finished journey are one
// cookie of one size (threat T48).
func TestCookieStaysSmall(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	jar := map[string]string{}
	note := func() {
		for _, c := range b.last.Cookies() {
			jar[c.Name] = c.Value
		}
	}
	for range 40 {
		b.leaves("/teaching-record/sign-in?return_to=/a")
		note()
		b.get("/teaching-record/callback?error=busy&state=none")
		note()
	}
	b.finishes("/records?" + strings.Repeat("long=", 1000))
	note()
	if len(jar) != 1 || len(jar[h.cookie]) != visitIDLength {
		t.Errorf("the cookies are %v", jar)
	}
}
