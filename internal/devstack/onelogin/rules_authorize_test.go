package onelogin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// object departs with a request object that was bent.
func object(vector string, bend func(p *party, o members)) func(*party) {
	return func(p *party) {
		o := p.object(vector)
		bend(p, o)
		p.depart(query(p.jwt("one", o)))
	}
}

// with departs with one member of the request object changed; nil removes it.
func with(member string, value any) func(*party) { return withIn("Cl.Cm", member, value) }

func withIn(vector, member string, value any) func(*party) {
	return object(vector, func(_ *party, o members) {
		if o[member] = value; value == nil {
			delete(o, member)
		}
	})
}

// outer departs with the query around the request object bent.
func outer(bend func(q url.Values)) func(*party) {
	return func(p *party) {
		q := query(p.jwt("one", p.object("Cl.Cm")))
		bend(q)
		p.depart(q)
	}
}

// again departs twice: the second time with a member of the first.
func again(member string) func(*party) {
	return func(p *party) {
		first, second := p.object("Cl.Cm"), p.object("Cl.Cm")
		second[member] = first[member]
		p.depart(query(p.jwt("one", first)))
		p.depart(query(p.jwt("one", second)))
	}
}

// soon is a time from now, as a claim.
func soon(member string, by time.Duration) func(*party) {
	return object("Cl.Cm", func(p *party, o members) { o[member] = p.now().Add(by).Unix() })
}

func authorizeRules() []rule {
	const claimsOf = `{"userinfo":{"` + coreIdentity + `":null`
	rules := []rule{
		{"", "the query string must not exceed 4096 bytes", "403", "", with("scope", "openid "+strings.Repeat("x", 4096))},
		{"", "the query string must be well-formed", "400", "", func(p *party) { p.get("authorize?" + query(p.jwt("one", p.object("Cl.Cm"))).Encode() + ";") }},
		{"", "a parameter must not be given twice", "", "", outer(func(q url.Values) { q.Add("scope", q.Get("scope")) })},
		{"", "request_uri is not supported", "request_uri_not_supported", "", outer(func(q url.Values) { q.Set("request_uri", "https://rp.example/object") })},
		{"", "this client must send a request object", "access_denied", "", outer(func(q url.Values) { q.Del("request") })},
		{"", "beside request the query holds response_type, scope and client_id, and nothing else", "", "more", outer(func(q url.Values) { q.Set("state", "outside") })},
		{"", "beside request the query holds response_type, scope and client_id, and nothing else", "", "less", outer(func(q url.Values) { q.Del("scope") })},
		{"", "the client_id is not registered", "400", "", outer(func(q url.Values) { q.Set("client_id", "stranger") })},

		{"", "a request object must not hold request or request_uri", "invalid_request", "", with("request", "another")},
		{"", "a request object has no sub", "400", "", with("sub", "party")},
		{"", "the request object has a member that is not among aud, iss, iat, nbf, exp, jti, client_id, response_type, response_mode, redirect_uri, scope, state, nonce, vtr, claims, ui_locales, code_challenge, code_challenge_method", "", "", with("prompt", "none")},
		{"", "aud of the request object must be the authorize URL, as one string", "access_denied", "issuer", object("Cl.Cm", func(p *party, o members) { o["aud"] = p.issuer })},
		{"", "aud of the request object must be the authorize URL, as one string", "access_denied", "array", object("Cl.Cm", func(_ *party, o members) { o["aud"] = []any{o["aud"]} })},
		{"", "iss of the request object must be the client_id", "unauthorized_client", "", with("iss", "stranger")},
		{"", "client_id of the request object must be that of the query", "unauthorized_client", "", with("client_id", "stranger")},
		{"", "exp of the request object is required, in whole seconds", "", "missing", with("exp", nil)},
		{"", "exp of the request object is required, in whole seconds", "", "fraction", with("exp", 4e9+.5)},
		{"", "the request object has expired", "400", "", soon("exp", -time.Minute)},
		{"", "a request object must not live longer than five minutes", "", "", soon("exp", 10*time.Minute)},
		{"", "iat of the request object lies in the future", "", "", soon("iat", 2*time.Minute)},
		{"", "the request object is not valid yet", "400", "", soon("nbf", 2*time.Minute)},

		{"", "redirect_uri must equal a registered one exactly", "400", "", with("redirect_uri", callback+"/")},
		{"", "response_type must be code", "unsupported_response_type", "", with("response_type", "code id_token")},
		{"", "response_type differs between query and request object", "invalid_request", "", outer(func(q url.Values) { q.Set("response_type", "token") })},
		{"", "response_mode must be query: a fragment never reaches a proxy", "400", "", with("response_mode", "fragment")},
		{"", "scope must contain openid", "invalid_scope", "", with("scope", "email")},
		{"", "scope names one that is not registered for this client", "invalid_scope", "", with("scope", "openid email wallet-subject-id")},
		{"", "scope differs between query and request object", "invalid_request", "", with("scope", "openid")},
		{"", "state is missing", "invalid_request", "", with("state", nil)},
		{"", "state must be 20 to 64 characters of base64url", "", "short", with("state", "guessable")},
		{"", "state must be 20 to 64 characters of base64url", "", "escaped", with("state", "needs escaping & more of it")},
		{"", "nonce is missing", "invalid_request", "", with("nonce", nil)},
		{"", "nonce must be 20 to 64 characters of base64url", "", "", with("nonce", "guessable")},
		{"", "state and nonce must differ", "", "", object("Cl.Cm", func(_ *party, o members) { o["nonce"] = o["state"] })},
		{"", "code_challenge is missing: PKCE is enforced for this client", "invalid_request", "", with("code_challenge", nil)},
		{"", "code_challenge_method must be S256", "invalid_request", "plain", with("code_challenge_method", "plain")},
		{"", "code_challenge_method must be S256", "invalid_request", "missing", with("code_challenge_method", nil)},
		{"", "code_challenge must be a SHA-256 in base64url", "invalid_request", "", with("code_challenge", "the verifier itself")},
		{"", "ui_locales must be one string of en and cy", "invalid_request", "array", with("ui_locales", []string{"en"})},
		{"", "ui_locales must be one string of en and cy", "invalid_request", "other", with("ui_locales", "fr")},

		{"", "Request vtr not valid: no JSON array", "invalid_request", "", with("vtr", "Cl.Cm")},
		{"", "vtr must be an array of exactly one vector", "", "two", with("vtr", []string{"Cl.Cm", "Cl"})},
		{"", "vtr must be an array of exactly one vector", "", "missing", with("vtr", nil)},
		{"", "Request vtr is not permitted: this client has Cl.Cm and Cl.Cm.P2", "invalid_request", "password alone", with("vtr", []string{"Cl"})},
		{"", "Request vtr is not permitted: this client has Cl.Cm and Cl.Cm.P2", "invalid_request", "lower", with("vtr", []string{"Cl.Cm.P1"})},
		{"", "an identity request must ask for the core identity JWT", "", "no claims", withIn("Cl.Cm.P2", "claims", nil)},
		{"", "an identity request must ask for the core identity JWT", "", "others", withIn("Cl.Cm.P2", "claims", `{"userinfo":{"`+returnCode+`":null}}`)},
		{"", "claims must be a JSON string that holds the object", "", "", withIn("Cl.Cm.P2", "claims", members{"userinfo": members{coreIdentity: nil}})},
		{"", "claims must be an object with the single member userinfo", "invalid_request", "garbage", withIn("Cl.Cm.P2", "claims", "{")},
		{"", "claims must be an object with the single member userinfo", "invalid_request", "id_token", withIn("Cl.Cm.P2", "claims", claimsOf+`},"id_token":{}}`)},
		{"", "claims asks for one that is not registered for this client", "invalid_request", "", withIn("Cl.Cm.P2", "claims", claimsOf+`,"https://vocab.account.gov.uk/v1/passport":null}}`)},
		{"", "every claim asked for must be null", "", "", withIn("Cl.Cm.P2", "claims", `{"userinfo":{"`+coreIdentity+`":{"essential":true}}}`)},
		{"", "identity claims come only with an identity vector", "", "", with("claims", claimsOf+"}}")},

		{"", "the request object was used before: its jti is not new", "", "", again("jti")},
		{"", "the request object was used before: its state is not new", "", "", again("state")},
		{"", "the request object was used before: its nonce is not new", "", "", again("nonce")},
	}
	rules = append(rules, signatureRules("the request object", "400", "500", func(sign func(*party, members) string) func(*party) {
		return func(p *party) { p.depart(query(sign(p, p.object("Cl.Cm")))) }
	})...)
	for i := range rules {
		rules[i].endpoint = "authorize"
	}
	return rules
}

