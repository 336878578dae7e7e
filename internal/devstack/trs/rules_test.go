package trs_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// TestAdmit: the rules of every request, each broken by itself.
func TestAdmit(t *testing.T) {
	a := newAsker(t, trs.Config{})
	set := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) {
			if r.Header.Del(name); values != nil {
				r.Header[name] = values
			}
		}
	}
	for _, row := range []struct {
		why    string
		edit   func(*http.Request)
		status int
		live   string
		rule   string // in the words of the refusal
	}{
		{"no version", set("X-Api-Version"), 404, "", "is missing"},
		{"an older version", set("X-Api-Version", "20240101"), 404, "404", "must be 20260612"},
		{"two versions", set("X-Api-Version", trs.Version, trs.Version), 404, "404", "must be 20260612"},
		{"no User-Agent", set("User-Agent", ""), 400, "", "needs a User-Agent"},
		{"no product", set("User-Agent", "asker"), 400, "", "a product"},
		{"a library's", set("User-Agent", "Go-http-client/1.1"), 400, "", "a library's"},
		{"a cookie", set("Cookie", "a=b"), 400, "", "cookies"},
		{"no key", set("Authorization"), 401, "401", "the API key"},
		{"another key", set("Authorization", "Bearer another"), 401, "401", "the API key"},
		{"the key and more", set("Authorization", "Bearer "+key+" "), 200, "", ""}, // net/http trims it
		{"another scheme", set("Authorization", "Basic "+key), 401, "401", "the API key"},
		{"two keys", set("Authorization", "Bearer "+key, "Bearer "+key), 401, "401", "the API key"},
		{"a scheme in lower case", set("Authorization", "bearer "+key), 200, "", ""},
	} {
		a.api.Reset()
		got := a.get("/v3/persons/1000001", row.edit)
		violations := a.api.Record().Violations
		switch {
		case got.status != row.status:
			t.Errorf("%s: %d %s", row.why, got.status, got.text)
		case row.status == http.StatusOK:
			if len(violations) != 0 {
				t.Errorf("%s: %+v", row.why, violations)
			}
		case len(violations) != 1 || violations[0].Live != row.live || violations[0].Endpoint != trs.AtPerson || !strings.Contains(violations[0].Rule, row.rule):
			t.Errorf("%s: %+v", row.why, violations)
		case row.status == http.StatusUnauthorized && got.text != "", row.status != http.StatusUnauthorized && got.body["rule"] != violations[0].Rule:
			t.Errorf("%s: %s", row.why, got.text)
		}
	}
	for method, status := range map[string]int{http.MethodHead: 405, http.MethodPut: 404} {
		if got, err := a.ask(a.request(method, "/v3/persons/1000001", "")); err != nil || got.status != status {
			t.Errorf("%s: %d %v", method, got.status, err)
		}
	}
	if got, err := a.ask(a.request(http.MethodGet, "/v3/persons/1000001", "{}")); err != nil || got.status != http.StatusBadRequest {
		t.Errorf("GET with a body: %d %v", got.status, err)
	}
	if got := a.get("/v3/person"); got.status != http.StatusNotFound || got.body["errorCode"] != nil {
		t.Errorf("elsewhere: %d %s", got.status, got.text)
	}
}

