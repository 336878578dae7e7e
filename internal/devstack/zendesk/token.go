package zendesk

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

// grant is an access token that was given out.
type grant struct {
	scopes  []string
	expires time.Time
}

// token gives an access token to the client itself (OAuth 2.0 client credentials).
func (s *Server) token(r *http.Request) (reply, error) {
	var body struct {
		GrantType    string `json:"grant_type"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Scope        string `json:"scope"`
	}
	if err := decode(r, &body); err != nil {
		return reply{}, err
	}
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	scopes := strings.Fields(body.Scope)
	if r.Header.Get("Authorization") != "" {
		return reply{}, violation{http.StatusBadRequest, "", "invalid_request", "the client is named in the body, not in an Authorization"}
	}
	switch {
	case body.GrantType != "client_credentials":
		return reply{}, violation{http.StatusBadRequest, "400", "unsupported_grant_type", "grant_type must be client_credentials"}
	case !same(body.ClientID, s.config.ClientID) || !same(body.ClientSecret, s.config.ClientSecret):
		return reply{}, violation{http.StatusUnauthorized, "401", "invalid_client", "the client is unknown, or its secret is wrong"}
	case len(scopes) == 0:
		return reply{}, violation{http.StatusBadRequest, "", "invalid_scope", "the scope must be named"}
	}
	for _, scope := range scopes {
		switch scope {
		case "tickets:read", "tickets:write":
		case "read", "write", "impersonate":
			return reply{}, violation{http.StatusBadRequest, "", "invalid_scope", "the scope must be tickets:read and tickets:write, not more"}
		default:
			return reply{}, violation{http.StatusBadRequest, "400", "invalid_scope", "there is no such scope here"}
		}
	}
	value := rand.Text()
	s.mu.Lock()
	s.tokens[value] = grant{scopes, s.config.Now().Add(s.config.TokenLife)}
	s.mu.Unlock()
	return reply{status: http.StatusOK, body: object{
		"access_token": value, "token_type": "bearer", "scope": body.Scope, "expires_in": int(s.config.TokenLife / time.Second),
	}}, nil
}

// authorise looks at the access token.
func (s *Server) authorise(r *http.Request, at Endpoint) error {
	values := r.Header.Values("Authorization")
	var value string
	if len(values) == 1 {
		if scheme, rest, _ := strings.Cut(values[0], " "); strings.EqualFold(scheme, "Bearer") {
			value = rest
		}
	}
	s.mu.Lock()
	granted, known := s.tokens[value]
	s.mu.Unlock()
	needed := "tickets:read"
	if at == AtCreate {
		needed = "tickets:write"
	}
	switch {
	case !known:
		return violation{http.StatusUnauthorized, "401", "invalid_token", "the access token is missing, unknown, or not in a Bearer Authorization"}
	case !s.config.Now().Before(granted.expires):
		return violation{http.StatusUnauthorized, "401", "invalid_token", "the access token has expired"}
	case !slices.Contains(granted.scopes, needed):
		return violation{http.StatusForbidden, "403", "Forbidden", "the access token lacks the scope " + needed}
	}
	return nil
}

// RevokeTokens makes every access token that was given out worthless, as an
// administrator can.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}
