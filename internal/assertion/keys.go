package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// parseKey reads the one EC P-256 private key in text, PEM, either PKCS #8
// ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY"). The errors say what was found
// instead, and nothing of it.
func parseKey(text string) (*ecdsa.PrivateKey, error) {
	blocks := pemBlocks(text)
	switch len(blocks) {
	case 0:
		return nil, errors.New("empty, or not PEM")
	case 1:
	default:
		return nil, fmt.Errorf("%d PEM blocks where one private key is wanted; give each key by itself", len(blocks))
	}

	var key any
	var err error
	switch block := blocks[0]; block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return nil, errRSA
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, fmt.Errorf("a %s; signing needs the private key", strings.ToLower(block.Type))
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("the private key is encrypted; give it without a passphrase")
	default:
		return nil, fmt.Errorf("a PEM block of type %q is not a private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}

	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		if key.Curve != elliptic.P256() {
			return nil, fmt.Errorf("a key on curve %s; ES256 needs P-256", key.Curve.Params().Name)
		}
		return key, nil
	case *rsa.PrivateKey:
		return nil, errRSA
	default:
		return nil, errors.New("not an EC key; ES256 needs an EC key on P-256")
	}
}

var errRSA = errors.New("an RSA key; ES256 needs an EC key on P-256 (the RSA key is for GOV.UK One Login alone)")

// pemBlocks returns the blocks in text but for the curve's parameters, which
// "openssl ecparam -genkey" writes before the key and the key repeats.
func pemBlocks(text string) []*pem.Block {
	var blocks []*pem.Block
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return blocks
		}
		if block.Type != "EC PARAMETERS" {
			blocks = append(blocks, block)
		}
	}
}

// publicKey is the JSON Web Key (RFC 7517) for the public half of key, named
// by its thumbprint (RFC 7638), so that nobody has to think of names and a key
// moved up the list keeps its own.
func publicKey(key *ecdsa.PrivateKey) (jose.JSONWebKey, error) {
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
	for i, key := range keys {
		if slices.ContainsFunc(keys[:i], func(k jose.JSONWebKey) bool { return k.KeyID == key.KeyID }) {
			return published{}, errors.New("the same key is given twice")
		}
	}
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
