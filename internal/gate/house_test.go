package gate

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// house is a gate between real parts; only One Login and the register, which
// this package must survive in every mood, are what a test makes of them.
type house struct {
	*Gate
	t        testing.TB
	oneLogin *fakeOneLogin
	register *fakeRegister
	told     fakeWebhooks
	help     *fakeHelp
	trns     *fakeAllocator
	finder   *fakeFinder
	store    *store.Store
	log      *syncBuffer
	reached  int // requests that reached the service
	upstream *http.Request
}

// The one who signs in, unless a test says otherwise.
const (
	subject = "urn:fdc:gov.uk:2022:subject-of-the-test"
	trn     = "7300001"
)

var person = journey.Identity{
	Names:      []journey.Name{{Given: []string{"PRUNELLA"}, Family: []string{"WINTERGREEN"}}},
	BirthDates: []string{"1984-03-02"},
}

// pageSet is made once: New shows every page there is, and no page changes it.
var pageSet = sync.OnceValues(func() (*pages.Set, error) {
	return pages.New(pages.Config{ServiceName: "Check your record", ServiceURL: "https://teaching.example.gov.uk", PathPrefix: "/teaching-record",
		SupportEmail: "help@example.gov.uk"})
})

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, log: &syncBuffer{}, help: &fakeHelp{}, trns: &fakeAllocator{}, finder: &fakeFinder{}}
	logger := slog.New(slog.NewTextHandler(h.log, nil))

	redis, err := store.Connect(store.Embedded, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { redis.Close() })
	h.store, err = store.New(store.Config{Client: redis.Client, Secrets: [][]byte{bytes.Repeat([]byte("key "), 8)},
		IdleLimit: 2 * time.Hour, AbsoluteLimit: 12 * time.Hour, LookupLimit: 5, LookupWindow: 24 * time.Hour, Logger: logger})
	must(t, err)
	t.Cleanup(func() { h.store.Close() })

	h.oneLogin = &fakeOneLogin{
		signIn:   journey.Arrival{Subject: subject, Email: "prunella@people.example", IDToken: "id-token-of-the-test", VOT: "Cl.Cm"},
		identity: journey.Arrival{Subject: subject, Verification: journey.Verified, Identity: person},
	}
	h.register = &fakeRegister{record: journey.Record{TRN: trn, FirstName: "Prunella", LastName: "Wintergreen"}, live: true}

	service, err := url.Parse("https://teaching.example.gov.uk")
	must(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	signer, err := assertion.New(assertion.Config{ServiceURL: service.String(), Audience: "test", Keys: []*ecdsa.PrivateKey{key}})
	must(t, err)
	set, err := pageSet()
	must(t, err)
	h.Gate, err = New(Config{
		ServiceURL: service, PathPrefix: "/teaching-record", Issuer: "https://one-login.example/",
		Visits: h.store, Flows: h.store, Rounds: h.store, Links: h.store, Limiter: h.store, Everywhere: h.store, News: h.store,
		Webhooks: &h.told, Help: h.help, Allocator: h.trns, Finder: h.finder, Handovers: store.FilesOf[journey.Handover](h.store, store.Handovers),
		OneLogin: h.oneLogin, Register: h.register, Signer: signer, Pages: set,
		ClientKeys: http.NotFoundHandler(), Idle: 2 * time.Hour, Absolute: 12 * time.Hour,
		Public:    func(r *http.Request) bool { return r.URL.Path == "/public" },
		Asked:     func(r *http.Request) *url.URL { return r.URL },
		RequestID: func(*http.Request) string { return "request-id" },
		Logger:    logger, Now: time.Now,
	})
	must(t, err)
	return h
}

// serve answers one request; what gets through reaches the service.
func (h *house) serve(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	err := h.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
		h.reached++
		h.upstream = r
		_, err := io.WriteString(w, "the service")
		return err
	})
	if err != nil {
		h.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	return w.Result()
}

// browser is a browser without JavaScript, one request at a time.
type browser struct {
	*house
	cookie string
	last   *http.Response
	text   string
}

func (h *house) browser() *browser { return &browser{house: h} }

// get navigates, and stays where the first answer is: it follows no redirect.
func (b *browser) get(path string) *browser {
	return b.send(httptest.NewRequest(http.MethodGet, path, nil))
}

// post submits a form of ours. fields are names and values, in turn.
func (b *browser) post(step journey.Step, fields ...string) *browser {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/teaching-record/"+string(step), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

func (b *browser) send(r *http.Request) *browser {
	b.t.Helper()
	r.Host = "teaching.example.gov.uk"
	for name, value := range map[string]string{"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"} {
		if r.Header.Get(name) == "" {
			r.Header.Set(name, value)
		}
	}
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-teaching-record", Value: b.cookie})
	}
	b.last = b.serve(r)
	text, err := io.ReadAll(b.last.Body)
	must(b.t, err)
	b.text = string(text)
	for _, c := range b.last.Cookies() {
		if b.cookie = c.Value; c.MaxAge < 0 {
			b.cookie = ""
		}
	}
	return b
}

// goes checks where the last answer leads: a path of the site, or an address.
func (b *browser) goes(to string) *browser {
	b.t.Helper()
	want := to
	if strings.HasPrefix(to, "/") {
		want = b.url(to)
	}
	if got := b.last.Header.Get("Location"); b.last.StatusCode != http.StatusSeeOther || got != want {
		b.t.Fatalf("%d %q, want a redirect to %q:\n%s", b.last.StatusCode, got, want, b.text)
	}
	return b
}

// shows checks the status of the last answer and a text on it.
func (b *browser) shows(status int, text string) *browser {
	b.t.Helper()
	if b.last.StatusCode != status || !strings.Contains(b.text, text) {
		b.t.Fatalf("%d, want %d with %q:\n%s", b.last.StatusCode, status, text, b.text)
	}
	return b
}

// leaves goes to One Login by way of an address of ours and returns the state.
func (b *browser) leaves(path string) string {
	b.t.Helper()
	b.get(path)
	to, err := url.Parse(b.last.Header.Get("Location"))
	must(b.t, err)
	if b.last.StatusCode != http.StatusSeeOther || to.Host != "one-login.example" {
		b.t.Fatalf("%s: %d to %q, want One Login:\n%s", path, b.last.StatusCode, to, b.text)
	}
	return to.Query().Get("state")
}

// returns comes back from One Login.
func (b *browser) returns(state string) *browser {
	return b.get("/teaching-record/callback?code=c&state=" + url.QueryEscape(state))
}

// signsIn signs in, on the way to path.
func (b *browser) signsIn(path string) *browser {
	b.t.Helper()
	return b.returns(b.leaves("/teaching-record/sign-in?return_to=" + url.QueryEscape(path)))
}

// verifies signs in and proves who they are.
func (b *browser) verifies(path string) *browser {
	b.t.Helper()
	b.signsIn(path).goes("/teaching-record/verify-identity")
	return b.returns(b.leaves("/teaching-record/verify-identity")).goes("/teaching-record/national-insurance-number")
}

// finishes goes the whole way.
func (b *browser) finishes(path string) *browser {
	b.t.Helper()
	b.verifies(path)
	b.post(journey.NationalInsuranceNumber, "have", "yes", "number", "QQ123456C").goes("/teaching-record/connected")
	b.get("/teaching-record/connected").shows(http.StatusOK, "connected to your teaching record")
	return b.post(journey.Connected).goes(path)
}

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
