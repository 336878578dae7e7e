package support

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	teacher = "urn:fdc:gov.uk:2022:subject-marker"
	aDay    = 24 * time.Hour
)

var (
	errDown = errors.New("down")
	plea    = journey.Plea{
		Reason: journey.NotFound, Subject: teacher, Email: "prunella@people.example",
		Identity: journey.Identity{Names: []journey.Name{{Given: []string{"Prunella"}, Family: []string{"Wintergreen"}}}, BirthDates: []string{"1984-03-02"}},
		Stated:   journey.Stated{NINO: "QQ123456C", TRN: "7300001"},
	}
)

// house is a desk, and everything it needs, on a clock that only the test moves.
type house struct {
	*Desk
	t   *testing.T
	log bytes.Buffer

	mu    sync.Mutex
	now   time.Time
	files map[string][]byte
	news  int       // how often browsers were told
	due   time.Time // when the work is to be done; zero for never
	aside error

	// The people who help.
	tickets  []string // references, in the order they were opened
	keys     []string
	attempts []string // when
	asked    int      // how a ticket stands
	solved   bool
	err      error
	lost     bool // the answer is, not the ticket
	during   func()
}

func newHelp(t *testing.T) *house {
	h := &house{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), files: map[string][]byte{}}
	h.Desk = h.replica(nil)
	return h
}

// replica is another desk of the same service.
func (h *house) replica(change func(*DeskConfig)) *Desk {
	h.t.Helper()
	c := DeskConfig{Issuer: "https://one-login.example/", ServiceURL: "https://service.example", ServiceName: "Access", Opener: h, Files: documents{h}, Visits: h, Work: h,
		Logger: slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: func() time.Time { return h.now }}
	if change != nil {
		change(&c)
	}
	d, err := NewDesk(c)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func (h *house) asks() (reference string) {
	h.t.Helper()
	reference, err := h.Ask(h.t.Context(), plea)
	if err != nil {
		h.t.Fatal(err)
	}
	return reference
}

func (h *house) stands(want string, solved bool) {
	h.t.Helper()
	if reference, is, err := h.Standing(h.t.Context(), teacher); err != nil || reference != want || is != solved {
		h.t.Errorf("it stands %q, solved: %t, %v; want %q, %t", reference, is, err, want, solved)
	}
}

// Open opens a ticket, unless there is one with the reference.
func (h *house) Open(_ context.Context, ticket Ticket, again bool) (string, error) {
	if h.during != nil {
		h.during()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts = append(h.attempts, h.now.Format("15:04:05"))
	if h.err != nil && !h.lost {
		return "", h.err
	}
	if !again {
		h.t.Error("opened without a look")
	}
	if ticket.Subject != teacher || ticket.Email != plea.Email || ticket.Stated != plea.Stated || ticket.Reference == "" {
		h.t.Error("a ticket lacks something")
	}
	if i := slices.Index(h.tickets, ticket.Reference); i >= 0 {
		return fmt.Sprint(i), h.err
	}
	h.tickets, h.keys = append(h.tickets, ticket.Reference), append(h.keys, ticket.Key)
	return fmt.Sprint(len(h.tickets) - 1), h.err
}

func (h *house) State(_ context.Context, id string) (bool, error) {
	if id != fmt.Sprint(len(h.tickets)-1) {
		h.t.Errorf("asked of ticket %q", id)
	}
	if h.during != nil {
		h.during()
	}
	h.asked++
	return !h.solved, h.err
}

func (h *house) ChangeOf(_ context.Context, subject string, f func(journey.State) (journey.State, error)) error {
	if s, err := f(journey.State{}); err != nil || s.Stale == "" || subject != teacher {
		h.t.Error("others were told, or nothing")
	}
	h.news++
	return nil
}

func (h *house) Look(_ context.Context, _, _ string, after time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if after == 0 || h.due.IsZero() && h.aside == nil {
		h.due, h.aside = h.now.Add(after), nil
	}
	return nil
}

// sweep is what happens when a replica starts, and every few minutes.
func (h *house) sweep() (found int) {
	h.t.Helper()
	if err := h.Unsettled(h.t.Context(), func(kind, name string) error {
		found++
		if !h.due.IsZero() || h.aside != nil {
			return nil
		}
		return h.Look(h.t.Context(), kind, name, 0)
	}); err != nil {
		h.t.Error(err)
	}
	return found
}

// pass lets time pass, with the work done when it is due, as package background
// does it, and a sweep whenever it was.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	for end, failed := h.now.Add(d), 0; ; h.sweep() {
		if h.due.IsZero() || h.due.After(end) {
			h.now = end
			return
		}
		if h.due.After(h.now) {
			h.now = h.due
		}
		h.due = time.Time{}
		err := h.Tasks()[Open](h.t.Context(), h.name(teacher))
		switch wait := (background.NotYet{}); {
		case err == nil:
		case errors.As(err, &wait):
			if wait.In <= 0 {
				h.t.Fatalf("to be looked at again in %s", wait.In)
			}
			h.due = h.now.Add(wait.In)
		case errors.Is(err, background.ErrHopeless):
			h.aside = err
		default:
			h.due = h.now.Add(min(10*time.Second<<min(failed, 20), time.Hour))
			failed++
		}
	}
}

// documents are kept as text, as a store keeps them.
type documents struct{ *house }

func (f documents) Read(_ context.Context, name string) (r Request, found bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, found := f.files[name]
	if found {
		err = json.Unmarshal(text, &r)
	}
	return r, found, err
}

func (f documents) Change(ctx context.Context, name string, change func(Request, bool) (Request, error)) (Request, error) {
	for {
		r, found, err := f.Read(ctx, name)
		if err != nil {
			return r, err
		}
		before, _ := json.Marshal(r)
		next, err := change(r, found)
		if err != nil {
			return Request{}, err
		}
		after, _ := json.Marshal(next)
		if ctx.Err() != nil {
			return Request{}, ctx.Err()
		}
		f.mu.Lock()
		same := !found && f.files[name] == nil || bytes.Equal(f.files[name], before)
		if same {
			f.files[name] = after
		}
		f.mu.Unlock()
		if same {
			return next, nil
		}
	}
}

func (f documents) Each(ctx context.Context, do func(string, Request) error) error {
	for name := range f.files {
		r, _, err := f.Read(ctx, name)
		if err := errors.Join(err, do(name, r)); err != nil {
			return err
		}
	}
	return nil
}

// known is what is kept of the request.
func (h *house) known() Request {
	h.t.Helper()
	r, found, err := documents{h}.Read(h.t.Context(), h.name(teacher))
	if err != nil || !found {
		h.t.Fatalf("nothing is known of the request: %v", err)
	}
	return r
}
