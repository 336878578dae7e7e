package assertion_test

import (
	"bufio"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

// fromLine is the request that net/http's server makes of a request line.
func fromLine(t *testing.T, line string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + " HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")))
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return r
}

// TestTarget: "htm" and "htu" are what the service reads in its request line,
// whatever the client wrote in its own. The service here is a real one.
func TestTarget(t *testing.T) {
	for _, test := range []struct {
		line, htm, path string
	}{
		{"GET /", "GET", "/"},
		{"GET /?q=1", "GET", "/"},
		{"GET /records?page=/2?#x", "GET", "/records"},
		{"POST /records/", "POST", "/records/"},
		{"DELETE /a%2Fb", "DELETE", "/a%2Fb"},
		{"GET /a%2fb/%20%41", "GET", "/a%2fb/%20%41"},
		{"GET /a%20b%3Fc%23d", "GET", "/a%20b%3Fc%23d"},
		{"GET /caf\u00e9", "GET", "/caf%C3%A9"},
		{"GET /caf%C3%A9", "GET", "/caf%C3%A9"},
		{"GET //two//slashes", "GET", "//two//slashes"},
		{"GET /a/../b/./c", "GET", "/a/../b/./c"},
		{"GET /a;b=c,d&e@f:g", "GET", "/a;b=c,d&e@f:g"},
		{"GET http://elsewhere.example/absolute?q", "GET", "/absolute"},
		{"GET http://elsewhere.example", "GET", "/"},
		{"PURGE /x", "PURGE", "/x"},
	} {
		s, key := newSigner(t, nil)
		r := fromLine(t, test.line)
		claims := open(t, stamp(t, s, r, teacher()), key)
		if claims["htm"] != test.htm || claims["htu"] != origin+test.path {
			t.Errorf("%q is bound to %v %v", test.line, claims["htm"], claims["htu"])
		}
		if htm, path := received(t, r); htm != claims["htm"] || origin+path != claims["htu"] {
			t.Errorf("%q is bound to %v %v, but the service gets %s %s", test.line, claims["htm"], claims["htu"], htm, path)
		}
	}
}

// received sends r on as a proxy does, and tells the method and the path in the
// request line that the service gets.
func received(t *testing.T, r *http.Request) (method, path string) {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		method = r.Method
		path, _, _ = strings.Cut(r.RequestURI, "?")
	}))
	defer service.Close()
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host = "http", strings.TrimPrefix(service.URL, "http://")
	}}
	proxy.ServeHTTP(httptest.NewRecorder(), r)
	return method, path
}

// TestTargetIsLate: what goes upstream counts, not what the client asked for.
func TestTargetIsLate(t *testing.T) {
	s, key := newSigner(t, nil)
	r := fromLine(t, "GET /api/x%2Fy/")
	r.URL.Path, r.URL.RawPath, r.Method = "/x/y/", "/x%2Fy/", "PUT" // as uri strip_prefix and method do
	claims := open(t, stamp(t, s, r, teacher()), key)
	if claims["htm"] != "PUT" || claims["htu"] != origin+"/x%2Fy/" {
		t.Errorf("bound to %v %v", claims["htm"], claims["htu"])
	}
}

// TestWebSockets of HTTP/2 and 3 reach the service as those of HTTP/1.1.
func TestWebSockets(t *testing.T) {
	s, key := newSigner(t, nil)
	two := httptest.NewRequest("CONNECT", "/socket", nil)
	two.Header[":protocol"] = []string{"websocket"}
	three := httptest.NewRequest("CONNECT", "/socket", nil)
	three.Proto = "websocket"
	for _, r := range []*http.Request{two, three} {
		r.URL = &url.URL{Path: "/socket"}
		if claims := open(t, stamp(t, s, r, teacher()), key); claims["htm"] != "GET" || claims["htu"] != origin+"/socket" {
			t.Errorf("bound to %v %v", claims["htm"], claims["htu"])
		}
	}
}

func TestTargetRefuses(t *testing.T) {
	for _, line := range []string{"OPTIONS *", "GET foo:bar", "CONNECT evil.example:443"} {
		s, _ := newSigner(t, nil)
		r := fromLine(t, line)
		if err := s.Stamp(r, teacher(), "id"); err == nil || r.Header.Get(assertion.Header) != "" {
			t.Errorf("%q is signed", line)
		}
		s, key := newSigner(t, toSession)
		open(t, stamp(t, s, r, teacher()), key) // says nothing of the request
	}
}

