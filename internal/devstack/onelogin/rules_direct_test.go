package onelogin_test

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// directRules are those of calls that no browser makes.
func directRules() []rule {
	var rules []rule
	for endpoint, path := range map[string]string{"discovery": ".well-known/openid-configuration", "jwks": ".well-known/jwks.json", "did": ".well-known/did.json", "userinfo": "userinfo"} {
		as := func(agent string) func(*party) {
			return func(p *party) { p.call(http.MethodGet, path, "", http.Header{"User-Agent": {agent}}) }
		}
		rules = append(rules,
			rule{endpoint, "a direct call needs a User-Agent", "403", "", as("")},
			rule{endpoint, "the User-Agent must be a product with its version", "403", "no version", as("teaching-record")},
			rule{endpoint, "the User-Agent must be a product with its version", "403", "a URL", as("https://rp.example")},
			rule{endpoint, "the User-Agent must be the service's own, not a library's", "403", "", as("Go-http-client/1.1")},
			rule{endpoint, "a direct call carries no cookies", "", "", func(p *party) {
				p.call(http.MethodGet, path, "", http.Header{"Cookie": {"a=b"}})
			}},
		)
	}
	// access is a fresh access token.
	access := func(p *party) string {
		_, tokens := p.token(p.form(p.signIn("Cl.Cm", "known").Get("code"), p.jwt("one", p.assertion())))
		return tokens["access_token"].(string)
	}
	with := func(path string, authorization func(*party) string) func(*party) {
		return func(p *party) {
			status, header, _ := p.call(http.MethodGet, path, "", http.Header{"Authorization": {authorization(p)}})
			if path == "userinfo" && (status != http.StatusUnauthorized || !strings.HasPrefix(header.Get("WWW-Authenticate"), `Bearer error="invalid_token"`)) {
				p.t.Errorf("refused with %d %s", status, header.Get("WWW-Authenticate"))
			}
		}
	}
	const bearer = "the access token must come as Authorization: Bearer, with a capital B"
	const unknown = "the access token is unknown or older than 180 seconds"
	return append(rules,
		rule{"userinfo", "the userinfo request has no query", "", "", with("userinfo?access_token=here", func(p *party) string { return "Bearer " + access(p) })},
		rule{"userinfo", bearer, "invalid_token", "missing", with("userinfo", func(*party) string { return "" })},
		rule{"userinfo", bearer, "invalid_token", "lower case", with("userinfo", func(p *party) string { return "bearer " + access(p) })},
		rule{"userinfo", unknown, "invalid_token", "unknown", with("userinfo", func(*party) string { return "Bearer unknown" })},
		rule{"userinfo", unknown, "invalid_token", "old", with("userinfo", func(p *party) string {
			token := access(p)
			p.pass(180 * time.Second)
			return "Bearer " + token
		})},
		rule{"token", "the User-Agent must be a product with its version", "403", "", func(p *party) {
			p.agent = "nameless"
			p.call(http.MethodPost, "token", "grant_type=authorization_code", nil)
		}},
	)
}

func logoutRules() []rule {
	// leave signs in and goes to /logout with the query bent.
	leave := func(bend func(p *party, q url.Values)) func(*party) {
		return func(p *party) {
			_, tokens := p.token(p.form(p.signIn("Cl.Cm", "known").Get("code"), p.jwt("one", p.assertion())))
			q := url.Values{"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {signedOut}, "state": {strings.Repeat("s", 26)}}
			q.Set("access token", tokens["access_token"].(string))
			bend(p, q)
			q.Del("access token")
			p.get("logout?" + q.Encode())
			if p.depart(query(p.jwt("one", p.object("Cl.Cm")))).Request.URL.Path != "/account" {
				p.t.Error("the One Login session did not end")
			}
		}
	}
	set := func(name, value string) func(*party) {
		return leave(func(_ *party, q url.Values) { q.Set(name, value) })
	}
	const members = "the query holds id_token_hint, post_logout_redirect_uri and state, each once, and nothing else"
	return []rule{
		{"logout", "the query string must not exceed 2048 bytes", "403", "", set("state", strings.Repeat("s", 2048))},
		{"logout", members, "", "more", set("client_id", "party")},
		{"logout", members, "", "twice", leave(func(_ *party, q url.Values) { q.Add("state", "another") })},
		{"logout", "id_token_hint is missing: the user would end on a page of One Login's", "", "", leave(func(_ *party, q url.Values) { q.Del("id_token_hint") })},
		{"logout", "state must be 20 to 64 characters of base64url", "", "", set("state", "")},
		{"logout", "id_token_hint must be an ID token of this provider", "invalid_request", "", set("id_token_hint", "placeholder")},
		{"logout", "the signature of id_token_hint does not verify with the current key", "invalid_request", "", leave(func(p *party, q url.Values) {
			hint := q.Get("id_token_hint")
			q.Set("id_token_hint", hint[:strings.LastIndex(hint, ".")+1]+strings.Repeat("A", 86))
		})},
		{"logout", "id_token_hint must be an ID token issued to a registered client", "unauthorized_client", "", leave(func(_ *party, q url.Values) { q.Set("id_token_hint", q.Get("access token")) })},
		{"logout", "post_logout_redirect_uri must equal a registered one exactly", "invalid_request", "other", set("post_logout_redirect_uri", signedOut+"?a=b")},
		{"logout", "post_logout_redirect_uri must equal a registered one exactly", "invalid_request", "missing", leave(func(_ *party, q url.Values) { q.Del("post_logout_redirect_uri") })},
	}
}
