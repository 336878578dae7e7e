package zendesk_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

const (
	clientID     = "teaching-record"
	clientSecret = "a-secret-for-tests"
	agent        = "asker/1.0"
	key          = "6f1c1f0e-2a5b-5c3d-8e4f-0123456789ab"
	otherKey     = "6f1c1f0e-2a5b-5c3d-8e4f-0123456789ac"

	grantRequest = `{"grant_type":"client_credentials","client_id":"teaching-record","client_secret":"a-secret-for-tests","scope":"tickets:read tickets:write"}`
	aTicket      = `{"ticket":{"subject":"A subject","comment":{"body":"Line 1\nLine 2","public":false},"requester":{"name":"Rosa Carter","email":"rosa@people.example"},` +
		`"external_id":"7K2M-9QXA","tags":["teaching_record"],"custom_fields":[{"id":4419328659089,"value":"from_us"}],"group_id":1,"ticket_form_id":2,"brand_id":3}}`
)

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
	api   *zendesk.Server
	base  string
	clock *clock
	http  *http.Client
	token string
}

func newAsker(t *testing.T, config zendesk.Config) *asker {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)}
	config.ClientID, config.ClientSecret, config.Fields, config.Now = clientID, clientSecret, []int64{4419328659089}, c.Now
	api, err := zendesk.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	a := &asker{t, api, server.URL, c, client, ""}
	a.token, _ = a.must(a.question(zendesk.AtToken)).body["access_token"].(string)
	api.Reset()
	return a
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
		r.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" && path != "/oauth/tokens" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	if method == http.MethodPost && path == "/api/v2/tickets" {
		r.Header.Set("Idempotency-Key", key)
	}
	r.Header.Set("Accept", "application/json")
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

func (a *asker) must(got answer, err error) answer {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

func (a *asker) create(body string, edits ...func(*http.Request)) answer {
	a.t.Helper()
	return a.must(a.ask(a.request(http.MethodPost, "/api/v2/tickets", body, edits...)))
}

func (a *asker) get(path string, edits ...func(*http.Request)) answer {
	a.t.Helper()
	return a.must(a.ask(a.request(http.MethodGet, path, "", edits...)))
}

// question is a right one. Before anything but a token a ticket must be there.
func (a *asker) question(at zendesk.Endpoint) (answer, error) {
	switch at {
	case zendesk.AtToken:
		return a.ask(a.request(http.MethodPost, "/oauth/tokens", grantRequest))
	case zendesk.AtCreate:
		return a.ask(a.request(http.MethodPost, "/api/v2/tickets", aTicket))
	case zendesk.AtFind:
		return a.ask(a.request(http.MethodGet, "/api/v2/tickets?external_id=7K2M-9QXA", ""))
	default:
		return a.ask(a.request(http.MethodGet, "/api/v2/tickets/40001", ""))
	}
}

func (a *asker) play(play zendesk.Play) {
	a.t.Helper()
	if err := a.api.Play(play); err != nil {
		a.t.Fatal(err)
	}
}

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		if r.Header.Del(name); values != nil {
			r.Header[name] = values
		}
	}
}
