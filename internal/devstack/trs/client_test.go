package trs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

const (
	key   = "a-key-for-tests"
	agent = "asker/1.0"
)

// people: one who has everything, one who has nothing, namesakes, history.
const people = `{"people": [
	{"trn": "1000001", "firstName": "Rosa", "middleName": "May", "lastName": "Carter-Lane", "dateOfBirth": "1985-04-12",
	 "previousNames": [{"firstName": "Rosa", "lastName": "O’Brien"}, {"lastName": "Smith"}], "nationalInsuranceNumber": "QQ 12 34 56 C",
	 "employmentNinos": ["QQ 65 43 21 F"], "emailAddress": "rosa@people.example", "qts": "2009-07-31", "eyts": "2011-01-01",
	 "inductionStatus": "Exempt", "alerts": true, "gender": "Female", "note": "everything"},
	{"trn": "1000002", "firstName": "Ann", "lastName": "Lane", "dateOfBirth": "1985-04-12"},
	{"trn": "1000000", "firstName": "José", "lastName": "LANE", "dateOfBirth": "1985-04-12"},
	{"trn": "1000003", "firstName": "Kim", "lastName": "Lane", "dateOfBirth": "1990-01-01", "nationalInsuranceNumber": null},
	{"trn": "1000004", "firstName": "Lou", "lastName": "Lane", "dateOfBirth": "1985-04-12", "status": "deactivated"},
	{"trn": "1000005", "firstName": "Max", "lastName": "Lane", "dateOfBirth": "1985-04-12", "status": "Merged"},
	{"trn": "1000006", "firstName": "Noa", "lastName": "Nodate", "dateOfBirth": null}
]}`

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) advance(by time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(by) }

// asker is a client that minds nothing and follows nothing.
type asker struct {
	t     *testing.T
	api   *trs.Server
	base  string
	clock *clock
	http  *http.Client
}

func newAsker(t *testing.T, config trs.Config) *asker {
	t.Helper()
	c := &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
	config.APIKey, config.Now = key, c.Now
	if config.People == nil {
		config.People = []byte(people)
	}
	api, err := trs.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	return &asker{t, api, server.URL, c, client}
}

// request is a good one; edits spoil it.
func (a *asker) request(method, path, body string, edits ...func(*http.Request)) *http.Request {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = nil, 0
	} else {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("X-Api-Version", trs.Version)
	r.Header.Set("User-Agent", agent)
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any // nil when the text is no object
}

// ask gives the error of a call that got no whole answer.
func (a *asker) ask(r *http.Request) (answer, error) {
	response, err := a.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	got := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &got.body) // what is no object is seen in the text
	return got, err
}

func (a *asker) get(path string, edits ...func(*http.Request)) answer {
	a.t.Helper()
	got, err := a.ask(a.request(http.MethodGet, path, "", edits...))
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

func (a *asker) post(body string) answer {
	a.t.Helper()
	got, err := a.ask(a.request(http.MethodPost, "/v3/persons/find", body))
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

func (a *asker) play(play trs.Play) {
	a.t.Helper()
	if err := a.api.Play(play); err != nil {
		a.t.Fatal(err)
	}
}

// findPath asks by last name and date of birth.
func findPath(lastName, birthDate string) string {
	return "/v3/persons?" + url.Values{"findBy": {"LastNameAndDateOfBirth"}, "lastName": {lastName}, "dateOfBirth": {birthDate}}.Encode()
}

// trnsOf are the TRNs of a list.
func trnsOf(got answer) (trns []string) {
	results, _ := got.body["results"].([]any)
	for _, item := range results {
		trn, _ := item.(map[string]any)["trn"].(string)
		trns = append(trns, trn)
	}
	return trns
}

// object reads JSON that a test expects.
func object(t *testing.T, text string) (value map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
