package gate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestNobodySignedIn: who is sent to sign in, who is told, and who sees a page.
// Nothing reaches the service, and what is not a navigation starts no flow.
func TestNobodySignedIn(t *testing.T) {
	const page, toSignIn, told = "text/html", "redirect", "application/problem+json"
	for _, tt := range []struct {
		name, method, mode, accept, with string
		want                             string
	}{
		{"a link", "GET", "navigate", "text/html,*/*", "", toSignIn},
		{"a link, asked for ahead", "HEAD", "navigate", "text/html", "", toSignIn},
		{"an old browser", "GET", "", "text/html,*/*;q=0.8", "", toSignIn},
		{"an old browser's HEAD", "HEAD", "", "text/html", "", toSignIn},
		{"fetch", "GET", "cors", "*/*", "", told},
		{"fetch that wants HTML", "GET", "same-origin", "text/html", "", told},
		{"an image", "GET", "no-cors", "image/*", "", told},
		{"XMLHttpRequest in an old browser", "GET", "", "text/html", "XMLHttpRequest", told},
		{"a script in an old browser", "GET", "", "application/json", "", told},
		{"nothing said", "GET", "", "", "", told},
		{"anything will do", "GET", "", "*/*", "", told},
		{"a form, posted after the session ended", "POST", "navigate", "text/html", "", page},
		{"an old browser's form", "POST", "", "text/html", "", told},
		{"a script's post", "POST", "cors", "*/*", "", told},
		{"delete", "DELETE", "", "text/html", "", told},
		{"a preflight", "OPTIONS", "cors", "*/*", "", told},
		{"a socket", "GET", "websocket", "*/*", "", told},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			r := httptest.NewRequest(tt.method, "/records?page=2", nil)
			for name, value := range map[string]string{"Sec-Fetch-Mode": tt.mode, "Accept": tt.accept, "X-Requested-With": tt.with} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			resp := h.serve(r)
			if h.reached != 0 || h.oneLogin.n != 0 || len(resp.Cookies()) != 0 {
				t.Errorf("reached the service %d times, started %d flows, set %v", h.reached, h.oneLogin.n, resp.Cookies())
			}
			if cache := resp.Header.Get("Cache-Control"); cache != "no-store" {
				t.Errorf("Cache-Control %q", cache)
			}
			if tt.want == toSignIn {
				to := "https://teaching.example.gov.uk/teaching-record/sign-in?return_to=%2Frecords%3Fpage%3D2"
				if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != to {
					t.Errorf("%d %q, want a redirect to %q", resp.StatusCode, got, to)
				}
				return
			}
			kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
			if resp.StatusCode != http.StatusUnauthorized || kind != tt.want || resp.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%d %s, want 401 %s with a challenge", resp.StatusCode, kind, tt.want)
			}
			if tt.want == told && tt.method != http.MethodHead {
				var problem struct {
					Status int
					SignIn string `json:"sign_in"`
				}
				must(t, json.NewDecoder(resp.Body).Decode(&problem))
				if problem.Status != 401 || !strings.HasPrefix(problem.SignIn, "https://teaching.example.gov.uk/teaching-record/sign-in") {
					t.Errorf("problem %+v", problem)
				}
			}
		})
	}
}

func TestPublicPathsAreForwardedWithoutIdentity(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	for _, visitor := range []*browser{h.browser(), b} {
		r := httptest.NewRequest(http.MethodGet, "/public", nil)
		r.Header.Set("Teaching_Record.Assertion", "forged")
		r.Header.Set("Connection", "close, Teaching-Record-Assertion")
		visitor.send(r).shows(http.StatusOK, "the service")
		for name := range h.upstream.Header {
			if strings.HasPrefix(strings.ToLower(name), "teaching") {
				t.Errorf("%s reached the service on a public path", name)
			}
		}
		if got := h.upstream.Header.Get("Connection"); got != "close" {
			t.Errorf("Connection: %q", got)
		}
		if got := h.upstream.Header.Get("Cookie"); got != "" {
			t.Errorf("our cookie reached the service: %q", got)
		}
	}
}