// TestLimit: so many in a fixed window, those without a key not counted.
func TestLimit(t *testing.T) {
	a := newAsker(t, trs.Config{Limit: trs.Limit{Requests: 3, Window: 10 * time.Second, RetryAfter: true}})
	statuses := func(n int) (all []int) {
		for range n {
			all = append(all, a.get("/v3/trns/1000001").status)
		}
		return all
	}
	a.get("/v3/trns/1000001", func(r *http.Request) { r.Header.Del("Authorization") })
	got := statuses(2)
	a.clock.advance(9500 * time.Millisecond)
	got = append(got, statuses(2)...)
	over := a.get("/v3/persons/1000001")
	a.clock.advance(500 * time.Millisecond)
	got = append(got, statuses(4)...)
	if diff := cmp.Diff([]int{204, 204, 204, 429, 204, 204, 204, 429}, got); diff != "" {
		t.Error(diff)
	}
	if over.body["title"] != "API calls quota exceeded" || over.body["detail"] != "The limit is 3 requests in 10s." || over.header.Get("Retry-After") != "1" ||
		over.header.Get("Content-Type") != "application/problem+json; charset=utf-8" {
		t.Errorf("%v %s", over.header, over.text)
	}
	if record := a.api.Record(); record.Throttled != 3 || len(record.Violations) != 1 {
		t.Errorf("%+v", record)
	}
	silent := newAsker(t, trs.Config{Limit: trs.Limit{Requests: 1}})
	silent.get("/v3/trns/1000001")
	if got := silent.get("/v3/trns/1000001"); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

// TestRecord: what was asked, and nothing of whom.
func TestRecord(t *testing.T) {
	a := newAsker(t, trs.Config{})
	a.get("/v3/trns/1000001")
	a.get("/v3/persons/1000001", func(r *http.Request) { r.Header.Set("User-Agent", "asker/2.0") })
	a.get(findPath("Lane", "1985-04-12"), func(r *http.Request) { r.Header.Set("X-Api-Version", "20240101") })
	a.post(`{"persons": []}`)
	a.get("/")
	want := trs.Record{
		Hits:     map[trs.Endpoint]int{"trn": 1, "person": 1, "find": 1, "batch": 1, "elsewhere": 1},
		Versions: []string{trs.Version, "20240101"}, UserAgents: []string{agent, "asker/2.0"}, Connections: 1, MostAtOnce: 1,
		Violations: []trs.Violation{
			{Endpoint: trs.AtFind, Rule: "X-Api-Version must be 20260612, the only one here", Live: "404"},
			{Endpoint: "elsewhere", Rule: "there is no such endpoint, or not with this method", Live: "404"},
		},
	}
	if diff := cmp.Diff(want, a.api.Record()); diff != "" {
		t.Error(diff)
	}
	a.api.Reset()
	if diff := cmp.Diff(trs.Record{Hits: map[trs.Endpoint]int{}}, a.api.Record()); diff != "" {
		t.Error(diff)
	}
}

// TestLogs: whatever is asked, the log has a rule and nothing of the request.
func TestLogs(t *testing.T) {
	var log bytes.Buffer
	a := newAsker(t, trs.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, path := range []string{
		"/v3/persons/10-31337?dateOfBirth=1977-07-07&nationalInsuranceNumber=QQ313370A", "/v3/persons/1000001?dateOfBirth=1977-07-07&nationalInsuranceNumber=QQ313370A",
		"/v3/persons?findBy=Zweig&lastName=Zweig&dateOfBirth=1977-07-07", "/v3/persons?Zweig=Zweig", "/v3/persons/1000001?include=Zweig", "/Zweig",
	} {
		a.get(path)
	}
	a.post(`{"persons": [{"trn": "10-31337", "dateOfBirth": "1977-07-07"}], "Zweig": 1}`)
	for _, secret := range []string{"31337", "1977", "Zweig", key} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
	if lines := strings.Count(log.String(), "trs stand-in refused a request"); lines != 7 {
		t.Errorf("%d lines: %s", lines, log.String())
	}
}

// TestNew: what no stand-in is made of, told without quoting it.
func TestNew(t *testing.T) {
	for why, file := range map[string]string{
		"no file": "", "no list": "{}", "another member": `{"people": [{"trn": "1000001", "Zweig": 1}]}`, "more": `{"people": []} {}`,
		"no TRN": `{"people": [{"lastName": "Zweig"}]}`, "a TRN twice": `{"people": [{"trn": "1000001"}, {"trn": "1000001"}]}`,
		"a date that is none": `{"people": [{"trn": "1000001", "dateOfBirth": "Zweig"}]}`, "a status that is none": `{"people": [{"trn": "1000001", "status": "Zweig"}]}`,
		"null": `{"people": [null]}`,
	} {
		if _, err := trs.New(trs.Config{People: []byte(file), APIKey: key}); err == nil || strings.Contains(err.Error(), "Zweig") {
			t.Errorf("%s: %v", why, err)
		}
	}
	if _, err := trs.New(trs.Config{People: []byte(people)}); err == nil {
		t.Error("a stand-in without a key was made")
	}
	if _, err := trs.New(trs.Config{People: []byte("\ufeff" + `{"people": []}`), APIKey: key}); err != nil {
		t.Error(err)
	}
}
