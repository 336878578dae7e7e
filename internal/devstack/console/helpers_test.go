package console_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// TestHelperFaults: all of them with their sentences, played and stopped.
func TestHelperFaults(t *testing.T) {
	config := newConfig(t)
	handler := made(t, config)
	_, text := get(handler, "/")
	wants := []string{"GOV.UK Notify plays none.", "Zendesk plays none.", "Find a lost TRN plays none."}
	for _, f := range notify.Faults() {
		wants = append(wants, `name="fault" value="`+f.Name+`"`, template.HTMLEscapeString(f.Does))
	}
	for _, f := range zendesk.Faults() {
		wants = append(wants, `name="fault" value="`+f.Name+`"`, template.HTMLEscapeString(f.Does))
	}
	for _, f := range find.Faults() {
		wants = append(wants, `name="fault" value="`+f.Name+`"`, template.HTMLEscapeString(f.Does))
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for path, form := range map[string]url.Values{
		"/notify/faults":  {"fault": {"500"}, "times": {"every"}, "endpoint": {"send"}},
		"/zendesk/faults": {"fault": {"created-500"}, "times": {"next"}, "endpoint": {""}},
		"/find/faults":    {"fault": {"put-late"}, "times": {"every"}},
	} {
		if w := post(handler, path, form, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		for _, wrong := range []url.Values{{"fault": {"no-such"}, "times": {"next"}}, {"fault": {"500"}}, {"fault": {"500"}, "times": {"next"}, "endpoint": {"none"}}} {
			if w := post(handler, path, wrong, nil); w.Code != http.StatusBadRequest {
				t.Errorf("%s, %v: %d", path, wrong, w.Code)
			}
		}
	}
	if diff := cmp.Diff([]notify.Play{{Fault: "500", Every: true, Endpoint: notify.AtSend}}, config.Notify.Playing()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]zendesk.Play{{Fault: "created-500"}}, config.Zendesk.Playing()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]find.Play{{Fault: "put-late", Every: true}}, config.Find.Playing()); diff != "" {
		t.Error(diff)
	}
	if _, text := get(handler, "/"); !strings.Contains(text, "<code>500</code>, every time, at send<") || !strings.Contains(text, "<code>put-late</code>, every time<") || !strings.Contains(text, "<code>created-500</code>, the next time<") {
		t.Error("the page does not say what is being played")
	}
	post(handler, "/notify/faults/stop", nil, nil)
	if len(config.Notify.Playing()) != 0 || len(config.Zendesk.Playing()) != 1 {
		t.Errorf("%+v %+v", config.Notify.Playing(), config.Zendesk.Playing())
	}
	post(handler, "/find/faults/stop", nil, nil)
	if len(config.Find.Playing()) != 0 {
		t.Errorf("%+v", config.Find.Playing())
	}
	if w := post(handler, "/find/late", nil, nil); w.Code != http.StatusSeeOther || !strings.Contains(text, "It has told the site of nothing yet.") {
		t.Errorf("making the PUTs that wait: %d", w.Code)
	}
	post(handler, "/zendesk/faults/stop", nil, nil)
	if len(config.Zendesk.Playing()) != 0 {
		t.Errorf("%+v", config.Zendesk.Playing())
	}
}

// TestHelperViolations: what each refused, the newest first, and under its name.
func TestHelperViolations(t *testing.T) {
	config := newConfig(t)
	handler := made(t, config)
	for path, api := range map[string]http.Handler{"/v2/elsewhere": config.Notify, "/api/v2/elsewhere": config.Zendesk, "/": config.Find} {
		api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	config.Notify.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v2/notifications", nil))
	_, text := get(handler, "/")
	_, ofNotify, _ := strings.Cut(text, "Requests GOV.UK Notify refused")
	ofNotify, ofZendesk, _ := strings.Cut(ofNotify, "Requests Zendesk refused")
	ofZendesk, ofFind, _ := strings.Cut(ofZendesk, "Requests Find a lost TRN refused")
	newest, oldest := strings.Index(ofNotify, "<code>list</code>: "), strings.Index(ofNotify, "<code>elsewhere</code>: ")
	if newest < 0 || oldest < newest || strings.Count(ofZendesk, "<code>elsewhere</code>: ") != 1 || strings.Count(ofFind, "<code>elsewhere</code>: ") != 1 {
		t.Errorf("violations at %d and %d; of Zendesk: %.500s; of Find: %.500s", newest, oldest, ofZendesk, ofFind)
	}
}

// TestInboxes: both are there, and the paths below them lead back to them.
func TestInboxes(t *testing.T) {
	handler := made(t, newConfig(t))
	for path, heading := range map[string]string{"/inbox": "<h1>E-mails sent through GOV.UK Notify</h1>", "/tickets/": "<h1>Zendesk: tickets</h1>"} {
		if status, text := get(handler, path); status != http.StatusOK || !strings.Contains(text, heading) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if w := post(handler, "/tickets/solve", url.Values{"id": {"7"}}, nil); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "no such ticket") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/notify/faults", "/notify/faults/stop", "/zendesk/faults", "/zendesk/faults/stop", "/find/faults", "/find/faults/stop", "/find/late", "/tickets/solve"} {
		if w := post(handler, path, url.Values{"fault": {"500"}, "times": {"next"}, "id": {"7"}}, http.Header{"Sec-Fetch-Site": {"cross-site"}}); w.Code != http.StatusForbidden {
			t.Errorf("%s, from elsewhere: %d", path, w.Code)
		}
	}
}
