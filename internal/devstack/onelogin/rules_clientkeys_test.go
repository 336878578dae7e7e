package onelogin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// jwk is the client's public key as it should be published, changed.
func jwk(change members) members {
	key := jose.JSONWebKey{Key: clientKey().Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"}
	text, _ := json.Marshal(key)
	var out members
	_ = json.Unmarshal(text, &out) // just made
	maps.Copy(out, change)
	return out
}

// clientKeyRules are those of what a client publishes at its JWKS URL.
func clientKeyRules() []rule {
	publishes := func(keys ...members) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(members{"keys": keys}) }
	}
	answers := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		}
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	short := jose.JSONWebKey{Key: small.Public()}
	text, _ := json.Marshal(short)
	var shortMembers members
	_ = json.Unmarshal(text, &shortMembers) // just made

	const listed = "the client's JWKS must be answered with 200 and a JSON object that lists keys"
	const rsaOnly = "every key of the client's JWKS must be an RSA key with use sig"
	const named = "every key of the client's JWKS must have a kid of its own"
	// asked departs with the keys that are published; the object is right.
	asked := func(jwks http.HandlerFunc) func(*party) {
		return func(p *party) {
			p.jwks = jwks
			p.departAs("publishing party", "one")
		}
	}
	return []rule{
		{"authorize", "the client's JWKS could not be fetched within five seconds", "500", "", asked(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })},
		{"authorize", listed, "500", "500", asked(answers(500, `{"keys":[{}]}`))},
		{"authorize", listed, "500", "no JSON", asked(answers(200, "<html>"))},
		{"authorize", listed, "500", "no keys", asked(publishes())},
		{"authorize", "the client's JWKS publishes a private or secret key", "", "", asked(publishes(jwk(members{"d": "AQAB"})))},
		{"authorize", rsaOnly, "500", "EC", asked(publishes(jwk(members{"kty": "EC"})))},
		{"authorize", rsaOnly, "500", "use", asked(publishes(jwk(members{"use": "enc"})))},
		{"authorize", "every key of the client's JWKS must say its RSA alg", "", "", asked(publishes(jwk(members{"alg": ""})))},
		{"authorize", named, "500", "none", asked(publishes(jwk(members{"kid": ""})))},
		{"authorize", named, "500", "twice", asked(publishes(jwk(nil), jwk(nil)))},
		{"authorize", "the client's JWKS holds a key that cannot be read", "500", "", asked(publishes(jwk(members{"n": "!"})))},
		{"authorize", "a key of the client's JWKS has fewer than 2048 bits", "500", "", asked(publishes(jwk(shortMembers)))},
		{"authorize", "the kid is not among the keys the client publishes", "500", "at the URL", asked(publishes(jwk(members{"kid": "two"})))},
	}
}

// departAs departs as another client that has the same key.
func (p *party) departAs(client, kid string) *http.Response {
	p.t.Helper()
	o := p.object("Cl.Cm")
	o["iss"], o["client_id"] = client, client
	q := query(p.jwt(kid, o))
	q.Set("client_id", client)
	return p.depart(q)
}

// TestClientKeys: a key is fetched once and then trusted for a day, whatever is
// published later; so a new one is published first and signs afterwards.
func TestClientKeys(t *testing.T) {
	published, asked := []members{jwk(nil)}, 0
	p := newParty(t)
	p.jwks = func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_ = json.NewEncoder(w).Encode(members{"keys": published})
	}
	accepted := func(kid string) bool { return p.departAs("publishing party", kid).StatusCode == http.StatusOK }
	for range 2 {
		if !accepted("one") || asked != 1 {
			t.Errorf("the key was fetched %d times, or refused: %+v", asked, p.provider.Record().Violations)
		}
	}
	published = []members{jwk(members{"kid": "two"})}
	if !accepted("one") {
		t.Error("a key that is no longer published was refused at once")
	}
	if !accepted("two") || asked != 2 {
		t.Errorf("a new key was refused, or fetched %d times", asked)
	}
	p.pass(24 * time.Hour)
	if accepted("one") {
		t.Error("a key that is no longer published is accepted after a day")
	}
	if v := p.provider.Record().Violations; len(v) != 1 || !strings.Contains(v[0].Rule, "kid") {
		t.Errorf("violations: %+v", v)
	}
}
