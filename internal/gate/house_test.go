package gate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
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
