package console_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

func newConsoleWithRecords(t *testing.T) (http.Handler, *trs.Server) {
	t.Helper()
	return newConsoleWith(t, trs.Config{})
}

func newConsoleWith(t *testing.T, config trs.Config) (http.Handler, *trs.Server) {
	t.Helper()
	config.People, config.APIKey = people.RegisterFile(), "a-key-for-tests"
	api, err := trs.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	all := newConfig(t)
	all.TRS = api
	return made(t, all), api
}

// TestRecords: every record, and what was done to it.
func TestRecords(t *testing.T) {
	handler, api := newConsoleWithRecords(t)
	_, text := get(handler, "/")
	for _, record := range api.Records() {
		for _, want := range []string{
			`<th scope="row">` + record.TRN + "</th><td>" + record.FirstName + " " + record.LastName + "</td><td>" + record.BirthDate + "</td><td>Active</td><td>no</td>",
			`value="` + record.TRN + `">Deactivate ` + record.TRN, `<option value="` + record.TRN + `">`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not have %q", want)
			}
		}
	}
	status := func() (all []string) {
		for _, record := range api.Records() {
			if record.Status != trs.Active {
				all = append(all, record.TRN+" "+string(record.Status)+record.Retained)
			}
		}
		return all
	}
	do := func(what string, form url.Values, code int) {
		t.Helper()
		if w := post(handler, "/records/"+what, form, nil); w.Code != code {
			t.Errorf("%s %v: %d %s", what, form, w.Code, w.Body)
		}
	}
	do("merge", url.Values{"from": {"7381046"}, "to": {"7382593"}}, http.StatusSeeOther)
	do("deactivate", url.Values{"trn": {"7384168"}}, http.StatusSeeOther)
	if diff := cmp.Diff([]string{"7381046 Merged7382593", "7384168 Deactivated"}, status()); diff != "" {
		t.Error(diff)
	}
	_, text = get(handler, "/")
	for _, want := range []string{"<td>Merged into 7382593</td>", "<td>Deactivated</td>", "Reactivate 7381046", "Reactivate 7384168"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if strings.Contains(text, `<option value="7384168">`) {
		t.Error("a deactivated record can be merged")
	}
	for what, form := range map[string]url.Values{
		"merge": {"from": {"7382593"}, "to": {"7384168"}}, "deactivate": {"trn": {"7381046"}}, "reactivate": {"trn": {"9999999"}},
	} {
		do(what, form, http.StatusBadRequest)
	}
	do("reactivate", url.Values{"trn": {"7381046"}}, http.StatusSeeOther)
	if diff := cmp.Diff([]string{"7384168 Deactivated"}, status()); diff != "" {
		t.Error(diff)
	}
}

// TestRecordsFaults: all of them with their sentences, played and stopped.
func TestRecordsFaults(t *testing.T) {
	handler, api := newConsoleWithRecords(t)
	_, text := get(handler, "/")
	for _, f := range trs.Faults() {
		for _, want := range []string{`name="fault" value="` + f.Name + `"`, template.HTMLEscapeString(f.Does)} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not have %q", want)
			}
		}
	}
	for _, form := range []url.Values{{"fault": {"merged-loop"}, "times": {"every"}, "endpoint": {"trn"}}, {"fault": {"500"}, "times": {"next"}, "endpoint": {""}}} {
		if w := post(handler, "/records/faults", form, nil); w.Code != http.StatusSeeOther {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
	if diff := cmp.Diff([]trs.Play{{Fault: "merged-loop", Every: true, Endpoint: trs.AtTRN}, {Fault: "500"}}, api.Playing()); diff != "" {
		t.Error(diff)
	}
	if _, text := get(handler, "/"); !strings.Contains(text, "<code>merged-loop</code>, every time, at trn") || !strings.Contains(text, "<code>500</code>, the next time<") {
		t.Error("the page does not say what is being played")
	}
	for _, form := range []url.Values{{"fault": {"no-such"}, "times": {"next"}}, {"fault": {"500"}}, {"fault": {"merged-loop"}, "times": {"next"}, "endpoint": {"find"}}} {
		if w := post(handler, "/records/faults", form, nil); w.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
	if post(handler, "/records/faults/stop", nil, nil); len(api.Playing()) != 0 {
		t.Errorf("still played: %+v", api.Playing())
	}
}

// TestRecordsViolations: what the API refused, the newest first.
func TestRecordsViolations(t *testing.T) {
	handler, api := newConsoleWithRecords(t)
	for _, path := range []string{"/v3/trns/7381046", "/v3/elsewhere"} {
		api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	_, text := get(handler, "/")
	newest, oldest := strings.Index(text, "<code>elsewhere</code>: there is no such endpoint"), strings.Index(text, "<code>trn</code>: the version must be pinned")
	if newest < 0 || oldest < newest {
		t.Errorf("violations at %d and %d", newest, oldest)
	}
}

// TestRecordsGuarded: no page elsewhere can change a record, and without a
// stand-in for the Teaching Record System there is none to change.
func TestRecordsGuarded(t *testing.T) {
	handler, api := newConsoleWithRecords(t)
	without, _ := newConsole(t)
	form := url.Values{"from": {"7381046"}, "to": {"7382593"}, "trn": {"7381046"}, "on": {"yes"}, "person": {"known"}, "name": {"unsigned"}, "fault": {"500"}, "times": {"next"}}
	for _, path := range []string{"merge", "deactivate", "reactivate", "link", "unlink", "alert", "ping", "novelty", "rotate-key", "forge", "faults", "faults/stop"} {
		if w := post(handler, "/records/"+path, form, http.Header{"Sec-Fetch-Site": {"cross-site"}}); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
		if w := post(without, "/records/"+path, form, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s, without: %d", path, w.Code)
		}
	}
	if records := api.Records(); records[0].Status != trs.Active || records[0].Alert || len(api.Playing()) != 0 {
		t.Errorf("%+v %v", records[0], api.Playing())
	}
	if _, text := get(without, "/"); strings.Contains(text, "Teaching records") {
		t.Error("records are listed that are not there")
	}
}
