package assertion_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

const origin = "https://teaching.example.gov.uk"

var noon = time.Date(2026, 11, 2, 12, 0, 0, 987654321, time.UTC)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newSigner makes a Signer with a new key at noon; change edits its Config.
func newSigner(t testing.TB, change func(*assertion.Config)) (*assertion.Signer, *ecdsa.PrivateKey) {
	t.Helper()
	key := newKey(t)
	c := assertion.Config{
		ServiceURL: origin, Audience: "the-service", Keys: []*ecdsa.PrivateKey{key}, Now: func() time.Time { return noon },
	}
	if change != nil {
		change(&c)
	}
	s, err := assertion.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, key
}

func toSession(c *assertion.Config) { c.Bind = assertion.ToSession }

// teacher is somebody with the claims that are always there.
func teacher() assertion.Claims {
	return assertion.Claims{Visit: "the visit's secret id", Subject: "urn:fdc:gov.uk:2022:abc", Match: assertion.Found, TRN: "1234567"}
}

// stamp returns the assertion that s puts on a request.
func stamp(t testing.TB, s *assertion.Signer, r *http.Request, c assertion.Claims) string {
	t.Helper()
	if err := s.Stamp(r, c, "request-1"); err != nil {
		t.Fatal(err)
	}
	tokens := r.Header.Values(assertion.Header)
	if len(tokens) != 1 || tokens[0] == "" {
		t.Fatalf("assertions on the request: %q", tokens)
	}
	return tokens[0]
}

// open verifies a token with the key and returns its claims, after holding them
// against the published schema.
func open(t testing.TB, token string, key *ecdsa.PrivateKey) map[string]any {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	for _, fault := range readSchema(t).faults("claims", claims) {
		t.Error(fault)
	}
	return claims
}

