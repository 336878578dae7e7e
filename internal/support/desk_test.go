package support

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
)

// TestAskedOnce: however often, by however many replicas, there is one reference
// and one ticket.
func TestAskedOnce(t *testing.T) {
	h := newHelp(t)
	replicas := []*Desk{h.Desk, h.replica(nil)}
	var all sync.WaitGroup
	references := make([]string, 20)
	for i := range references {
		all.Go(func() {
			var err error
			if references[i], err = replicas[i%2].Ask(t.Context(), plea); err != nil {
				t.Error(err)
			}
			replicas[i%2].open(t.Context(), h.name(teacher))
		})
	}
	all.Wait()
	h.pass(aDay)
	if same := slices.Compact(references); len(same) != 1 || !slices.Equal(h.tickets, same) || len(h.attempts) != 1 {
		t.Errorf("references %v, tickets %v after %d attempts", same, h.tickets, len(h.attempts))
	}
	h.stands(h.tickets[0], false)
	due := h.due
	if got := h.asks(); got != h.tickets[0] || h.due != due {
		t.Errorf("another reference, or more work: %s, %s", got, h.due)
	}
}

// TestReference: the same for a person and a round, and another for any other.
func TestReference(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []func(*DeskConfig){nil, func(c *DeskConfig) { c.Issuer = "https://other.example/" }, func(c *DeskConfig) { c.ServiceURL = "https://other.example" }} {
		for _, of := range []string{teacher, teacher + "2"} {
			p := plea
			p.Subject = of
			reference, err := newHelp(t).replica(c).Ask(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			seen[reference] = true
		}
	}
	if reference := newHelp(t).asks(); len(seen) != 6 || reference != "EV1M-K5ND" {
		t.Errorf("%s, of %v: with another for the same, a lost Redis means a second ticket", reference, seen)
	}
}

// TestDown: for an hour, and there is one ticket afterwards, whether it was opened
// before the answer was lost or not. The reference is there at once.
func TestDown(t *testing.T) {
	for _, lost := range []bool{false, true} {
		h := newHelp(t)
		h.err, h.lost = errDown, lost
		h.stands(h.asks(), false)
		h.pass(time.Hour)
		if h.known().Life() != 0 {
			t.Error("it may be forgotten before there is a ticket")
		}
		h.err = nil
		h.pass(time.Hour)
		// Each retry is an attempt: no claim of a failed one stands in its way.
		if len(h.tickets) != 1 || h.known().State != Opened || h.attempts[1] != "09:00:10" {
			t.Errorf("lost: %t: %d tickets, %s, attempts %v", lost, len(h.tickets), h.known().State, h.attempts)
		}
	}
}

// TestLater: it is left alone for as long as it says.
func TestLater(t *testing.T) {
	h := newHelp(t)
	h.err = fmt.Errorf("zendesk: %w", Later{Wait: 17 * time.Minute})
	h.asks()
	h.pass(10 * time.Minute)
	h.err = nil
	h.pass(time.Hour)
	if want := []string{"09:00:00", "09:17:00"}; !slices.Equal(h.attempts, want) {
		t.Errorf("attempts: %v, want %v", h.attempts, want)
	}
}

// TestRefusedForGood: it is put aside, for an operator.
func TestRefusedForGood(t *testing.T) {
	h := newHelp(t)
	h.err = fmt.Errorf("zendesk: %w", ErrRefused)
	h.asks()
	h.pass(aDay)
	h.sweep()
	h.pass(aDay)
	if !errors.Is(h.aside, background.ErrHopeless) || !errors.Is(h.aside, ErrRefused) || len(h.attempts) != 1 {
		t.Errorf("%d attempts, put aside: %v", len(h.attempts), h.aside)
	}
	h.err = nil
	h.Look(t.Context(), Open, h.name(teacher), 0) // the operator
	h.pass(time.Minute)
	if len(h.tickets) != 1 {
		t.Errorf("%d tickets", len(h.tickets))
	}
}

// TestDiedOpening: the claim of a process that died ends; nobody else opens the
// ticket before, and somebody does afterwards.
func TestDiedOpening(t *testing.T) {
	h := newHelp(t)
	h.asks()
	h.during = func() { panic("killed") }
	func() {
		defer func() { recover() }()
		h.pass(0)
	}()
	h.during = nil
	h.now = h.now.Add(30 * time.Second)
	if err := h.replica(nil).open(t.Context(), h.name(teacher)); err != (background.NotYet{In: claimLife - 30*time.Second}) {
		t.Errorf("another, meanwhile: %v", err)
	}
	h.sweep()
	h.pass(time.Hour)
	if want := []string{"09:02:00"}; !slices.Equal(h.attempts, want) || len(h.tickets) != 1 {
		t.Errorf("attempts: %v, want %v", h.attempts, want)
	}
}

// TestFailedTooLate: a failed attempt lets its own claim go and no other's.
func TestFailedTooLate(t *testing.T) {
	h := newHelp(t)
	h.asks()
	h.err = errDown
	others := h.now.Add(3 * time.Minute).UTC()
	h.during = func() {
		if _, err := (documents{h}).Change(t.Context(), h.name(teacher), func(r Request, _ bool) (Request, error) { r.Claimed = others; return r, nil }); err != nil {
			t.Error(err)
		}
	}
	h.pass(0)
	if !h.known().Claimed.Equal(others) {
		t.Error("the claim of another is gone")
	}
}

// late is told of how things were a moment ago.
type late struct {
	documents
	before Request
}

func (f late) Read(context.Context, string) (Request, bool, error) { return f.before, true, nil }

// TestOpenedMeanwhile: another replica was quicker.
func TestOpenedMeanwhile(t *testing.T) {
	h := newHelp(t)
	h.asks()
	before := h.known()
	h.pass(time.Minute)
	d := h.replica(func(c *DeskConfig) { c.Files = late{documents{h}, before} })
	if err := d.open(t.Context(), h.name(teacher)); err != (background.NotYet{In: askState - time.Minute}) || len(h.attempts) != 1 {
		t.Errorf("%v after %d attempts", err, len(h.attempts))
	}
}

// TestSolved: who comes back is told, and can ask again: that is a new ticket with
// another reference and key.
func TestSolved(t *testing.T) {
	h := newHelp(t)
	first := h.asks()
	h.pass(59 * time.Minute)
	if h.asked != 0 {
		t.Error("asked at once how it stands")
	}
	h.pass(5 * time.Hour)
	if h.asked != 5 || h.news != 0 {
		t.Errorf("asked %d times, told %d times", h.asked, h.news)
	}
	h.solved = true
	h.due = time.Time{} // Redis lost it
	h.sweep()
	h.pass(time.Hour)
	h.stands(first, true)
	if h.news != 1 || h.sweep() != 0 {
		t.Errorf("told %d times, or not done", h.news)
	}
	h.solved = false
	second := h.asks()
	h.stands(second, false)
	h.pass(time.Hour)
	if first == second || !slices.Equal(h.tickets, []string{first, second}) || h.keys[0] == h.keys[1] || h.known().Round != 2 {
		t.Errorf("tickets %v with keys %v", h.tickets, h.keys)
	}
}

// TestSolvedTooLate: what is heard of one ticket says nothing of the next.
func TestSolvedTooLate(t *testing.T) {
	h := newHelp(t)
	h.asks()
	h.pass(time.Minute)
	second := ""
	h.solved = true
	h.during = func() {
		h.during = nil
		if err := h.Settle(t.Context(), teacher); err != nil {
			t.Error(err)
		}
		second = h.asks()
		h.due = time.Time{}
		if _, err := h.openOnce(t.Context(), h.name(teacher)); err != nil { // another replica
			t.Error(err)
		}
	}
	h.pass(time.Hour)
	h.stands(second, false)
}

// TestEnded: a process that is told to end while it opens a ticket leaves no claim.
func TestEnded(t *testing.T) {
	h := newHelp(t)
	h.asks()
	ctx, cancel := context.WithCancel(t.Context())
	h.during, h.err = cancel, context.Canceled
	if err := h.open(ctx, h.name(teacher)); err == nil || !h.known().Claimed.IsZero() {
		t.Errorf("claimed at %s: %v", h.known().Claimed, err)
	}
}

// TestForgotten: nobody asks for ever.
func TestForgotten(t *testing.T) {
	h := newHelp(t)
	reference := h.asks()
	h.pass(forgotten + aDay)
	asked := h.asked
	h.pass(aDay)
	if h.asked != asked || asked < 90*23 || h.sweep() != 0 {
		t.Errorf("asked %d times and then %d", asked, h.asked-asked)
	}
	h.stands(reference, false)
}

// TestSettled: who was connected needs nothing any longer; asked again, it is a
// new round.
func TestSettled(t *testing.T) {
	h := newHelp(t)
	if err := h.Settle(t.Context(), teacher); err != nil || len(h.files) != 0 {
		t.Errorf("nothing was there to settle: %v", err)
	}
	for _, opened := range []bool{true, false} {
		first := h.asks()
		if opened {
			h.pass(time.Hour)
		}
		before := len(h.tickets)
		if err := h.Settle(t.Context(), teacher); err != nil {
			t.Fatal(err)
		}
		h.stands("", false)
		log := h.log.Len()
		if err := h.Settle(t.Context(), teacher); err != nil || h.log.Len() != log {
			t.Errorf("settled again: %v", err)
		}
		h.pass(aDay)
		if len(h.tickets) != before || h.sweep() != 0 {
			t.Error("a ticket was opened for who has a record")
		}
		if r := h.known(); r.Ticket.Reference != "" || r.Life() == 0 {
			t.Error("more is kept than the round")
		}
		if second := h.asks(); second == first {
			t.Error("the same reference for another round")
		}
		h.Settle(t.Context(), teacher)
	}
}

// TestSettledWhileOpening: another round does not take the ticket of the one
// before for its own.
func TestSettledWhileOpening(t *testing.T) {
	h := newHelp(t)
	first, second := h.asks(), ""
	h.during = func() {
		h.during = nil
		if err := h.Settle(t.Context(), teacher); err != nil {
			t.Error(err)
		}
		second = h.asks()
	}
	h.pass(aDay)
	h.stands(second, false)
	if !slices.Equal(h.tickets, []string{first, second}) || h.known().ID != "1" {
		t.Errorf("tickets %v, and the second round has %q", h.tickets, h.known().ID)
	}
}

// TestNobodyHelps: the request is kept, and opened when somebody does.
func TestNobodyHelps(t *testing.T) {
	h := newHelp(t)
	with := h.Desk
	h.Desk = h.replica(func(c *DeskConfig) { c.Opener = nil })
	reference := h.asks()
	if h.sweep() != 0 || h.Tasks() != nil || !h.due.IsZero() {
		t.Error("there is work, and nobody for it")
	}
	h.stands(reference, false)
	h.Desk = with
	h.sweep()
	h.pass(time.Minute)
	if !slices.Equal(h.tickets, []string{reference}) {
		t.Errorf("tickets: %v", h.tickets)
	}
}

// mailbox opens tickets and cannot tell how they stand.
type mailbox struct{ Opener }

func TestMailboxIsNotFollowed(t *testing.T) {
	h := newHelp(t)
	h.Desk = h.replica(func(c *DeskConfig) { c.Opener = mailbox{h} })
	h.stands(h.asks(), false)
	h.pass(aDay)
	if len(h.tickets) != 1 || h.asked != 0 || h.sweep() != 0 {
		t.Errorf("%d tickets, asked %d times", len(h.tickets), h.asked)
	}
}

func TestNewDeskRefuses(t *testing.T) {
	for name, change := range map[string]func(*DeskConfig){
		"issuer": func(c *DeskConfig) { c.Issuer = "" }, "address": func(c *DeskConfig) { c.ServiceURL = "" }, "name": func(c *DeskConfig) { c.ServiceName = "" },
		"files": func(c *DeskConfig) { c.Files = nil }, "visits": func(c *DeskConfig) { c.Visits = nil }, "work": func(c *DeskConfig) { c.Work = nil },
		"logger": func(c *DeskConfig) { c.Logger = nil }, "now": func(c *DeskConfig) { c.Now = nil },
	} {
		c := newHelp(t).DeskConfig
		change(&c)
		if _, err := NewDesk(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}

// TestDeskPrivacy: neither log nor errors, and once the people who help have it,
// no document has it either.
func TestDeskPrivacy(t *testing.T) {
	h := newHelp(t)
	says := func(text string) {
		t.Helper()
		for _, marker := range []string{teacher, plea.Email, "Prunella", "Wintergreen", "1984", plea.Stated.NINO, plea.Stated.TRN} {
			if strings.Contains(text, marker) {
				t.Errorf("%q is said in %.300q", marker, text)
			}
		}
	}
	h.err = errDown
	h.asks()
	says(h.open(t.Context(), h.name(teacher)).Error())
	h.Logger.Info("by an oversight", "request", h.known(), "ticket", h.known().Ticket)
	h.err = nil
	h.pass(time.Hour)
	kept, _ := json.Marshal(h.known())
	says(strings.ReplaceAll(string(kept), teacher, "")) // whose browsers are told
	h.solved = true
	h.pass(time.Hour)
	h.Settle(t.Context(), teacher)
	if h.log.Len() < 300 {
		t.Error("nothing was logged")
	}
	says(h.log.String())
}
