package assertion_test

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

func serveKeys(s *assertion.Signer, method string, h http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/teaching-record/jwks.json", nil)
	if h != nil {
		r.Header = h
	}
	w := httptest.NewRecorder()
	s.ServeKeys(w, r)
	return w
}

// shortKey is a key with a coordinate that begins with a zero byte, as one key
// in 128 does.
func shortKey(t *testing.T) *ecdsa.PrivateKey {
	for {
		key := newKey(t)
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			return key
		}
	}
}

// TestKeySet: every public half, member by member, and nothing else; the first
// key signs.
func TestKeySet(t *testing.T) {
	keys := []*ecdsa.PrivateKey{newKey(t), shortKey(t), newKey(t)}
	s, _ := newSigner(t, func(c *assertion.Config) { c.Keys = keys })
	var got map[string][]map[string]string
	if err := json.Unmarshal(serveKeys(s, "GET", nil).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string][]map[string]string{"keys": nil}
	for _, key := range keys {
		point, err := key.PublicKey.Bytes() // 4, x, y: 32 bytes each
		if err != nil {
			t.Fatal(err)
		}
		want["keys"] = append(want["keys"], map[string]string{
			"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": thumbprint(t, key),
			"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("key set (-want +got):\n%s", diff)
	}
	open(t, stamp(t, s, httptest.NewRequest("GET", "/", nil), teacher()), keys[0])
}

func TestKeySetIsCached(t *testing.T) {
	key, other := newKey(t), newKey(t)
	s, _ := newSigner(t, func(c *assertion.Config) { c.Keys = []*ecdsa.PrivateKey{key} })
	got := serveKeys(s, "GET", nil)
	etag := got.Header().Get("Etag")
	if got.Code != 200 || got.Header().Get("Cache-Control") != "public, max-age=300" || got.Header().Get("Content-Type") != "application/jwk-set+json" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
	if len(etag) < 20 || !strings.HasPrefix(etag, `"`) || got.Header()["Set-Cookie"] != nil {
		t.Errorf("headers %v", got.Header())
	}

	if again := serveKeys(s, "GET", http.Header{"If-None-Match": {etag}}); again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("with its own ETag: %d, %d bytes", again.Code, again.Body.Len())
	}
	if again := serveKeys(s, "GET", http.Header{"If-None-Match": {`"another"`}}); again.Code != 200 || again.Body.String() != got.Body.String() {
		t.Errorf("with another ETag: %d, %s", again.Code, again.Body)
	}
	head := serveKeys(s, "HEAD", nil)
	if diff := cmp.Diff(got.Header(), head.Header()); head.Code != 200 || head.Body.Len() != 0 || diff != "" {
		t.Errorf("HEAD: %d, %d bytes, headers (-get +head):\n%s", head.Code, head.Body.Len(), diff)
	}

	// Another replica with the same keys has the same ETag, other keys have another.
	for _, test := range []struct {
		keys []*ecdsa.PrivateKey
		same bool
	}{
		{[]*ecdsa.PrivateKey{key}, true},
		{[]*ecdsa.PrivateKey{other}, false},
		{[]*ecdsa.PrivateKey{key, other}, false},
	} {
		s, _ := newSigner(t, func(c *assertion.Config) { c.Keys = test.keys })
		if got := serveKeys(s, "GET", nil).Header().Get("Etag"); (got == etag) != test.same {
			t.Errorf("%d keys: ETag %s after %s", len(test.keys), got, etag)
		}
	}
}

func TestKeySetMethods(t *testing.T) {
	s, _ := newSigner(t, nil)
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if got := serveKeys(s, method, nil); got.Code != 405 || got.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d %v", method, got.Code, got.Header())
		}
	}
}