// TestNoPath: what asks for no path is nothing for the service, whoever asks and
// whatever an assertion is good for (threat T32).
func TestNoPath(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	h.Public = func(r *http.Request) bool { return r.Host == "public.example" }
	for _, line := range []string{"CONNECT teaching.example.gov.uk:443", "CONNECT /records", "PRI *", "OPTIONS *", "GET foo:bar"} {
		for _, host := range []string{"teaching.example.gov.uk", "public.example"} {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")))
			must(t, err)
			r.Host = host
			r.AddCookie(&http.Cookie{Name: "__Host-teaching-record", Value: b.cookie})
			if resp := h.serve(r); resp.StatusCode != http.StatusBadRequest || h.reached != 0 {
				t.Errorf("%s to %s: %d, %d reached the service", line, host, resp.StatusCode, h.reached)
			}
		}
	}
	// The CONNECT of HTTP/2 that opens a WebSocket has one (RFC 8441).
	r := httptest.NewRequest(http.MethodConnect, "/records", nil)
	r.ProtoMajor, r.Header = 2, http.Header{":protocol": {"websocket"}}
	if b.send(r); h.reached != 1 {
		t.Error("a WebSocket does not reach the service")
	}
}

func TestForwarded(t *testing.T) {
	h := newHouse(t)
	var told []string
	h.Identified = func(_ *http.Request, subject, trn string) { told = append(told, subject, trn) }
	b := h.browser().finishes("/records?page=2")
	b.get("/records?page=2").shows(http.StatusOK, "the service")
	if got := h.upstream.Header["Teaching-Record-Assertion"]; len(got) != 1 || strings.Count(got[0], ".") != 2 {
		t.Errorf("assertion %q", got)
	}
	if len(told) != 2 || told[0] != subject || told[1] != trn {
		t.Errorf("the server was told of %q", told)
	}
}

func TestOwnAddresses(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		method, path string
		status       int
		text         string
	}{
		{"GET", "/teaching-record/healthz", 200, `"ok"`},
		{"GET", "/teaching-record/readyz", 200, `"redis":"ok"`},
		{"GET", "/teaching-record/cookies", 200, "__Host-teaching-record"},
		{"GET", "/teaching-record/accessibility", 200, "Accessibility statement"},
		{"GET", "/teaching-record/signed-out", 200, "You have signed out"},
		{"GET", "/teaching-record/sign-out", 200, "Sign out of Check your record"},
		{"GET", "/teaching-record/jwks.json", 200, `"kid"`},
		{"GET", "/teaching-record", 404, "Page not found"},
		{"GET", "/teaching-record/", 404, "Page not found"},
		{"GET", "/teaching-record/nothing", 404, "Page not found"},
		{"GET", "/teaching-record/done", 404, "Page not found"},
		{"GET", "/teaching%2Drecord/healthz", 200, `"ok"`},
		{"POST", "/teaching-record/cookies", 405, "Page not found"},
		{"PUT", "/teaching-record/national-insurance-number", 405, "Page not found"},
		{"GET", "/teaching-record/assets/none.css", 404, ""},
	} {
		h.Checks = []Check{{"redis", h.store.Ready}}
		b := h.browser().send(httptest.NewRequest(tt.method, tt.path, nil))
		if b.last.StatusCode != tt.status || !strings.Contains(b.text, tt.text) {
			t.Errorf("%s %s: %d, want %d with %q:\n%s", tt.method, tt.path, b.last.StatusCode, tt.status, tt.text, b.text)
		}
		if tt.status == 405 && b.last.Header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tt.method, tt.path)
		}
	}
	if h.reached != 0 {
		t.Error("the service saw a request for an address of ours")
	}
	// A machine is told in its own way.
	r := httptest.NewRequest(http.MethodGet, "/teaching-record/nothing", nil)
	if resp := h.serve(r); resp.StatusCode != 404 || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a script got %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	h.Checks = []Check{{"redis", h.store.Ready}, {"one_login", func(context.Context) error { return errDown }}}
	h.browser().get("/teaching-record/readyz").shows(503, `"one_login":"not ready"`)
}

