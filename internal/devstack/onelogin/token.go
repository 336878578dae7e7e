package onelogin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 section 2.2

// token exchanges a code. The code is spent before anything can go wrong with
// the answer, so a relying party that repeats the call is found out.
func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	client, err := s.tokenCaller(r)
	if err != nil {
		return err
	}
	code := r.PostForm.Get("code")
	s.mu.Lock()
	g, ok := s.codes.take(code)
	s.mu.Unlock()
	if !ok && !s.unused("code", code, codeLife) {
		return breaks("invalid_grant", "the code was used before")
	}
	s.unused("code", code, codeLife)
	proof := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if err := firstBroken(
		rule{!ok, "invalid_grant", "the code is unknown or has expired"},
		rule{g.client != client, "invalid_grant", "the code was issued to another client"},
		rule{r.PostForm.Get("redirect_uri") != g.redirectURI, "invalid_grant", "redirect_uri must be that of the authorisation request"},
		rule{!verifier.MatchString(r.PostForm.Get("code_verifier")), "invalid_grant", "code_verifier must be 43 to 128 unreserved characters"},
		rule{base64.RawURLEncoding.EncodeToString(proof[:]) != g.challenge, "invalid_grant", "code_verifier does not fit the challenge"},
	); err != nil {
		return err
	}
	access, err := s.accessTokenFor(g)
	if err != nil {
		return err
	}
	id, err := s.idTokenFor(g, access)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.accessToken.put(access, g, accessTokenLife)
	s.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	return s.answer(w, r, AtToken, g.journey(), claims{
		"access_token": access, "token_type": "Bearer", "expires_in": int(accessTokenLife.Seconds()), "id_token": id,
	})
}

// tokenCaller checks the form and who sent it: private_key_jwt, RFC 7523.
func (s *Server) tokenCaller(r *http.Request) (*Client, error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
	err := r.ParseForm()
	once, known := true, true
	for field, values := range r.PostForm {
		once = once && len(values) == 1
		known = known && slices.Contains([]string{"grant_type", "code", "redirect_uri", "client_assertion_type", "client_assertion", "code_verifier", "client_id"}, field)
	}
	if err := firstBroken(
		rule{media != "application/x-www-form-urlencoded" || err != nil, "invalid_request", "the token request must be a form, URL-encoded"},
		rule{r.URL.RawQuery != "", "invalid_request", "the token request has no query"},
		rule{r.Header.Get("Authorization") != "", "invalid_request", "the client authenticates by its assertion alone, without an Authorization header"},
		rule{!once, "invalid_request", "a field must not be given twice"},
		rule{!known, "", "the form has a field that does not belong there"},
		rule{r.PostForm.Get("grant_type") != "authorization_code", "unsupported_grant_type", "grant_type must be authorization_code"},
		rule{r.PostForm.Get("code") == "" || r.PostForm.Get("redirect_uri") == "", "invalid_request", "code and redirect_uri are required"},
		rule{r.PostForm.Get("client_assertion_type") != assertionType, "invalid_request", "client_assertion_type must be " + assertionType},
		rule{r.PostForm.Get("client_assertion") == "", "invalid_request", "client_assertion is missing"},
	); err != nil {
		return nil, err
	}
	compact := r.PostForm.Get("client_assertion")
	client := s.client(unverifiedIssuer(compact))
	if client == nil {
		return nil, breaks("invalid_client", "iss of the client assertion is no registered client")
	}
	assertion, err := s.clientJWT(r.Context(), client, compact, "the client assertion", "invalid_client", "server_error")
	if err != nil {
		return nil, err
	}
	now := s.config.Now()
	expires, hasExpiry := assertion.at("exp")
	issued, hasIssued := assertion.at("iat")
	starts, hasStart := assertion.at("nbf")
	if err := firstBroken(
		rule{assertion.text("sub") != client.ID, "invalid_client", "sub of the client assertion must equal its iss, the client_id"},
		rule{r.PostForm.Has("client_id") && r.PostForm.Get("client_id") != client.ID, "invalid_client", "client_id of the form differs from sub of the client assertion"},
		rule{assertion.text("aud") != s.config.Issuer+"token" && assertion.text("aud") != s.config.Issuer, "invalid_client", "aud of the client assertion must be the token URL or the issuer, as one string"},
		rule{!hasExpiry, "invalid_client", "exp of the client assertion is required, in whole seconds"},
		rule{!expires.After(now.Add(-skew)), "invalid_grant", "the client assertion has expired"},
		rule{expires.After(now.Add(longestJWTLife + skew)), "", "a client assertion must not live longer than five minutes"},
		rule{!hasIssued || issued.After(now.Add(skew)), "", "iat of the client assertion is required and must not lie in the future"},
		rule{assertion["nbf"] != nil && (!hasStart || starts.After(now.Add(skew))), "invalid_client", "the client assertion is not valid yet"},
		rule{assertion.text("jti") == "", "invalid_client", "jti of the client assertion is required"},
	); err != nil {
		return nil, err
	}
	if !s.unused("assertion jti", assertion.text("jti"), s.remaining(expires)) {
		return nil, breaks("invalid_client", "the client assertion was used before: its jti is not new")
	}
	return client, nil
}

// unverifiedIssuer says whose key to try; nothing else is believed of it.
func unverifiedIssuer(compact string) string {
	jws, err := jose.ParseSignedCompact(compact, clientAlgs)
	if err != nil {
		return ""
	}
	var c claims
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &c) != nil {
		return ""
	}
	return c.text("iss")
}

// accessTokenFor makes an access token: a signed JWT, as the real one is,
// though a relying party must treat it as opaque.
func (s *Server) accessTokenFor(g grant) (string, error) {
	now := s.config.Now()
	key := s.signingKey(&s.idKeys)
	return draft{kid: key.KeyID, alg: jose.ES256, key: key.Key, claims: claims{
		"iss": s.config.Issuer, "sub": g.person.Subject(), "client_id": g.client.ID, "scope": strings.Join(g.scopes, " "),
		"iat": now.Unix(), "exp": now.Add(accessTokenLife).Unix(), "jti": rand.Text(), "sid": g.sid,
	}}.sign()
}

func (s *Server) idTokenFor(g grant, access string) (string, error) {
	now := s.config.Now()
	key := s.signingKey(&s.idKeys)
	hash := sha256.Sum256([]byte(access))
	d := draft{kid: key.KeyID, alg: jose.ES256, key: key.Key, claims: claims{
		"iss": s.config.Issuer, "aud": g.client.ID, "sub": g.person.Subject(),
		"iat": now.Unix(), "exp": now.Add(idTokenLife).Unix(), "nonce": g.nonce,
		"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]), // OpenID Connect Core 3.1.3.6
		"vot":     "Cl.Cm", "vtm": s.config.Issuer + "trustmark",
		"sid": g.sid, "auth_time": g.authTime.Unix(),
	}}
	for _, fault := range s.take(AtIDToken, g.journey()) {
		fault.token(s, &d)
	}
	return d.sign()
}
