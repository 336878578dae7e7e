package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
)

const (
	service  = "26785a09-ab16-4eb0-8407-a37497a57506"
	secret   = "3d844edf-8d35-48ac-975b-e847b4f122b0"
	agent    = "asker/1.0"
	template = "9d751e0e-f929-4891-82a1-a3e1c3c18ee3"
	replyTo  = "8e222534-7f05-4972-86e3-17c5d9f894e2"
	nobodys  = "00000000-0000-4000-8000-000000000001"
)

// email is a good body, to be spoiled.
const email = `{"email_address":"rosa@people.example","template_id":"` + template + `","personalisation":{"name":"Rosa","code":"1000001"},"reference":"ref-1","email_reply_to_id":"` + replyTo + `","sanitise_content_for":["name"]}`

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
	api   *notify.Server
	base  string
	clock *clock
	http  *http.Client
}

func newAsker(t *testing.T, config notify.Config) *asker {
	t.Helper()
	a := &asker{t: t, clock: &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}}
	a.api = a.standIn(config)
	server := httptest.NewServer(a.api)
	t.Cleanup(server.Close)
	a.base = server.URL
	a.http = &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(a.http.CloseIdleConnections)
	return a
}

func (a *asker) standIn(config notify.Config) *notify.Server {
	a.t.Helper()
	config.APIKey, config.ReplyTo, config.Now = "a-key-"+service+"-"+secret, []string{replyTo}, a.clock.Now
	config.Templates = []notify.Template{{ID: template, Name: "A code", Subject: "Your code, ((name))", Body: "Dear ((name))\n\nIt is ((code)).((name??\nThat is for yes.))"}}
	api, err := notify.New(config)
	if err != nil {
		a.t.Fatal(err)
	}
	return api
}

// token is a JSON Web Token, signed with a key.
func token(header, claims, key string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const header = `{"typ":"JWT","alg":"HS256"}`

func claims(at time.Time) string { return fmt.Sprintf(`{"iss":"%s","iat":%d}`, service, at.Unix()) }

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
	r.Header.Set("Authorization", "Bearer "+token(header, claims(a.clock.Now()), secret))
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

func (a *asker) post(path, body string, edits ...func(*http.Request)) answer {
	a.t.Helper()
	got, err := a.ask(a.request(http.MethodPost, path, body, edits...))
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

// send sends an e-mail with a reference, and gives its id.
func (a *asker) send(reference string) string {
	a.t.Helper()
	got := a.post("/v2/notifications/email", strings.Replace(email, "ref-1", reference, 1))
	id, _ := got.body["id"].(string)
	if got.status != http.StatusCreated || id == "" {
		a.t.Fatalf("%d %s", got.status, got.text)
	}
	return id
}

// find lists the e-mails with a reference: their ids, and the address of what is next.
func (a *asker) find(query url.Values) (ids []string, next string) {
	a.t.Helper()
	got := a.get("/v2/notifications?" + query.Encode())
	list, isList := got.body["notifications"].([]any)
	links, _ := got.body["links"].(map[string]any)
	if got.status != http.StatusOK || !isList || links["current"] == nil {
		a.t.Fatalf("%d %s", got.status, got.text)
	}
	for _, item := range list {
		id, _ := item.(map[string]any)["id"].(string)
		ids = append(ids, id)
	}
	next, _ = links["next"].(string)
	return ids, strings.TrimPrefix(next, a.base)
}

// rule is the error of an answer, by its name.
func (got answer) rule() (name, message string) {
	list, _ := got.body["errors"].([]any)
	if len(list) != 1 {
		return "", ""
	}
	first, _ := list[0].(map[string]any)
	name, _ = first["error"].(string)
	message, _ = first["message"].(string)
	return name, message
}
