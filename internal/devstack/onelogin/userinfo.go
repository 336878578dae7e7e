package onelogin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// userinfo answers the claims of an access token, by scope and by what the
// authorisation request asked for.
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) error {
	access, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	g, ok := s.accessToken.get(access)
	s.mu.Unlock()
	if err := firstBroken(
		rule{r.URL.RawQuery != "", "", "the userinfo request has no query"},
		rule{!bearer || access == "", "invalid_token", "the access token must come as Authorization: Bearer, with a capital B"},
		rule{!ok, "invalid_token", "the access token is unknown or older than 180 seconds"},
	); err != nil {
		return err
	}
	document := claims{"sub": g.person.Subject()}
	if slices.Contains(g.scopes, "email") {
		document["email"] = g.person.Email
		document["email_verified"] = true
	}
	// Everyone here uses an authenticator app, so no phone number is told,
	// whatever the scope: as with the real provider.
	if g.identity {
		if err := s.addIdentity(w, g, document); err != nil {
			return err
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.answer(w, r, AtUserinfo, g.journey(), document)
}

// addIdentity adds the result of the identity check. Without a core identity
// JWT the identity is not proven; the letters of return codes are opaque.
func (s *Server) addIdentity(w http.ResponseWriter, g grant, document claims) error {
	codes := []any{}
	if !g.person.Verified {
		codes = append(codes, map[string]any{"code": "Z"})
	}
	if slices.Contains(g.asked, returnCodeClaim) {
		document[returnCodeClaim] = codes
	}
	if !g.person.Verified {
		return nil
	}
	now := s.config.Now()
	key := s.signingKey(&s.didKeys)
	d := draft{kid: s.controller + "#" + key.KeyID, alg: jose.ES256, key: key.Key, claims: claims{
		"iss": s.config.IdentityIssuer, "aud": g.client.ID, "sub": g.person.Subject(),
		"nbf": now.Unix(), "iat": now.Unix(), "exp": now.Add(coreIdentityLife).Unix(),
		"vot": "P2", "vtm": s.config.Issuer + "trustmark",
		"vc": map[string]any{
			"type": []any{"VerifiableCredential", "IdentityCheckCredential"},
			"credentialSubject": map[string]any{
				"name":      []any{map[string]any{"nameParts": nameParts(g.person.Given, g.person.Family)}},
				"birthDate": []any{map[string]any{"value": g.person.BirthDate}},
			},
		},
	}}
	faults := s.take(AtIdentity, g.journey())
	for _, fault := range faults {
		if fault.token != nil {
			fault.token(s, &d)
		}
	}
	signed, err := d.sign()
	if err != nil {
		return err
	}
	document[coreIdentityClaim] = signed
	for _, fault := range faults {
		if fault.edit != nil {
			fault.edit(w.Header(), document)
		}
	}
	return nil
}

func nameParts(given, family []string) (parts []any) {
	for _, value := range given {
		parts = append(parts, map[string]any{"type": "GivenName", "value": value})
	}
	for _, value := range family {
		parts = append(parts, map[string]any{"type": "FamilyName", "value": value})
	}
	return parts
}
