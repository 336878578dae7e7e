package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	verify "github.com/caddy-teaching-record/caddy-teaching-record/examples/verify/go"
)

const (
	issuer   = "https://teaching.example.gov.uk"
	audience = "access-your-teaching-qualifications"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// published and unpublished are the two keys there are.
var published, unpublished = newKey(), newKey()

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// publicKey is the JSON Web Key of key; its KeyID is the "kid".
func publicKey(key *ecdsa.PrivateKey) jose.JSONWebKey {
	jwk := jose.JSONWebKey{Key: key.Public(), Use: "sig", Algorithm: "ES256"}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return jwk
}

type object = map[string]any

// goodClaims are those of a request for GET /records.
func goodClaims() object {
	return object{
		"iss": issuer, "aud": audience, "sub": "urn:fdc:gov.uk:2022:abc", "match": "found", "trn": "1234567",
		"iat": noon.Unix(), "nbf": noon.Unix(), "exp": noon.Unix() + 60, "jti": "abcdefghijklmnopqrstuvwxyz", "sid": "s",
		"htm": "GET", "htu": issuer + "/records", "rid": "r",
	}
}

func goodHead() object {
	return object{"alg": "ES256", "typ": "teaching-record+jwt", "kid": publicKey(published).KeyID}
}

// with returns o with those members replaced; nil takes one away.
func with(o object, members object) object {
	o = maps.Clone(o)
	for name, value := range members {
		if o[name] = value; value == nil {
			delete(o, name)
		}
	}
	return o
}

// signed makes a token from parts that no library would put together.
func signed(alg jose.SignatureAlgorithm, key any, head, claims object) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: headers(head)})
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

func headers(head object) map[jose.HeaderKey]any {
	out := map[jose.HeaderKey]any{}
	for name, value := range head {
		if name != "alg" {
			out[jose.HeaderKey(name)] = value
		}
	}
	return out
}

func es256(key *ecdsa.PrivateKey, head, claims object) string {
	return signed(jose.ES256, key, head, claims)
}

// unsigned is a token of "alg": "none".
func unsigned(head, claims object) string {
	encode := func(o object) string {
		text, err := json.Marshal(o)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return encode(with(head, object{"alg": "none"})) + "." + encode(claims) + "."
}

func publicPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(published.Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// request is GET /records?page=2 with those assertions.
func request(tokens ...string) *http.Request {
	r := httptest.NewRequest("GET", "/records?page=2", nil)
	if tokens != nil {
		r.Header[verify.Header] = tokens
	}
	return r
}

// TestTokens: the first is accepted, all others are refused. The names and the
// order of the first sixteen are the same for the verifiers of all languages.
func TestTokens(t *testing.T) {
	var asked atomic.Int32 // of the places a token names
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{publicKey(unpublished)}})
	}))
	defer elsewhere.Close()

	head, claims := goodHead(), goodClaims()
	otherKid := object{"kid": publicKey(unpublished).KeyID}
	good := es256(published, head, claims)
	changed := func(members object) []string { return []string{es256(published, head, with(claims, members))} }

	for _, test := range []struct {
		name   string
		tokens []string
		says   string // "": accepted
	}{
		{"good", []string{good}, ""},
		{"bad_aud", changed(object{"aud": "another-service"}), "another service"},
		{"no_aud", changed(object{"aud": nil}), "another service"},
		{"bad_iss", changed(object{"iss": "https://evil.example"}), "another issuer"},
		{"expired", changed(object{"iat": noon.Unix() - 660, "nbf": noon.Unix() - 660, "exp": noon.Unix() - 600}), "expired"},
		{"no_exp", changed(object{"exp": nil}), "expired"},
		{"bad_typ", []string{es256(published, with(head, object{"typ": "JWT"}), claims)}, "not a teaching record"},
		{"wrong_key", []string{es256(unpublished, head, claims)}, "signature"},
		{"unknown_kid", []string{es256(unpublished, with(head, otherKid), claims)}, "unknown key"},
		{"hs256_pub", []string{signed(jose.HS256, publicPEM(), head, claims)}, "ES256"},
		{"alg_none", []string{unsigned(head, claims)}, "ES256"},
		{"bad_method", changed(object{"htm": "POST"}), "another request"},
		{"bad_path", changed(object{"htu": issuer + "/other"}), "another request"},
		{"tampered", []string{good[:len(good)-4] + flip(good[len(good)-4:])}, "signature"},
		{"garbage", []string{"abc"}, "ES256"},
		{"empty", []string{""}, "exactly one"},

		// Further cases.
		{"none at all", nil, "exactly one"},
		{"sent twice", []string{good, good}, "exactly one"},
		{"sent twice, once empty", []string{good, ""}, "exactly one"},
		{"two in one line", []string{good + ", " + good}, "ES256"},
		{"no sub", changed(object{"sub": nil}), "no subject"},
		{"empty sub", changed(object{"sub": ""}), "no subject"},
		{"nbf in the future", changed(object{"nbf": noon.Unix() + 60}), "not valid yet"},
		{"aud as a list", changed(object{"aud": []string{audience}}), "claims"},
		{"aud as a list with another", changed(object{"aud": []string{"another-service", audience}}), "claims"},
		{"jku elsewhere", []string{es256(unpublished, with(head, with(otherKid, object{"jku": elsewhere.URL})), claims)}, "unknown key"},
		{"x5u elsewhere", []string{es256(unpublished, with(head, with(otherKid, object{"x5u": elsewhere.URL})), claims)}, "unknown key"},
		{"its own jwk", []string{es256(unpublished, with(head, with(otherKid, object{"jwk": publicKey(unpublished)})), claims)}, "unknown key"},
		{"its own jwk, our kid", []string{es256(unpublished, with(head, object{"jwk": publicKey(unpublished)}), claims)}, "signature"},
		{"unknown crit", []string{es256(published, with(head, object{"crit": []string{"x"}, "x": 1}), claims)}, "signature"},
		{"no kid", []string{es256(published, with(head, object{"kid": nil}), claims)}, "unknown key"},
		{"no typ", []string{es256(published, with(head, object{"typ": nil}), claims)}, "not a teaching record"},
		{"typ as a list", []string{es256(published, with(head, object{"typ": []string{"teaching-record+jwt"}}), claims)}, "not a teaching record"},
		{"trn with match none", changed(object{"match": "none"}), "contradict"},
		{"trn without match", changed(object{"match": nil}), "contradict"},
		{"found without trn", changed(object{"trn": nil}), "contradict"},
		{"no htm", changed(object{"htm": nil}), "another request"},
		{"no htu", changed(object{"htu": nil}), "another request"},
		{"neither htm nor htu", changed(object{"htm": nil, "htu": nil}), "another request"},
		{"htu with the query", changed(object{"htu": issuer + "/records?page=2"}), "another request"},
		{"htu with a slash more", changed(object{"htu": issuer + "/records/"}), "another request"},
		{"htu of another host", changed(object{"htu": "http://example.com/records"}), "another request"},
		{"exp as text", changed(object{"exp": "1e300"}), "claims"},
		{"exp beyond measure", changed(object{"exp": 1e300}), "claims"},
		{"1 MB", changed(object{"name": strings.Repeat("x", 1<<20)}), "too long"},
		{"a million dots", []string{strings.Repeat(".", 1e6)}, "too long"},
		{"dots", []string{strings.Repeat(".", 30000)}, "ES256"},
		{"JSON", []string{`{"payload":"e30","signatures":[]}`}, "ES256"},
		{"blanks within", []string{good[:50] + " " + good[50:]}, "ES256"},
	} {
		v, _ := newVerifier(t, nil)
		got, err := v.Verify(request(test.tokens...))
		switch {
		case test.says == "" && (err != nil || got.TRN != "1234567" || got.Subject != "urn:fdc:gov.uk:2022:abc"):
			t.Errorf("%s: %v, %v", test.name, got, err)
		case test.says != "" && (err == nil || got != nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: want an error with %q, got %v", test.name, test.says, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests went where a token pointed", n)
	}
}

