package caddymodule

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"path"
	"strings"
)

// One command each that makes what is missing.
const (
	makeRSAKey = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
	makeECKey  = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
	makeSecret = "openssl rand -base64 32"
)

// minRSABits is the least that One Login and RFC 7518 section 3.3 accept.
const minRSABits = 2048

// parseRSAKey reads the key we sign with towards One Login, which accepts RSA
// keys only.
func parseRSAKey(text string) (*rsa.PrivateKey, error) {
	key, err := parsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%w; make an RSA key with: %s", err, makeRSAKey)
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("is %s, but One Login takes RSA keys only; make one with: %s", describe(key), makeRSAKey)
	}
	if bits := rsaKey.N.BitLen(); bits < minRSABits {
		return nil, fmt.Errorf("is an RSA key of %d bits, but it needs %d or more; make one with: %s", bits, minRSABits, makeRSAKey)
	}
	return rsaKey, nil
}

// parseECKey reads the key that signs assertions: ES256, so P-256.
func parseECKey(text string) (*ecdsa.PrivateKey, error) {
	key, err := parsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%w; make an EC P-256 key with: %s", err, makeECKey)
	}
	ecKey, ok := key.(*ecdsa.PrivateKey)
	if !ok || ecKey.Curve != elliptic.P256() {
		return nil, fmt.Errorf("is %s, but assertions are signed with EC P-256 keys only; make one with: %s", describe(key), makeECKey)
	}
	return ecKey, nil
}

// parsePrivateKey reads the one private key in a PEM text. Its errors begin
// with a verb, to follow the name of the setting, and hold nothing of the text.
func parsePrivateKey(text string) (any, error) {
	block, rest := pem.Decode([]byte(text))
	// "openssl ecparam -genkey" writes the curve in front, for nobody's use.
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		if strings.Contains(text, `\n`) {
			return nil, errors.New(`has \n written out where its lines should end; give it real line ends, or keep it in a file and write {file./path}`)
		}
		if suffix := path.Ext(text); suffix == ".pem" || suffix == ".key" {
			return nil, errors.New("is the name of a file and not what it holds; write {file./path} with it")
		}
		return nil, errors.New("is not a PEM text")
	}
	if second, _ := pem.Decode(rest); second != nil {
		return nil, errors.New("holds more than one PEM block; give each key its own line")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("is protected by a passphrase")
	}
	parse, ok := map[string]func([]byte) (any, error){
		"PRIVATE KEY":     x509.ParsePKCS8PrivateKey,
		"RSA PRIVATE KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
		"EC PRIVATE KEY":  func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
	}[block.Type]
	if !ok {
		return nil, fmt.Errorf("is a PEM %s, not a private key", strings.ToLower(block.Type))
	}
	key, err := parse(block.Bytes)
	if err != nil {
		return nil, errors.New("is a damaged or unusual private key")
	}
	return key, nil
}

// describe names the kind of a private key.
func describe(key any) string {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
	case *ecdsa.PrivateKey:
		return "an EC " + key.Curve.Params().Name + " key"
	}
	return "a key of another kind"
}

// parseSecret reads 32 or more bytes of base64, in either alphabet, padded or not.
func parseSecret(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	secret, err := base64.RawStdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("is not base64; make one with: %s", makeSecret)
	case len(secret) < 32:
		return nil, fmt.Errorf("is %d bytes long, but it needs 32 or more; make one with: %s", len(secret), makeSecret)
	case bytes.Count(secret, secret[:1]) == len(secret):
		return nil, fmt.Errorf("is the same byte over and over; make one with: %s", makeSecret)
	}
	return secret, nil
}
