package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// The people of the demo, each from the first click to where they end.

func TestFoundByNINO(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/records?page=2").choose("found-by-nino").at(ninoPage)
	v.press("Continue", "have", "yes").at(ninoPage + "?have=yes")
	v.press("Continue", "number", "qq274916 b").at(connectedPage)
	v.press("Continue").at("/records?page=2").sees(200, "signed in")
	if v.views > 6 {
		t.Errorf("%d pages of ours were seen, want at most 6", v.views)
	}
	who := v.whoami()
	if !who.Verified || who.Claims["trn"] != "7382593" || who.Claims["match"] != "found" || who.Claims["sub"] != subjectOf(t, "found-by-nino") {
		t.Errorf("the service sees %v %v", who, who.Claims)
	}

	// In another browser, which One Login knows: straight through.
	again := s.teacher(t)
	again.http.Jar = v.http.Jar
	again.forgetVisit()
	again.open("/records").at("/records").sees(200, "signed in")
	if again.views != 0 {
		t.Errorf("%d pages of ours were seen on the second visit", again.views)
	}
	// Signed out everywhere, they only say who they are.
	v.open("/teaching-record/sign-out").press("Sign out").sees(200, "You have signed out")
	if v.url.Path != signedOutPage {
		t.Errorf("signing out ended at %s", v.url)
	}
	v.open("/records").choose("found-by-nino").at("/records").sees(200, "signed in")
}

func TestFoundByTRN(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/").choose("found-by-trn").at(ninoPage)
	v.press("Continue", "have", "yes").press("Continue", "number", "QQ 94 30 72 C").at(trnPage)
	v.press("Continue", "number", "RP73/84168").at(connectedPage)
	v.press("Continue").at("/").sees(200, "signed in")
	if who := v.whoami(); !who.Verified || who.Claims["trn"] != "7384168" {
		t.Errorf("the service sees %v %v", who, who.Claims)
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/records").choose("known").at("/records").sees(200, "signed in")
	if who := v.whoami(); v.views != 0 || !who.Verified || who.Claims["trn"] != "7381046" {
		t.Errorf("%d pages of ours; the service sees %v %v", v.views, who, who.Claims)
	}
	if vectors := s.OneLogin.Record().Vectors; len(vectors) != 1 || vectors[0] != "Cl.Cm" {
		t.Errorf("One Login was asked for %v", vectors)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/").choose("not-found").press("Continue", "have", "yes").press("Continue", "number", "QQ 58 12 67 D")
	v.at(trnPage).press("Continue", "number", "7389902")
	v.at(checkPage).sees(200, "BARNABY QUILLFEATHER").sees(200, "QQ 58 12 67 D").sees(200, "7389902").sees(200, "31 May 1994")

	// A changed answer comes back to the same page, with a Back link to where it was asked.
	v.follow("Change teacher reference number (TRN)").at(trnPage).press("I do not know").at(checkPage)
	v.follow("Back").at(trnPage).follow("Back").at(ninoPage)
	v.open(checkPage).press("Confirm and send").at(requestedPage)
	reference := v.text("strong")
	v.open("/").at(requestedPage).sees(200, reference)
	v.open(checkPage).at(requestedPage)
	if !strings.Contains(s.log.String(), reference) {
		t.Error("the reference is not in the log")
	}
	if resp := s.raw(t, rawRequest{method: "GET", target: "/whoami", header: []string{"Cookie: teaching-record=" + v.cookie()}}); resp.status != http.StatusUnauthorized {
		t.Errorf("somebody without a record got %d of the service", resp.status)
	}
	v.open(requestedPage).press("different details").at(ninoPage)
}

func TestNotVerified(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/").choose("not-verified").at(notVerifiedPage).sees(200, "confirm that you are who you say you are")
	v.open("/records").at(notVerifiedPage)
	v.press("Try again").at(notVerifiedPage)
	v.open(ninoPage).at(notVerifiedPage)
	if got := s.OneLogin.Record().Vectors; len(got) != 3 {
		t.Errorf("One Login was asked for %v", got)
	}
}

// TestNobody: on a protected path nobody gets anything without signing in.
func TestNobody(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, path := range []string{"/", "/whoami", "/records", "/healthcheck/x", "/assets", "/assets/../whoami", "/healthcheck/../whoami",
		"/assets/%2e%2e/whoami", "/assets/..%2fwhoami", "//assets/hello.txt", "/assets//../whoami", "/%61ssets/../whoami", "/assets/;/whoami", "/HEALTHCHECK/"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
			r := rawRequest{method: method, target: path}
			if resp := s.raw(t, r); resp.status != http.StatusUnauthorized {
				t.Errorf("%s %s: %d", method, path, resp.status)
			}
		}
	}
	for _, path := range []string{"/healthcheck", "/assets/hello.txt"} {
		if resp := s.raw(t, rawRequest{method: "GET", target: path}); resp.status != http.StatusOK {
			t.Errorf("%s: %d", path, resp.status)
		}
	}
	resp := s.raw(t, rawRequest{method: "POST", target: "/whoami", header: []string{"Accept: application/json"}})
	var problem map[string]any
	must(t, json.Unmarshal([]byte(resp.body), &problem))
	if !strings.HasPrefix(problem["sign_in"].(string), s.site+"/teaching-record/sign-in") || !strings.Contains(resp.head, "application/problem+json") {
		t.Errorf("%s\n%s", resp.head, resp.body)
	}
}

func subjectOf(t *testing.T, value string) string {
	t.Helper()
	p, ok := people.Find(value)
	if !ok {
		t.Fatalf("nobody is called %q", value)
	}
	return p.Subject()
}

// forgetVisit drops the site's cookie, as another browser would not have it.
func (v *teacher) forgetVisit() {
	site, err := url.Parse(v.s.site)
	must(v.t, err)
	v.http.Jar.SetCookies(site, []*http.Cookie{{Name: "teaching-record", Path: "/", MaxAge: -1}})
}
