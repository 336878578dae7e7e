package onelogin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

var strangerKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// redeem redeems a fresh code with the form bent.
func redeem(bend func(p *party, form url.Values)) func(*party) {
	return func(p *party) {
		form := p.form(p.signIn("Cl.Cm", "known").Get("code"), p.jwt("one", p.assertion()))
		bend(p, form)
		p.token(form)
	}
}

// asserting redeems a fresh code with the client assertion bent.
func asserting(bend func(p *party, assertion members)) func(*party) {
	return redeem(func(p *party, form url.Values) {
		assertion := p.assertion()
		bend(p, assertion)
		form.Set("client_assertion", p.jwt("one", assertion))
	})
}

func field(name, value string) func(*party) {
	return redeem(func(_ *party, form url.Values) {
		if form.Set(name, value); value == "" {
			form.Del(name)
		}
	})
}

// calling redeems a fresh code with the call around the form bent.
func calling(path string, change func(body string) string, header http.Header) func(*party) {
	return func(p *party) {
		form := p.form(p.signIn("Cl.Cm", "known").Get("code"), p.jwt("one", p.assertion()))
		p.call(http.MethodPost, path, change(form.Encode()), header)
	}
}

func same(body string) string { return body }

func tokenRules() []rule {
	claim := func(name string, value any) func(*party) {
		return asserting(func(_ *party, a members) {
			if a[name] = value; value == nil {
				delete(a, name)
			}
		})
	}
	in := func(name string, by time.Duration) func(*party) {
		return asserting(func(p *party, a members) { a[name] = p.now().Add(by).Unix() })
	}
	rules := []rule{
		{"", "the token request must be a form, URL-encoded", "invalid_request", "JSON", calling("token", func(string) string { return `{"grant_type":"authorization_code"}` }, http.Header{"Content-Type": {"application/json"}})},
		{"", "the token request must be a form, URL-encoded", "invalid_request", "too large", calling("token", func(body string) string { return body + strings.Repeat("x", 64<<10) }, nil)},
		{"", "the token request has no query", "invalid_request", "", calling("token?code=here", same, nil)},
		{"", "the client authenticates by its assertion alone, without an Authorization header", "invalid_request", "", calling("token", same, http.Header{"Authorization": {"Basic cGFydHk6c2VjcmV0"}})},
		{"", "a field must not be given twice", "invalid_request", "", redeem(func(_ *party, form url.Values) { form.Add("code", "another") })},
		{"", "the form has a field that does not belong there", "", "", field("client_secret", "secret")},
		{"", "grant_type must be authorization_code", "unsupported_grant_type", "", field("grant_type", "refresh_token")},
		{"", "code and redirect_uri are required", "invalid_request", "no code", field("code", "")},
		{"", "code and redirect_uri are required", "invalid_request", "no redirect_uri", field("redirect_uri", "")},
		{"", "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "invalid_request", "", field("client_assertion_type", "jwt")},
		{"", "client_assertion is missing", "invalid_request", "", field("client_assertion", "")},
		{"", "iss of the client assertion is no registered client", "invalid_client", "", claim("iss", "stranger")},
		{"", "sub of the client assertion must equal its iss, the client_id", "invalid_client", "", claim("sub", "stranger")},
		{"", "client_id of the form differs from sub of the client assertion", "invalid_client", "", field("client_id", "stranger")},
		{"", "aud of the client assertion must be the token URL or the issuer, as one string", "invalid_client", "other", claim("aud", "https://oidc.account.gov.uk/token")},
		{"", "aud of the client assertion must be the token URL or the issuer, as one string", "invalid_client", "array", asserting(func(_ *party, a members) { a["aud"] = []any{a["aud"]} })},
		{"", "exp of the client assertion is required, in whole seconds", "invalid_client", "", claim("exp", nil)},
		{"", "the client assertion has expired", "invalid_grant", "", in("exp", -time.Minute)},
		{"", "a client assertion must not live longer than five minutes", "", "", in("exp", time.Hour)},
		{"", "iat of the client assertion is required and must not lie in the future", "", "missing", claim("iat", nil)},
		{"", "iat of the client assertion is required and must not lie in the future", "", "future", in("iat", 2*time.Minute)},
		{"", "the client assertion is not valid yet", "invalid_client", "", in("nbf", 2*time.Minute)},
		{"", "jti of the client assertion is required", "invalid_client", "", claim("jti", nil)},
		{"", "the client assertion was used before: its jti is not new", "invalid_client", "", func(p *party) {
			assertion := p.jwt("one", p.assertion())
			p.token(p.form(p.signIn("Cl.Cm", "known").Get("code"), assertion))
			p.token(p.form(p.signIn("Cl.Cm", "known").Get("code"), assertion))
		}},
		{"", "the code was used before", "invalid_grant", "", func(p *party) {
			code := p.signIn("Cl.Cm", "known").Get("code")
			p.token(p.form(code, p.jwt("one", p.assertion())))
			p.token(p.form(code, p.jwt("one", p.assertion())))
		}},
		{"", "the code is unknown or has expired", "invalid_grant", "unknown", field("code", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")},
		{"", "the code is unknown or has expired", "invalid_grant", "expired", func(p *party) {
			code := p.signIn("Cl.Cm", "known").Get("code")
			p.pass(5 * time.Minute)
			p.token(p.form(code, p.jwt("one", p.assertion())))
		}},
		{"", "the code was issued to another client", "invalid_grant", "", func(p *party) {
			code := p.signIn("Cl.Cm", "known").Get("code")
			assertion := p.assertion()
			assertion["iss"], assertion["sub"] = "publishing party", "publishing party"
			p.jwks = func(w http.ResponseWriter, _ *http.Request) {
				_ = json.NewEncoder(w).Encode(members{"keys": []members{jwk(nil)}})
			}
			p.token(p.form(code, p.jwt("one", assertion)))
		}},
		{"", "redirect_uri must be that of the authorisation request", "invalid_grant", "", field("redirect_uri", callback+"/other")},
		{"", "code_verifier must be 43 to 128 unreserved characters", "invalid_grant", "missing", field("code_verifier", "")},
		{"", "code_verifier must be 43 to 128 unreserved characters", "invalid_grant", "short", field("code_verifier", "short")},
		{"", "code_verifier does not fit the challenge", "invalid_grant", "", field("code_verifier", strings.Repeat("v", 43))},
	}
	rules = append(rules, signatureRules("the client assertion", "invalid_client", "server_error", func(sign func(*party, members) string) func(*party) {
		return redeem(func(p *party, form url.Values) { form.Set("client_assertion", sign(p, p.assertion())) })
	})...)
	// An assertion that cannot be read at all names no client.
	for i, r := range rules {
		if strings.HasSuffix(r.text, "PS384 or PS512") || strings.HasSuffix(r.text, "must be a JSON object") {
			rules[i].text = "iss of the client assertion is no registered client"
		}
		rules[i].endpoint = "token"
	}
	return rules
}
