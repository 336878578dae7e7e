package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// happens delivers an event of the register, once, and returns the status.
func (h *house) happens(event journey.Event) int {
	h.t.Helper()
	if event.ID == "" {
		event.ID = newID()
	}
	if event.Delivery == "" {
		event.Delivery = newID()
	}
	if event.At.IsZero() {
		event.At = time.Now()
	}
	h.told.event = event
	return h.serve(httptest.NewRequest(http.MethodPost, "/teaching-record/webhooks/trs", strings.NewReader("{}"))).StatusCode
}

func (h *house) linkedTo() string {
	h.t.Helper()
	link, _, err := h.store.Link(h.t.Context(), h.Issuer, subject)
	must(h.t, err)
	return link.TRN
}

// waits ends where a person waits for help, on the way to path.
func (b *browser) waits(path string) *browser {
	b.t.Helper()
	b.verifies(path)
	b.post(journey.NationalInsuranceNumber, "have", "no").goes("/teaching-record/teacher-reference-number")
	b.post(journey.TeacherReferenceNumber, "have", "unknown").goes("/teaching-record/check-answers")
	return b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
}

// TestLinkMadeElsewhere lets a waiting person through at the next request, under
// a new id, wherever that request is for. The new cookie never travels with an
// answer of the service, which caches may be allowed to keep.
func TestLinkMadeElsewhere(t *testing.T) {
	for _, next := range []string{"/records", "/teaching-record/support-requested", "/teaching-record/sign-in?return_to=%2Frecords"} {
		h := newHouse(t)
		b := h.browser().waits("/records")
		before := b.cookie
		if got := h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: trn}); got != http.StatusNoContent {
			t.Fatalf("the event was answered %d", got)
		}
		if b.get(next); next == "/records" {
			b.goes("/teaching-record/sign-in?return_to=%2Frecords").get("/teaching-record/sign-in?return_to=%2Frecords")
		}
		if kept := b.goes("/records").last.Header.Get("Cache-Control"); kept != "no-store" || b.cookie == before {
			t.Errorf("%s: the new cookie %v, with Cache-Control %q", next, b.cookie != before, kept)
		}
		b.get("/records")
		if len(b.last.Cookies()) > 0 {
			t.Errorf("%s: a cookie with what the service says", next)
		}
		if b.shows(http.StatusOK, "the service"); b.cookie == before {
			t.Errorf("%s: the id of the visit was not renewed", next)
		}
		if _, found, err := h.store.Load(t.Context(), before); found || err != nil {
			t.Errorf("%s: the old id is alive: %v, %v", next, found, err)
		}
		link, _, err := h.store.Link(t.Context(), h.Issuer, subject)
		must(t, err)
		if link.TRN != trn || link.How != "register" || link.Identity.Name().String() != person.Name().String() {
			t.Errorf("%s: linked by %q, to the right record %v, with the verified name %v", next, link.How, link.TRN == trn, len(link.Identity.Names) > 0)
		}
	}
}

// TestLinkMadeWhileAnswering: of a button that is pressed twice the browser drops
// the first answer. The cookie they need must not be in it.
func TestLinkMadeWhileAnswering(t *testing.T) {
	h := newHouse(t)
	b := h.browser().verifies("/records")
	before := b.cookie
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: trn})
	for range 2 {
		b.cookie = before
		b.post(journey.NationalInsuranceNumber, "have", "yes", "number", "QQ123456C").goes("/teaching-record/national-insurance-number")
	}
	b.get("/teaching-record/national-insurance-number").goes("/records").get("/records").shows(http.StatusOK, "the service")
	if b.cookie == before {
		t.Error("the id of the visit was not renewed")
	}
}

// TestLinkTakenAwayElsewhere: the next request of a signed-in visit gets nothing.
func TestLinkTakenAwayElsewhere(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records").get("/records").shows(http.StatusOK, "the service")
	reached := h.reached
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject})
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
	b.get("/teaching-record/sign-in?return_to=%2Frecords").goes("/teaching-record/verify-identity")
	if h.reached != reached || h.linkedTo() != "" {
		t.Errorf("the service was reached %d times more, linked to %q", h.reached-reached, h.linkedTo())
	}
}

