package onelogin

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestIDToken breaks an ID token in one way a row, named by the row of the
// checklist (checklist_test.go) it stands for. Every one must be refused.
func TestIDToken(t *testing.T) {
	start := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC).Unix()
	rows := []struct {
		name string
		edit func(map[string]any)
		sign func(p *provider, claims map[string]any) string
		says string // in the error
	}{
		{name: "row 4: unknown kid", says: "kid", sign: func(p *provider, c map[string]any) string { return signWith(newKey("nobody"), c) }},
		{name: "row 4: no kid", says: "kid", sign: func(p *provider, c map[string]any) string { return signWith(withoutKid(p.signing), c) }},
		{name: "row 5: alg none", says: "algorithm", sign: func(p *provider, c map[string]any) string {
			return reheader(signWith(p.signing, c), `{"alg":"none"}`)
		}},
		{name: "row 5: alg HS256", says: "algorithm", sign: func(p *provider, c map[string]any) string {
			return signWith(jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: p.signing.KeyID, Algorithm: "HS256"}, c)
		}},
		{name: "row 5: RS256 under an EC kid", says: "algorithm", sign: func(p *provider, c map[string]any) string {
			return signWith(jose.JSONWebKey{Key: otherRSA(), KeyID: p.signing.KeyID, Algorithm: "RS256"}, c)
		}},
		{name: "row 6: signature of another key", says: "signature", sign: func(p *provider, c map[string]any) string { return signWith(newKey(p.signing.KeyID), c) }},
		{name: "row 6: no signature", says: "check ID token", sign: func(p *provider, c map[string]any) string {
			raw := signWith(p.signing, c)
			return raw[:strings.LastIndexByte(raw, '.')+1]
		}},
		{name: "row 6: iss without its slash", says: "issued by a different provider", edit: func(c map[string]any) { c["iss"] = strings.TrimSuffix(c["iss"].(string), "/") }},
		{name: "row 6: iss absent", says: "issued by a different provider", edit: drop("iss")},
		{name: "row 6: aud of another client", says: "audience", edit: set("aud", "somebody-else")},
		{name: "row 6: aud absent", says: "audience", edit: drop("aud")},
		{name: "row 6: several aud without azp", says: "azp", edit: set("aud", []string{clientID, "somebody-else"})},
		{name: "row 6: azp of another client", says: "azp", edit: set("azp", "somebody-else")},
		{name: "row 6: expired", says: "exp", edit: set("exp", start-31)},
		{name: "row 6: exp absent", says: "exp", edit: drop("exp")},
		{name: "row 6: exp beyond all numbers", says: "wrong type", edit: set("exp", 1e300)},
		{name: "row 6: issued in the future", says: "iat", edit: set("iat", start+31)},
		{name: "row 6: iat absent", says: "iat", edit: drop("iat")},
		{name: "row 6: not valid yet", says: "nbf", edit: set("nbf", start+31)},
		{name: "row 7: another nonce", says: "nonce", edit: set("nonce", "another")},
		{name: "row 7: nonce absent", says: "nonce", edit: drop("nonce")},
		{name: "row 8: vot below", says: "vot", edit: set("vot", "Cl")},
		{name: "row 8: vot absent", says: "vot", edit: drop("vot")},
		{name: "row 8: vot a level of identity", says: "vot", edit: set("vot", "P2")},
		{name: "row 8: vot an array", says: "wrong type", edit: set("vot", []string{"Cl.Cm"})},
		{name: "OpenID Connect Core 3.1.3.8: at_hash of another token", says: "at_hash", edit: set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
		{name: "OpenID Connect Core 2: authenticated in the future", says: "auth_time", edit: set("auth_time", start+31)},
		{name: "a claim of another case", says: "vot", edit: func(c map[string]any) { c["VOT"] = c["vot"]; delete(c, "vot") }},
		{name: "a claim twice", says: "twice", sign: func(p *provider, c map[string]any) string {
			return signRaw(p.signing, strings.Replace(string(must(json.Marshal(c))), `"vot":`, `"vot":"Cl","vot":`, 1))
		}},
		{name: "OpenID Connect Core 2: sub absent", says: "sub", edit: drop("sub")},
		{name: "OpenID Connect Core 2: sub too long", says: "sub", edit: set("sub", strings.Repeat("s", 256))},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := newProvider(t)
			p.editID = row.edit
			if row.sign != nil {
				p.signID = func(c map[string]any) string { return row.sign(p, c) }
			}
			arrival, err := p.trip(p.relyingParty(), journey.SignIn)
			wantTrouble(t, err, journey.SignInProblem, row.says)
			if arrival.Subject != "" {
				t.Error("a subject came with the error")
			}
			if n := p.hits("/userinfo"); n != 0 {
				t.Errorf("userinfo was called %d times on the word of this token", n)
			}
		})
	}
}

// TestIDTokenTolerated: row 6: what may differ without a sign-in failing.
func TestIDTokenTolerated(t *testing.T) {
	start := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC).Unix()
	for name, edit := range map[string]func(map[string]any){
		"aud an array":               set("aud", []string{clientID}),
		"several aud with azp":       func(c map[string]any) { c["aud"], c["azp"] = []string{"x", clientID}, clientID },
		"at_hash absent":             drop("at_hash"),
		"auth_time absent":           drop("auth_time"),
		"expired within the leeway":  set("exp", start-29),
		"issued within the leeway":   set("iat", start+29),
		"an unknown claim, an array": set("extra", []any{1, "a"}),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.editID = edit
			if _, err := p.trip(p.relyingParty(), journey.SignIn); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestIDTokenRS256: clients registered for RS256 work, when the key says so.
func TestIDTokenRS256(t *testing.T) {
	for alg, accepted := range map[string]bool{"RS256": true, "": false, "PS256": false} {
		p := newProvider(t)
		p.signing = jose.JSONWebKey{Key: otherRSA(), KeyID: "rsa", Algorithm: "RS256"}
		listed := p.signing.Public()
		listed.Algorithm = alg
		p.editKeys = set("keys", []any{listed})
		if _, err := p.trip(p.relyingParty(), journey.SignIn); (err == nil) != accepted {
			t.Errorf("key with alg %q: accepted %v: %v", alg, err == nil, err)
		}
	}
}

// TestSignIn: what a good sign-in brings.
func TestSignIn(t *testing.T) {
	p := newProvider(t)
	arrival, err := p.trip(p.relyingParty(), journey.SignIn)
	if err != nil {
		t.Fatal(err)
	}
	if arrival.Subject != subject || arrival.Email != email || arrival.VOT != "Cl.Cm" || arrival.IDToken == "" ||
		!arrival.AuthTime.Equal(p.clock().Add(-time.Minute)) || arrival.Verification != journey.NotAsked || arrival.ReturnCodes != nil {
		t.Errorf("arrived as %+v", struct{ journey.Arrival }{arrival})
	}
}

// wantTrouble demands that err carries trouble and says why.
func wantTrouble(t *testing.T, err error, trouble journey.Trouble, says string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := journey.TroubleIn(err); got != trouble {
		t.Errorf("trouble %q, want %q: %v", got, trouble, err)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("error %q does not say %q", err, says)
	}
}

func withoutKid(key jose.JSONWebKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Key.(*ecdsa.PrivateKey), Algorithm: key.Algorithm}
}

// reheader puts another protected header before a JWS.
func reheader(raw, header string) string {
	_, rest, _ := strings.Cut(raw, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
}
