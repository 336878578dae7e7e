package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// clockMargin is how far the client's clock may be off, either way.
const clockMargin = 30 * time.Second

// checkToken checks the JSON Web Token: header and claims have the two members
// each that the documentation names, and no others.
func (s *Server) checkToken(r *http.Request) error {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return forbidden("there must be one Authorization header")
	}
	token, isBearer := strings.CutPrefix(values[0], "Bearer ")
	parts := strings.Split(token, ".")
	if !isBearer || len(parts) != 3 {
		return forbidden("Authorization must be Bearer and a JSON Web Token")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return forbidden("each part of the token must be base64url without padding")
		}
	}
	var header struct{ Typ, Alg string }
	if readExactly(decoded[0], &header, "typ", "alg") != nil || header.Typ != "JWT" || header.Alg != "HS256" {
		return forbidden(`the token's header must be {"typ":"JWT","alg":"HS256"}`)
	}
	var claims struct {
		Iss string
		Iat int64
	}
	if readExactly(decoded[1], &claims, "iss", "iat") != nil {
		return forbidden("the token's claims must be iss and iat, whole seconds")
	}
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	age := s.config.Now().Sub(time.Unix(claims.Iat, 0))
	return firstBroken(
		rule{claims.Iss != s.service, forbidden("iss must be the id of the service: service not found")},
		rule{!hmac.Equal(mac.Sum(nil), decoded[2]), forbidden("the signature is not that of the API key: API key not found")},
		rule{age.Abs() > clockMargin, forbidden("iat: the system clock must be accurate to within 30 seconds")},
	)
}
