package trs

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

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// api is a Teaching Record System with a few records, and the moods of one.
type api struct {
	*httptest.Server
	log      syncBuffer
	mu       sync.Mutex
	calls    []string // path and query of each, in order
	instead  http.HandlerFunc
	searches map[string][]string // last name -> TRNs
	people   map[string]string   // TRN -> JSON
	checks   map[string]string   // TRN -> National Insurance number that passes
}

const (
	apiKey = "api-key-marker"
	agent  = "caddy-teaching-record/0.0 (+https://teaching.example.gov.uk)"
)

var (
	who = journey.Identity{
		Names:      []journey.Name{{Given: []string{"PRUNELLA"}, Family: []string{"WINTERGREEN"}}},
		BirthDates: []string{"1984-03-02"},
	}
	prunella = `{"trn":"7300001","firstName":"Prunella","middleName":"","lastName":"Wintergreen","dateOfBirth":"1984-03-02",
		"nationalInsuranceNumber":"QQ 12 34 56 C","qts":{"holdsFrom":"2007-07-31"},"eyts":null,"induction":{"status":"Passed"},
		"alerts":[{"alertId":"x"}],"previousNames":[{"firstName":"Prunella","middleName":"","lastName":"Hazel"}],"added":{"later":[1,2]}}`
	record = journey.Record{TRN: "7300001", FirstName: "Prunella", LastName: "Wintergreen", QTS: "2007-07-31", Induction: "Passed", Alerts: true}
)

func newAPI(t *testing.T) *api {
	a := &api{
		searches: map[string][]string{"WINTERGREEN": {"7300001"}},
		people:   map[string]string{"7300001": prunella},
		checks:   map[string]string{"7300001": "QQ123456C"},
	}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.calls = append(a.calls, r.URL.Path+"?"+r.URL.RawQuery)
	instead := a.instead
	a.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+apiKey || r.Header.Get("X-Api-Version") != "20260612" || r.UserAgent() != agent {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if instead != nil {
		instead(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	query := r.URL.Query()
	if r.URL.Path == "/v3/persons" {
		if query.Get("findBy") != "LastNameAndDateOfBirth" || query.Get("dateOfBirth") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		results := []json.RawMessage{}
		for _, trn := range a.searches[query.Get("lastName")] {
			results = append(results, json.RawMessage(a.people[trn]))
		}
		json.NewEncoder(w).Encode(map[string]any{"total": len(results), "results": results})
		return
	}
	trn := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	text, known := a.people[trn]
	if number := query.Get("nationalInsuranceNumber"); !known || number != "" && a.checks[trn] != number {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"title":"Person not found.","status":404,"detail":"TRN: '%s'","errorCode":10001}`, trn)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/v3/trns/") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Write([]byte(text))
}

func (a *api) client(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	c := Config{URL: a.URL, APIKey: apiKey, UserAgent: agent, Details: true, Logger: slog.New(slog.NewTextHandler(&a.log, nil))}
	for _, f := range change {
		f(&c)
	}
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (a *api) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.calls...)
}

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
