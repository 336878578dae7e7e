package onelogin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// keyring is one purpose's keys: one signs, and some are published. They
// differ only while a fault is played. Guarded by Server.mu.
type keyring struct {
	signing   jose.JSONWebKey
	published []jose.JSONWebKey
}

func newKeyring() keyring {
	key := newKey()
	return keyring{signing: key, published: []jose.JSONWebKey{key}}
}

// signingKey is the key of the ring that signs now.
func (s *Server) signingKey(ring *keyring) jose.JSONWebKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ring.signing
}

// newKey makes an EC P-256 key with a key id like the real ones: 64 hex digits.
func newKey() jose.JSONWebKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return named(key, jose.ES256)
}

func newRSAKey() jose.JSONWebKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return named(key, jose.RS256)
}

func named(key any, alg jose.SignatureAlgorithm) jose.JSONWebKey {
	id := sha256.Sum256([]byte(rand.Text()))
	return jose.JSONWebKey{Key: key, KeyID: hex.EncodeToString(id[:]), Algorithm: string(alg), Use: "sig"}
}

// draft is a token about to be signed. Faults change it.
type draft struct {
	header map[jose.HeaderKey]any // beside alg and kid
	kid    string                 // "" leaves it out
	alg    jose.SignatureAlgorithm
	key    any
	claims claims
	array  bool                        // the claims are signed in an array
	finish func(compact string) string // what to do to the signed token; nil: nothing
}

func (d draft) sign() (string, error) {
	payload, err := json.Marshal(d.claims)
	if d.array {
		payload, err = json.Marshal([]claims{d.claims})
	}
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: d.alg, Key: jose.JSONWebKey{Key: d.key, KeyID: d.kid}}, &jose.SignerOptions{ExtraHeaders: d.header})
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	compact, err := signed.CompactSerialize()
	if err == nil && d.finish != nil {
		compact = d.finish(compact)
	}
	return compact, err
}
