package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// What a test has the parts say that are not the real ones.

// fakeOneLogin says what a test has it say.
type fakeOneLogin struct {
	mu               sync.Mutex
	n                int
	signIn, identity journey.Arrival
	departs, arrives error
	during           func() // while it is being asked
}

func (f *fakeOneLogin) Depart(_ context.Context, purpose journey.Step, _ string) (string, journey.Flow, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.departs != nil {
		return "", journey.Flow{}, f.departs
	}
	f.n++
	state := fmt.Sprintf("state-%d", f.n)
	return "https://one-login.example/authorize?state=" + state, journey.Flow{State: state, Purpose: purpose}, nil
}

func (f *fakeOneLogin) Arrive(_ context.Context, query url.Values, flow journey.Flow) (journey.Arrival, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.during != nil {
		f.during()
	}
	switch {
	case f.arrives != nil:
		return journey.Arrival{}, f.arrives
	case query.Get("error") == "access_denied" && flow.Purpose == journey.VerifyIdentity:
		return journey.Arrival{Verification: journey.Refused}, nil // an outcome, see onelogin
	case query.Get("error") == "access_denied":
		return journey.Arrival{}, fmt.Errorf("refused: %w", journey.NotSignedIn)
	case query.Has("error"):
		return journey.Arrival{}, fmt.Errorf("refused: %w", journey.Trouble(query.Get("error")))
	case flow.Purpose == journey.VerifyIdentity:
		return f.identity, nil
	}
	return f.signIn, nil
}

func (f *fakeOneLogin) SignOutURL(context.Context, string, string) (string, error) {
	if f.departs != nil {
		return "", f.departs
	}
	return "https://one-login.example/logout", nil
}

// fakeRegister has one record, found by whatever is in finds.
type fakeRegister struct {
	record journey.Record
	live   bool
	reads  atomic.Int32
	finds  func(journey.Stated) bool // nil: everything finds it
	err    error
	asked  []journey.Stated
	during func() // while it is being asked
}

func (f *fakeRegister) Find(_ context.Context, _ journey.Identity, stated journey.Stated) (journey.Record, bool, error) {
	f.asked = append(f.asked, stated)
	if f.during != nil {
		f.during()
	}
	if f.err != nil {
		return journey.Record{}, false, f.err
	}
	if f.finds != nil && !f.finds(stated) {
		return journey.Record{}, false, nil
	}
	return f.record, true, nil
}

func (f *fakeRegister) Record(context.Context, string) (journey.Record, bool, error) {
	f.reads.Add(1)
	if f.during != nil {
		f.during()
	}
	return f.record, f.live, f.err
}

// fakeHelp is people who help, and one request for it at a time.
type fakeHelp struct {
	mu     sync.Mutex
	pleas  []journey.Plea
	open   bool
	solved bool
	err    error
}

const reference = "7K2M-9QXA"

func (f *fakeHelp) Ask(_ context.Context, p journey.Plea) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return "", f.err
	}
	f.open, f.solved, f.pleas = true, false, append(f.pleas, p)
	return reference, nil
}

func (f *fakeHelp) Standing(context.Context, string) (string, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		return "", false, f.err
	}
	return reference, f.solved, f.err
}

func (f *fakeHelp) Settle(context.Context, string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = false
	return f.err
}

// fakeAllocator decides as a test has it decide.
type fakeAllocator struct {
	mu      sync.Mutex
	says    journey.RequestStatus
	gives   func() // what it does when it completes
	asked   []journey.Application
	status  journey.RequestStatus
	decided []string
	err     error
}

func (f *fakeAllocator) Ask(_ context.Context, _ journey.State, a journey.Application) (journey.RequestStatus, error) {
	f.mu.Lock()
	says, gives, err := f.says, f.gives, f.err
	if err == nil {
		f.asked, f.status = append(f.asked, a), says
	}
	f.mu.Unlock() // what it does may be to ask again
	if err == nil && says == journey.Completed && gives != nil {
		gives()
	}
	return says, err
}

func (f *fakeAllocator) Standing(context.Context, string) (journey.RequestStatus, time.Time, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, time.Now(), "", f.err
}

func (f *fakeAllocator) Decided(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.decided = append(f.decided, id)
	return f.err
}

// fakeFinder is Find a lost TRN, from which nobody comes back by itself.
type fakeFinder struct {
	left  []string // journey ids
	claim journey.Claim
	err   error
}

func (f *fakeFinder) Depart(journeyID, email, sessionID, previousURL string) (string, []pages.Field, error) {
	f.left = append(f.left, journeyID)
	return "https://find.example/identity", []pages.Field{{Name: "journey_id", Value: journeyID}, {Name: "session_id", Value: sessionID}, {Name: "previous_url", Value: previousURL}}, f.err
}

func (f *fakeFinder) ReadClaim(r *http.Request) (string, journey.Claim, error) {
	return r.PathValue("journeyId"), f.claim, f.err
}

// fakeWebhooks says what a test has been told.
type fakeWebhooks struct {
	event journey.Event
	err   error
}

func (f *fakeWebhooks) Receive(*http.Request) (journey.Event, error) { return f.event, f.err }

var errDown = errors.New("dial tcp 127.0.0.1:1: connection refused")

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// downVisits is a store that cannot be reached.
type downVisits struct{ Visits }

var errNoStore = fmt.Errorf("redis: %w: %w", errDown, journey.NoStore)

func (downVisits) Load(context.Context, string) (journey.State, bool, error) {
	return journey.State{}, false, errNoStore
}

func (downVisits) Cached(context.Context, string) (journey.State, bool, error) {
	return journey.State{}, false, errNoStore
}
