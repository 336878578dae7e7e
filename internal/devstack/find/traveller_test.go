package find_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
)

const (
	sharedKey = "a-shared-key-for-tests"
	apiKey    = "an-api-key-for-tests"
	journeyID = "9ddccb62-ec13-4ea7-a163-c058a19b8222"
	email     = "rosa@people.example"
	back      = "https://service.example/callback"
)

// people is who is known at Find: what it says of anybody else counts for nothing.
func people(address string) (find.Person, bool) {
	return find.Person{FirstName: "Rosa", LastName: "Carter-Lane", BirthDate: "1985-04-12", NINO: "QQ 12 34 56 C", TRN: "1000001"}, address == email
}

// call is a PUT that the service got.
type call struct {
	path string
	head http.Header
	body map[string]any
}

// traveller is a browser that follows nothing, and the service that sent it.
type traveller struct {
	t    *testing.T
	find *find.Server
	base string
	http *http.Client

	mu       sync.Mutex
	now      time.Time
	calls    []call
	statuses []int         // of the service's answers, in order; 204 when there are no more
	hold     chan struct{} // not nil: the service answers nobody before it is closed
}

func newTraveller(t *testing.T, edits ...func(*find.Config)) *traveller {
	t.Helper()
	tr := &traveller{t: t, now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
	service := httptest.NewServer(http.HandlerFunc(tr.receive))
	t.Cleanup(service.Close)
	config := find.Config{
		APIBase: service.URL, APIKey: apiKey, SharedKey: sharedKey, Find: people,
		Clients: []find.Client{{ID: "another", RedirectURLs: []string{"https://another.example/"}}, {ID: "service", RedirectURLs: []string{back}}},
		Now:     func() time.Time { tr.mu.Lock(); defer tr.mu.Unlock(); return tr.now },
	}
	for _, edit := range edits {
		edit(&config)
	}
	var err error
	if tr.find, err = find.New(config); err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(tr.find)
	t.Cleanup(site.Close)
	tr.base = site.URL
	tr.http = &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(tr.http.CloseIdleConnections)
	return tr
}

// receive is the service's API.
func (tr *traveller) receive(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	c := call{path: r.Method + " " + r.URL.Path, head: r.Header}
	if err := json.Unmarshal(text, &c.body); err != nil {
		tr.t.Error(err)
	}
	tr.mu.Lock()
	tr.calls = append(tr.calls, c)
	status, hold := http.StatusNoContent, tr.hold
	if len(tr.statuses) > 0 {
		status, tr.statuses = tr.statuses[0], tr.statuses[1:]
	}
	tr.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if status == http.StatusFound {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
}

// answer is what came back to the browser.
type answer struct {
	status   int
	location string
	text     string
}

func (tr *traveller) do(method, path, contentType, body string) answer {
	tr.t.Helper()
	r, err := http.NewRequestWithContext(tr.t.Context(), method, tr.base+path, strings.NewReader(body))
	if err != nil {
		tr.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := tr.http.Do(r)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tr.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("Location"), string(text)}
}

const urlencoded = "application/x-www-form-urlencoded"

// context is a good form without its signature.
func context() url.Values {
	return url.Values{
		"client_id": {"service"}, "client_title": {"A service + more"}, "client_url": {"https://service.example"}, "email": {email},
		"journey_id": {journeyID}, "previous_url": {"https://service.example/before?lang=cy"}, "redirect_url": {back},
	}
}

// signed is the body of a form.
func signed(form url.Values) string {
	var pairs []string
	for name, values := range form {
		pairs = append(pairs, name+"="+strings.ReplaceAll(url.QueryEscape(values[len(values)-1]), "+", "%20"))
	}
	slices.Sort(pairs)
	mac := hmac.New(sha256.New, []byte(sharedKey))
	mac.Write([]byte(strings.Join(pairs, "&")))
	return form.Encode() + "&sig=" + hex.EncodeToString(mac.Sum(nil))
}

// arrive is the address of the questions.
func (tr *traveller) arrive(form url.Values) string {
	tr.t.Helper()
	got := tr.do(http.MethodPost, "/identity", urlencoded, signed(form))
	if got.status != http.StatusFound || !strings.HasPrefix(got.location, "/questions?visit=") {
		tr.t.Fatalf("%d %s %s", got.status, got.location, got.text)
	}
	return got.location
}

var input = regexp.MustCompile(`name="([a-z-]+)" value="([^"]*)"`)

// filled is the page's form as it is filled in.
func (tr *traveller) filled(questions string) url.Values {
	tr.t.Helper()
	got := tr.do(http.MethodGet, questions, "", "")
	if got.status != http.StatusOK {
		tr.t.Fatalf("%d %s", got.status, got.text)
	}
	form := url.Values{}
	for _, m := range input.FindAllStringSubmatch(got.text, -1) {
		form.Set(m[1], m[2])
	}
	return form
}

func (tr *traveller) submit(form url.Values) answer {
	tr.t.Helper()
	return tr.do(http.MethodPost, "/questions", urlencoded, form.Encode())
}

// trip is a whole one, with the answers that are filled in.
func (tr *traveller) trip() answer {
	tr.t.Helper()
	return tr.submit(tr.filled(tr.arrive(context())))
}

func (tr *traveller) play(name string) {
	tr.t.Helper()
	if err := tr.find.Play(find.Play{Fault: name}); err != nil {
		tr.t.Fatal(err)
	}
}

// took are the PUTs so far.
func (tr *traveller) took() []call {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.calls)
}
