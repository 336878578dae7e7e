package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// publicKey is the JSON Web Key (RFC 7517) for the public half of key, named
// by its thumbprint (RFC 7638), so that nobody has to think of names and a key
// moved up the list keeps its own.
func publicKey(key *ecdsa.PrivateKey) (jose.JSONWebKey, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return jose.JSONWebKey{}, errors.New("ES256 needs an EC key on P-256")
	}
	jwk := jose.JSONWebKey{Key: key.Public(), Use: "sig", Algorithm: string(jose.ES256)}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return jwk, fmt.Errorf("name public key: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return jwk, nil
}

// published is the JSON Web Key Set as it is served, made once.
type published struct {
	body string
	etag string
}

func publish(keys []jose.JSONWebKey) (published, error) {
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return published{}, fmt.Errorf("write key set: %w", err)
	}
	sum := sha256.Sum256(body)
	return published{
		body: string(body),
		etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
	}, nil
}

// ServeKeys serves the public keys, all of them, as a JSON Web Key Set. It is
// public and the same for everyone. A verifier may keep the answer for five
// minutes, so a new key is published ten minutes before it signs.
func (s *Signer) ServeKeys(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Etag", s.keys.etag)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(s.keys.body))
}