func TestTooLong(t *testing.T) {
	s, _ := newSigner(t, nil)
	for _, test := range []struct {
		method string
		path   int
		want   error
	}{
		{"GET", 4093, nil},
		{"GET", 4094, assertion.ErrTooLong},
		{strings.Repeat("M", 4090), 100, assertion.ErrTooLong},
	} {
		r := httptest.NewRequest("GET", "/"+strings.Repeat("p", test.path-1), nil)
		r.Method = test.method
		err := s.Stamp(r, teacher(), "id")
		if !errors.Is(err, test.want) || (err == nil) != (r.Header.Get(assertion.Header) != "") {
			t.Errorf("method of %d and path of %d bytes: %v", len(test.method), test.path, err)
		}
	}
	session, _ := newSigner(t, toSession)
	if err := session.Stamp(httptest.NewRequest("GET", "/"+strings.Repeat("p", 9000), nil), teacher(), ""); err != nil {
		t.Errorf("bound to the session: %v", err)
	}
}

// TestSession: one assertion serves the session for 30 seconds, then a new one.
func TestSession(t *testing.T) {
	now := noon
	s, key := newSigner(t, func(c *assertion.Config) {
		c.Bind, c.Now = assertion.ToSession, func() time.Time { return now }
	})
	first := stamp(t, s, httptest.NewRequest("GET", "/one", nil), teacher())
	for _, test := range []struct {
		after time.Duration
		same  bool
	}{
		{0, true}, {15 * time.Second, true}, {30*time.Second - 1, true}, {30 * time.Second, false},
	} {
		now = noon.Add(test.after)
		got := stamp(t, s, httptest.NewRequest("POST", "/two", nil), teacher())
		if (got == first) != test.same {
			t.Errorf("after %v: the same is %v", test.after, got == first)
		}
		claims := open(t, got, key)
		if left := claims["exp"].(float64) - float64(now.Unix()); left < 30 || left > 60 {
			t.Errorf("after %v: good for %v s", test.after, left)
		}
	}
}

// TestSessionsApart: whoever differs in anything gets an assertion of their own.
func TestSessionsApart(t *testing.T) {
	s, key := newSigner(t, toSession)
	seen := map[string]int{}
	for i, change := range []func(*assertion.Claims){
		func(*assertion.Claims) {},
		func(c *assertion.Claims) { c.Visit = "another" },
		func(c *assertion.Claims) { c.Subject = "another" },
		func(c *assertion.Claims) { c.TRN = "7654321" },
		func(c *assertion.Claims) { c.AuthTime = noon },
		func(c *assertion.Claims) { c.AuthTime = noon.Add(time.Second) },
		func(c *assertion.Claims) { c.VOT = "Cl" },
		func(c *assertion.Claims) { c.Email = "a@b.example" },
		func(c *assertion.Claims) { c.Name = "Ann Lee" },
		func(c *assertion.Claims) { c.BirthDate = "1980-05-01" },
		func(c *assertion.Claims) { c.Record.Name = "Ann Lee" },
		func(c *assertion.Claims) { c.Record.Alerts = true },
	} {
		c := teacher()
		change(&c)
		token := stamp(t, s, httptest.NewRequest("GET", "/", nil), c)
		if other, ok := seen[token]; ok {
			t.Errorf("%d gets the assertion of %d", i, other)
		}
		seen[token] = i
		if open(t, token, key)["sub"] != c.Subject {
			t.Errorf("%d gets another's subject", i)
		}
	}
}

// TestSessionKnowsTheInstant: the time of sign-in may come back from Redis in
// another zone; it is the same session.
func TestSessionKnowsTheInstant(t *testing.T) {
	s, _ := newSigner(t, toSession)
	one, two := teacher(), teacher()
	one.AuthTime = noon
	two.AuthTime = noon.Truncate(time.Second).In(time.FixedZone("", 3600))
	r := httptest.NewRequest("GET", "/", nil)
	if stamp(t, s, r, one) != stamp(t, s, r, two) {
		t.Error("the same session gets two assertions")
	}
}
