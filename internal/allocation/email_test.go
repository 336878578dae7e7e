package allocation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestMailAtTheSameTime: whoever set out first sends it, and nobody else.
func TestMailAtTheSameTime(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	h.register.decides(completed)
	other := h.replica(nil)
	h.post.during = func() {
		h.post.during = nil
		h.now = h.now.Add(30 * time.Second)
		if err := other.email(t.Context(), h.id(subject)); err != (background.NotYet{In: claimLife - 30*time.Second}) {
			t.Errorf("another, meanwhile: %v", err)
		}
	}
	h.pass(day)
	h.ends(1, 1, 1, 0)
}

// TestDiedSending: the claim of a process that died ends, and whoever is next
// knows that the e-mail may have gone out.
func TestDiedSending(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	h.register.decides(completed)
	h.post.during = func() { panic("killed") }
	func() {
		defer func() { recover() }()
		h.pass(time.Minute)
	}()
	h.post.during = nil
	h.sweep()
	h.pass(time.Hour)
	h.ends(1, 1, 1, 0)
	if want := []string{"09:03:00 true"}; !slices.Equal(h.post.attempts, want) {
		t.Errorf("attempts: %v, want %v", h.post.attempts, want)
	}
}

// TestDiedAnswering: the process dies when it has written down that a TRN was
// given. Who submits again within a minute reads it; who does not is written to.
func TestDiedAnswering(t *testing.T) {
	for _, again := range []bool{true, false} {
		h := newHouse(t)
		h.register.down = errDown
		h.asks(journey.Pending) // as far as the document
		clear(h.queue.due)
		h.register.down = nil
		if _, err := h.decide(t.Context(), h.known()); err != nil {
			t.Fatal(err)
		}
		h.sweep()
		h.pass(59 * time.Second)
		h.ends(1, 1, 0, 0)
		if again {
			h.asks(journey.Completed)
			h.pass(day)
			h.ends(1, 1, 0, 0)
		} else {
			h.pass(time.Second)
			h.ends(1, 1, 1, 0)
		}
	}
}

// late is told of how things were a moment ago.
type late struct {
	documents
	before Request
}

func (f late) Read(context.Context, string) (Request, bool, error) { return f.before, true, nil }

// TestToldMeanwhile: the page was quicker than the e-mail.
func TestToldMeanwhile(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	h.register.decides(completed)
	if err := h.check(t.Context(), h.id(subject)); err != nil {
		t.Fatal(err)
	}
	before := h.known()
	h.asks(journey.Completed)
	d := h.replica(func(c *Config) { c.Files = late{documents{h}, before} })
	if err := d.email(t.Context(), h.id(subject)); err != nil || len(h.post.sent) != 0 {
		t.Errorf("%d e-mails, %v", len(h.post.sent), err)
	}
}

// TestEndedSending: a process that is told to end while it sends leaves no claim,
// and takes away none that is another's by then.
func TestEndedSending(t *testing.T) {
	for _, others := range []time.Time{{}, time.Date(2026, 11, 24, 9, 3, 0, 0, time.UTC)} {
		h := newHouse(t)
		h.register.says = journey.Allocation{Status: journey.Pending}
		h.asks(journey.Pending)
		h.register.decides(completed)
		if err := h.check(t.Context(), h.id(subject)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		h.post.err = context.Canceled
		h.post.during = func() {
			cancel()
			if _, err := h.change(t.Context(), h.id(subject), func(r *Request) {
				if !others.IsZero() {
					r.Claimed = others
				}
			}); err != nil {
				t.Error(err)
			}
		}
		if err := h.email(ctx, h.id(subject)); !errors.Is(err, context.Canceled) || !h.known().Claimed.Equal(others) {
			t.Errorf("claimed at %s: %v", h.known().Claimed, err)
		}
	}
}

// TestMailDown: for an hour, and one e-mail goes out afterwards; nobody's page
// notices.
func TestMailDown(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.post.err = errDown
	h.asks(journey.Pending)
	h.register.decides(completed)
	h.pass(time.Minute)
	h.ends(1, 1, 0, 0)
	h.stands("", "")
	h.pass(time.Hour)
	h.post.err = nil
	h.pass(time.Hour)
	h.ends(1, 1, 1, 0)
	// Each retry is an attempt: no claim of a failed one stands in its way.
	if !slices.Equal(h.post.attempts[:2], []string{"09:01:00 false", "09:01:10 true"}) {
		t.Errorf("attempts: %v", h.post.attempts)
	}
}

// TestMailLater: what is to be left alone until then is, however often it is
// swept.
func TestMailLater(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.post.err = background.NotYet{In: 30 * time.Minute}
	h.asks(journey.Pending)
	h.register.decides(completed)
	h.pass(10 * time.Minute)
	h.sweep()
	if err := h.Decided(t.Context(), h.id(subject)); err != nil { // it is delivered again
		t.Fatal(err)
	}
	h.post.err = nil
	h.pass(day)
	h.ends(1, 1, 1, 0)
	if want := []string{"09:01:00 false", "09:31:00 true"}; !slices.Equal(h.post.attempts, want) {
		t.Errorf("attempts: %v, want %v", h.post.attempts, want)
	}
}

// TestMailHopeless: it is put aside, and stays there for an operator.
func TestMailHopeless(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.post.err = fmt.Errorf("%w: no such template", background.ErrHopeless)
	h.asks(journey.Pending)
	h.register.decides(completed)
	h.pass(day)
	h.sweep()
	h.pass(day)
	if len(h.post.attempts) != 1 || len(h.queue.aside) != 1 {
		t.Errorf("attempts %v, put aside %v", h.post.attempts, h.queue.aside)
	}
	h.post.err = nil
	if err := h.queue.Look(t.Context(), Email, h.id(subject), 0); err != nil { // the operator
		t.Fatal(err)
	}
	h.pass(day)
	h.ends(1, 1, 1, 0)
}

// TestNoMail: where nobody is written to, nothing is left to do.
func TestNoMail(t *testing.T) {
	h := newHouse(t)
	h.Desk = h.replica(func(c *Config) { c.Mail = nil })
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	h.register.decides(completed)
	h.pass(day)
	h.ends(1, 1, 0, 0)
	if !h.known().Settled {
		t.Error("it is not settled")
	}
}
