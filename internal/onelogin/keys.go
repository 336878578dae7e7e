package onelogin

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// ServeJWKS answers with the public half of our keys as a JWK set (RFC 7517).
// One Login fetches it when it sees a kid it has not cached, and then keeps that
// key for up to 24 hours: publish a new key before it signs, and do not expect a
// removed key to be revoked.
func (rp *RelyingParty) ServeJWKS(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Write(rp.jwks)
}

// KeyID names a key of ours to One Login: its RFC 7638 thumbprint, SHA-256, in
// base64url. It is the same on every replica and needs no configuration.
func KeyID(key *rsa.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint of the One Login key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// prepareKeys makes a signer of the first key and the JWK set of all. RS256 is
// what every client can be registered with; One Login takes no EC keys of ours.
func prepareKeys(keys []*rsa.PrivateKey) (jose.Signer, []byte, error) {
	if len(keys) == 0 {
		return nil, nil, errors.New("the One Login private key is missing")
	}
	var published jose.JSONWebKeySet
	for i, key := range keys {
		if key == nil || key.N.BitLen() < 2048 {
			return nil, nil, fmt.Errorf("the One Login private key %d must be RSA of at least 2048 bits", i+1)
		}
		kid, err := KeyID(&key.PublicKey)
		if err != nil {
			return nil, nil, err
		}
		if len(published.Key(kid)) > 0 {
			return nil, nil, fmt.Errorf("the One Login private key %d is configured twice", i+1)
		}
		// The simulator needs use and alg as well; PublicKey leaves no private
		// member to publish by mistake.
		published.Keys = append(published.Keys, jose.JSONWebKey{Key: &key.PublicKey, KeyID: kid, Use: "sig", Algorithm: string(jose.RS256)})
	}
	// With the keys published, kid is compulsory in all that is signed.
	first := jose.JSONWebKey{Key: keys[0], KeyID: published.Keys[0].KeyID}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: first}, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare the One Login key: %w", err)
	}
	set, err := json.Marshal(published)
	if err != nil {
		return nil, nil, fmt.Errorf("publish the One Login keys: %w", err)
	}
	return signer, set, nil
}

// signed is claims as a compact JWS by our first key.
func (rp *RelyingParty) signed(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	jws, err := rp.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign claims: %w", err)
	}
	return jws.CompactSerialize()
}
