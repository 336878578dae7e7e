package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html/atom"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack"
)

// Teachers who do not know their TRN, to Find a lost TRN and back.

const findBack = findPage + "/callback" // where it sends people back to

// finding leads who does not know their TRN to Find a lost TRN.
func finding(s *stack) {
	text, err := devstack.Finding(read(s.t, s.caddyfile))
	must(s.t, err)
	s.caddyfile = s.dir + "/Caddyfile"
	write(s.t, s.caddyfile, text)
}

// finder is the origin of Find a lost TRN.
func (s *stack) finder() string { return strings.TrimSuffix(s.env["FIND_URL"], "/identity") }

// forgets walks to the page from which people leave for Find, as one of the cast.
func (v *teacher) forgets(value string) *teacher {
	v.t.Helper()
	v.open("/records?page=2").choose(value).at(ninoPage)
	v.press("Continue", "have", "yes").press("Continue", "number", person(v.t, value).NINO).at(trnPage)
	return v.unknown()
}

// unknown says that they do not know their TRN, whichever way the page asks.
func (v *teacher) unknown() *teacher {
	v.t.Helper()
	if strings.Contains(v.text("h1"), "Do you have") {
		return v.press("Continue", "have", "unknown").at(findPage)
	}
	return v.press("I do not know my TRN").at(findPage)
}

// leaves goes to Find and reads its questions, with the answers filled in.
func (v *teacher) leaves() *teacher {
	v.t.Helper()
	v.press("Continue to Find a lost TRN")
	if got := v.url.String(); !strings.HasPrefix(got, v.s.finder()+"/questions?visit=") {
		v.t.Fatalf("at %s (%d), want the questions of Find a lost TRN:\n%s", got, v.resp.StatusCode, v.body)
	}
	return v
}

// journeyID names the trip that the page of theirs would begin.
func (v *teacher) journeyID() string {
	v.t.Helper()
	for input := range v.elements(atom.Input) {
		if attr(input, "name") == "journey_id" {
			return attr(input, "value")
		}
	}
	v.t.Fatalf("%s has no journey_id:\n%s", v.url, v.body)
	return ""
}

// back checks that they are where Find sends people back to, with a page there.
func (v *teacher) back(status int, text string) *teacher {
	v.t.Helper()
	if got := v.url.String(); !strings.HasPrefix(got, v.s.site+findBack+"?journey=") {
		v.t.Fatalf("at %s, want to be back from Find a lost TRN:\n%s", got, v.body)
	}
	return v.sees(status, text)
}

// TestLostTRN: from "I do not know" to the service, with either register, where the
// service gives TRNs and where it does not.
func TestLostTRN(t *testing.T) {
	t.Parallel()
	cordelia := person(t, "lost-trn")
	for name, c := range map[string]struct {
		start   func(*testing.T, ...option) *stack
		options []option
	}{
		"embedded":             {func(t *testing.T, o ...option) *stack { return start(t, o...) }, []option{finding}},
		"embedded, allocating": {registers["embedded"], []option{finding}},
		"trs":                  {startTRS, []option{finding}},
		"trs, allocating":      {registers["trs"], []option{finding}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.start(t, c.options...)
			v := s.teacher(t).open("/teaching-record/sign-in?return_to=%2Frecords%3Fpage%3D2&session_id=abc-123").choose(cordelia.Value)
			v.press("Continue", "have", "yes").press("Continue", "number", cordelia.NINO).at(trnPage).unknown()
			if left := s.Find.Record().Hits["identity"]; left != 0 {
				t.Errorf("%d forms were posted by themselves", left)
			}
			v.leaves().sees(http.StatusOK, "Access your teaching qualifications").sees(http.StatusOK, cordelia.Email)
			v.press("Continue").at(connectedPage).press("Continue").at("/records?page=2").sees(http.StatusOK, "signed in")
			if who := v.whoami(); !who.Verified || who.Claims["trn"] != cordelia.Lost || who.Claims["match"] != "found" || who.Claims["sub"] != cordelia.Subject() {
				t.Errorf("the service sees %v %v", who, who.Claims)
			}
			record := s.Find.Record()
			if diff := cmp.Diff([]string{"abc-123"}, record.SessionIDs); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]int{http.StatusNoContent}, record.PUTs); diff != "" {
				t.Error(diff)
			}
			// What is over is over, Back and a refresh included.
			v.open(findPage).at("/records?page=2")
			again := s.teacher(t).open("/records").choose(cordelia.Value).at("/records").sees(http.StatusOK, "signed in")
			if again.views != 0 {
				t.Errorf("the next time %d pages were seen", again.views)
			}
			s.nothingPersonal(t)
			s.noRuleBroken(t)
			s.noFindRuleBroken(t)
		})
	}
}

// TestWithoutFind goes on without it, by the page's second button, and to people.
func TestWithoutFind(t *testing.T) {
	t.Parallel()
	s := start(t, finding)
	v := s.teacher(t).forgets("lost-trn").press("Continue without finding your TRN").at(checkPage)
	v.follow("Back").at(findPage).follow("Back").at(trnPage)
	v.open(checkPage).press("Confirm and send").at(requestedPage)
	v.open(findPage).at(requestedPage)

	// Where it is not configured, the question links to it, and nobody comes back.
	s = start(t)
	v = s.teacher(t).open("/records").choose("lost-trn").press("Continue", "have", "no").at(trnPage)
	if !strings.Contains(v.body, `href="https://find-a-lost-trn.education.gov.uk`) {
		t.Errorf("no link to Find a lost TRN:\n%s", v.body)
	}
	v.press("I do not know").at(checkPage).open(findPage).sees(http.StatusNotFound, "Page not found")
	if got := s.raw(t, rawRequest{method: "PUT", target: "/api/find-trn/user/7b0e4f4e-0000-4000-8000-000000000000"}).status; got != http.StatusUnauthorized {
		t.Errorf("what Find says is answered with %d", got)
	}
}

// TestFoundAfterAWrongTRN: who typed a TRN that is not theirs may look for it, too.
func TestFoundAfterAWrongTRN(t *testing.T) {
	t.Parallel()
	s := start(t, finding)
	v := s.teacher(t).open("/records").choose("lost-trn").press("Continue", "have", "no").at(trnPage)
	v.press("Continue", "number", "7389902").at(findPage).leaves().press("Continue").at(connectedPage)
}

// noFindRuleBroken fails the test for every form that Find refused.
func (s *stack) noFindRuleBroken(t testing.TB) {
	t.Helper()
	for _, v := range s.Find.Record().Violations {
		t.Errorf("Find a lost TRN refused: %+v", v)
	}
}