// TestClaims: design and schema name the claims; here is each with its value.
func TestClaims(t *testing.T) {
	always := map[string]any{
		"iss": origin, "aud": "the-service", "sub": "urn:fdc:gov.uk:2022:abc", "match": "found", "trn": "1234567",
		"iat": float64(noon.Unix()), "nbf": float64(noon.Unix()), "exp": float64(noon.Unix() + 60),
	}
	bound := map[string]any{"htm": "PATCH", "htu": origin + "/a/b", "rid": "request-1"}
	for _, test := range []struct {
		name   string
		bind   assertion.Bind
		change func(*assertion.Claims)
		want   map[string]any // beside always, and bound when it is
	}{
		{"by default", "", func(*assertion.Claims) {}, nil},
		{"request", assertion.ToRequest, func(*assertion.Claims) {}, nil},
		{"session", assertion.ToSession, func(*assertion.Claims) {}, nil},
		{"authentication", "", func(c *assertion.Claims) { c.AuthTime, c.VOT = noon.Add(-time.Hour), "Cl.Cm" },
			map[string]any{"auth_time": float64(noon.Unix() - 3600), "vot": "Cl.Cm"}},
		{"person", assertion.ToSession, func(c *assertion.Claims) {
			c.Email, c.Name, c.BirthDate = "a@b.example", `Siân "<O'Neill>"`, "1980-02-29"
		},
			map[string]any{"email": "a@b.example", "name": `Siân "<O'Neill>"`, "birthdate": "1980-02-29"}},
		{"record", "", func(c *assertion.Claims) {
			c.Record = assertion.Record{Name: "Ann Lee", QTS: "2001-09-01", EYTS: "2002-09-01", Induction: "Passed", Alerts: true}
		}, map[string]any{"record": map[string]any{"name": "Ann Lee", "qts": "2001-09-01", "eyts": "2002-09-01", "induction": "Passed", "alerts": true}}},
		{"bare record", "", func(c *assertion.Claims) { c.Record.Name = "Ann Lee" },
			map[string]any{"record": map[string]any{"name": "Ann Lee", "alerts": false}}},
	} {
		s, key := newSigner(t, func(c *assertion.Config) { c.Bind = test.bind })
		c := teacher()
		test.change(&c)
		got := open(t, stamp(t, s, httptest.NewRequest("PATCH", "/a/b?c=d", nil), c), key)

		want := map[string]any{"jti": got["jti"], "sid": got["sid"]}
		parts := []map[string]any{always, test.want}
		if test.bind != assertion.ToSession {
			parts = append(parts, bound)
		}
		for _, part := range parts {
			for claim, value := range part {
				want[claim] = value
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestForm: a compact JWS with three headers and a raw signature.
func TestForm(t *testing.T) {
	s, key := newSigner(t, nil)
	// One r in 256 begins with a zero byte, and one s: both must have been seen.
	for shortR, shortS := false, false; !shortR || !shortS; {
		token := stamp(t, s, httptest.NewRequest("GET", "/", nil), teacher())
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			t.Fatalf("%d parts", len(parts))
		}
		head, err := base64.RawURLEncoding.DecodeString(parts[0])
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(head, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"alg": "ES256", "typ": "teaching-record+jwt", "kid": thumbprint(t, key)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || len(signature) != 64 {
			t.Fatalf("signature of %d bytes, %v", len(signature), err)
		}
		open(t, token, key)
		shortR, shortS = shortR || signature[0] == 0, shortS || signature[32] == 0
	}
}

// thumbprint is that of RFC 7638 section 3, written out.
func thumbprint(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, encode(point[1:33]), encode(point[33:])))
	return encode(sum[:])
}

func TestIDsAreUnique(t *testing.T) {
	s, key := newSigner(t, nil)
	seen := map[any]bool{}
	for range 100 {
		seen[open(t, stamp(t, s, httptest.NewRequest("GET", "/", nil), teacher()), key)["jti"]] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d ids for 100 equal requests", len(seen))
	}
}

// TestSessionID: the same for a visit, another for another, and of no use to
// who would like to know the visit's id or where it is stored.
func TestSessionID(t *testing.T) {
	s, key := newSigner(t, nil)
	sid := func(visit string) string {
		c := teacher()
		c.Visit = visit
		return open(t, stamp(t, s, httptest.NewRequest("GET", "/", nil), c), key)["sid"].(string)
	}
	one := sid("one")
	if one != sid("one") || one == sid("two") {
		t.Error("sid does not follow the visit")
	}
	plain := sha256.Sum256([]byte("one"))
	for _, telling := range []string{
		"one", hex.EncodeToString(plain[:]), base64.RawURLEncoding.EncodeToString(plain[:]), base64.RawURLEncoding.EncodeToString([]byte("one")),
	} {
		if one == telling {
			t.Errorf("sid is %q", telling)
		}
	}
}

func TestPlainHeaders(t *testing.T) {
	for _, on := range []bool{false, true} {
		s, _ := newSigner(t, func(c *assertion.Config) { c.PlainHeaders = on })
		r := httptest.NewRequest("GET", "/", nil)
		want := http.Header{assertion.Header: {stamp(t, s, r, teacher())}}
		if on {
			want[assertion.PlainTRN], want[assertion.PlainSubject] = []string{"1234567"}, []string{"urn:fdc:gov.uk:2022:abc"}
		}
		if diff := cmp.Diff(want, r.Header); diff != "" {
			t.Errorf("plain headers %v (-want +got):\n%s", on, diff)
		}
	}
}

// TestStampReplaces: whatever stood in our place is gone.
func TestStampReplaces(t *testing.T) {
	s, key := newSigner(t, nil)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header[assertion.Header] = []string{"forged", "twice"}
	open(t, stamp(t, s, r, teacher()), key)
}

// TestErrorsSetNothing: a claim set that would mislead is refused, in words
// that hold none of it, and no header is set.
func TestErrorsSetNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*assertion.Claims, *http.Request)
		id     string
	}{
		{"no subject", func(c *assertion.Claims, _ *http.Request) { c.Subject = "" }, "id"},
		{"no visit", func(c *assertion.Claims, _ *http.Request) { c.Visit = "" }, "id"},
		{"no match", func(c *assertion.Claims, _ *http.Request) { c.Match = "" }, "id"},
		{"unknown match", func(c *assertion.Claims, _ *http.Request) { c.Match = "none" }, "id"},
		{"no TRN", func(c *assertion.Claims, _ *http.Request) { c.TRN = "" }, "id"},
		{"no request id", func(*assertion.Claims, *http.Request) {}, ""},
		{"no path", func(_ *assertion.Claims, r *http.Request) { r.URL.Opaque = "nothing" }, "id"},
		{"too large", func(c *assertion.Claims, _ *http.Request) { c.Name = strings.Repeat("x", 6000) }, "id"},
	} {
		s, _ := newSigner(t, func(c *assertion.Config) { c.PlainHeaders = true })
		c, r := teacher(), httptest.NewRequest("GET", "/", nil)
		c.Email = "ann@example.org"
		test.change(&c, r)
		err := s.Stamp(r, c, test.id)
		if err == nil || errors.Is(err, assertion.ErrTooLong) || len(r.Header) != 0 {
			t.Errorf("%s: %v, headers %v", test.name, err, r.Header)
			continue
		}
		for _, personal := range []string{"secret", "urn:", "1234567", "ann@", "xxx"} {
			if strings.Contains(err.Error(), personal) {
				t.Errorf("%s: the error says %q", test.name, err)
			}
		}
	}
}

