package onelogin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// simulated makes p answer as One Login's official simulator does wherever it
// differs from the live service: one issuer for everything, keys without use, a kid
// that is a UUID, a core identity that lives for a day, and less in its documents.
func simulated(p *provider) {
	p.signing.KeyID = "16db6587-5445-45d6-a7d9-98781ebdf93d"
	p.cache = ""
	p.editMetadata = func(m map[string]any) {
		m["scopes_supported"] = []string{"openid", "email", "phone"}
		m["id_token_signing_alg_values_supported"] = []string{"ES256", "RS256"}
	}
	p.editKeys = func(m map[string]any) {
		bare := p.signing.Public()
		bare.Use = ""
		m["keys"] = []any{bare}
	}
	p.editIdentity = func(c map[string]any) {
		c["iss"] = p.URL + "/"
		c["exp"] = c["iat"].(int64) + 24*3600
		c["vc"].(map[string]any)["type"] = []string{"VerifiableCredential", "IdentityCheckCredential"}
	}
	p.editUserinfo = func(m map[string]any) { m["phone_number"] = "07123456789" }
}

// TestSimulator: One Login's official simulator and the live service both work with
// one and the same code; only the three addresses differ.
func TestSimulator(t *testing.T) {
	p := newProvider(t)
	simulated(p)
	cfg := p.config()
	cfg.IdentityIssuer = p.URL + "/"
	rp := must(New(cfg))
	t.Run("both journeys", func(t *testing.T) {
		for purpose, want := range map[journey.Step]journey.Verification{journey.SignIn: journey.NotAsked, journey.VerifyIdentity: journey.Verified} {
			if arrival, err := p.trip(rp, purpose); err != nil || arrival.Verification != want {
				t.Errorf("%s: %q: %v", purpose, arrival.Verification, err)
			}
		}
	})
	t.Run("the discovery address has no double slash", func(t *testing.T) {
		if p.hits(discoveryPath) != 1 {
			t.Errorf("fetched %s times", p.hitsOf())
		}
	})
	t.Run("a state that is not escaped on the way back is still ours", func(t *testing.T) {
		query, f := p.depart(rp, journey.SignIn)
		raw := "code=" + query.Get("code") + "&state=" + f.State // as it writes it
		if _, err := p.arrive(rp, must(url.ParseQuery(raw)), f); err != nil {
			t.Error(err)
		}
	})
	t.Run("an e-mail that is not verified is none", func(t *testing.T) {
		p.editUserinfo = set("email_verified", false)
		if arrival, err := p.trip(rp, journey.SignIn); err != nil || arrival.Email != "" {
			t.Errorf("e-mail %q: %v", arrival.Email, err)
		}
	})
	t.Run("statuses of its own at the token endpoint", func(t *testing.T) {
		for code, status := range map[string]int{"invalid_client": 401, "server_error": 500} {
			p.instead["/token"] = func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, code) }
			_, err := p.trip(rp, journey.SignIn)
			wantTrouble(t, err, journey.SignInProblem, code)
		}
	})
}

// TestSimulatorKeys: keys without use and alg, as the simulator lists them, among
// things that are no keys.
func TestSimulatorKeys(t *testing.T) {
	p := newProvider(t)
	bare := p.signing.Public()
	bare.Use, bare.Algorithm = "", ""
	p.editKeys = set("keys", []any{map[string]any{"kty": "who knows"}, "not even an object", nil, bare})
	if _, err := p.trip(p.relyingParty(), journey.SignIn); err != nil {
		t.Error(err)
	}
}

// TestKeysPassedOver: row 5: a key is for one algorithm, and for signatures.
func TestKeysPassedOver(t *testing.T) {
	for name, edit := range map[string]func(key *jose.JSONWebKey){
		"row 5: for encryption":            func(k *jose.JSONWebKey) { k.Use = "enc" },
		"row 5: an EC key for RS256":       func(k *jose.JSONWebKey) { k.Algorithm = "RS256" },
		"row 5: an EC key for ES384":       func(k *jose.JSONWebKey) { k.Algorithm = "ES384" },
		"row 5: of another curve":          func(k *jose.JSONWebKey) { k.Key, k.Algorithm = secp384().Public(), "" },
		"row 5: symmetric":                 func(k *jose.JSONWebKey) { k.Key, k.Algorithm = []byte("0123456789abcdef"), "HS256" },
		"row 5: private, somebody's error": func(k *jose.JSONWebKey) { k.Key = secp384() },
		"row 5: RSA without an algorithm":  func(k *jose.JSONWebKey) { k.Key, k.Algorithm = otherRSA().Public(), "" },
		"row 5: short RSA":                 func(k *jose.JSONWebKey) { k.Key, k.Algorithm = shortKey(t).Public(), "RS256" },
		"row 4: without a kid":             func(k *jose.JSONWebKey) { k.KeyID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			key := p.signing.Public()
			edit(&key)
			p.editKeys = set("keys", []any{key})
			_, err := p.trip(p.relyingParty(), journey.SignIn)
			wantTrouble(t, err, journey.SignInProblem, "kid is not in")
		})
	}
}

// TestSeparateIdentityHost: in the live service core identities come from a host of
// their own; its DID URL, issuer and controller are set apart from the OIDC host's.
func TestSeparateIdentityHost(t *testing.T) {
	p := newProvider(t)
	host := httptest.NewServer(http.HandlerFunc(p.serveDID))
	defer host.Close()
	controller := "did:web:" + strings.ReplaceAll(strings.TrimPrefix(host.URL, "http://"), ":", "%3A")
	cfg := p.config()
	cfg.DIDURL, cfg.IdentityIssuer = host.URL+"/.well-known/did.json", host.URL+"/"
	p.identity.KeyID = controller + "#key-1"
	p.editDID = func(m map[string]any) {
		m["id"] = controller
		m["assertionMethod"].([]any)[0].(map[string]any)["controller"] = controller
	}
	p.editIdentity = set("iss", host.URL+"/")
	rp := must(New(cfg))
	if arrival, err := p.trip(rp, journey.VerifyIdentity); err != nil || arrival.Verification != journey.Verified || p.hits(didPath) != 0 {
		t.Errorf("%q: %v", arrival.Verification, err)
	}
	p.editIdentity = nil // of the OIDC host
	_, err := p.trip(rp, journey.VerifyIdentity)
	wantTrouble(t, err, journey.SignInProblem, "different provider")
}
