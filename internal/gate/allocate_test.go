package gate

import (
	"errors"
	"net/http"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// allocating is a house where who has no TRN can request one, and nobody is found.
func allocating(t *testing.T) *house {
	h := newHouse(t)
	h.Policy = journey.Policy{Allocate: true, Writes: true}
	h.register.finds = func(journey.Stated) bool { return false }
	h.trns.gives = func() {
		must(t, h.store.SetLink(t.Context(), h.Issuer, subject, journey.Link{TRN: trn, How: "allocated", Identity: person}))
	}
	return h
}

// hasNone ends where a person is about to request a TRN.
func (b *browser) hasNone(path string) *browser {
	b.t.Helper()
	b.verifies(path)
	b.post(askNINO, "have", "yes", "number", "QQ123456C").goes("/teaching-record/teacher-reference-number")
	b.get("/teaching-record/teacher-reference-number").shows(http.StatusOK, "Do you have a teacher reference number")
	b.post(askTRN, "have", "no").goes("/teaching-record/request-a-trn")
	return b.get("/teaching-record/request-a-trn").shows(http.StatusOK, "PRUNELLA").shows(http.StatusOK, "WINTERGREEN").shows(http.StatusOK, "QQ 12 34 56 C")
}

// TestTRNGivenAtOnce: in one sitting, and asked for once.
func TestTRNGivenAtOnce(t *testing.T) {
	h := allocating(t)
	h.trns.says = journey.Completed
	b := h.browser().hasNone("/records")
	b.post(journey.RequestATRN).goes("/teaching-record/connected")
	b.get("/teaching-record/connected").shows(http.StatusOK, trn)
	b.post(journey.RequestATRN).goes("/teaching-record/connected")
	b.post(journey.Connected).goes("/records").get("/records").shows(http.StatusOK, "the service")
	want := journey.Application{FirstName: "PRUNELLA", LastName: "WINTERGREEN", BirthDate: "1984-03-02", Email: "prunella@people.example", NINO: "QQ123456C"}
	if len(h.trns.asked) != 1 || h.trns.asked[0] != want {
		t.Errorf("asked %d times, not for what the page showed", len(h.trns.asked))
	}
}

// TestQuickerTab: an answer that takes long, while another tab reads what came of
// its own, leads to where that one is.
func TestQuickerTab(t *testing.T) {
	h := allocating(t)
	h.trns.says = journey.Completed
	slow := h.browser().hasNone("/records")
	quick, gives := *slow, h.trns.gives
	h.trns.gives = func() {
		h.trns.gives = gives
		quick.post(journey.RequestATRN).goes("/teaching-record/connected")
		quick.get("/teaching-record/connected").shows(http.StatusOK, trn)
		gives()
	}
	slow.post(journey.RequestATRN).goes("/teaching-record/sign-in?return_to=%2Frecords")
	slow.cookie = quick.cookie // which is the browser's by now
	slow.get("/teaching-record/sign-in?return_to=%2Frecords").goes("/teaching-record/connected")
	slow.get("/teaching-record/connected").shows(http.StatusOK, trn)
}

// TestTRNRequested: who must wait reads so, here and wherever they come back, and
// goes through when it is given.
func TestTRNRequested(t *testing.T) {
	h := allocating(t)
	h.trns.says = journey.Pending
	b := h.browser().hasNone("/records")
	b.post(journey.RequestATRN).goes("/teaching-record/trn-requested")
	b.get("/teaching-record/trn-requested").shows(http.StatusOK, "prunella@people.example")
	for _, step := range []journey.Step{askNINO, askTRN, journey.RequestATRN, journey.CheckAnswers} {
		b.get("/teaching-record/" + string(step)).goes("/teaching-record/trn-requested")
	}
	c := h.browser().signsIn("/records").goes("/teaching-record/trn-requested")

	h.happens(journey.Event{Kind: journey.RequestCompleted, Request: "of-the-test"})
	if len(h.trns.decided) != 1 || h.trns.decided[0] != "of-the-test" {
		t.Errorf("looked at %v", h.trns.decided)
	}
	h.trns.gives()
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: trn})
	for _, waiting := range []*browser{b, c} {
		waiting.get("/teaching-record/trn-requested").goes("/records").get("/records").shows(http.StatusOK, "the service")
	}
}

