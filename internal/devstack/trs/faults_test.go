package trs_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// question is a right one. The record it asks for has whatever faults spoil.
func (a *asker) question(at trs.Endpoint) (answer, error) {
	switch at {
	case trs.AtFind:
		return a.ask(a.request(http.MethodGet, findPath("Carter", "1985-04-12"), ""))
	case trs.AtBatch:
		return a.ask(a.request(http.MethodPost, "/v3/persons/find", `{"persons": [{"trn": "1000001", "dateOfBirth": "1985-04-12"}]}`))
	case trs.AtPerson:
		return a.ask(a.request(http.MethodGet, "/v3/persons/1000001?include=Induction,Alerts,PreviousNames,RoutesToProfessionalStatuses&dateOfBirth=1985-04-12", ""))
	case trs.AtKeys:
		return a.ask(a.request(http.MethodGet, "/webhook-jwks", ""))
	default:
		return a.ask(a.request(http.MethodGet, "/v3/trns/1000001", ""))
	}
}

var endpoints = []trs.Endpoint{trs.AtFind, trs.AtBatch, trs.AtPerson, trs.AtTRN, trs.AtKeys}

// TestFaultsArePlayed: each, wherever it can be, changes what comes, once, and
// nowhere else.
func TestFaultsArePlayed(t *testing.T) {
	a := newAsker(t, trs.Config{Stall: 10 * time.Millisecond})
	right := map[trs.Endpoint]answer{}
	for _, at := range endpoints {
		right[at], _ = a.question(at)
	}
	same := func(at trs.Endpoint, got answer) bool {
		return got.status == right[at].status && got.text == right[at].text
	}
	names := map[string]bool{}
	for _, f := range trs.Faults() {
		if names[f.Name] || f.Does == "" {
			t.Errorf("%s: twice, or says nothing", f.Name)
		}
		names[f.Name] = true
		for _, at := range endpoints {
			if f.At != nil && !slices.Contains(f.At, at) {
				if a.api.Play(trs.Play{Fault: f.Name, Endpoint: at}) == nil {
					t.Errorf("%s can be asked for at %s", f.Name, at)
				}
				a.play(trs.Play{Fault: f.Name})
				if got, err := a.question(at); err != nil || !same(at, got) || len(a.api.Playing()) != 1 {
					t.Errorf("%s is played at %s", f.Name, at)
				}
				a.api.StopFaults()
				continue
			}
			again := f.Name == "refused" // else net/http hides it: it asks again on a new connection
			a.play(trs.Play{Fault: f.Name, Endpoint: at, Every: again})
			got, err := a.question(at)
			if again {
				a.api.StopFaults()
			}
			late := strings.HasPrefix(f.Name, "slow") // later, but right
			if left := a.api.Playing(); len(left) != 0 || (err == nil && same(at, got)) != late {
				t.Errorf("%s at %s: %d %.200s; left: %v", f.Name, at, got.status, got.text, left)
			}
			if got, err := a.question(at); err != nil || !same(at, got) {
				t.Errorf("after %s at %s: %d %v", f.Name, at, got.status, err)
			}
		}
	}
	if violations := a.api.Record().Violations; len(violations) != 0 {
		t.Errorf("%+v", violations)
	}
}

