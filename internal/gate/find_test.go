package gate

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// finding is a house from which people are led to Find a lost TRN; the register
// finds only those who state the TRN.
func finding(t *testing.T) *house {
	h := newHouse(t)
	h.Policy.Find = true
	h.endpoints = h.ownEndpoints()
	h.register.finds = func(stated journey.Stated) bool { return stated.TRN == trn }
	return h
}

// leavesForFind ends where a person is about to leave, and returns the journey id.
func (b *browser) leavesForFind(path string) string {
	b.t.Helper()
	b.verifies(path)
	b.post(askNINO, "have", "no").goes("/teaching-record/teacher-reference-number")
	b.post(askTRN, "have", "unknown").goes("/teaching-record/find-a-lost-trn")
	return b.atFind()
}

// atFind opens the page with the form.
func (b *browser) atFind() string {
	b.t.Helper()
	b.get("/teaching-record/find-a-lost-trn").shows(http.StatusOK, `action="https://find.example/identity"`)
	id := b.finder.left[len(b.finder.left)-1]
	b.shows(http.StatusOK, id)
	return id
}

// says has Find tell what it found, and returns the answer.
func (h *house) says(id string, claim journey.Claim) *http.Response {
	h.t.Helper()
	h.finder.claim = claim
	return h.serve(httptest.NewRequest(http.MethodPut, "/api/find-trn/user/"+id, strings.NewReader("{}")))
}

func (h *house) learns(id string, claim journey.Claim) {
	h.t.Helper()
	if got := h.says(id, claim).StatusCode; got != http.StatusNoContent {
		h.t.Fatalf("Find was answered %d", got)
	}
}

func (b *browser) back(id string) *browser {
	return b.get("/teaching-record/find-a-lost-trn/callback?journey=" + id)
}

// TestThereAndBack: the TRN that Find says connects the person whose it is.
func TestThereAndBack(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	h.learns(id, journey.Claim{TRN: trn, LastName: "SOMEBODY-ELSE"})
	b.back(id).goes("/teaching-record/connected")
	b.get("/teaching-record/connected").post(journey.Connected).goes("/records").get("/records").shows(http.StatusOK, "the service")
	link, _, err := h.store.Link(t.Context(), h.Issuer, subject)
	must(t, err)
	if link.How != "find-a-lost-trn" || link.Identity.Name().String() != person.Name().String() {
		t.Errorf("linked by %q, with the verified name %v", link.How, link.Identity.Name().String() == person.Name().String())
	}
	b.back(id).goes("/records") // Back and a refresh
	if got := h.says(id, journey.Claim{TRN: trn}).StatusCode; got != http.StatusConflict {
		t.Errorf("told again after the return: %d", got)
	}
}

// TestNotConfirmed: a claim that the register does not confirm goes to people, and
// they are told what Find said.
func TestNotConfirmed(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	h.learns(id, journey.Claim{TRN: "7309999", BirthDate: person.BirthDate()})
	b.back(id).goes("/teaching-record/check-answers")
	b.get("/teaching-record/check-answers").shows(http.StatusOK, "7309999")
	b.post(journey.CheckAnswers)
	if h.help.pleas[0].Found != "7309999" || h.help.pleas[0].Identity.Name().String() != person.Name().String() {
		t.Error("what Find said is not told, or the verified name is not")
	}
}

// TestSomebodyElseAnswered: who had another person answer at Find, and comes back
// before them, does not read their TRN.
func TestSomebodyElseAnswered(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	h.learns(id, journey.Claim{TRN: "7309999", BirthDate: "1971-05-06"})
	b.back(id).goes("/teaching-record/check-answers")
	if b.get("/teaching-record/check-answers"); strings.Contains(b.text, "7309999") {
		t.Error("the TRN of somebody with another birth date is shown")
	}
	if b.post(journey.CheckAnswers); h.help.pleas[0].Found != "" {
		t.Error("and told to the people who help as theirs")
	}
}

// TestFindFoundNone goes on without, and may go there again.
func TestFindFoundNone(t *testing.T) {
	h := finding(t)
	b := h.browser()
	first := b.leavesForFind("/records")
	h.learns(first, journey.Claim{LastName: "WINTERGREEN"})
	asked := len(h.register.asked)
	b.back(first).goes("/teaching-record/check-answers")
	if len(h.register.asked) != asked {
		t.Error("the register was asked without a TRN")
	}
	b.post(askTRN, "have", "unknown").goes("/teaching-record/find-a-lost-trn")
	second := b.atFind()
	if first == second {
		t.Fatal("the second departure has the journey id of the first")
	}
	h.learns(second, journey.Claim{TRN: "7309999"})
	h.learns(second, journey.Claim{TRN: trn}) // until the return the last word counts
	b.back(second).goes("/teaching-record/connected")
}

// TestNothingYet: the browser was quicker than Find, or Find never said anything.
func TestNothingYet(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	b.back(id).shows(http.StatusConflict, "find-a-lost-trn")
	h.learns(id, journey.Claim{TRN: trn})
	b.back(id).goes("/teaching-record/connected")
}

// TestSkipFind goes on without, from its page.
func TestSkipFind(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	b.post(journey.FindALostTRN, "skip", "yes").goes("/teaching-record/check-answers")
	h.learns(id, journey.Claim{TRN: trn})
	b.back(id).goes("/teaching-record/connected") // and is back all the same
}