// TestTRNDeclined is an end, also for who comes back.
func TestTRNDeclined(t *testing.T) {
	h := allocating(t)
	h.trns.says = journey.Rejected
	b := h.browser().hasNone("/records")
	b.post(journey.RequestATRN).goes("/teaching-record/trn-request-declined")
	h.help.open = true
	c := h.browser().signsIn("/records").goes("/teaching-record/trn-request-declined")
	c.get("/teaching-record/trn-request-declined").shows(http.StatusOK, reference)
}

// TestTRNRefused: where the register will not take the request, people must decide.
func TestTRNRefused(t *testing.T) {
	h := allocating(t)
	h.trns.says = "refused"
	b := h.browser().hasNone("/records")
	b.post(journey.RequestATRN).goes("/teaching-record/check-answers")
	b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
	if why := h.help.pleas[0].Reason; why != journey.CannotRequest {
		t.Errorf("help is asked for because of %s", why)
	}
}

// TestNoTRNAndOneName: who cannot be requested for goes to people at once.
func TestNoTRNAndOneName(t *testing.T) {
	h := allocating(t)
	h.oneLogin.identity.Identity = journey.Identity{Names: []journey.Name{{Family: []string{"WINTERGREEN"}}}, BirthDates: person.BirthDates}
	b := h.browser().verifies("/records")
	b.post(askNINO, "have", "no")
	b.post(askTRN, "have", "no").goes("/teaching-record/check-answers")
	b.get("/teaching-record/request-a-trn").goes("/teaching-record/check-answers")
	b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
	if why := h.help.pleas[0].Reason; why != journey.CannotRequest {
		t.Errorf("help is asked for because of %s", why)
	}
}

// TestHasATRNAfterAll: each answer to the question, and its second screen.
func TestHasATRNAfterAll(t *testing.T) {
	h := allocating(t)
	b := h.browser().hasNone("/records")
	b.post(askTRN).shows(http.StatusUnprocessableEntity, "Select yes if")
	b.post(askTRN, "have", "yes").goes("/teaching-record/teacher-reference-number?have=yes")
	b.get("/teaching-record/teacher-reference-number?have=yes").shows(http.StatusOK, `name="number"`)
	b.post(askTRN, "have", "yes", "number", "12").shows(http.StatusUnprocessableEntity, `name="number"`)
	b.post(askTRN, "have", "yes", "number", "7300009").goes("/teaching-record/check-answers")
	b.get("/teaching-record/request-a-trn").goes("/teaching-record/check-answers")
	b.post(askTRN, "have", "unknown").goes("/teaching-record/check-answers")
	b.post(askTRN, "have", "no").goes("/teaching-record/request-a-trn")
	h.register.finds = func(stated journey.Stated) bool { return stated.TRN == trn }
	b.post(askTRN, "have", "yes", "number", trn).goes("/teaching-record/connected")
}

// TestTRNAndFailures: nobody is told that there will be none, and all is kept.
func TestTRNAndFailures(t *testing.T) {
	h := allocating(t)
	b := h.browser().hasNone("/records")
	h.trns.err = errors.Join(errDown, journey.NoStore)
	b.post(journey.RequestATRN).shows(http.StatusServiceUnavailable, "Sorry")
	h.trns.err = nil
	h.trns.says = journey.Completed
	h.register.err = errDown // given, but its record cannot be read
	b.post(journey.RequestATRN).shows(http.StatusServiceUnavailable, "Sorry")
	h.register.err = nil
	b.post(journey.RequestATRN).goes("/teaching-record/connected")
}

// TestMatchOnly: nothing of it is there.
func TestMatchOnly(t *testing.T) {
	h := newHouse(t)
	h.register.finds = func(journey.Stated) bool { return false }
	b := h.browser().verifies("/records")
	b.post(askNINO, "have", "no").goes("/teaching-record/teacher-reference-number")
	b.post(askTRN, "have", "no").shows(http.StatusUnprocessableEntity, "Enter your")
	b.get("/teaching-record/request-a-trn").goes("/teaching-record/teacher-reference-number")
	b.post(journey.RequestATRN).goes("/teaching-record/teacher-reference-number")
	if len(h.trns.asked) != 0 {
		t.Error("a TRN was asked for")
	}
}
