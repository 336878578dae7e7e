package onelogin

import (
	"context"
	"crypto"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// leeway is how far One Login's clock and ours may be apart: what One Login
// itself allows.
const leeway = 30 * time.Second

// check is one claim of a token and whether it is as it must be.
type check struct {
	claim string
	ok    bool
}

// failure names the first claim that is not as it must be, or is nil.
func failure(checks []check) error {
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("%s is not as it must be", c.claim)
		}
	}
	return nil
}

// times are the moments in a token, in seconds since 1970. Whole numbers only:
// what 1e300 means depends on the reader.
type times struct {
	Expiry    int64 `json:"exp"`
	IssuedAt  int64 `json:"iat"`
	NotBefore int64 `json:"nbf"`
}

// idToken is what we keep of an ID token.
type idToken struct {
	subject, vot string
	authTime     int64 // seconds since 1970, 0 when absent
}

// checkIDToken checks the ID token among t. The steps are those of OpenID Connect
// Core, section 3.1.3.7, and of One Login's page on understanding your user's
// tokens; nothing is believed before the last of them.
func (rp *RelyingParty) checkIDToken(ctx context.Context, t tokens, nonce string) (idToken, error) {
	kid, err := keyID(t.ID, jose.ES256, jose.RS256) // never none, never HS256
	if err != nil {
		return idToken{}, fmt.Errorf("check ID token: %w: %w", err, journey.SignInProblem)
	}
	key, err := rp.keyFor(ctx, rp.keys, kid) // listed by One Login
	if err != nil {
		return idToken{}, fmt.Errorf("check ID token: %w", err)
	}
	token, err := rp.verify(ctx, t.ID, key, rp.cfg.Issuer) // alg, signature, iss, aud
	if err != nil {
		return idToken{}, fmt.Errorf("check ID token: %w: %w", err, journey.SignInProblem)
	}
	var claims struct {
		times
		AuthorizedParty string `json:"azp"`
		VOT             string `json:"vot"`
		AuthTime        int64  `json:"auth_time"`
	}
	if err := read(token, &claims); err != nil {
		return idToken{}, fmt.Errorf("check ID token: %w: %w", err, journey.SignInProblem)
	}
	earliest, latest := rp.cfg.Now().Add(-leeway).Unix(), rp.cfg.Now().Add(leeway).Unix()
	err = failure([]check{
		{"azp", claims.AuthorizedParty == rp.cfg.ClientID || claims.AuthorizedParty == "" && len(token.Audience) == 1}, // Core 3.1.3.7 (4), (5)
		{"exp", claims.Expiry > earliest},                                                             // Core 3.1.3.7 (9)
		{"iat", claims.IssuedAt > 0 && claims.IssuedAt <= latest},                                     // One Login: in the past
		{"nbf", claims.NotBefore <= latest},                                                           // RFC 7519, 4.1.5
		{"nonce", nonce != "" && subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) == 1}, // Core 3.1.3.7 (11)
		{"sub", token.Subject != "" && len(token.Subject) <= 255},                                     // Core 2
		{"vot", claims.VOT == "Cl.Cm"},                                                                // One Login: the credential level, never a P
		{"auth_time", claims.AuthTime <= latest},                                                      // Core 2: when it occurred
		{"at_hash", token.AccessTokenHash == "" || token.VerifyAccessToken(t.Access) == nil},          // Core 3.1.3.8
	})
	if err != nil {
		return idToken{}, fmt.Errorf("check ID token: %w: %w", err, journey.SignInProblem)
	}
	return idToken{token.Subject, claims.VOT, claims.AuthTime}, nil
}

// keyID is the kid in the header of a compact JWS that claims one of algorithms.
// Other members of the header (jku, jwk, x5u …) are of no consequence.
func keyID(raw string, algorithms ...jose.SignatureAlgorithm) (string, error) {
	jws, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return "", errors.New("not a JWS with an algorithm that is allowed")
	}
	return jws.Signatures[0].Header.KeyID, nil
}

// verify has go-oidc check what is the same for any token: the one algorithm of
// key, the signature, iss and aud. Times are the callers': go-oidc's leeways are
// not ours.
func (rp *RelyingParty) verify(ctx context.Context, raw string, key jose.JSONWebKey, issuer string) (*oidc.IDToken, error) {
	keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key.Key}}
	return oidc.NewVerifier(issuer, keys, &oidc.Config{
		ClientID:             rp.cfg.ClientID,
		SupportedSigningAlgs: []string{key.Algorithm},
		SkipExpiryCheck:      true,
	}).Verify(ctx, raw)
}

// read takes the claims we need from a token whose signature holds, as strictly
// as every other answer: a member that comes twice, or as another type, is refused.
func read(token *oidc.IDToken, claims any) error {
	var payload json.RawMessage
	if token.Claims(&payload) != nil || json.Unmarshal(payload, claims) != nil {
		// The decoder's own error could quote a value.
		return errors.New("a claim is of the wrong type or comes twice")
	}
	return nil
}