// TestLinkMovedElsewhere: the service is told of the other record.
func TestLinkMovedElsewhere(t *testing.T) {
	h := newHouse(t)
	var told string
	h.Identified = func(_ *http.Request, _, trn string) { told = trn }
	b := h.browser().finishes("/records")
	h.register.record.TRN = "7300002"
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: "7300002"})
	if b.get("/records").shows(http.StatusOK, "the service"); told != "7300002" {
		t.Errorf("the service was told %q", told)
	}
}

// TestEventsOutOfOrder: the later word holds, whichever comes first.
func TestEventsOutOfOrder(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, At: now})
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: trn, At: now.Add(-time.Second)})
	if got := h.linkedTo(); got != "" {
		t.Errorf("an earlier event linked to %s", got)
	}
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: trn, At: now.Add(time.Second)})
	if got := h.linkedTo(); got != trn {
		t.Errorf("linked to %q", got)
	}
}

// TestEventTwice: a replay is refused; the event delivered again is taken and
// does nothing; one that could not be done is done when it comes again.
func TestEventTwice(t *testing.T) {
	h := newHouse(t)
	made := journey.Event{ID: "1", Delivery: "a", Kind: journey.LinkChanged, Subject: subject, TRN: trn, At: time.Now()}
	links := h.Links
	h.Links = downLinks{links}
	if got := h.happens(made); got != http.StatusServiceUnavailable {
		t.Errorf("without a store: %d", got)
	}
	h.Links = links
	if got := h.happens(made); got != http.StatusUnauthorized || h.linkedTo() != "" {
		t.Errorf("a replay: %d, linked to %q", got, h.linkedTo())
	}
	made.Delivery = "b"
	if got := h.happens(made); got != http.StatusNoContent || h.linkedTo() != trn {
		t.Errorf("delivered again: %d, linked to %q", got, h.linkedTo())
	}
	must(t, h.store.RemoveLink(t.Context(), h.Issuer, subject))
	made.Delivery = "c"
	if got := h.happens(made); got != http.StatusNoContent || h.linkedTo() != "" {
		t.Errorf("delivered once more: %d, linked to %q", got, h.linkedTo())
	}
}

type downLinks struct{ Links }

func (downLinks) ChangeLink(context.Context, string, string, func(journey.Link, bool) (journey.Link, error)) error {
	return errNoStore
}

// TestRecordEnded: the record is asked for again, and what it says now holds.
func TestRecordEnded(t *testing.T) {
	h := newHouse(t)
	b, stranger := h.browser().finishes("/records"), "7300077"
	reads := h.register.reads.Load()
	h.happens(journey.Event{Kind: journey.RecordEnded, TRN: stranger})
	if b.get("/records").shows(http.StatusOK, "the service"); h.register.reads.Load() != reads {
		t.Error("somebody else's record ended, and ours was asked for")
	}
	h.happens(journey.Event{Kind: journey.RecordEnded, TRN: trn})
	if b.get("/records").shows(http.StatusOK, "the service"); h.register.reads.Load() != reads+1 {
		t.Errorf("the record was asked for %d times, want 1", h.register.reads.Load()-reads)
	}
	if b.get("/records").shows(http.StatusOK, "the service"); h.register.reads.Load() != reads+1 {
		t.Error("the record was asked for once more")
	}
	h.register.live = false
	h.happens(journey.Event{Kind: journey.RecordEnded, TRN: trn})
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
	if got := h.linkedTo(); got != "" {
		t.Errorf("linked to %q", got)
	}
}

// TestRecordChanged: the details are asked for again, by services that get them.
func TestRecordChanged(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		h := newHouse(t)
		h.Claims.Record = wanted
		b := h.browser().finishes("/records")
		h.register.record.Alerts = true
		h.happens(journey.Event{Kind: journey.RecordChanged, TRN: trn})
		b.get("/records").shows(http.StatusOK, "the service")
		if s, _, _ := h.store.Load(t.Context(), b.cookie); s.Record.Alerts != wanted {
			t.Errorf("wanted %v: the visit says %v", wanted, s.Record.Alerts)
		}
	}
}

// TestStaleAndNoRegister: nobody is let through, told "not found" or signed out.
func TestStaleAndNoRegister(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	h.happens(journey.Event{Kind: journey.RecordEnded, TRN: trn})
	h.register.err = errDown
	b.get("/records").shows(http.StatusServiceUnavailable, "Sorry, we cannot search for your teaching record")
	b.get("/records").shows(http.StatusServiceUnavailable, "return_to=%2Frecords")
	h.register.err = nil
	b.get("/records").shows(http.StatusOK, "the service")
}

