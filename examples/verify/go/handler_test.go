package verify_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	verify "github.com/caddy-teaching-record/caddy-teaching-record/examples/verify/go"
)

func contextOf(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithCancel(r.Context())
}

func TestHandler(t *testing.T) {
	good := es256(published, goodHead(), with(goodClaims(), object{
		"auth_time": 5, "vot": "Cl.Cm", "email": "a@b.example", "name": "Ann Lee", "birthdate": "1980-05-01", "more": "ignored",
		"record": object{"name": "Ann Lee", "qts": "2001-09-01", "eyts": "2002-09-01", "induction": "Passed", "alerts": true},
	}))
	for _, test := range []struct {
		name   string
		token  string
		keys   http.HandlerFunc
		status int
	}{
		{"good", good, keySet(publicKey(published)), 200},
		{"none", "", keySet(publicKey(published)), 401},
		{"forged", es256(unpublished, goodHead(), goodClaims()), keySet(publicKey(published)), 401},
		{"no keys", good, http.NotFound, 503},
	} {
		v, s := newVerifier(t, nil)
		s.answers(test.keys)
		var got *verify.Claims
		w := httptest.NewRecorder()
		v.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = verify.FromContext(r.Context()) })).
			ServeHTTP(w, request(test.token))
		if w.Code != test.status || (got != nil) != (test.status == 200) {
			t.Errorf("%s: %d, claims %v", test.name, w.Code, got)
		}
		if test.status == 200 {
			want := &verify.Claims{
				Issuer: issuer, Audience: audience, Subject: "urn:fdc:gov.uk:2022:abc", Match: "found", TRN: "1234567",
				IssuedAt: noon.Unix(), NotBefore: noon.Unix(), Expires: noon.Unix() + 60, ID: "abcdefghijklmnopqrstuvwxyz", SessionID: "s",
				AuthTime: 5, VOT: "Cl.Cm", Method: "GET", URI: issuer + "/records", RequestID: "r",
				Email: "a@b.example", Name: "Ann Lee", BirthDate: "1980-05-01",
				Record: &verify.Record{Name: "Ann Lee", QTS: "2001-09-01", EYTS: "2002-09-01", Induction: "Passed", Alerts: true},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			continue
		}
		var problem struct {
			Title, Detail string
			Status        int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if problem.Status != test.status || problem.Title != http.StatusText(test.status) || problem.Detail == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", test.name, w.Header(), w.Body)
		}
	}
	if got := verify.FromContext(context.Background()); got != nil {
		t.Errorf("past Handler: %v", got)
	}
}

// TestErrorsAreFixed: nothing a client sent comes back.
func TestErrorsAreFixed(t *testing.T) {
	v, _ := newVerifier(t, nil)
	for _, token := range []string{"marker", "bWFya2Vy.bWFya2Vy.bWFya2Vy", es256(published, goodHead(), object{"iss": "marker"}),
		es256(unpublished, with(goodHead(), object{"kid": "marker", "typ": "marker"}), object{"exp": "marker"})} {
		if _, err := v.Verify(request(token)); err == nil || strings.Contains(err.Error(), "marker") {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		says   string
		change func(*verify.Config)
	}{
		{"Issuer", func(c *verify.Config) { c.Issuer = "" }},
		{"Issuer", func(c *verify.Config) { c.Issuer = issuer + "/" }},
		{"Issuer", func(c *verify.Config) { c.Issuer = "teaching.example.gov.uk" }},
		{"Audience", func(c *verify.Config) { c.Audience = "" }},
		{"exactly one of", func(c *verify.Config) { c.JWKSURL = "" }},
		{"exactly one of", func(c *verify.Config) { c.Keys = []*ecdsa.PublicKey{&published.PublicKey} }},
		{"JWKSURL", func(c *verify.Config) { c.JWKSURL = "/teaching-record/jwks.json" }},
		{"Bind", func(c *verify.Config) { c.Bind = "forever" }},
		{"P-256", func(c *verify.Config) { c.JWKSURL, c.Keys = "", []*ecdsa.PublicKey{nil} }},
		{"P-256", func(c *verify.Config) { c.JWKSURL, c.Keys = "", []*ecdsa.PublicKey{&other.PublicKey} }},
	} {
		c := verify.Config{Issuer: issuer, Audience: audience, JWKSURL: issuer + "/teaching-record/jwks.json"}
		test.change(&c)
		if _, err := verify.New(c); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("want an error about %q, got %v", test.says, err)
		}
	}
}

// TestClaimsAreTheSchemas: Claims and Record have the claims that the module
// publishes, by name and type, no fewer and no more.
func TestClaimsAreTheSchemas(t *testing.T) {
	text, err := os.ReadFile("../../../docs/assertion.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type property struct{ Type string }
	var schema struct {
		Properties map[string]struct {
			property
			Properties map[string]property
		}
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&schema); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, p := range schema.Properties {
		want[name] = p.Type
	}
	want["match"] = "string" // an enumeration
	if diff := cmp.Diff(want, jsonTypes(reflect.TypeFor[verify.Claims]())); diff != "" {
		t.Errorf("claims (-schema +ours):\n%s", diff)
	}
	want = map[string]string{}
	for name, p := range schema.Properties["record"].Properties {
		want[name] = p.Type
	}
	if diff := cmp.Diff(want, jsonTypes(reflect.TypeFor[verify.Record]())); diff != "" {
		t.Errorf("record (-schema +ours):\n%s", diff)
	}
}

func jsonTypes(of reflect.Type) map[string]string {
	out := map[string]string{}
	for field := range of.Fields() {
		out[field.Tag.Get("json")] = map[reflect.Kind]string{
			reflect.String: "string", reflect.Int64: "integer", reflect.Bool: "boolean", reflect.Pointer: "object",
		}[field.Type.Kind()]
	}
	return out
}

func BenchmarkVerify(b *testing.B) {
	v, _ := newVerifier(b, nil)
	r := request(es256(published, goodHead(), goodClaims()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}
