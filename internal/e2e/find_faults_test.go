package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
)

// Every way in which a trip to Find a lost TRN can end. Nobody is connected to a
// record by any but those that are tolerable, and everybody has a way on.

// somebodyElses is the TRN that Find says when it finds the wrong one.
const somebodyElses = "7386270"

// trips say of each fault where the browser ends, what is read there, and how the
// site answered Find.
var trips = map[string]struct {
	ends   string // a page of ours, or "" for one of Find's
	status int
	says   string
	puts   []int
}{
	// Nobody is taken over.
	"closed":     {"", 500, "There is a problem with the service", nil},
	"not-public": {"", 401, "There is a problem with the service", nil},
	"too-many":   {"", 429, "There is a problem with the service", nil},

	// Nothing is found: on to the people who help, without a TRN.
	"no-trn":         {checkPage, 200, "Check your answers before sending your request", []int{204}},
	"null-trn":       {checkPage, 200, "Check your answers before sending your request", []int{204}},
	"ticket-created": {checkPage, 200, "Check your answers before sending your request", []int{204}},

	// Or something that is not theirs.
	"other-trn":   {checkPage, 200, "TRN found by Find a lost TRN " + somebodyElses, []int{204}},
	"put-changed": {checkPage, 200, "TRN found by Find a lost TRN " + somebodyElses, []int{204, 204}},

	// It is said in another way.
	"old-names":       {connectedPage, 200, "connected to your teaching record", []int{204}},
	"preferred-names": {connectedPage, 200, "connected to your teaching record", []int{204}},
	"new-properties":  {connectedPage, 200, "connected to your teaching record", []int{204}},
	"put-twice":       {connectedPage, 200, "connected to your teaching record", []int{204, 204}},

	// They are back, and nothing was said.
	"put-missing": {findBack, 409, "We do not have an answer from Find a lost TRN", nil},
	"put-late":    {findBack, 409, "We do not have an answer from Find a lost TRN", nil},

	// It was said in a way that does not count, and Find leaves them there.
	"put-wrong-key":     {"", 500, "There is a problem with the service", []int{401}},
	"put-no-key":        {"", 500, "There is a problem with the service", []int{401}},
	"put-other-journey": {"", 500, "There is a problem with the service", []int{404}},

	// Find leaves them there all the same.
	"no-return":     {"", 200, "We have received your request", []int{204}},
	"ticket":        {"", 200, "We have received your request", nil},
	"other-browser": {"", 200, "Go back in another browser", []int{204}},
}

// TestFindFaults plays each to somebody, who then goes on as the page they are on
// offers, and is connected by a trip that ends well.
func TestFindFaults(t *testing.T) {
	t.Parallel()
	if len(trips) != len(find.Faults()) {
		t.Errorf("%d trips, %d faults", len(trips), len(find.Faults()))
	}
	s := start(t, finding, editing("lookup_limit 5 24h", "lookup_limit 1000 1h"))
	links := s.store()
	cordelia := person(t, "lost-trn")
	for _, fault := range find.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			trip, known := trips[fault.Name]
			if !known {
				t.Fatal("nobody knows how this ends")
			}
			s.Find.Reset()
			must(t, s.Find.Play(find.Play{Fault: fault.Name}))
			v := s.teacher(t).forgets(cordelia.Value).press("Continue to Find a lost TRN")
			if fault.Name != "closed" && fault.Name != "not-public" && fault.Name != "too-many" {
				v.press("Continue")
			}
			v.sees(trip.status, trip.says)
			switch trip.ends {
			case "":
				if !strings.HasPrefix(v.url.String(), s.finder()) {
					t.Errorf("at %s, want a page of Find's", v.url)
				}
			case findBack:
				v.back(trip.status, trip.says)
			default:
				v.at(trip.ends)
			}
			if trip.ends == checkPage && strings.Contains(v.body, "TRN found by") != strings.HasSuffix(trip.says, somebodyElses) {
				t.Errorf("what Find found is shown otherwise:\n%s", v.body)
			}
			if diff := cmp.Diff(trip.puts, s.Find.Record().PUTs); diff != "" {
				t.Error(diff)
			}
			if (trip.ends == connectedPage) != fault.Tolerable {
				t.Errorf("the trip ends at %q and is tolerable: %t", trip.ends, fault.Tolerable)
			}
			_, linked, err := links.Link(t.Context(), s.env["ONE_LOGIN_ISSUER"], cordelia.Subject())
			must(t, err)
			if linked != fault.Tolerable || !linked && v.fetch("/whoami") != http.StatusUnauthorized {
				t.Errorf("linked: %t", linked)
			}

			v.another(fault.Name).press("Continue").at("/records?page=2").sees(http.StatusOK, "signed in")
			if who := v.whoami(); who.Claims["trn"] != cordelia.Lost {
				t.Errorf("the service sees %v", who.Claims)
			}
			must(t, links.RemoveLink(t.Context(), s.env["ONE_LOGIN_ISSUER"], cordelia.Subject()))
			s.noFindRuleBroken(t)
		})
	}
}

