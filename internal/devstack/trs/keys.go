package trs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net/http"
	"time"
)

// signingKey is a key of the signatures, as the real one's command line makes
// them: on P-384, with a self-signed certificate for a year.
type signingKey struct {
	id          string
	private     *ecdsa.PrivateKey
	certificate []byte // DER
}

func newSigningKey(now time.Time) signingKey {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.Unix()), Subject: pkix.Name{CommonName: "Webhooks of the stand-in"},
		NotBefore: now, NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		panic(err) // template and key are always the same
	}
	return signingKey{id: randomHex(), private: private, certificate: certificate}
}

// RotateKey has a new key sign from now on. It is listed at once, beside the one
// that signed before; older ones no longer are.
func (s *Server) RotateKey() {
	fresh := newSigningKey(s.config.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = []signingKey{s.keys[len(s.keys)-1], fresh}
}

// jwks lists the keys, to anybody (GET /webhook-jwks).
func (s *Server) jwks(w http.ResponseWriter, r *http.Request) {
	defer s.count(AtKeys, r)()
	if err := firstBroken(manners(r)...); err != nil {
		s.refuse(w, AtKeys, err)
		return
	}
	list := []object{}
	s.mu.Lock()
	for _, key := range s.keys {
		list = append(list, key.jwk())
	}
	s.mu.Unlock()
	s.send(w, r, AtKeys, reply{status: http.StatusOK, body: object{"keys": list}})
}

// jwk is the public key, as RFC 7517 has it.
func (k signingKey) jwk() object {
	point, err := k.private.PublicKey.Bytes() // 4, then x and y of 48 bytes each
	if err != nil {
		panic(err) // a key of ours
	}
	return object{
		"kty": "EC", "crv": "P-384", "use": "sig", "alg": "ES384", "kid": k.id,
		"x":   base64.RawURLEncoding.EncodeToString(point[1:49]),
		"y":   base64.RawURLEncoding.EncodeToString(point[49:]),
		"x5c": []string{base64.StdEncoding.EncodeToString(k.certificate)},
	}
}

// randomHex is 32 hexadecimal digits.
func randomHex() string {
	random := make([]byte, 16)
	rand.Read(random)
	return hex.EncodeToString(random)
}
