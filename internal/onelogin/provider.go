package onelogin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
	// Its members are matched by case and none may come twice, so that no two
	// readers can understand one document differently.
	"github.com/go-jose/go-jose/v4/json"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// metadata is what we need of the discovery document (OpenID Connect Discovery,
// section 3). No feature is steered by its other members: live and simulator
// differ in them.
type metadata struct {
	Issuer    string `json:"issuer"`
	Authorize string `json:"authorization_endpoint"`
	Token     string `json:"token_endpoint"`
	Userinfo  string `json:"userinfo_endpoint"`
	Keys      string `json:"jwks_uri"`
	Logout    string `json:"end_session_endpoint"`
}

// keySet is public keys by kid, each with the one algorithm it may be used for.
type keySet map[string]jose.JSONWebKey

// These three, the token endpoint and userinfo are the only addresses ever
// called. All come from the configuration or from the discovery document below
// the configured issuer, never from a token.

func (rp *RelyingParty) fetchMetadata(ctx context.Context) (m metadata, h http.Header, err error) {
	body, h, err := rp.fetch(ctx, strings.TrimSuffix(rp.cfg.Issuer, "/")+"/.well-known/openid-configuration")
	if err == nil {
		m, err = parseMetadata(body, rp.cfg.Issuer)
	}
	return m, h, err
}

func (rp *RelyingParty) fetchKeys(ctx context.Context) (keys keySet, h http.Header, err error) {
	meta, err := rp.metadata.get(ctx)
	if err != nil {
		return nil, nil, err
	}
	body, h, err := rp.fetch(ctx, meta.Keys)
	if err == nil {
		keys, err = parseKeys(body)
	}
	return keys, h, err
}

func (rp *RelyingParty) fetchDID(ctx context.Context) (keys keySet, h http.Header, err error) {
	body, h, err := rp.fetch(ctx, rp.cfg.DIDURL)
	if err == nil {
		keys, err = parseDID(body, rp.controller)
	}
	return keys, h, err
}

func (rp *RelyingParty) fetch(ctx context.Context, address string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	res, err := rp.call(req)
	if err != nil {
		return nil, nil, err
	}
	if res.status != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answered %d", address, res.status)
	}
	return res.body, res.header, nil
}

func parseMetadata(body []byte, issuer string) (metadata, error) {
	var m metadata
	if err := json.Unmarshal(body, &m); err != nil {
		return metadata{}, fmt.Errorf("read discovery document: %w", err)
	}
	// Discovery, section 4.3: the very issuer that was asked, slash included.
	if m.Issuer != issuer {
		return metadata{}, fmt.Errorf("discovery document is of issuer %.100q, not %q", m.Issuer, issuer)
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return metadata{}, fmt.Errorf("read issuer: %w", err)
	}
	for _, endpoint := range []struct{ member, address string }{
		{"authorization_endpoint", m.Authorize},
		{"token_endpoint", m.Token},
		{"userinfo_endpoint", m.Userinfo},
		{"jwks_uri", m.Keys},
		{"end_session_endpoint", m.Logout},
	} {
		if err := checkAddress(endpoint.address, loopback(u.Hostname())); err != nil {
			return metadata{}, fmt.Errorf("discovery document: %s %.100q %w", endpoint.member, endpoint.address, err)
		}
	}
	return m, nil
}

// parseKeys reads a JWK set. Keys we could not use are passed over, as RFC 7517,
// section 5 asks: one odd key must not take the others with it.
func parseKeys(body []byte) (keySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	if set.Keys == nil {
		return nil, errors.New("key set has no keys member")
	}
	keys := keySet{}
	for _, raw := range set.Keys {
		if key, ok := usableKey(raw); ok && key.KeyID != "" {
			keys[key.KeyID] = key
		}
	}
	return keys, nil
}

// parseDID reads a DID document (W3C DID Core 1.0) of the one controller we
// trust. Key ids in it are controller, "#", fragment.
func parseDID(body []byte, controller string) (keySet, error) {
	var did struct {
		ID              string            `json:"id"`
		AssertionMethod []json.RawMessage `json:"assertionMethod"`
	}
	if err := json.Unmarshal(body, &did); err != nil {
		return nil, fmt.Errorf("read DID document: %w", err)
	}
	if did.ID != controller {
		return nil, fmt.Errorf("DID document is of %.100q, not %q", did.ID, controller)
	}
	if did.AssertionMethod == nil {
		return nil, errors.New("DID document has no assertionMethod member")
	}
	keys := keySet{}
	for _, raw := range did.AssertionMethod {
		var method struct {
			ID         string          `json:"id"`
			Controller string          `json:"controller"`
			Key        json.RawMessage `json:"publicKeyJwk"`
		}
		// A string here would refer to a key of another section; One Login has none.
		if json.Unmarshal(raw, &method) != nil || method.Controller != controller {
			continue
		}
		// Core identity JWTs are ES256 only.
		if key, ok := usableKey(method.Key); ok && key.Algorithm == string(jose.ES256) {
			key.KeyID = method.ID
			keys[key.KeyID] = key
		}
	}
	return keys, nil
}

// usableKey reads a public signature key and settles its algorithm: a P-256 key
// is for ES256, an RSA key for RS256 and only when it says so itself. The member
// use is optional, the simulator leaves it out.
func usableKey(raw []byte) (jose.JSONWebKey, bool) {
	var key jose.JSONWebKey
	if json.Unmarshal(raw, &key) != nil || key.Use != "" && key.Use != "sig" {
		return key, false
	}
	switch public := key.Key.(type) {
	case *ecdsa.PublicKey:
		if key.Algorithm == "" {
			key.Algorithm = string(jose.ES256)
		}
		return key, public.Curve == elliptic.P256() && key.Algorithm == string(jose.ES256)
	case *rsa.PublicKey:
		return key, public.N.BitLen() >= 2048 && key.Algorithm == string(jose.RS256)
	}
	return key, false
}

// keyFor finds the key a token says it was signed with. One that is not listed is
// looked for once more in a fresh copy, then refused and reported: it means a
// forgery, or a mistake One Login wants to hear of.
func (rp *RelyingParty) keyFor(ctx context.Context, set *document[keySet], kid string) (jose.JSONWebKey, error) {
	keys, err := set.get(ctx)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	key, ok := keys[kid]
	if !ok {
		key, ok = set.newer(ctx)[kid]
	}
	if !ok {
		rp.cfg.Logger.ErrorContext(ctx, "incident: a token names a key that One Login does not list; report it at https://www.sign-in.service.gov.uk/support",
			"document", set.what, "kid", fmt.Sprintf("%.100q", kid), "client_id", rp.cfg.ClientID)
		return jose.JSONWebKey{}, fmt.Errorf("kid is not in One Login's %s: %w", set.what, journey.SignInProblem)
	}
	return key, nil
}