// TestPlay: once or every time, at one endpoint or any.
func TestPlay(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for _, play := range []trs.Play{{Fault: "no-such"}, {Fault: "500", Endpoint: "nowhere"}, {Fault: "merged-loop", Endpoint: trs.AtFind}} {
		if a.api.Play(play) == nil {
			t.Errorf("%+v is played", play)
		}
	}
	statuses := func(asked ...trs.Endpoint) (all []int) {
		for _, at := range asked {
			got, _ := a.question(at)
			all = append(all, got.status)
		}
		return all
	}
	a.play(trs.Play{Fault: "500", Endpoint: trs.AtTRN})
	got := statuses(trs.AtPerson, trs.AtTRN, trs.AtTRN)
	a.play(trs.Play{Fault: "502"})
	got = append(got, statuses(trs.AtFind, trs.AtFind)...)
	a.play(trs.Play{Fault: "503", Every: true})
	if diff := cmp.Diff([]trs.Play{{Fault: "503", Every: true}}, a.api.Playing()); diff != "" {
		t.Error(diff)
	}
	got = append(got, statuses(trs.AtBatch, trs.AtTRN)...)
	a.api.StopFaults()
	got = append(got, statuses(trs.AtTRN)...)
	if diff := cmp.Diff([]int{200, 500, 204, 502, 200, 503, 503, 204}, got); diff != "" {
		t.Error(diff)
	}
	// One that spoils a record waits for one.
	a.play(trs.Play{Fault: "other-person", Endpoint: trs.AtPerson})
	if got := a.get("/v3/persons/9999999"); got.status != http.StatusNotFound || len(a.api.Playing()) != 1 {
		t.Errorf("%d, playing %v", got.status, a.api.Playing())
	}
	a.api.StopFaults()
	// Two at once: the shape of a record, and its text.
	a.play(trs.Play{Fault: "other-person"})
	a.play(trs.Play{Fault: "array"})
	if got := a.get("/v3/persons/1000001"); !strings.HasPrefix(got.text, "[{") || !strings.Contains(got.text, `"trn":"0000001"`) {
		t.Error(got.text)
	}
}

// TestFaultStatuses: the status, what says when to come again, and whether there
// is a body that could be taken for an answer.
func TestFaultStatuses(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for name, row := range map[string]struct {
		status            int
		retry, type_, has string
	}{
		"400":                      {400, "", "application/problem+json", `"errors"`},
		"401":                      {401, "", "", ""},
		"403":                      {403, "", "", ""},
		"403-firewall":             {403, "", "text/html", "<h1>"},
		"404-page":                 {404, "", "text/html", "<h1>"},
		"404-bare":                 {404, "", "", ""},
		"404-other-code":           {404, "", "application/problem+json", `"errorCode":10031`},
		"410-page":                 {410, "", "text/html", "<h1>"},
		"410-other-code":           {410, "", "application/problem+json", `"errorCode":10099`},
		"429":                      {429, "", "application/problem+json", "API calls quota exceeded"},
		"429-retry-after":          {429, "20", "application/problem+json", "API calls quota exceeded"},
		"429-retry-after-date":     {429, "Tue, 01 Sep 2026 12:00:20 GMT", "application/problem+json", ""},
		"429-retry-after-years":    {429, "946080000", "application/problem+json", ""},
		"429-retry-after-nonsense": {429, "-soon", "application/problem+json", ""},
		"500":                      {500, "", "application/problem+json", `"status":500`},
		"502":                      {502, "", "text/html", "<h1>"},
		"503":                      {503, "120", "text/html", "<h1>"},
		"504":                      {504, "", "text/html", "<h1>"},
		"no-content":               {204, "", "", ""},
		"html":                     {200, "", "text/html", "<h1>"},
		"empty":                    {200, "", "application/json", ""},
		"garbage":                  {200, "", "application/json", "{]"},
		"null":                     {200, "", "application/json", "null"},
		"empty-object":             {200, "", "application/json", "{}"},
		"nested":                   {200, "", "application/json", "[[[["},
		"followed":                 {200, "", "application/json", "}{}"},
	} {
		a.play(trs.Play{Fault: name, Endpoint: trs.AtPerson})
		got := a.get("/v3/persons/1000001")
		if got.status != row.status || got.header.Get("Retry-After") != row.retry || !strings.HasPrefix(got.header.Get("Content-Type"), row.type_) || !strings.Contains(got.text, row.has) {
			t.Errorf("%s: %d %v %.100s", name, got.status, got.header, got.text)
		}
		if row.type_ == "" && got.text != "" {
			t.Errorf("%s has a body: %s", name, got.text)
		}
	}
	a.play(trs.Play{Fault: "oversized"})
	if got := a.get("/v3/persons/1000001"); len(got.text) < 8<<20 || got.body["trn"] != "1000001" {
		t.Errorf("oversized: %d bytes", len(got.text))
	}
}
