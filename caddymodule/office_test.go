package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	ada    = "urn:fdc:gov.uk:2022:Zk3cFq7Y2xW9" // of nobody
	askers = `{"people": [
		{"trn": "1234567", "firstName": "Prunella", "lastName": "Wintergreen", "dateOfBirth": "1984-03-02"},
		{"trn": "7654321", "firstName": "Prunella", "lastName": "Ash", "dateOfBirth": "1984-03-02", "status": "Merged"}
	]}`
)

// prunella is as One Login knows her.
var prunella = journey.Identity{Names: []journey.Name{{Given: []string{"Prunella", "May"}, Family: []string{"Wintergreen"}}}, BirthDates: []string{"1984-03-02"}}

// office is a site that operators work with, in front of real parts and the
// embedded Redis.
type office struct {
	*operated
	t   *testing.T
	api *adminAPI
	log *lines
	run func() // the background work
}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func openOffice(t *testing.T, change ...func(*Config)) *office {
	t.Helper()
	people := t.TempDir() + "/people.json"
	write(t, people, askers)
	config := trial()
	config.Register.Embedded, config.AllocateTRN = people, true
	for _, change := range change {
		change(&config)
	}
	h, err := provision(t, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Cleanup() })
	o := &office{operated: h.operated, t: t, log: new(lines), run: h.begin}
	o.logger = slog.New(slog.NewJSONHandler(o.log, nil))
	o.api = &adminAPI{func() []*operated { return []*operated{o.operated} }}
	return o
}

// ask sends a request as it stands, and gives the status and the answer.
func (o *office) ask(method, target, contentType, body string) (int, string) {
	o.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	if err := o.api.Routes()[1].Handler.ServeHTTP(w, r); err != nil {
		o.t.Errorf("%s %s: %v", method, target, err)
	}
	want := "application/json"
	if w.Code != http.StatusOK {
		want = "application/problem+json"
	}
	if got := w.Header(); got.Get("Content-Type") != want || got.Get("Cache-Control") != "no-store" || (got.Get("Allow") != "") != (w.Code == http.StatusMethodNotAllowed) {
		o.t.Errorf("%s %s: %d with %v", method, target, w.Code, got)
	}
	return w.Code, w.Body.String()
}

func (o *office) get(target string) (int, string) {
	o.t.Helper()
	return o.ask(http.MethodGet, target, "", "")
}

func (o *office) post(path, body string) (int, string) {
	o.t.Helper()
	return o.ask(http.MethodPost, adminPath+path, "application/json", body)
}

// answered is an answer that must be there, as it is read.
func answered[T any](t *testing.T) func(status int, body string) T {
	return func(status int, body string) (answer T) {
		t.Helper()
		if err := json.Unmarshal([]byte(body), &answer); status != http.StatusOK || err != nil {
			t.Fatalf("%d %s, %v", status, body, err)
		}
		return answer
	}
}

// refused is the code of a refusal, with its status.
func (o *office) refused(status int, body string) string {
	o.t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status || p.Type != "about:blank" || p.Title != http.StatusText(status) || p.Detail == "" {
		o.t.Errorf("%d %s, %v", status, body, err)
	}
	return fmt.Sprint(status, " ", p.Code)
}

// audits are the audit lines so far, without their times.
func (o *office) audits() (all []string) {
	for line := range strings.Lines(o.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			o.t.Fatal(err)
		}
		if entry["msg"] != "audit" {
			continue
		}
		if entry["level"] != "INFO" {
			o.t.Errorf("an audit line at %v", entry["level"])
		}
		var words []string
		for _, word := range []string{"action", "by", "service", "subject", "id", "kind", "name", "outcome", "trn", "error"} {
			if value, there := entry[word]; there {
				words = append(words, fmt.Sprint(value))
			}
		}
		if len(words) != len(entry)-3 { // time, level and msg
			o.t.Errorf("other words in %s", line)
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

func (o *office) linked(subject string) journey.Link {
	o.t.Helper()
	link, _, err := o.state.Link(o.t.Context(), o.issuer, subject)
	if err != nil {
		o.t.Fatal(err)
	}
	return link
}

// signIn makes a visit of a subject.
func (o *office) signIn(subject string, since time.Time) (id string) {
	o.t.Helper()
	id, err := o.state.Create(o.t.Context(), journey.State{Service: o.host, Subject: subject, Created: since})
	if err != nil {
		o.t.Fatal(err)
	}
	return id
}