// signatureRules hold for everything a client signs.
func signatureRules(what, badToken, badKey string, send func(sign func(*party, members) string) func(*party)) []rule {
	signed := func(alg jose.SignatureAlgorithm, kid string, header map[jose.HeaderKey]any) func(*party) {
		return send(func(p *party, o members) string { return sign(p.t, alg, clientKey(), kid, header, o) })
	}
	own := &jose.JSONWebKey{Key: clientKey().Public(), KeyID: "one"}
	const algs = " must be a compact JWS, signed with RS256, RS384, RS512, PS256, PS384 or PS512"
	return []rule{
		{"", what + algs, badToken, "EC", send(func(p *party, o members) string {
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			return sign(p.t, jose.ES256, key, "one", nil, o)
		})},
		{"", what + algs, badToken, "HMAC", send(func(p *party, o members) string {
			return sign(p.t, jose.HS256, []byte(strings.Repeat("k", 32)), "one", nil, o)
		})},
		{"", what + algs, badToken, "none", send(func(p *party, o members) string {
			text, _ := json.Marshal(o)
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
		})},
		{"", what + " must name its key: kid is missing", badKey, "", signed(jose.RS256, "", nil)},
		{"", what + " must not bring its own key (jwk, jku, x5u)", badToken, "jwk", signed(jose.RS256, "one", map[jose.HeaderKey]any{"jwk": own})},
		{"", what + " must not bring its own key (jwk, jku, x5u)", badToken, "jku", signed(jose.RS256, "one", map[jose.HeaderKey]any{"jku": "https://rp.example/keys"})},
		{"", what + " has a typ that it cannot have", badToken, "", signed(jose.RS256, "one", map[jose.HeaderKey]any{"typ": "at+jwt"})},
		{"", "the kid is not among the keys the client publishes", badKey, what, signed(jose.RS256, "two", nil)},
		{"", what + " has a signature that does not verify with the key of its kid", badToken, "", send(func(p *party, o members) string {
			return sign(p.t, jose.RS256, strangerKey(), "one", nil, o)
		})},
		{"", what + " has another alg than its key is published for", badToken, "", signed(jose.PS256, "one", nil)},
		{"", what + " must be a JSON object", badToken, "", send(func(p *party, o members) string { return sign(p.t, jose.RS256, clientKey(), "one", nil, []any{o}) })},
	}
}
