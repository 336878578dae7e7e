package onelogin

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

func (s *Server) discovery(w http.ResponseWriter, r *http.Request) error {
	base := s.config.Issuer
	w.Header().Set("Cache-Control", "public, max-age=86400")
	return s.answer(w, r, AtDiscovery, eitherJourney, claims{
		"issuer":                                base,
		"authorization_endpoint":                base + "authorize",
		"token_endpoint":                        base + "token",
		"userinfo_endpoint":                     base + "userinfo",
		"end_session_endpoint":                  base + "logout",
		"jwks_uri":                              base + ".well-known/jwks.json",
		"trustmarks":                            base + "trustmark",
		"response_types_supported":              []string{"code"},
		"grant_types_supported":                 []string{"authorization_code"},
		"subject_types_supported":               []string{"public", "pairwise"},
		"scopes_supported":                      []string{"openid", "email", "phone", "offline_access"},
		"claims_supported":                      []string{"sub", "email", "email_verified", "phone_number", "phone_number_verified", coreIdentityClaim, returnCodeClaim},
		"claim_types_supported":                 []string{"normal"},
		"token_endpoint_auth_methods_supported": []string{"private_key_jwt", "client_secret_post"},
		"token_endpoint_auth_signing_alg_values_supported": clientAlgs,
		"id_token_signing_alg_values_supported":            []string{"ES256", "RS256"},
		"code_challenge_methods_supported":                 []string{"S256"},
		"ui_locales_supported":                             []string{"en", "cy"},
		"request_parameter_supported":                      true,
		"request_uri_parameter_supported":                  false,
		"backchannel_logout_supported":                     true,
		"backchannel_logout_session_supported":             false,
	})
}

// jwks lists an unrelated key first, as the real provider lists its
// document-checking key: keys must be chosen by kid, never by position.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	keys := []any{s.unrelated.Public()}
	for _, key := range s.idKeys.published {
		keys = append(keys, key.Public())
	}
	s.mu.Unlock()
	w.Header().Set("Cache-Control", "public, max-age=86400")
	return s.answer(w, r, AtJWKS, eitherJourney, claims{"keys": plain(keys)})
}

func (s *Server) did(w http.ResponseWriter, r *http.Request) error {
	var methods []any
	s.mu.Lock()
	for _, key := range s.didKeys.published {
		public := claims(plain(key.Public()).(map[string]any))
		maps.DeleteFunc(public, func(member string, _ any) bool { return member == "kid" || member == "use" })
		methods = append(methods, map[string]any{
			"id": s.controller + "#" + key.KeyID, "type": "JsonWebKey", "controller": s.controller, "publicKeyJwk": map[string]any(public),
		})
	}
	s.mu.Unlock()
	w.Header().Set("Cache-Control", "private, max-age=3600")
	return s.answer(w, r, AtDID, eitherJourney, claims{
		"@context": []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"},
		"id":       s.controller, "assertionMethod": methods,
	})
}

// answer sends a document as JSON, with the faults played there.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, stage Stage, journey Journey, document claims) error {
	faults := s.take(stage, journey)
	for _, fault := range faults {
		if fault.answer != nil && fault.answer(s, w, r) {
			return nil
		}
		if fault.edit != nil {
			fault.edit(w.Header(), document)
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	for _, fault := range faults {
		if fault.text != nil {
			text = []byte(fault.text(string(text)))
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // fails only when the caller has gone
	return nil
}

// plain is the value as its JSON, so that faults can edit any member.
func plain(value any) (out any) {
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		panic(err) // keys we made ourselves
	}
	return out
}

// clientAlgs are the algorithms of request objects and client assertions. The
// real provider accepts no EC key of a client.
var clientAlgs = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