// TestSizeBounded: with the longest names, path and all claims, the header
// stays below what servers read in one field (gunicorn 8190, nginx 8 KB).
func TestSizeBounded(t *testing.T) {
	c := teacher()
	c.Subject = "urn:fdc:gov.uk:2022:" + strings.Repeat("x", 43)
	c.AuthTime, c.VOT, c.BirthDate = noon, "Cl.Cm", "1980-02-29"
	c.Email = strings.Repeat("e", 254)                                          // RFC 5321 section 4.5.3.1.3
	c.Name = strings.TrimSpace(strings.Repeat(strings.Repeat("ŵ", 100)+" ", 3)) // the register's limit for each part
	c.Record = assertion.Record{Name: c.Name[:401], QTS: "2001-09-01", EYTS: "2001-09-01", Induction: "RequiredToComplete", Alerts: true}
	s, key := newSigner(t, func(c *assertion.Config) { c.Audience = strings.Repeat("a", 64) })
	token := stamp(t, s, httptest.NewRequest("GET", "/"+strings.Repeat("p", 4092), nil), c)
	if open(t, token, key); len(token) > 8190 {
		t.Errorf("%d bytes", len(token))
	}
}

// TestClaimsStayOutOfLogs: not even by an oversight.
func TestClaimsStayOutOfLogs(t *testing.T) {
	var log strings.Builder
	c := teacher()
	c.Record.Name = "Ann Lee"
	slog.New(slog.NewJSONHandler(&log, nil)).Info("oversight", "claims", c, "record", c.Record)
	for _, personal := range []string{"secret", "urn:", "1234567", "Ann"} {
		if strings.Contains(log.String(), personal) {
			t.Errorf("the log says %s", log.String())
		}
	}
}

func TestNewRefuses(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	for _, test := range []struct {
		says   string
		change func(*assertion.Config)
	}{
		{"service URL", func(c *assertion.Config) { c.ServiceURL = "" }},
		{"service URL", func(c *assertion.Config) { c.ServiceURL = "https://a.example/" }},
		{"service URL", func(c *assertion.Config) { c.ServiceURL = "https://a.example/path" }},
		{"service URL", func(c *assertion.Config) { c.ServiceURL = "https://user@a.example" }},
		{"service URL", func(c *assertion.Config) { c.ServiceURL = "https://a.example?" }},
		{"service URL", func(c *assertion.Config) { c.ServiceURL = "ftp://a.example" }},
		{"service URL", func(c *assertion.Config) { c.ServiceURL = "https://%zz" }},
		{"audience", func(c *assertion.Config) { c.Audience = "" }},
		{"bind", func(c *assertion.Config) { c.Bind = "forever" }},
		{"private key is required", func(c *assertion.Config) { c.Keys = nil }},
		{"private key 2: ES256 needs", func(c *assertion.Config) { c.Keys = append(c.Keys, nil) }},
		{"private key 2: ES256 needs", func(c *assertion.Config) { c.Keys = append(c.Keys, other) }},
		{"private key 1: ES256 needs", func(c *assertion.Config) { c.Keys = []*ecdsa.PrivateKey{{}} }},
		{"private key 3 is given twice", func(c *assertion.Config) { c.Keys = append(c.Keys, key, key) }},
	} {
		c := assertion.Config{ServiceURL: origin, Audience: "the-service", Keys: []*ecdsa.PrivateKey{newKey(t)}}
		test.change(&c)
		if _, err := assertion.New(c); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("want an error about %q, got %v", test.says, err)
		}
	}
}