// TestSignInAndNoRegister: who signed in goes on without One Login when the
// register is back.
func TestSignInAndNoRegister(t *testing.T) {
	h := newHouse(t)
	h.browser().finishes("/")
	h.register.err = errDown
	b := h.browser().signsIn("/records").shows(http.StatusServiceUnavailable, "return_to=%2Frecords")
	h.register.err = nil
	b.get("/teaching-record/sign-in?return_to=%2Frecords").goes("/records").get("/records").shows(http.StatusOK, "the service")
}

// TestNewsWhileAskingAgain: what is heard while the record is asked for counts.
func TestNewsWhileAskingAgain(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	h.happens(journey.Event{Kind: journey.RecordEnded, TRN: trn})
	h.register.during = func() {
		h.register.during = nil
		h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject})
	}
	b.get("/records") // may still be let through: it was asked for before
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
}

// TestLinkChangedWhileSigningIn is noticed too.
func TestLinkChangedWhileSigningIn(t *testing.T) {
	h := newHouse(t)
	h.browser().finishes("/records")
	h.register.during = func() {
		h.register.during = nil
		h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject})
	}
	h.browser().signsIn("/records").get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
}

// TestStaleTogether: requests that come together do not lose the visit when it
// gets a new id.
func TestStaleTogether(t *testing.T) {
	h := newHouse(t)
	b := h.browser().waits("/records")
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: trn})
	var together sync.WaitGroup
	cookies := make([]string, 10)
	for i := range cookies {
		together.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/teaching-record/support-requested", nil)
			r.AddCookie(&http.Cookie{Name: h.cookie, Value: b.cookie})
			w := httptest.NewRecorder()
			must(t, h.ServeHTTP(w, r, nil))
			if w.Code != http.StatusSeeOther {
				t.Errorf("answered %d", w.Code)
			}
			for _, c := range w.Result().Cookies() {
				cookies[i] = c.Value
			}
		})
	}
	together.Wait()
	ids := map[string]bool{}
	for _, cookie := range cookies {
		if s, found, err := h.store.Load(t.Context(), cookie); err == nil && found && s.Record.TRN == trn {
			ids[cookie] = true
		}
	}
	if len(ids) != 1 {
		t.Errorf("the visit goes on under %d ids", len(ids))
	}
}

// TestDeliveryAnswers: what a delivery is answered, and what is made of it.
func TestDeliveryAnswers(t *testing.T) {
	h := newHouse(t)
	heard := map[string]int{}
	h.Heard = func(kind journey.EventKind, outcome string) { heard[string(kind)+"/"+outcome]++ }
	for _, c := range []struct {
		err    error
		event  journey.Event
		status int
		heard  string
	}{
		{nil, journey.Event{}, http.StatusNoContent, "/ignored"},
		{nil, journey.Event{Kind: journey.RequestCompleted, Request: "r"}, http.StatusNoContent, "request-completed/ignored"},
		{nil, journey.Event{Kind: journey.RecordEnded, TRN: trn}, http.StatusNoContent, "record-ended/taken"},
		{fmt.Errorf("altered: %w", journey.ErrForged), journey.Event{}, http.StatusUnauthorized, "/refused"},
		{fmt.Errorf("no keys: %w", journey.NoRegister), journey.Event{}, http.StatusServiceUnavailable, "/failed"},
		{errors.New("no TRN"), journey.Event{}, http.StatusBadRequest, "/unreadable"},
	} {
		clear(heard)
		h.told.err = c.err
		c.event.Delivery = newID()
		if got := h.happens(c.event); got != c.status || heard[c.heard] != 1 || len(heard) != 1 {
			t.Errorf("%v, %q: %d, heard %v; want %d, %s", c.err, c.event.Kind, got, heard, c.status, c.heard)
		}
	}
	h.told = fakeWebhooks{err: journey.ErrForged}
	resp := h.serve(httptest.NewRequest(http.MethodPost, "/teaching-record/webhooks/trs", nil))
	if resp.Header.Get("Content-Type") != "application/problem+json" || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a forgery is answered with %v", resp.Header)
	}
	if resp := h.serve(httptest.NewRequest(http.MethodGet, "/teaching-record/webhooks/trs", nil)); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
}