// TestAnotherBrowser voids what was said: its owner may have been made to answer.
func TestAnotherBrowser(t *testing.T) {
	for name, other := range map[string]func(h *house) *browser{
		"a stranger": func(h *house) *browser { return h.browser() },
		"somebody else": func(h *house) *browser {
			h.oneLogin.signIn.Subject, h.oneLogin.identity.Subject = "urn:fdc:gov.uk:2022:else", "urn:fdc:gov.uk:2022:else"
			return h.browser().verifies("/records")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := finding(t)
			b := h.browser()
			id := b.leavesForFind("/records")
			h.learns(id, journey.Claim{TRN: trn})
			other(h).back(id).shows(http.StatusForbidden, "browser")
			if got := h.says(id, journey.Claim{TRN: trn}).StatusCode; got != http.StatusConflict {
				t.Errorf("told again: %d", got)
			}
			b.back(id).goes("/teaching-record/find-a-lost-trn")
			if link, linked, _ := h.store.Link(t.Context(), h.Issuer, subject); linked {
				t.Errorf("linked to %s", link.TRN)
			}
		})
	}
}

// TestTooLate: a trip is over after two hours, and is told so.
func TestTooLate(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	h.Now = func() time.Time { return time.Now().Add(2*time.Hour + time.Minute) }
	if got := h.says(id, journey.Claim{TRN: trn}).StatusCode; got != http.StatusConflict {
		t.Errorf("told too late: %d", got)
	}
	b.back(id).shows(http.StatusGone, "find-a-lost-trn")
	b.back("7b0e4f4e-0000-4000-8000-000000000000").shows(http.StatusGone, "find-a-lost-trn")
}

// TestFindAndNoRegister: the answer is kept, and coming back again asks again.
func TestFindAndNoRegister(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	h.learns(id, journey.Claim{TRN: trn})
	h.register.err = errDown
	b.back(id).shows(http.StatusServiceUnavailable, "Sorry")
	h.register.err = nil
	b.back(id).goes("/teaching-record/connected")
}

// TestFindCountsLookups: what Find says is looked for no more often than the rest.
func TestFindCountsLookups(t *testing.T) {
	h := finding(t)
	b := h.browser()
	id := b.leavesForFind("/records")
	for range 6 {
		h.learns(id, journey.Claim{TRN: "7309999"})
		b.back(id)
		b.get("/teaching-record/find-a-lost-trn")
		id = h.finder.left[len(h.finder.left)-1]
		if b.last.StatusCode != http.StatusOK {
			break
		}
	}
	if len(h.register.asked) != 5 {
		t.Errorf("the register was asked %d times", len(h.register.asked))
	}
	b.goes("/teaching-record/check-answers")
}

type refusedClaim struct{ error }

func (refusedClaim) Answer(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) }

// TestClaimAnswers: what Find is answered.
func TestClaimAnswers(t *testing.T) {
	h := finding(t)
	if got := h.says("7b0e4f4e-0000-4000-8000-000000000000", journey.Claim{}); got.StatusCode != http.StatusNotFound || got.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("an unknown journey: %d %s", got.StatusCode, got.Header.Get("Content-Type"))
	}
	h.finder.err = refusedClaim{errors.New("no")}
	if got := h.says("x", journey.Claim{}).StatusCode; got != http.StatusTeapot {
		t.Errorf("a refusal: %d", got)
	}
	resp := h.serve(httptest.NewRequest(http.MethodGet, "/api/find-trn/user/x", nil))
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "PUT" {
		t.Errorf("GET: %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	h.finder.err = nil
	h.Handovers = downHandovers{}
	if got := h.says("x", journey.Claim{}).StatusCode; got != http.StatusServiceUnavailable {
		t.Errorf("without a store: %d", got)
	}
	// What is beside it is the service's own, and needs sign-in; without Find all is.
	for _, path := range []string{"/api/find-trn/user/a/b", "/api/find-trn/user", "/api/other"} {
		if got := h.serve(httptest.NewRequest(http.MethodPut, path, nil)).StatusCode; got != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, got)
		}
	}
	h.Policy.Find = false
	if got := h.says("x", journey.Claim{}).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("without Find: %d", got)
	}
}

// TestClaimBelowThePrefix: Find knows one address, wherever our own pages are.
func TestClaimBelowThePrefix(t *testing.T) {
	h := finding(t)
	h.PathPrefix = "/api"
	id := "7b0e4f4e-0000-4000-8000-000000000000"
	if _, err := h.Handovers.Change(t.Context(), id, func(journey.Handover, bool) (journey.Handover, error) {
		return journey.Handover{Browser: "a browser", Left: h.Now()}, nil
	}); err != nil {
		t.Fatal(err)
	}
	h.learns(id, journey.Claim{TRN: trn})
	if got := h.serve(httptest.NewRequest(http.MethodGet, "/api/healthz", nil)).StatusCode; got != http.StatusOK {
		t.Errorf("our own pages: %d", got)
	}
}

type downHandovers struct{ Handovers }

func (downHandovers) Change(context.Context, string, func(journey.Handover, bool) (journey.Handover, error)) (journey.Handover, error) {
	return journey.Handover{}, errNoStore
}

// TestSessionAtFind: what the service calls its session reaches Find, if it is a word.
func TestSessionAtFind(t *testing.T) {
	for session, want := range map[string]string{"abc-123": "abc-123", "with space": "", strings.Repeat("x", 129): ""} {
		h := finding(t)
		b := h.browser()
		b.returns(b.leaves("/teaching-record/sign-in?return_to=%2F&session_id=" + strings.ReplaceAll(session, " ", "%20")))
		b.returns(b.leaves("/teaching-record/verify-identity"))
		b.post(askNINO, "have", "no").post(askTRN, "have", "unknown")
		b.get("/teaching-record/find-a-lost-trn").shows(http.StatusOK, `name="session_id" value="`+want+`"`)
	}
}
