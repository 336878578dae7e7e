package gate

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"
)

// TestRewritten: a site that rewrites every request for its service, path and
// query, does not reach our own addresses with it (threat T2).
func TestRewritten(t *testing.T) {
	h := newHouse(t)
	type original struct{}
	h.Asked = func(r *http.Request) *url.URL { return r.Context().Value(original{}).(*url.URL) }
	b := h.browser()
	get := func(address string) *browser {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r = r.WithContext(context.WithValue(r.Context(), original{}, r.URL))
		r.URL = &url.URL{Path: "/index.php", RawQuery: "page=records"}
		return b.send(r)
	}
	state := func() string {
		to, err := url.Parse(b.last.Header.Get("Location"))
		must(t, err)
		return to.Query().Get("state")
	}
	get("/teaching-record/sign-in?return_to=/records?page=2")
	get("/teaching-record/callback?code=c&state=" + state()).goes("/teaching-record/verify-identity")
	get("/teaching-record/verify-identity")
	get("/teaching-record/callback?code=c&state=" + state()).goes("/teaching-record/national-insurance-number")
	get("/teaching-record/national-insurance-number?have=yes").shows(http.StatusOK, `name="number"`)
	get(regexp.MustCompile(`/teaching-record/assets/generic-\w+\.css`).FindString(b.text)).shows(http.StatusOK, "govuk")
	s, _, err := h.store.Load(t.Context(), b.cookie)
	must(t, err)
	if s.ReturnTo != "/records?page=2" {
		t.Errorf("the way back leads to %q", s.ReturnTo)
	}
}

// TestErrorRoute: a site may send what failed to another upstream, such as one
// with its error pages. Nothing of the teacher goes there (threat T22).
func TestErrorRoute(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	r := httptest.NewRequest(http.MethodGet, "/records", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-teaching-record", Value: b.cookie})
	var sent string
	err := h.ServeHTTP(httptest.NewRecorder(), r, func(_ http.ResponseWriter, r *http.Request) error {
		sent = r.Header.Get("Teaching-Record-Assertion")
		return io.ErrUnexpectedEOF
	})
	if sent == "" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("sent %q, %v", sent, err)
	}
	if len(r.Header) != 0 {
		t.Errorf("left in the request: %v", r.Header)
	}
}
