package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestT26_AdminAPI: nothing but a well-formed change changes anything, and each
// refusal says what it is.
func TestT26_AdminAPI(t *testing.T) {
	o := openOffice(t)
	before := journey.Link{TRN: "1234567", How: "nino", At: time.Now().UTC()}
	if err := o.state.SetLink(t.Context(), o.issuer, ada, before); err != nil {
		t.Fatal(err)
	}
	visit := o.signIn(ada, time.Now())

	const json = "application/json"
	good := `{"subject":"` + ada + `","by":"kim"}`
	for _, row := range []struct{ method, target, contentType, body, want string }{
		// Paths are exact.
		{"POST", "/teaching-record", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/", json, good, "404 no-such-path"},
		{"POST", "/links/disconnect", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/nothing", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/links/disconnect/", json, good, "404 no-such-path"},
		{"POST", "/teaching-record//links/disconnect", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/links/Disconnect", json, good, "404 no-such-path"},
		{"POST", "/Teaching-Record/links/disconnect", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/links%2Fdisconnect", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/links/%64isconnect", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/links/disconnect;a", json, good, "404 no-such-path"},
		{"POST", "/teaching-record/x/../links/disconnect", json, good, "404 no-such-path"},

		// So are methods.
		{"GET", "/teaching-record/links/disconnect?by=kim&subject=" + ada, "", "", "405 method"},
		{"GET", "/teaching-record/visits/revoke", json, good, "405 method"},
		{"HEAD", "/teaching-record/links?subject=" + ada, "", "", "405 method"},
		{"PUT", "/teaching-record/links/disconnect", json, good, "405 method"},
		{"DELETE", "/teaching-record/links?subject=" + ada, "", "", "405 method"},
		{"OPTIONS", "/teaching-record/links/disconnect", json, good, "405 method"},
		{"post", "/teaching-record/links/disconnect", json, good, "405 method"},
		{"POST", "/teaching-record/links?subject=" + ada, json, good, "405 method"},

		// What a page can have any browser send.
		{"POST", "/teaching-record/links/disconnect", "", good, "415 content-type"},
		{"POST", "/teaching-record/links/disconnect", "text/plain", good, "415 content-type"},
		{"POST", "/teaching-record/links/disconnect", "text/plain; application/json", good, "415 content-type"},
		{"POST", "/teaching-record/links/disconnect", "multipart/form-data; boundary=x", good, "415 content-type"},
		{"POST", "/teaching-record/links/disconnect", "application/x-www-form-urlencoded", "by=kim&subject=" + ada, "415 content-type"},
		{"POST", "/teaching-record/links/disconnect", "application/json-seq", good, "415 content-type"},
		{"POST", "/teaching-record/links/disconnect", "application/json, text/plain", good, "415 content-type"},

		// Bodies.
		{"POST", "/teaching-record/links/disconnect", json, "", "400 json"},
		{"POST", "/teaching-record/links/disconnect", json, "null", "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, "[]", "400 json"},
		{"POST", "/teaching-record/links/disconnect", json, good + good, "400 json"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":["` + ada + `"],"by":"kim"}`, "400 json"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"` + ada + `","by":1}`, "400 json"},
		{"POST", "/teaching-record/links/disconnect", json, good + strings.Repeat(" ", mostBody), "413 too-large"},

		// Words.
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"` + ada + `"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"` + ada + `","by":""}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"` + ada + `","by":" kim"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"` + ada + `","by":"kim\nline"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"` + ada + `","by":"` + strings.Repeat("k", 101) + `"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"","by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"1234567","by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"prunella@people.example","by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"Prunella Wintergreen","by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"subject":"` + ada + `","by":"kim","trn":"1234567"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect", json, `{"Subject":"` + ada + `","by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/links/disconnect?subject=" + ada, json, good, "400 word"},
		{"POST", "/teaching-record/requests/resolve", json, `{"id":"0b4f4d8e-0000-5000-8000-000000000000","by":"kim"}`, "400 word"}, // a new record must be asked for
		{"POST", "/teaching-record/requests/reject", json, `{"id":"1234567","by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/work/retry", json, `{"kind":"1234567","name":"0b4f4d8e-0000-5000-8000-000000000000","by":"kim"}`, "400 word"},
		{"POST", "/teaching-record/work/retry", json, `{"kind":"email:send","name":"1234567","by":"kim"}`, "400 word"},
		{"GET", "/teaching-record/links", "", "", "400 word"},
		{"GET", "/teaching-record/links?subject=" + ada + "&trn=1", "", "", "400 word"},
		{"GET", "/teaching-record/links?subject=" + ada + "&subject=" + ada, "", "", "400 query"},
		{"GET", "/teaching-record/links?subject=%zz", "", "", "400 query"},
		{"GET", "/teaching-record/tickets?subject=" + ada, "", "", "400 word"},
	} {
		status, body := o.ask(row.method, row.target, row.contentType, row.body)
		if got := o.refused(status, body); got != row.want {
			t.Errorf("%s %s with %q %.60s: %s, want %s", row.method, row.target, row.contentType, row.body, got, row.want)
		}
	}
	if diff := cmp.Diff(before, o.linked(ada)); diff != "" {
		t.Error("the link changed:\n", diff)
	}
	if s, found, err := o.state.Load(t.Context(), visit); !found || err != nil || s.Stale != "" {
		t.Errorf("the visit is there: %t, stale: %q, %v", found, s.Stale, err)
	}
	if log := o.log.String(); log != "" {
		t.Errorf("logged, and nobody changed anything:\n%s", log)
	}

	// And with every parameter that JSON may have, it is taken.
	if status, body := o.ask("POST", "/teaching-record/links/disconnect", "Application/JSON; charset=utf-8", good); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

// TestEndpoints: every endpoint that changes something takes POST and says by whom;
// the others take GET.
func TestEndpoints(t *testing.T) {
	o := openOffice(t)
	for path, e := range endpoints {
		changes := map[string]bool{"links/connect": true, "links/disconnect": true, "visits/revoke": true,
			"requests/resolve": true, "requests/reject": true, "work/retry": true}[path]
		if (e.method == http.MethodPost) != changes || !changes && e.method != http.MethodGet {
			t.Errorf("%s takes %s", path, e.method)
		}
		if !changes {
			continue
		}
		all := map[string]string{}
		for _, word := range e.words {
			all[word] = map[string]string{"subject": ada, "trn": "1234567", "id": "0b4f4d8e-0000-5000-8000-000000000000", "kind": "email:send", "name": "12345678"}[word]
		}
		nameless := try(json.Marshal(all))
		if status, body := o.post(path, string(nameless)); o.refused(status, body) != "400 word" || !strings.Contains(body, "by must be") {
			t.Errorf("%s by nobody: %d %s", path, status, body)
		}
	}
}

// TestServices: which service is meant must be said where there is a choice, and
// only there.
func TestServices(t *testing.T) {
	sites := func(hosts ...string) (all []*operated) {
		for _, host := range hosts {
			all = append(all, &operated{host: host})
		}
		return all
	}
	for _, row := range []struct {
		sites       []*operated
		asked, want string
	}{
		{nil, "", "no-service"},
		{nil, "a.example", "no-service"},
		{sites("a.example"), "", "a.example"},
		{sites("a.example"), "a.example", "a.example"},
		{sites("a.example"), "b.example", "no-such-service"},
		{sites("a.example", "a.example"), "", "a.example"},
		{sites("b.example", "a.example", "b.example"), "", "which-service"},
		{sites("b.example", "a.example", "b.example"), "a.example", "a.example"},
		{sites("b.example", "a.example"), "A.example", "no-such-service"},
	} {
		got := ""
		if s, err := choose(row.sites, row.asked); err != nil {
			got = err.Error()
		} else {
			got = s.host
		}
		if got != row.want {
			t.Errorf("%d sites, asked for %q: %s, want %s", len(row.sites), row.asked, got, row.want)
		}
	}
	o := openOffice(t)
	o.api.sites = func() []*operated { return append(sites("a.example"), o.operated) }
	for query, want := range map[string]string{
		"":                   "400 which-service",
		"&service=c.example": "404 no-such-service",
		"&service=localhost:8080&service=localhost:8080": "400 query",
	} {
		if got := o.refused(o.get("/teaching-record/visits?subject=" + ada + query)); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	answered[present](t)(o.get("/teaching-record/visits?service=localhost:8080&subject=" + ada))
	answered[revoked](t)(o.post("visits/revoke?service=localhost:8080", `{"subject":"`+ada+`","by":"kim"}`))
}

// failing is a register that cannot be asked, or tells of one record.
type failing struct {
	err  error
	kept string
}

func (f failing) Find(context.Context, journey.Identity, journey.Stated) (journey.Record, bool, error) {
	return journey.Record{}, false, f.err
}

func (f failing) Record(context.Context, string) (journey.Record, bool, error) {
	return journey.Record{TRN: f.kept}, f.kept != "", f.err
}

// TestOutages: what is down is said, so that the operator does it again, and the
// attempt is audited as failed.
func TestOutages(t *testing.T) {
	connect := `{"subject":"` + ada + `","trn":"1234567","by":"kim"}`
	away := openOffice(t, func(c *Config) { c.Redis = "redis://127.0.0.1:1" })
	for path, body := range map[string]string{
		"links/connect": connect, "links/disconnect": `{"subject":"` + ada + `","by":"kim"}`, "visits/revoke": `{"subject":"` + ada + `","by":"kim"}`,
		"requests/reject": `{"id":"0b4f4d8e-0000-5000-8000-000000000000","by":"kim"}`,
		"work/retry":      `{"kind":"email:send","name":"0b4f4d8e-0000-5000-8000-000000000000","by":"kim"}`,
	} {
		if got := away.refused(away.post(path, body)); got != "503 store-no-answer" {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, target := range []string{"links?subject=" + ada, "visits?subject=" + ada, "requests", "tickets", "work"} {
		if got := away.refused(away.get(adminPath + target)); got != "503 store-no-answer" {
			t.Errorf("%s: %s", target, got)
		}
	}
	if all := away.audits(); len(all) != 5 || strings.Count(strings.Join(all, "\n"), " failed") != 5 {
		t.Errorf("audited: %q", all)
	}
	if n := strings.Count(away.log.String(), "it failed"); n != 10 {
		t.Errorf("%d failures in the log, of 10", n)
	}

	for _, err := range []error{errors.New("down"), fmt.Errorf("down: %w", journey.NoRegister)} {
		o := openOffice(t)
		o.records = failing{err: err}
		if got := o.refused(o.post("links/connect", connect)); got != "503 register-no-answer" {
			t.Error(got)
		}
		if o.linked(ada).TRN != "" {
			t.Error("connected to a record that nobody knows of")
		}
		if log := o.log.String(); !strings.Contains(log, "it failed") || !strings.Contains(log, "down") {
			t.Errorf("not logged: %s", log)
		}
	}
}