// another takes the way on after a fault, to where they read that they are connected.
func (v *teacher) another(fault string) *teacher {
	v.t.Helper()
	switch {
	case v.url.Path == connectedPage:
		return v.at(connectedPage)
	case fault == "put-missing":
		v.follow("Go to Find a lost TRN again").at(findPage)
	case fault == "put-late":
		// What comes late counts while the browser waits: reloading looks again.
		if diff := cmp.Diff([]int{http.StatusNoContent}, v.s.Find.Late(v.t.Context())); diff != "" {
			v.t.Error(diff)
		}
		return v.open(v.url.String()).at(connectedPage)
	case fault == "other-browser":
		back := v.text("a")
		v.s.teacher(v.t).open(back).back(http.StatusForbidden, "You came back in another browser")
		v.open(back).at(findPage) // what was said is void, and so is the trip
	case v.url.Path == checkPage:
		v.follow("Change teacher reference number (TRN)").at(trnPage).unknown()
	default: // Back, or the service opened anew
		v.open("/records?page=2").at(findPage)
	}
	return v.leaves().press("Continue").at(connectedPage)
}

// TestNothingFromFind goes on without, from the page that says so.
func TestNothingFromFind(t *testing.T) {
	t.Parallel()
	s := start(t, finding)
	must(t, s.Find.Play(find.Play{Fault: "put-missing"}))
	v := s.teacher(t).forgets("lost-trn").leaves().press("Continue").back(http.StatusConflict, "We do not have an answer")
	v.press("Continue without finding your TRN").at(checkPage)
}

// TestLateForFind: when the browser is back with what was said, no more is heard.
func TestLateForFind(t *testing.T) {
	t.Parallel()
	s := start(t, finding)
	must(t, s.Find.Play(find.Play{Fault: "put-late"}))
	v := s.teacher(t).forgets("lost-trn")
	id := v.journeyID()
	v.leaves().press("Continue").back(http.StatusConflict, "We do not have an answer")
	if got := s.says(t, id, claimOf("7380659")); got.status != http.StatusNoContent {
		t.Fatalf("Find was answered %d", got.status)
	}
	v.open(v.url.String()).at(connectedPage)
	if diff := cmp.Diff([]int{http.StatusConflict}, s.Find.Late(t.Context())); diff != "" {
		t.Error(diff)
	}
}

// TestSomebodyElsesTRN: the people who help are told what Find said, and the visit
// has nothing of it.
func TestSomebodyElsesTRN(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func() *stack{
		"embedded": func() *stack { return start(t, finding) }, "trs": func() *stack { return startTRS(t, finding) },
	} {
		s := start()
		must(t, s.Find.Play(find.Play{Fault: "other-trn"}))
		v := s.teacher(t).forgets("lost-trn").leaves().press("Continue").at(checkPage).sees(http.StatusOK, "TRN found by Find a lost TRN "+somebodyElses)
		v.sees(http.StatusOK, "CORDELIA RAVENSCAR").press("Confirm and send").at(requestedPage)
		s.await("the ticket", func() bool { return len(s.Zendesk.Tickets()) == 1 })
		ticket := s.Zendesk.Tickets()[0].Body
		if !strings.Contains(ticket, "TRN that was found and is not confirmed: "+somebodyElses) || !strings.Contains(ticket, "Name: CORDELIA RAVENSCAR") || strings.Contains(strings.ToLower(ticket), "hollowbrook") {
			t.Errorf("%s: the ticket says %s", name, ticket)
		}
		s.nothingPersonal(t)
		s.noRuleBroken(t)
	}
}
