package onelogin

import (
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// published is what One Login reads at our JWKS address.
func published(t *testing.T, rp *RelyingParty) (members []map[string]any) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(rp.ServeJWKS))
	defer server.Close()
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/jwk-set+json" ||
		res.Header.Get("Cache-Control") != "public, max-age=300" || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("answered %d %v", res.StatusCode, res.Header)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

func TestPublishedKeys(t *testing.T) {
	p := newProvider(t)
	cfg := p.config()
	cfg.Keys = []*rsa.PrivateKey{otherRSA(), ourKey()}
	rp := must(New(cfg))
	keys := published(t, rp)

	t.Run("row 21: public members only, with use and alg", func(t *testing.T) {
		if len(keys) != 2 {
			t.Fatalf("%d keys, want 2", len(keys))
		}
		for _, key := range keys {
			if got := keysOf(key); !slices.Equal(got, []string{"alg", "e", "kid", "kty", "n", "use"}) {
				t.Errorf("members %q", got)
			}
			if key["kty"] != "RSA" || key["use"] != "sig" || key["alg"] != "RS256" {
				t.Errorf("a key is kty %q, use %q, alg %q", key["kty"], key["use"], key["alg"])
			}
		}
		if keys[0]["kid"] == keys[1]["kid"] {
			t.Error("two keys share a kid")
		}
	})
	t.Run("row 21: HEAD has no body", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(rp.ServeJWKS))
		defer server.Close()
		res := must(http.Head(server.URL))
		defer res.Body.Close()
		if body := must(io.ReadAll(res.Body)); res.StatusCode != http.StatusOK || len(body) != 0 || res.ContentLength <= 0 {
			t.Errorf("answered %d, %d bytes, length %d", res.StatusCode, len(body), res.ContentLength)
		}
	})
	t.Run("row 20: kid in the header of the request object and of the assertion, of the first key", func(t *testing.T) {
		want := must(KeyID(&otherRSA().PublicKey))
		if keys[0]["kid"] != want {
			t.Errorf("first published kid %v, want %s", keys[0]["kid"], want)
		}
		to, f := must2(rp.Depart(t.Context(), journey.SignIn, "en"))
		header := headerOf(t, must(url.Parse(to)).Query().Get("request"))
		if header.KeyID != want || header.Algorithm != "RS256" {
			t.Errorf("request object by %s %s, want %s", header.Algorithm, header.KeyID, want)
		}
		p.arrive(rp, url.Values{"code": {"c"}, "state": {f.State}}, f)
		header = headerOf(t, p.calls["/token"][0].PostForm.Get("client_assertion"))
		if header.KeyID != want || header.Algorithm != "RS256" {
			t.Errorf("assertion by %s %s, want %s", header.Algorithm, header.KeyID, want)
		}
	})
	t.Run("row 20: the kid stays the same when the keys change places", func(t *testing.T) {
		cfg.Keys = []*rsa.PrivateKey{ourKey(), otherRSA()}
		swapped := published(t, must(New(cfg)))
		if swapped[0]["kid"] != keys[1]["kid"] || swapped[1]["kid"] != keys[0]["kid"] {
			t.Error("a kid changed")
		}
	})
}

// TestKeyID: row 20: the kid is the RFC 7638 thumbprint, here of the key in that
// document's section 3.1.
func TestKeyID(t *testing.T) {
	var key jose.JSONWebKey
	if err := json.Unmarshal([]byte(`{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}`), &key); err != nil {
		t.Fatal(err)
	}
	if got := must(KeyID(key.Key.(*rsa.PublicKey))); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("kid %s", got)
	}
}

func headerOf(t *testing.T, raw string) jose.Header {
	t.Helper()
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return jws.Signatures[0].Header
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}