// flip changes the last characters of a signature to others that decode.
func flip(text string) string {
	if text == "AAAA" {
		return "BBBA"
	}
	return "AAAA"
}

// TestLeeway: 5 seconds, between two clocks.
func TestLeeway(t *testing.T) {
	for _, test := range []struct {
		clock time.Duration // of the service, after noon
		good  bool
	}{
		{-6 * time.Second, false}, {-5 * time.Second, true}, {0, true}, {64 * time.Second, true}, {65 * time.Second, false},
	} {
		v, _ := newVerifier(t, func(c *verify.Config) { c.Now = func() time.Time { return noon.Add(test.clock) } })
		if _, err := v.Verify(request(es256(published, goodHead(), goodClaims()))); (err == nil) != test.good {
			t.Errorf("clock %v after noon: %v", test.clock, err)
		}
	}
}

// TestRawPath: the path is compared as it stands in the request line, wherever
// the handler is mounted.
func TestRawPath(t *testing.T) {
	for _, path := range []string{"/", "/a%2Fb", "/a%2fb", "/a%20b", "/caf%C3%A9", "/records/", "//x", "/a/../b", "/a;b=c"} {
		v, _ := newVerifier(t, nil)
		r := httptest.NewRequest("GET", path+"?q=/x", nil)
		r.Header.Set(verify.Header, es256(published, goodHead(), with(goodClaims(), object{"htu": issuer + path})))
		w := httptest.NewRecorder()
		http.StripPrefix("/", v.Handler(http.NotFoundHandler())).ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestSession: without a request in it, an assertion is good for any; with one,
// for that alone.
func TestSession(t *testing.T) {
	v, _ := newVerifier(t, func(c *verify.Config) { c.Bind = verify.Session })
	free := object{"htm": nil, "htu": nil, "rid": nil}
	for _, test := range []struct {
		name   string
		change object
		good   bool
	}{
		{"for the session", free, true},
		{"for this request", nil, true},
		{"for another path", object{"htu": issuer + "/other"}, false},
		{"for another method", object{"htm": "POST"}, false},
		{"for a method", object{"htu": nil}, false},
		{"for a path", object{"htm": nil}, false},
		{"for the session of another service", with(free, object{"aud": "another-service"}), false},
		{"for the session, expired", with(free, object{"exp": noon.Unix() - 5}), false},
	} {
		if _, err := v.Verify(request(es256(published, goodHead(), with(goodClaims(), test.change)))); (err == nil) != test.good {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// FuzzVerify: nothing but the good token's own bytes is ever accepted.
func FuzzVerify(f *testing.F) {
	good := es256(published, goodHead(), goodClaims())
	for _, seed := range []string{good, "", "abc", "..", good + ".", unsigned(goodHead(), goodClaims()), good[:len(good)-4] + "AAAA", `{"payload":""}`} {
		f.Add(seed)
	}
	v, err := verify.New(verify.Config{
		Issuer: issuer, Audience: audience, Keys: []*ecdsa.PublicKey{&published.PublicKey}, Now: func() time.Time { return noon },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := v.Verify(request(token))
		if (err == nil) != (claims != nil) {
			t.Errorf("claims %v with error %v", claims, err)
		}
		if err == nil && token != good {
			t.Errorf("%q is accepted", token)
		}
	})
}
