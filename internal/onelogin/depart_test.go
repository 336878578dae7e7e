package onelogin

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// departure is an authorisation request taken apart.
type departure struct {
	endpoint string
	query    url.Values
	inside   map[string]any // of the request object
	flow     journey.Flow
}

func (p *provider) departure(rp *RelyingParty, purpose journey.Step, locale string) departure {
	p.t.Helper()
	to, f, err := rp.Depart(p.t.Context(), purpose, locale)
	if err != nil {
		p.t.Fatal(err)
	}
	u := must(url.Parse(to))
	endpoint, _, _ := strings.Cut(to, "?")
	return departure{endpoint, u.Query(), p.open(u.Query().Get("request")), f}
}

func TestDepart(t *testing.T) {
	p := newProvider(t)
	rp := p.relyingParty()
	now := float64(p.clock().Unix())
	signIn, verify := p.departure(rp, journey.SignIn, "en"), p.departure(rp, journey.VerifyIdentity, "cy")

	common := []string{"aud", "client_id", "code_challenge", "code_challenge_method", "exp", "iat", "iss", "jti", "nonce",
		"redirect_uri", "response_type", "scope", "state", "ui_locales", "vtr"}
	for purpose, d := range map[journey.Step]departure{journey.SignIn: signIn, journey.VerifyIdentity: verify} {
		t.Run("row 9: the state is small, opaque and kept: "+string(purpose), func(t *testing.T) {
			// Nothing in it needs escaping: One Login's simulator does not.
			if d.inside["state"] != d.flow.State || !regexp.MustCompile(`^[A-Z2-7]{26}$`).MatchString(d.flow.State) {
				t.Errorf("state %v, kept %q", d.inside["state"], d.flow.State)
			}
			if d.flow.Purpose != purpose {
				t.Errorf("kept purpose %q", d.flow.Purpose)
			}
		})
		t.Run("row 10: so is the nonce: "+string(purpose), func(t *testing.T) {
			if d.inside["nonce"] != d.flow.Nonce || len(d.flow.Nonce) != 26 || d.flow.Nonce == d.flow.State {
				t.Errorf("nonce %v, kept %q", d.inside["nonce"], d.flow.Nonce)
			}
		})
		t.Run("row 12: redirect_uri as registered: "+string(purpose), func(t *testing.T) {
			if d.inside["redirect_uri"] != returnHere {
				t.Errorf("redirect_uri %v", d.inside["redirect_uri"])
			}
		})
		t.Run("row 13: scope: "+string(purpose), func(t *testing.T) {
			if d.inside["scope"] != "openid email" {
				t.Errorf("scope %v", d.inside["scope"])
			}
		})
		t.Run("row 16: the request object, and in the query what it says and no more: "+string(purpose), func(t *testing.T) {
			if d.endpoint != p.URL+"/authorize" || d.inside["aud"] != p.URL+"/authorize" {
				t.Errorf("sent to %s for %v", d.endpoint, d.inside["aud"])
			}
			if got := keysOf(d.query); !slices.Equal(got, []string{"client_id", "request", "response_type", "scope"}) {
				t.Errorf("query has %q", got)
			}
			for _, member := range []string{"client_id", "response_type", "scope"} {
				if len(d.query[member]) != 1 || d.inside[member] != d.query.Get(member) {
					t.Errorf("%s is %v inside, %q outside", member, d.inside[member], d.query[member])
				}
			}
			if d.inside["iss"] != clientID || d.inside["client_id"] != clientID || d.inside["response_type"] != "code" {
				t.Errorf("iss %v, client_id %v, response_type %v", d.inside["iss"], d.inside["client_id"], d.inside["response_type"])
			}
			want := common
			if purpose == journey.VerifyIdentity {
				want = slices.Sorted(slices.Values(append([]string{"claims"}, common...)))
			}
			if got := keysOf(d.inside); !slices.Equal(got, want) {
				t.Errorf("the request object has %q", got)
			}
		})
		t.Run("row 17: exp in five minutes: "+string(purpose), func(t *testing.T) {
			if d.inside["iat"] != now || d.inside["exp"] != now+300 {
				t.Errorf("iat %v, exp %v at %v", d.inside["iat"], d.inside["exp"], now)
			}
		})
		t.Run("row 18: PKCE S256: "+string(purpose), func(t *testing.T) {
			// That the challenge fits the verifier is what the stand-in's token endpoint checks.
			if d.inside["code_challenge_method"] != "S256" || len(d.flow.Verifier) < 43 || d.inside["code_challenge"] == d.flow.Verifier {
				t.Errorf("method %v, a verifier of %d characters", d.inside["code_challenge_method"], len(d.flow.Verifier))
			}
		})
	}
	t.Run("row 14: an identity check asks for one vector and for claims of userinfo, as a string", func(t *testing.T) {
		if vtr, _ := verify.inside["vtr"].([]any); len(vtr) != 1 || vtr[0] != "Cl.Cm.P2" {
			t.Errorf("vtr %v", verify.inside["vtr"])
		}
		asked, _ := verify.inside["claims"].(string)
		var claims map[string]map[string]any
		if err := json.Unmarshal([]byte(asked), &claims); err != nil || !slices.Equal(keysOf(claims), []string{"userinfo"}) {
			t.Fatalf("claims %v: %v", verify.inside["claims"], err)
		}
		t.Run("row 46: no more than the journey needs", func(t *testing.T) {
			want := []string{"https://vocab.account.gov.uk/v1/coreIdentityJWT", "https://vocab.account.gov.uk/v1/returnCode"}
			if got := keysOf(claims["userinfo"]); !slices.Equal(got, want) {
				t.Errorf("claims of userinfo %q", got)
			}
			for claim, value := range claims["userinfo"] {
				if value != nil {
					t.Errorf("%s is mapped to %v, want null", claim, value)
				}
			}
		})
	})
	t.Run("row 15: a sign-in asks for no identity", func(t *testing.T) {
		if vtr, _ := signIn.inside["vtr"].([]any); len(vtr) != 1 || vtr[0] != "Cl.Cm" {
			t.Errorf("vtr %v", signIn.inside["vtr"])
		}
	})
	t.Run("ui_locales is one string, or nothing", func(t *testing.T) {
		for locale, want := range map[string]any{"en": "en", "cy": "cy", "": nil, "fr": nil, "en cy": nil, "cy-GB": nil} {
			if got := p.departure(rp, journey.SignIn, locale).inside["ui_locales"]; got != want {
				t.Errorf("%q became %v", locale, got)
			}
		}
	})
	t.Run("a trip without a purpose is not begun", func(t *testing.T) {
		for _, purpose := range []journey.Step{"", "done"} {
			if to, _, err := rp.Depart(t.Context(), purpose, "en"); err == nil || to != "" {
				t.Errorf("purpose %q: %s", purpose, to)
			}
		}
	})
}