// TestCrossSite: no other site can make a browser submit our forms.
func TestCrossSite(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"our page", []string{"Sec-Fetch-Site", "same-origin"}, false},
		{"typed, or a bookmark", []string{"Sec-Fetch-Site", "none"}, false},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, true},
		{"a neighbour", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://other.example.gov.uk"}, true},
		{"an old browser's other site", []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, true},
		{"a hidden origin", []string{"Sec-Fetch-Site", "", "Origin", "null"}, true},
		{"an old browser, our page", []string{"Sec-Fetch-Site", "", "Origin", "https://teaching.example.gov.uk"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			b := h.browser().verifies("/records")
			r := httptest.NewRequest(http.MethodPost, "/teaching-record/national-insurance-number", strings.NewReader("have=no"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept", "text/html")
			r.Host = "behind-another-proxy:8080"
			for i := 0; i < len(tt.headers); i += 2 {
				if tt.headers[i+1] != "" {
					r.Header.Set(tt.headers[i], tt.headers[i+1])
				}
			}
			r.AddCookie(&http.Cookie{Name: "__Host-teaching-record", Value: b.cookie})
			resp := h.serve(r)
			s, _, err := h.store.Load(t.Context(), b.cookie)
			must(t, err)
			if tt.refused != (resp.StatusCode == http.StatusForbidden) || s.NINO.Given == tt.refused {
				t.Errorf("%d, answered: %v", resp.StatusCode, s.NINO.Given)
			}
		})
	}
}

// TestStoreDown: an outage signs nobody out and sends nobody to One Login.
func TestStoreDown(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	h.Visits = downVisits{h.store}
	cookie := b.cookie
	for _, path := range []string{"/records", "/teaching-record/national-insurance-number", "/teaching-record/sign-in"} {
		b.get(path).shows(503, "Sorry, we cannot check if you are signed in")
		if b.last.Header.Get("Retry-After") == "" || b.cookie != cookie || len(b.last.Cookies()) != 0 {
			t.Errorf("%s: Retry-After %q, cookies %v", path, b.last.Header.Get("Retry-After"), b.last.Cookies())
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/records", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-teaching-record", Value: cookie})
	if resp := h.serve(r); resp.StatusCode != 503 || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a script got %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	if h.reached != 0 {
		t.Error("a request reached the service")
	}
	h.Visits = h.store
	b.get("/records").shows(200, "the service")
}

// TestUnsigned: without a signature nothing goes upstream.
func TestUnsigned(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	h.RequestID = func(*http.Request) string { return "" }
	b.get("/records").shows(503, "Sorry, the service is unavailable")
	h.RequestID = func(*http.Request) string { return "id" }
	b.get("/"+strings.Repeat("x", 5000)).shows(414, "")
	if h.reached != 0 {
		t.Error("a request reached the service unsigned")
	}
}

// TestNextError: what the service's handler returns is Caddy's to handle.
func TestNextError(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	r := httptest.NewRequest(http.MethodGet, "/records", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-teaching-record", Value: b.cookie})
	err := h.ServeHTTP(httptest.NewRecorder(), r, func(http.ResponseWriter, *http.Request) error { return io.ErrUnexpectedEOF })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// TestNew: a gate that lacks a part is refused, by the part's name.
func TestNew(t *testing.T) {
	whole := newHouse(t).Config
	whole.Policy = journey.Policy{Allocate: true, Find: true}
	optional := []string{"Identified", "Policy", "Webhooks", "Heard", "Checks", "Claims", "Idle", "Absolute"}
	fields := reflect.TypeFor[Config]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		c := whole
		reflect.ValueOf(&c).Elem().Field(i).SetZero()
		if _, err := New(c); (err == nil) != slices.Contains(optional, name) {
			t.Errorf("without %s: %v", name, err)
		} else if err != nil && !strings.HasSuffix(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
