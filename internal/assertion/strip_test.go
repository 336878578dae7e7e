package assertion_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

// ours are names of the family: those we set, and one that we never do.
var ours = []string{assertion.Header, assertion.PlainTRN, assertion.PlainSubject, "Teaching-Record", "One-Login-Vtr"}

// separators are the token characters (RFC 9110 section 5.6.2) that are no
// letters or digits, then two that only HTTP/2 stacks with loose checks accept.
const separators = "!#$%&'*+-.^_`|~ /"

func stripped(h http.Header) http.Header {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = h.Clone()
	assertion.Strip(r)
	return r.Header
}

// TestStripFolds sends every name in every spelling that some service could
// fold into ours.
func TestStripFolds(t *testing.T) {
	for _, name := range ours {
		for _, c := range separators {
			sep := string(c)
			for _, spelling := range []string{
				strings.ReplaceAll(name, "-", sep),
				strings.ReplaceAll(name, "-", sep+sep),
				strings.Replace(name, "-", sep, 1),
				strings.ReplaceAll(name, "-", "-"+sep),
				sep + name,
				sep + sep + name,
				name + sep,
				strings.Join(strings.Split(name, ""), sep),
			} {
				for _, cased := range []string{
					spelling, strings.ToLower(spelling), strings.ToUpper(spelling), http.CanonicalHeaderKey(spelling),
				} {
					if got := stripped(http.Header{cased: {"forged", "twice"}}); len(got) != 0 {
						t.Errorf("%q survives", cased)
					}
				}
			}
		}
		if got := stripped(http.Header{strings.ReplaceAll(name, "-", ""): {"forged"}}); len(got) != 0 {
			t.Errorf("%q without separators survives", name)
		}
	}
}

// TestStripLeavesOthers: nobody else's header changes.
func TestStripLeavesOthers(t *testing.T) {
	h := http.Header{"Connection": {"keep-alive, Upgrade", "TE"}, "Upgrade": {"websocket"}, "Te": {"trailers"}}
	for _, name := range []string{
		"Accept", "Cookie", "Authorization", "Teaching", "Teaching-Recor", "Teaching-Rekord-Trn", "Teacher-Record-Trn", "Record-Teaching",
		"X-Teaching-Record-Trn", "One", "One-Logan", "1-Teaching-Record", "Http-One-Login", "Teaching-R-e-c-o-r-0-d", "X", "-", "_", "Teaching-Rec\u00f6rd",
	} {
		h[name] = []string{"one", "two"}
	}
	if diff := cmp.Diff(h, stripped(h)); diff != "" {
		t.Errorf("Strip changed (-sent +left):\n%s", diff)
	}
}

// TestStripConnection: only what concerns the connection itself is left of
// Connection, so that no option can make the next hop drop a header of ours.
func TestStripConnection(t *testing.T) {
	for _, test := range []struct {
		sent, left []string
	}{
		{nil, nil},
		{[]string{"close"}, []string{"close"}},
		{[]string{"keep-alive, Upgrade"}, []string{"keep-alive, Upgrade"}},
		{[]string{"KEEP-ALIVE", "tE"}, []string{"KEEP-ALIVE", "tE"}},
		{[]string{"close, Teaching-Record-Assertion"}, []string{"close"}},
		{[]string{"teaching-record-assertion"}, nil},
		{[]string{"TEACHING-RECORD-TRN,One-Login-Subject,close"}, []string{"close"}},
		{[]string{"close", "Teaching-Record-Assertion", "te"}, []string{"close, te"}},
		{[]string{" \t Teaching-Record-Assertion \t,\t upgrade  , ,"}, []string{"upgrade"}},
		{[]string{"Cookie, Authorization"}, nil},
		{[]string{"keep-alive, HTTP2-Settings"}, []string{"keep-alive"}},
		{[]string{",,"}, nil},
		{[]string{""}, nil},
		{[]string{"close;Teaching-Record-Assertion"}, nil},
		{[]string{"close Teaching-Record-Assertion"}, nil},
		{[]string{`"close"`}, nil},
	} {
		h := http.Header{}
		if test.sent != nil {
			h["Connection"] = test.sent
		}
		if diff := cmp.Diff(test.left, stripped(h)["Connection"]); diff != "" {
			t.Errorf("Connection %q (-want +got):\n%s", test.sent, diff)
		}
	}
}

// TestStripH2C: no client may talk the service into a tunnel that passes us by.
func TestStripH2C(t *testing.T) {
	for _, test := range []struct {
		upgrade []string
		left    bool
	}{
		{[]string{"websocket"}, true},
		{[]string{"WebSocket/13"}, true},
		{[]string{"h2cx, xh2c"}, true},
		{[]string{"h2c"}, false},
		{[]string{"H2C"}, false},
		{[]string{"websocket,\th2c "}, false},
		{[]string{"websocket", "h2c/1"}, false},
	} {
		got := stripped(http.Header{
			"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": test.upgrade, "Http2-Settings": {"AAMAAABkAARAAAAAAAIAAAAA"},
		})
		if _, left := got["Upgrade"]; left != test.left {
			t.Errorf("Upgrade %q: left %v, want %v", test.upgrade, left, test.left)
		}
		if got["Http2-Settings"] != nil {
			t.Errorf("Upgrade %q: HTTP2-Settings survives", test.upgrade)
		}
	}
}

