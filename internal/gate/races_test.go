package gate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// meanwhileLinks has something happen between the decision on a link and that.
type meanwhileLinks struct {
	Links
	f func()
}

func (l *meanwhileLinks) ChangeLink(ctx context.Context, issuer, subject string, change func(journey.Link, bool) (journey.Link, error)) error {
	return l.Links.ChangeLink(ctx, issuer, subject, func(link journey.Link, found bool) (journey.Link, error) {
		link, err := change(link, found)
		if f := l.f; f != nil {
			l.f = nil
			f()
		}
		return link, err
	})
}

// TestLinkEventsTogether: of events that come at the same time the later one
// holds, even if it is done first.
func TestLinkEventsTogether(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ earlier, later, want string }{
		{trn, "", ""},
		{trn, trn, trn},
		{trn, "7300002", "7300002"},
		{"", trn, trn},
		{"", "", ""},
	} {
		h := newHouse(t)
		must(t, h.store.SetLink(t.Context(), h.Issuer, subject, journey.Link{TRN: "7309999", How: "nino"}))
		hear := func(trn string, at time.Time) {
			_, err := h.hear(t.Context(), journey.Event{ID: newID(), Delivery: newID(), Kind: journey.LinkChanged, Subject: subject, TRN: trn, At: at})
			must(t, err)
		}
		h.Links = &meanwhileLinks{h.store, func() { hear(c.later, now.Add(time.Second)) }}
		hear(c.earlier, now)
		if got := h.linkedTo(); got != c.want {
			t.Errorf("%q, while it was made %q: linked to %q", c.earlier, c.later, got)
		}
	}
}

// TestLinkTakenAwayWhileAsking: a link that is taken away while the register is
// asked about its record does not come back with the answer.
func TestLinkTakenAwayWhileAsking(t *testing.T) {
	for name, kept := range map[string]string{"whose they are is added": trn, "merged": "7300002"} {
		h := newHouse(t)
		b := h.browser().waits("/records")
		h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: trn})
		must(t, h.store.SetLink(t.Context(), h.Issuer, subject, journey.Link{TRN: trn, How: "register"})) // no identity yet
		h.register.record.TRN = kept
		h.register.during = func() {
			h.register.during = nil
			h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, At: time.Now().Add(time.Second)})
		}
		b.get("/teaching-record/sign-in?return_to=%2Frecords")
		if h.register.during != nil {
			t.Fatalf("%s: the register was not asked", name)
		}
		b.get("/records").get("/records")
		if got := h.linkedTo(); got != "" || h.reached > 0 {
			t.Errorf("%s: linked to %q, and the service was reached %d times", name, got, h.reached)
		}
	}
}

// TestLinkMadeWhileAsking: that the record of a link has ended is no word on the
// link that was made while the register was asked.
func TestLinkMadeWhileAsking(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	h.happens(journey.Event{Kind: journey.RecordEnded, TRN: trn})
	h.register.live = false
	h.register.during = func() {
		h.register.during = nil
		h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: "7300002"})
	}
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
	h.register.live, h.register.record.TRN = true, "7300002"
	b.get("/teaching-record/sign-in?return_to=%2Frecords").goes("/records").get("/records").shows(http.StatusOK, "the service")
	if got := h.linkedTo(); got != "7300002" {
		t.Errorf("linked to %q", got)
	}
}

// TestLaterNews: who comes after an event was taken gets no answer to what was
// asked before it.
func TestLaterNews(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	h.happens(journey.Event{Kind: journey.RecordEnded, TRN: trn})
	asking, answer := make(chan bool), make(chan bool)
	var first sync.Once
	h.register.during = func() { first.Do(func() { close(asking); <-answer }) }
	get := func() int {
		r := httptest.NewRequest(http.MethodGet, "/records", nil)
		r.AddCookie(&http.Cookie{Name: h.cookie, Value: b.cookie})
		w := httptest.NewRecorder()
		must(t, h.ServeHTTP(w, r, func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusOK); return nil }))
		return w.Code
	}
	var both sync.WaitGroup
	both.Go(func() { get() }) // may be let through: it came before
	<-asking
	h.happens(journey.Event{Kind: journey.LinkChanged, Subject: subject})
	later := make(chan int, 1)
	both.Go(func() { later <- get() })
	select {
	case code := <-later:
		if code == http.StatusOK {
			t.Error("who came after the link was taken away was let through")
		}
	case <-time.After(10 * time.Second):
		t.Error("who came after the event waits for an answer from before it")
	}
	close(answer)
	both.Wait()
}
