package onelogin

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// tokenFaults spoil the answer of the token endpoint. The code is spent by then.
func tokenFaults() []Fault {
	with := func(member string, value any) func(http.Header, claims) {
		return func(_ http.Header, answer claims) { answer[member] = value }
	}
	without := func(member string) func(http.Header, claims) {
		return func(_ http.Header, answer claims) { delete(answer, member) }
	}
	return at(AtToken, eitherJourney, []Fault{
		{Name: "token-new-members", Does: "The token answer has members that nobody asked for.", Tolerable: true, edit: func(_ http.Header, answer claims) {
			answer["refresh_token"], answer["scope"] = "unasked", "openid"
		}},
		{Name: "token-type-lower-case", Does: "The token type is bearer, in lower case.", Tolerable: true, edit: with("token_type", "bearer")},
		{Name: "token-invalid-request", Does: "The token request is refused: a parameter is missing.", answer: oauthRefusal(http.StatusBadRequest, "invalid_request", "Request is missing client_assertion parameter")},
		{Name: "token-invalid-client", Does: "The token request is refused: the client assertion is not accepted.", answer: oauthRefusal(http.StatusBadRequest, "invalid_client", "Invalid signature in private_key_jwt")},
		{Name: "token-invalid-client-401", Does: "The token request is refused with 401: the client is unknown, as at the official simulator.", answer: oauthRefusal(http.StatusUnauthorized, "invalid_client", "Client not found")},
		{Name: "token-invalid-grant", Does: "The token request is refused: the code has expired.", answer: oauthRefusal(http.StatusBadRequest, "invalid_grant", "Invalid grant")},
		{Name: "token-unauthorized-client", Does: "The token request is refused: the client may not use the code grant.", answer: oauthRefusal(http.StatusBadRequest, "unauthorized_client", "")},
		{Name: "token-unsupported-grant-type", Does: "The token request is refused: the grant type is not known.", answer: oauthRefusal(http.StatusBadRequest, "unsupported_grant_type", "")},
		{Name: "token-server-error", Does: "The token request is refused: One Login could not fetch our keys.", answer: oauthRefusal(http.StatusBadRequest, "server_error", "")},
		{Name: "token-html-error", Does: "The token request is refused with HTML in the error.", answer: oauthRefusal(http.StatusBadRequest, htmlDescription, htmlDescription)},
		{Name: "token-no-id-token", Does: "The token answer has no ID token.", edit: without("id_token")},
		{Name: "token-no-access-token", Does: "The token answer has no access token.", edit: without("access_token")},
		{Name: "token-no-type", Does: "The token answer has no token type.", edit: without("token_type")},
		{Name: "token-type-other", Does: "The token type is not Bearer.", edit: with("token_type", "mac")},
		{Name: "token-id-token-mistyped", Does: "The ID token is an object instead of a string.", edit: with("id_token", claims{"sub": "somebody"})},
		{Name: "token-id-token-empty", Does: "The ID token is empty.", edit: with("id_token", "")},
	}, brokenAnswers(AtToken, "the token answer"))
}

// idTokenFaults spoil the ID token.
func idTokenFaults() []Fault {
	return at(AtIDToken, eitherJourney, []Fault{
		{Name: "id-token-key-rotated", Does: "The ID token is signed with a new key, which is published.", Tolerable: true, token: rotate(idRing)},
		{Name: "id-token-aud-array", Does: "The audience is an array of one.", Tolerable: true, token: changeEach("aud", func(aud any) any { return []any{aud} })},
		{Name: "id-token-no-at-hash", Does: "The ID token has no at_hash.", Tolerable: true, token: leaveOut("at_hash")},
		{Name: "id-token-clock-ahead", Does: "One Login's clock is 20 seconds ahead.", Tolerable: true, token: later("iat", 20*time.Second)},
		{Name: "id-token-new-claims", Does: "The ID token has claims that nobody knows yet.", Tolerable: true, token: set("a_new_claim", claims{"of": "a kind"})},
		{Name: "id-token-iss-other", Does: "The ID token is of another issuer.", token: set("iss", "https://oidc.evil.test/")},
		{Name: "id-token-iss-identity", Does: "The issuer is that of core identity JWTs.", token: func(s *Server, d *draft) { d.claims["iss"] = s.config.IdentityIssuer }},
		{Name: "id-token-iss-no-slash", Does: "The issuer lacks its trailing slash.", token: changeEach("iss", func(iss any) any { return strings.TrimSuffix(iss.(string), "/") })},
		{Name: "id-token-aud-several", Does: "There are several audiences and no azp.", token: changeEach("aud", func(aud any) any { return []any{aud, "another"} })},
		{Name: "id-token-azp-other", Does: "The authorised party (azp) is another client.", token: set("azp", "another")},
		{Name: "id-token-iat-future", Does: "The ID token was issued ten minutes from now.", token: later("iat", 10*time.Minute)},
		{Name: "id-token-iat-missing", Does: "The ID token does not say when it was issued.", token: leaveOut("iat")},
		{Name: "id-token-nbf-future", Does: "The ID token is not valid before ten minutes from now.", token: func(s *Server, d *draft) { d.claims["nbf"] = s.config.Now().Add(10 * time.Minute).Unix() }},
		{Name: "id-token-nonce-other", Does: "The nonce is another.", token: set("nonce", "another-nonce-of-the-same-sort")},
		{Name: "id-token-nonce-missing", Does: "The ID token has no nonce.", token: leaveOut("nonce")},
		{Name: "id-token-nonce-empty", Does: "The nonce is empty.", token: set("nonce", "")},
		{Name: "id-token-vot-low", Does: "The person signed in with a password alone.", token: set("vot", "Cl")},
		{Name: "id-token-vot-missing", Does: "The ID token does not say how the person signed in.", token: leaveOut("vot")},
		{Name: "id-token-vot-identity", Does: "The level is one of identity, which no ID token has.", token: set("vot", "P2")},
		{Name: "id-token-sub-missing", Does: "The ID token does not say who signed in.", token: leaveOut("sub")},
		{Name: "id-token-sub-empty", Does: "The subject of the ID token is empty.", token: set("sub", "")},
		{Name: "id-token-at-hash-other", Does: "The ID token belongs to another access token.", token: func(_ *Server, d *draft) {
			hash := sha256.Sum256([]byte("another access token"))
			d.claims["at_hash"] = base64.RawURLEncoding.EncodeToString(hash[:16])
		}},
		{Name: "id-token-signed-for-identity", Does: "The ID token is signed with the key of core identity JWTs, under the right key id.", token: func(s *Server, d *draft) { d.key = s.signingKey(&s.didKeys).Key }},
		{Name: "id-token-kid-of-identity", Does: "The ID token is signed with the key of core identity JWTs, under its key id.", token: func(s *Server, d *draft) {
			key := s.signingKey(&s.didKeys)
			d.key, d.kid = key.Key, s.controller+"#"+key.KeyID
		}},
	}, forgeries("id-token", "the ID token"))
}
