package onelogin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"golang.org/x/oauth2"
)

// serveToken answers as strictly as One Login documents it, and more strictly than
// its simulator does: codes, assertions and verifiers all count.
func (p *provider) serveToken(w http.ResponseWriter, r *http.Request) {
	code, err := p.checkTokenRequest(r)
	if err != nil {
		p.t.Errorf("token request: %v", err)
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	p.mu.Lock()
	g, ok := p.grants[code]
	delete(p.grants, code) // single use
	p.mu.Unlock()
	if !ok || g.asked["redirect_uri"] != r.PostForm.Get("redirect_uri") ||
		g.asked["code_challenge"] != oauth2.S256ChallengeFromVerifier(r.PostForm.Get("code_verifier")) {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	access := "access-" + rand.Text()
	p.mu.Lock()
	p.access[access] = g
	p.tokens = append(p.tokens, access)
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(access))
	now := p.clock().Unix()
	claims := map[string]any{
		"iss": p.URL + "/", "aud": clientID, "sub": subject, "iat": now, "exp": now + 120,
		"nonce": g.asked["nonce"], "vot": "Cl.Cm", "vtm": p.URL + "/trustmark", "sid": "journey",
		"auth_time": now - 60, "at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	p.document(w, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 180,
		"id_token": p.token(p.signing, claims, p.editID, p.signID),
	}, p.editTokens)
}

// checkTokenRequest is what can be said of a token request without its grant.
func (p *provider) checkTokenRequest(r *http.Request) (code string, err error) {
	for _, values := range r.PostForm {
		if len(values) != 1 {
			return "", errors.New("a parameter comes twice")
		}
	}
	form := r.PostForm
	switch {
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return "", errors.New("not a form")
	case r.URL.RawQuery != "":
		return "", errors.New("parameters in the address")
	case form.Get("grant_type") != "authorization_code":
		return "", errors.New("grant_type")
	case form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return "", errors.New("client_assertion_type")
	}
	assertion := p.open(form.Get("client_assertion"))
	jti, _ := assertion["jti"].(string)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := float64(p.now.Unix())
	expires, _ := assertion["exp"].(float64)
	switch {
	case assertion["iss"] != clientID || assertion["sub"] != clientID:
		return "", errors.New("iss or sub")
	case assertion["aud"] != p.URL+"/token":
		return "", errors.New("aud")
	case expires <= now || expires > now+300:
		return "", errors.New("exp")
	case assertion["iat"] != now:
		return "", errors.New("iat")
	case jti == "" || p.jti[jti]:
		return "", errors.New("jti used before")
	}
	p.jti[jti] = true
	return form.Get("code"), nil
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "described by the provider"})
}

func (p *provider) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	var g grant
	for access, grant := range p.access {
		if r.Header.Get("Authorization") == "Bearer "+access {
			g = grant
		}
	}
	p.mu.Unlock()
	if g.code == "" {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	now := p.clock().Unix()
	info := map[string]any{"sub": subject, "email": email, "email_verified": true, "phone_number": phone, "phone_number_verified": true}
	if asked, _ := g.asked["claims"].(string); asked != "" {
		info[returnCodeClaim] = []any{}
		info[coreIdentityClaim] = p.token(p.identity, map[string]any{
			"iss": p.URL + "/identity/", "aud": clientID, "sub": subject, "iat": now, "nbf": now, "exp": now + 1800,
			"vot": "P2", "vtm": p.URL + "/trustmark",
			"vc": map[string]any{"type": []string{"VerifiableCredential", "IdentityCheckCredential"}, "credentialSubject": map[string]any{
				"name":      []any{name("KENNETH", "DECERQUEIRA", nil)},
				"birthDate": []any{map[string]any{"value": birthDate}},
			}},
		}, p.editIdentity, p.signIdentity)
	}
	p.document(w, info, p.editUserinfo)
}

// name is an item of a core identity's name array.
func name(given, family string, validUntil any) map[string]any {
	n := map[string]any{"nameParts": []any{
		map[string]any{"type": "GivenName", "value": given}, map[string]any{"type": "FamilyName", "value": family},
	}}
	if validUntil != nil {
		n["validUntil"] = validUntil
	}
	return n
}