// TestStripTrailerField: net/http leaves this field where no trailers can come.
func TestStripTrailerField(t *testing.T) {
	if got := stripped(http.Header{"Trailer": {"Teaching-Record-Assertion"}}); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// lateTrailers is a body that brings trailers in its last Read, announced or
// not, as those of net/http and quic-go do.
type lateTrailers struct {
	io.Reader
	of     *http.Request
	closed bool
}

func (b *lateTrailers) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		b.of.Trailer = http.Header{"Teaching_record-Trn": {"7654321"}, "X-Checksum": {"abc"}}
	}
	return n, err
}

func (b *lateTrailers) Close() error { b.closed = true; return nil }

// TestStripLateTrailers: who reads a body to its end never sees ours among the
// trailers that came with the end.
func TestStripLateTrailers(t *testing.T) {
	for _, test := range []struct {
		name      string
		major     int
		length    int64
		announced http.Header
	}{
		{"HTTP/1.1, chunked", 1, -1, nil},
		{"HTTP/2", 2, -1, nil},
		{"HTTP/2, length known, announced", 2, 5, http.Header{"X-Checksum": nil}},
		{"HTTP/3", 3, -1, nil},
		{"HTTP/3, length known", 3, 5, nil},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		body := &lateTrailers{Reader: strings.NewReader("hello"), of: r}
		r.Body, r.ProtoMajor, r.ContentLength, r.Trailer = body, test.major, test.length, test.announced
		assertion.Strip(r)
		if got, err := io.ReadAll(r.Body); string(got) != "hello" || err != nil {
			t.Errorf("%s: body %q, %v", test.name, got, err)
		}
		if diff := cmp.Diff(http.Header{"X-Checksum": {"abc"}}, r.Trailer); diff != "" {
			t.Errorf("%s: trailers (-want +got):\n%s", test.name, diff)
		}
		if r.Body.Close(); !body.closed {
			t.Errorf("%s: the body was not closed", test.name)
		}
	}
}

// TestStripAllocatesNothing: what nearly every request is, costs nothing.
func TestStripAllocatesNothing(t *testing.T) {
	get := httptest.NewRequest("GET", "/", nil)
	get.Header = browserHeader()
	post := httptest.NewRequest("POST", "/", bytes.NewReader([]byte("a=b")))
	post.Header = browserHeader()
	post.Header["Connection"] = []string{"keep-alive, Upgrade"}
	post.Header["Upgrade"] = []string{"websocket"}
	for _, r := range []*http.Request{get, post} {
		if n := testing.AllocsPerRun(100, func() {
			assertion.Strip(r)
			assertion.HideCookie(r.Header, "__Host-teaching-record")
		}); n != 0 {
			t.Errorf("%s: %v allocations", r.Method, n)
		}
	}
}

// browserHeader is what a browser sends, about.
func browserHeader() http.Header {
	h := http.Header{}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "User-Agent", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site",
		"Sec-Fetch-User", "Upgrade-Insecure-Requests", "Cache-Control", "Priority", "Origin", "Te", "Traceparent", "X-Forwarded-For",
	} {
		h.Set(name, "something")
	}
	h.Set("Cookie", "_ga=GA1.1.1234; theme=dark; csrf=abcdef")
	return h
}

// FuzzStrip holds the folding against the plain way to write it: letters and
// digits, in lower case, begin with the family's name.
func FuzzStrip(f *testing.F) {
	for _, name := range slices.Concat(ours, []string{"Teaching_Record.Trn", "--oNe__LoGiN", "X-Teaching-Record", "", "teachingrecor", "Te\u0430ching-Record"}) {
		f.Add(name, "close, "+name)
	}
	f.Fuzz(func(t *testing.T, name, connection string) {
		folded := strings.Map(func(r rune) rune {
			switch {
			case 'A' <= r && r <= 'Z':
				return r + 'a' - 'A'
			case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
				return r
			}
			return -1
		}, name)
		family := strings.HasPrefix(folded, "teachingrecord") || strings.HasPrefix(folded, "onelogin")
		switch name {
		case "Connection", "Trailer", "Http2-Settings", "Upgrade":
			return
		}
		left := stripped(http.Header{name: {"x"}, "Connection": {connection}})
		if _, survives := left[name]; survives == family {
			t.Errorf("%q: survives %v", name, survives)
		}
		for _, line := range left["Connection"] {
			for _, option := range strings.Split(line, ",") {
				if !slices.Contains([]string{"close", "keep-alive", "upgrade", "te"}, strings.ToLower(strings.TrimSpace(option))) {
					t.Errorf("Connection %q leaves %q", connection, option)
				}
			}
		}
	})
}
