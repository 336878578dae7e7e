package onelogin

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// claims are the members of a JWT or a JSON document.
type claims map[string]any

// text is a member that is a plain string, or "".
func (c claims) text(member string) string {
	value, _ := c[member].(string)
	return value
}

// at is a member that is a NumericDate in whole seconds (RFC 7519 section 2).
func (c claims) at(member string) (time.Time, bool) {
	seconds, ok := c[member].(float64)
	if !ok || seconds != math.Trunc(seconds) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// clientJWT opens what a client signed: a request object or an assertion. The
// real provider answers badToken to a bad token, and badKey when the client's
// key cannot be had.
func (s *Server) clientJWT(ctx context.Context, client *Client, compact, what, badToken, badKey string) (claims, error) {
	jws, err := jose.ParseSignedCompact(compact, clientAlgs)
	if err != nil {
		return nil, breaks(badToken, what+" must be a compact JWS, signed with RS256, RS384, RS512, PS256, PS384 or PS512")
	}
	header := jws.Signatures[0].Protected
	if err := firstBroken(
		rule{header.KeyID == "", badKey, what + " must name its key: kid is missing"},
		rule{header.JSONWebKey != nil || header.ExtraHeaders["jku"] != nil || header.ExtraHeaders["x5u"] != nil, badToken, what + " must not bring its own key (jwk, jku, x5u)"},
		rule{!slices.Contains([]any{nil, "JWT", "oauth-authz-req+jwt"}, header.ExtraHeaders[jose.HeaderType]), badToken, what + " has a typ that it cannot have"},
	); err != nil {
		return nil, err
	}
	key, err := s.clientKey(ctx, client, header.KeyID, badKey)
	if err != nil {
		return nil, err
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, breaks(badToken, what+" has a signature that does not verify with the key of its kid")
	}
	if key.Algorithm != "" && key.Algorithm != header.Algorithm {
		return nil, breaks(badToken, what+" has another alg than its key is published for")
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, breaks(badToken, what+" must be a JSON object")
	}
	return c, nil
}

// clientKey finds a client's key as the real provider does: it asks the
// client's JWKS URL only for a kid it does not know, and then trusts that key
// for a day, whatever is published later.
func (s *Server) clientKey(ctx context.Context, client *Client, kid, live string) (jose.JSONWebKey, error) {
	s.mu.Lock()
	known, ok := s.clientKeys.get(client.ID + " " + kid)
	s.mu.Unlock()
	if ok {
		return known, nil
	}
	keys := client.Keys
	if client.JWKSURL != "" {
		var err error
		if keys, err = s.fetchKeys(ctx, client.JWKSURL, live); err != nil {
			return jose.JSONWebKey{}, err
		}
	}
	i := slices.IndexFunc(keys, func(k jose.JSONWebKey) bool { return k.KeyID == kid })
	if i < 0 {
		return jose.JSONWebKey{}, breaks(live, "the kid is not among the keys the client publishes")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clientKeys.put(client.ID+" "+kid, keys[i], clientKeyLife)
	return keys[i], nil
}

// fetchKeys reads a client's JWKS and holds it to the rules for one.
func (s *Server) fetchKeys(ctx context.Context, url, live string) ([]jose.JSONWebKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.config.HTTP.Do(request)
	if err != nil {
		return nil, breaks(live, "the client's JWKS could not be fetched within five seconds")
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	var set struct {
		Keys []claims `json:"keys"`
	}
	if response.StatusCode != http.StatusOK || err != nil || json.Unmarshal(body, &set) != nil || len(set.Keys) == 0 {
		return nil, breaks(live, "the client's JWKS must be answered with 200 and a JSON object that lists keys")
	}
	var kids []string
	for _, key := range set.Keys {
		private := slices.ContainsFunc([]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}, func(member string) bool { _, ok := key[member]; return ok })
		if err := firstBroken(
			rule{private, "", "the client's JWKS publishes a private or secret key"},
			rule{key.text("kty") != "RSA" || key.text("use") != "sig", live, "every key of the client's JWKS must be an RSA key with use sig"},
			rule{!slices.Contains(clientAlgs, jose.SignatureAlgorithm(key.text("alg"))), "", "every key of the client's JWKS must say its RSA alg"},
			rule{key.text("kid") == "" || slices.Contains(kids, key.text("kid")), live, "every key of the client's JWKS must have a kid of its own"},
		); err != nil {
			return nil, err
		}
		kids = append(kids, key.text("kid"))
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(body, &keys); err != nil {
		return nil, breaks(live, "the client's JWKS holds a key that cannot be read")
	}
	for _, key := range keys.Keys {
		if public, ok := key.Key.(*rsa.PublicKey); !ok || public.N.BitLen() < 2048 {
			return nil, breaks(live, "a key of the client's JWKS has fewer than 2048 bits")
		}
	}
	return keys.Keys, nil
}

// unused reports whether the value is met for the first time, and remembers it.
func (s *Server) unused(kind, value string, life time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.seen.get(kind + " " + value); ok {
		return false
	}
	s.seen.put(kind+" "+value, true, life)
	return true
}
