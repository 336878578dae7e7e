package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// forged is what a client sends to be somebody else.
var forged = []string{
	"Teaching-Record-Assertion: forged", "teaching-record-assertion: forged", "Teaching_Record.Trn: 1234567", "TEACHING_RECORD_ASSERTION: forged",
	"ONE-LOGIN-Subject: forged", "One.Login_Subject: forged", "Teaching-Record-Trn: 1234567", "Teaching-Record-Anything: forged", "Teaching~Record'Trn: 1234567",
}

// The same among the trailers, announced and not, with one that is nobody's.
var (
	chunked  = []string{"Transfer-Encoding: chunked", "Trailer: Teaching-Record-Assertion, Teaching_Record.Trn, ONE-LOGIN-Subject, X-Kept"}
	trailers = "3\r\nabc\r\n0\r\nTeaching-Record-Assertion: forged\r\nTeaching_Record.Trn: 1234567\r\nONE-LOGIN-Subject: forged\r\nOne-Login-Unannounced: forged\r\nX-Kept: kept\r\n\r\n"
)

// TestForgedHeaders: nothing that a client sends changes what the service is
// told on a protected path, signed in or not.
func TestForgedHeaders(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/").choose("known").at("/")
	cookie := "Cookie: a=1; teaching-record=" + v.cookie() + "; b=2"

	plain := s.see(t, rawRequest{method: "GET", target: "/whoami", header: []string{cookie}})
	if !plain.Verified || !slices.Equal(plain.Headers["Cookie"], []string{"a=1; b=2"}) {
		t.Fatalf("signed in: %v, Cookie %q", plain, plain.Headers["Cookie"])
	}
	for name, r := range map[string]rawRequest{
		"headers":                   {method: "GET", header: forged},
		"trailers":                  {method: "POST", header: chunked, body: trailers},
		"trailers and headers":      {method: "POST", header: slices.Concat(chunked, forged), body: trailers},
		"connection":                {method: "GET", header: []string{"Connection: close, Teaching-Record-Assertion"}},
		"connection, forged too":    {method: "GET", header: slices.Concat([]string{"Connection: close, teaching-record-assertion,One-Login-Subject"}, forged)},
		"connection on two lines":   {method: "GET", header: []string{"Connection: close", "Connection:\tTeaching-Record-Assertion , Cookie"}},
		"connection and keep-alive": {method: "GET", header: []string{"Connection: close, keep-alive, Teaching-Record-Assertion", "Keep-Alive: timeout=5"}},
	} {
		for _, signedIn := range []bool{true, false} {
			r := r
			if r.target = "/whoami"; signedIn {
				r.header = append(slices.Clone(r.header), cookie)
			}
			resp := s.raw(t, r)
			if !signedIn {
				if resp.status != 401 {
					t.Errorf("%s, not signed in: %d", name, resp.status)
				}
				continue
			}
			got := decode(t, resp)
			if !got.Verified {
				t.Errorf("%s: not verified: %s", name, got.Error)
			}
			checkFamily(t, name, got, true)
			if got.Claims["trn"] != plain.Claims["trn"] || got.Claims["sub"] != plain.Claims["sub"] {
				t.Errorf("%s: claims %v", name, got.Claims)
			}
			if strings.HasPrefix(name, "trailers") && !slices.Equal(got.Trailers["X-Kept"], []string{"kept"}) {
				t.Errorf("%s: other trailers are %v", name, got.Trailers)
			}
		}
	}
}

// TestPublicHeaders: on public paths too, and there is no assertion on them.
func TestPublicHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, editing("/healthcheck /assets/*", "/healthcheck /whoami"))
	v := s.teacher(t)
	v.open("/").choose("known").at("/")
	for _, header := range [][]string{nil, {"Cookie: teaching-record=" + v.cookie()}} {
		header = slices.Concat(header, forged, chunked, []string{"Connection: close, Teaching-Record-Assertion"})
		got := s.see(t, rawRequest{method: "POST", target: "/whoami", header: header, body: trailers})
		checkFamily(t, "public", got, false)
		if !slices.Equal(got.Trailers["X-Kept"], []string{"kept"}) {
			t.Errorf("other trailers are %v", got.Trailers)
		}
		if got.Verified || got.Headers["Cookie"] != nil {
			t.Errorf("a public path is told of %v, Cookie %q", got, got.Headers["Cookie"])
		}
	}
}

// TestPlainHeaders: they repeat what the assertion says, and nothing else.
func TestPlainHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, editing("assertion {", "assertion {\nplain_headers on\nclaims email name birthdate record"))
	v := s.teacher(t)
	v.open("/").choose("found-by-nino").press("Continue", "have", "yes").press("Continue", "number", "QQ274916B").press("Continue")
	got := s.see(t, rawRequest{method: "GET", target: "/whoami", header: slices.Concat(forged, []string{"Cookie: teaching-record=" + v.cookie()})})
	for header, claim := range map[string]string{"Teaching-Record-Trn": "trn", "One-Login-Subject": "sub"} {
		if values := got.Headers[header]; len(values) != 1 || values[0] != got.Claims[claim] {
			t.Errorf("%s is %q, the assertion says %v", header, values, got.Claims[claim])
		}
	}
	record, _ := got.Claims["record"].(map[string]any)
	if got.Claims["email"] != "peregrine.thistlewick@people.example" || got.Claims["name"] != "PEREGRINE LUCIAN THISTLEWICK" ||
		got.Claims["birthdate"] != "1986-02-19" || record["name"] != "Peregrine Thistlewick" {
		t.Errorf("claims %v", got.Claims)
	}
}

// checkFamily: of our family the service received the assertion, once, or nothing.
func checkFamily(t *testing.T, name string, got whoami, signedIn bool) {
	t.Helper()
	for _, fields := range []map[string][]string{got.Headers, got.Trailers} {
		for field, values := range fields {
			folded := strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "", "~", "", "'", "").Replace(field))
			if !strings.HasPrefix(folded, "teachingrecord") && !strings.HasPrefix(folded, "onelogin") {
				continue
			}
			if field != "Teaching-Record-Assertion" || !signedIn || len(values) != 1 || values[0] == "forged" {
				t.Errorf("%s: the service received %s: %q", name, field, values)
			}
		}
	}
	if signedIn && len(got.Headers["Teaching-Record-Assertion"]) != 1 {
		t.Errorf("%s: the service received no assertion", name)
	}
}

func (s *stack) see(t *testing.T, r rawRequest) whoami {
	t.Helper()
	return decode(t, s.raw(t, r))
}

func decode(t *testing.T, resp rawResponse) (w whoami) {
	t.Helper()
	if err := json.Unmarshal([]byte(resp.body), &w); err != nil {
		t.Fatalf("%d and no JSON: %s", resp.status, resp.body)
	}
	return w
}
