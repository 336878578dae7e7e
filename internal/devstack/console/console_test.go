package console_test

import (
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/console"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

func newConsole(t *testing.T) (http.Handler, *onelogin.Server) {
	t.Helper()
	config := newConfig(t)
	return made(t, config), config.OneLogin
}

// newConfig is all that a console needs.
func newConfig(t *testing.T) console.Config {
	t.Helper()
	provider, err := onelogin.New(onelogin.Config{Issuer: "http://localhost:8082/", Clients: []onelogin.Client{{
		ID: "demo", RedirectURIs: []string{"http://localhost:8080/teaching-record/callback"}, JWKSURL: "http://localhost:8080/teaching-record/one-login-jwks.json"}}})
	if err != nil {
		t.Fatal(err)
	}
	mail, err := notify.New(notify.Config{APIKey: "a-key-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0",
		Templates: []notify.Template{{ID: "9d751e0e-f929-4891-82a1-a3e1c3c18ee3", Name: "A", Subject: "B", Body: "C"}}})
	if err != nil {
		t.Fatal(err)
	}
	desk, err := zendesk.New(zendesk.Config{ClientID: "a-client", ClientSecret: "a-secret-for-tests"})
	if err != nil {
		t.Fatal(err)
	}
	finder, err := find.New(find.Config{APIBase: "http://localhost:8080", APIKey: "a-key-for-tests", SharedKey: "another-for-tests",
		Clients: []find.Client{{ID: "a-client", RedirectURLs: []string{"http://localhost:8080/back"}}}, Find: func(string) (find.Person, bool) { return find.Person{}, false }})
	if err != nil {
		t.Fatal(err)
	}
	return console.Config{Site: "http://localhost:8080", Prefix: "/teaching-record", OneLoginURL: "http://localhost:8082/",
		OneLogin: provider, Notify: mail, Zendesk: desk, Find: finder, People: people.Everyone()}
}

func made(t *testing.T, config console.Config) http.Handler {
	t.Helper()
	handler, err := console.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func get(handler http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	text, _ := io.ReadAll(w.Body)
	return w.Code, string(text)
}

func post(handler http.Handler, path string, form url.Values, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// TestPeopleJSON: the very members, in the order of the cast, for scripts that
// walk everybody's journey.
func TestPeopleJSON(t *testing.T) {
	handler, _ := newConsole(t)
	status, text := get(handler, "/people.json")
	var got []map[string]string
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d: %v", status, err)
	}
	want := []map[string]string{
		{"person": "known", "nino": "QQ 61 83 05 A", "trn": "7381046", "lost": "", "ends": "service"},
		{"person": "found-by-nino", "nino": "QQ 27 49 16 B", "trn": "7382593", "lost": "", "ends": "service"},
		{"person": "found-by-trn", "nino": "QQ 94 30 72 C", "trn": "7384168", "lost": "", "ends": "service"},
		{"person": "not-found", "nino": "QQ 58 12 67 D", "trn": "7389902", "lost": "", "ends": "support-requested"},
		{"person": "not-verified", "nino": "", "trn": "", "lost": "", "ends": "not-verified"},
		{"person": "no-trn", "nino": "QQ 36 74 90 A", "trn": "", "lost": "", "ends": "support-requested"},
		{"person": "possible-duplicate", "nino": "QQ 81 29 53 B", "trn": "", "lost": "", "ends": "support-requested"},
		{"person": "rejected", "nino": "QQ 45 63 18 C", "trn": "", "lost": "", "ends": "support-requested"},
		{"person": "lost-trn", "nino": "QQ 73 05 41 D", "trn": "", "lost": "7380659", "ends": "service"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// Where the module gives TRNs.
	config := newConfig(t)
	config.Allocating = true
	allocating := made(t, config)
	_, text = get(allocating, "/people.json")
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want[5]["ends"], want[6]["ends"], want[7]["ends"] = "service", "trn-requested", "trn-requested"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, text := get(allocating, "/"); strings.Count(text, "<td>trn-requested</td>") != 2 {
		t.Error("the page says otherwise")
	}
}

// TestHome: links, people and every fault, each with its sentence.
func TestHome(t *testing.T) {
	handler, _ := newConsole(t)
	status, text := get(handler, "/")
	wants := []string{
		`href="http://localhost:8080/"`, `href="http://localhost:8080/whoami"`, `href="http://localhost:8082/"`,
		`href="http://localhost:8080/teaching-record/sign-out"`, `href="/inbox"`, `href="/tickets/"`, `href="/people.json"`, "None is being played.", "the relying party has broken no rule",
	}
	for _, p := range people.Everyone() {
		wants = append(wants, `<th scope="row">`+p.Value+"</th>", template.HTMLEscapeString(p.About), p.NINO, p.TRN, p.Lost, p.Ends)
	}
	for _, f := range onelogin.Faults() {
		wants = append(wants, `name="fault" value="`+f.Name+`"`, template.HTMLEscapeString(f.Does))
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if tolerable := strings.Count(text, "(sign-in must still work)"); status != http.StatusOK || tolerable < 20 || tolerable > len(onelogin.Faults())/2 {
		t.Errorf("%d, %d faults are tolerable", status, tolerable)
	}
	if status, _ := get(handler, "/elsewhere"); status != http.StatusNotFound {
		t.Errorf("an address that is none: %d", status)
	}
}

func TestPlay(t *testing.T) {
	handler, provider := newConsole(t)
	for _, form := range []url.Values{
		{"fault": {"authorize-busy"}, "times": {"every"}, "journey": {"identity"}},
		{"fault": {"token-500"}, "times": {"next"}, "journey": {""}},
	} {
		if w := post(handler, "/faults", form, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
			t.Errorf("%v: %d %s", form, w.Code, w.Header().Get("Location"))
		}
	}
	want := []onelogin.Play{{Fault: "authorize-busy", Every: true, Journey: onelogin.IdentityJourney}, {Fault: "token-500"}}
	if diff := cmp.Diff(want, provider.Playing()); diff != "" {
		t.Error(diff)
	}
	if _, text := get(handler, "/"); !strings.Contains(text, "<code>authorize-busy</code>, every time, in the identity journey") || !strings.Contains(text, "<code>token-500</code>, the next time") {
		t.Error("the page does not say what is being played")
	}
	for _, form := range []url.Values{
		{"fault": {"no-such"}, "times": {"next"}}, {"fault": {"token-500"}, "times": {"twice"}}, {"fault": {"token-500"}}, {"fault": {"token-500"}, "times": {"next"}, "journey": {"none"}},
	} {
		if w := post(handler, "/faults", form, nil); w.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
	if post(handler, "/faults/stop", nil, nil); len(provider.Playing()) != 0 {
		t.Errorf("still played: %+v", provider.Playing())
	}
}

// TestCrossSite: no page elsewhere can play a fault or stop one.
func TestCrossSite(t *testing.T) {
	handler, provider := newConsole(t)
	if err := provider.Play(onelogin.Play{Fault: "token-500"}); err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]http.Header{
		"fetch metadata": {"Sec-Fetch-Site": {"cross-site"}},
		"same site":      {"Sec-Fetch-Site": {"same-site"}},
		"origin":         {"Sec-Fetch-Site": nil, "Origin": {"http://evil.test"}},
	} {
		for _, path := range []string{"/faults", "/faults/stop"} {
			if w := post(handler, path, url.Values{"fault": {"token-503"}, "times": {"next"}}, header); w.Code != http.StatusForbidden {
				t.Errorf("%s, %s: %d", name, path, w.Code)
			}
		}
	}
	if diff := cmp.Diff([]onelogin.Play{{Fault: "token-500"}}, provider.Playing()); diff != "" {
		t.Error(diff)
	}
}

// TestViolations: the newest first, since that is the one being looked for.
func TestViolations(t *testing.T) {
	handler, provider := newConsole(t)
	for _, path := range []string{"/userinfo", "/authorize"} {
		provider.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	_, text := get(handler, "/")
	newest, oldest := strings.Index(text, "this client must send a request object"), strings.Index(text, "a direct call needs a User-Agent")
	if newest < 0 || oldest < newest {
		t.Errorf("violations at %d and %d", newest, oldest)
	}
}

func TestIncomplete(t *testing.T) {
	for name, without := range map[string]func(*console.Config){
		"everything": func(c *console.Config) { *c = console.Config{Site: c.Site} }, "One Login": func(c *console.Config) { c.OneLogin = nil },
		"Notify": func(c *console.Config) { c.Notify = nil }, "Zendesk": func(c *console.Config) { c.Zendesk = nil }, "Find": func(c *console.Config) { c.Find = nil },
	} {
		config := newConfig(t)
		without(&config)
		if _, err := console.New(config); err == nil {
			t.Errorf("a console was made without %s", name)
		}
	}
}