// TestDepartUnique: no trip shares a secret with another.
func TestDepartUnique(t *testing.T) {
	t.Run("row 9, row 10, row 18: state, nonce, verifier and jti are fresh", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		seen := map[any]bool{}
		for range 50 {
			d := p.departure(rp, journey.SignIn, "en")
			for _, value := range []any{d.flow.State, d.flow.Nonce, d.flow.Verifier, d.inside["jti"]} {
				if seen[value] {
					t.Fatalf("%v came before", value)
				}
				seen[value] = true
			}
		}
	})
}

// TestQuerySizes: row 11: what One Login's firewall lets through.
func TestQuerySizes(t *testing.T) {
	big := must(rsa.GenerateKey(rand.Reader, 4096))
	t.Run("row 11: the worst request fits: a 4096-bit key, long addresses, every claim", func(t *testing.T) {
		p := newProvider(t)
		cfg := p.config()
		cfg.Keys = []*rsa.PrivateKey{big}
		cfg.ClientID = strings.Repeat("c", 64)
		cfg.RedirectURI = "https://" + strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + ".service.gov.uk/" + strings.Repeat("p", 200) + "/callback"
		to, _, err := must(New(cfg)).Depart(t.Context(), journey.VerifyIdentity, "cy")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(must(url.Parse(to)).RawQuery); n > 4096 || n < 2000 {
			t.Errorf("a query of %d bytes", n)
		}
	})
	t.Run("row 11: a request that does not fit is not sent", func(t *testing.T) {
		p := newProvider(t)
		p.editMetadata = set("authorization_endpoint", p.URL+"/"+strings.Repeat("a", 2500)) // not where New could foresee it
		to, _, err := p.relyingParty().Depart(t.Context(), journey.VerifyIdentity, "en")
		wantTrouble(t, err, journey.SignInProblem, "limit 4096")
		if to != "" {
			t.Error("an address came with the error")
		}
	})
	t.Run("row 11: sign-out fits with an ES256 hint, and does without an RS256 one of 4096 bits", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		arrival, err := p.trip(rp, journey.SignIn)
		if err != nil {
			t.Fatal(err)
		}
		to := must(rp.SignOutURL(t.Context(), arrival.IDToken, "state"))
		if n := len(must(url.Parse(to)).RawQuery); n > 2048 || n < 500 {
			t.Errorf("a query of %d bytes", n)
		}
		for n, fits := range map[int]bool{2048: true, 2049: false} {
			hint := strings.Repeat("h", n-len(must(url.Parse(must(rp.SignOutURL(t.Context(), "h", "state")))).RawQuery)+1)
			to := must(rp.SignOutURL(t.Context(), hint, "state"))
			if got := to != p.URL+"/logout"; got != fits {
				t.Errorf("a query of %d bytes is sent: %v", n, got)
			}
		}
		if !strings.Contains(p.log.String(), "people end on One Login's page") {
			t.Error("nobody is told")
		}
	})
}

func TestSignOut(t *testing.T) {
	p := newProvider(t)
	rp := p.relyingParty()
	arrival, err := p.trip(rp, journey.SignIn)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("row 39, row 40: out of One Login too, with the hint, the registered address and a state", func(t *testing.T) {
		p.wait(12 * time.Hour) // the hint may have expired
		to := must(url.Parse(must(rp.SignOutURL(t.Context(), arrival.IDToken, "the state"))))
		want := url.Values{
			"id_token_hint":            {arrival.IDToken},
			"post_logout_redirect_uri": {"https://teaching.example.gov.uk/teaching-record/signed-out"},
			"state":                    {"the state"},
		}
		if to.Scheme+"://"+to.Host+to.Path != p.URL+"/logout" || to.Query().Encode() != want.Encode() {
			t.Errorf("sent to %s", to)
		}
	})
	t.Run("row 40: without a hint there is no address to come back to, and never a placeholder", func(t *testing.T) {
		if to := must(rp.SignOutURL(t.Context(), "", "state")); to != p.URL+"/logout" {
			t.Errorf("sent to %s", to)
		}
	})
}
