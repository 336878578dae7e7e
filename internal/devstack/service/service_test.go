package service_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/service"
)

// newService verifies nothing but a header that says "right".
func newService(t *testing.T) *httptest.Server {
	t.Helper()
	handler, err := service.New(service.Config{Name: "A service", Prefix: "/teaching-record", Verify: func(r *http.Request) (map[string]any, error) {
		if r.Header.Get("Teaching-Record-Assertion") != "right" {
			return nil, errors.New("no valid assertion")
		}
		return map[string]any{"trn": "1234567", "sub": "<somebody>"}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func ask(t *testing.T, method, url, assertion, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if body != "" {
		r, err = http.NewRequestWithContext(t.Context(), method, url, &trailing{Reader: strings.NewReader(body)})
		r.Trailer = http.Header{"Teaching-Record-Assertion": {"from a trailer"}}
	}
	if err != nil {
		t.Fatal(err)
	}
	if assertion != "" {
		r.Header.Set("Teaching-Record-Assertion", assertion)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		t.Fatal(err)
	}
	_, content, _ := strings.Cut(text.String(), "\r\n\r\n")
	return response.StatusCode, content
}

// trailing is a body of unknown length, so that trailers can follow it.
type trailing struct{ *strings.Reader }

func TestHome(t *testing.T) {
	s := newService(t)
	for _, tt := range []struct {
		path, assertion string
		status          int
		sees            string
	}{
		{"/", "", 401, "serves nobody"},
		{"/", "wrong", 401, "serves nobody"},
		{"/records?page=2", "right", 200, "You are signed in to A service"},
		{"/records?page=2", "right", 200, "GET /records"},
		{"/", "right", 200, "<code>1234567</code>"},
		{"/", "right", 200, "&lt;somebody&gt;"},
		{"/", "right", 200, `href="/teaching-record/sign-out"`},
		{"/healthcheck", "", 200, "ok"},
		{"/assets/hello.txt", "", 200, "An asset, for everyone."},
		{"/assets/none.txt", "right", 404, ""},
	} {
		if status, text := ask(t, http.MethodGet, s.URL+tt.path, tt.assertion, ""); status != tt.status || !strings.Contains(text, tt.sees) {
			t.Errorf("%s with %q: %d, want %d with %q:\n%s", tt.path, tt.assertion, status, tt.status, tt.sees, text)
		}
	}
}

// TestWhoami: everything that arrived, to the last trailer, verified or not.
func TestWhoami(t *testing.T) {
	s := newService(t)
	type answer struct {
		Verified bool
		Error    string
		Claims   map[string]any
		Headers  http.Header
		Trailers http.Header
		Method   string
		Path     string
	}
	read := func(method, path, assertion, body string) answer {
		t.Helper()
		status, text := ask(t, method, s.URL+path, assertion, body)
		var a answer
		if err := json.Unmarshal([]byte(text), &a); err != nil || status != http.StatusOK {
			t.Fatalf("%d: %v\n%s", status, err, text)
		}
		return a
	}
	nobody := read(http.MethodGet, "/whoami", "", "")
	if nobody.Verified || nobody.Error == "" || nobody.Claims == nil || len(nobody.Claims) != 0 || nobody.Trailers == nil {
		t.Errorf("without an assertion: %+v", nobody)
	}
	somebody := read(http.MethodPost, "/whoami", "right", "a body")
	if !somebody.Verified || somebody.Error != "" || somebody.Method != http.MethodPost || somebody.Path != "/whoami" {
		t.Errorf("with one: %+v", somebody)
	}
	if diff := cmp.Diff(map[string]any{"trn": "1234567", "sub": "<somebody>"}, somebody.Claims); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(http.Header{"Teaching-Record-Assertion": {"from a trailer"}}, somebody.Trailers); diff != "" {
		t.Error(diff)
	}
	if got := somebody.Headers.Get("Teaching-Record-Assertion"); got != "right" {
		t.Errorf("header %q", got)
	}
}

func TestIncomplete(t *testing.T) {
	if _, err := service.New(service.Config{Name: "A service", Prefix: "/teaching-record"}); err == nil {
		t.Error("a service that cannot verify was made")
	}
}
