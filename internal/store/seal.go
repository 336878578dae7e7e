package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// A sealed value is
//
//	version (1 byte) | key id (4) | nonce (12) | AES-256-GCM ciphertext and tag
//
// with version, key id and the Redis key as additional data, so that a value
// copied to another key, or to another kind of thing, does not open. Nonces are
// random: NIST SP 800-38D allows 2^32 of them for a key, far beyond the visits
// of any service in the life of a secret.
const (
	sealVersion = 1
	keyIDLen    = 4
	headerLen   = 1 + keyIDLen
)

const minSecretLen = 32

// keyring is what was derived from the secrets, in their order: the first
// seals, all open.
type keyring []derived

// derived is everything made from one secret, each by HKDF (RFC 5869) with its
// own purpose, so that no key ever does two jobs.
type derived struct {
	id   []byte
	seal map[kind]cipher.AEAD
	hash map[kind][]byte
}

func newKeyring(secrets [][]byte) (keyring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("a secret is required")
	}
	var keys keyring
	for i, secret := range secrets {
		if len(secret) < minSecretLen {
			return nil, fmt.Errorf("secret %d has %d bytes, but %d are required", i+1, len(secret), minSecretLen)
		}
		key, err := derive(secret)
		if err != nil {
			return nil, fmt.Errorf("derive keys from secret %d: %w", i+1, err)
		}
		if slices.ContainsFunc(keys, func(k derived) bool { return bytes.Equal(k.id, key.id) }) {
			return nil, fmt.Errorf("secret %d repeats an earlier one", i+1)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func derive(secret []byte) (derived, error) {
	expand := func(purpose string, n int) ([]byte, error) {
		return hkdf.Key(sha256.New, secret, nil, "caddy-teaching-record store "+purpose, n)
	}
	key := derived{seal: map[kind]cipher.AEAD{}, hash: map[kind][]byte{}}
	var err error
	if key.id, err = expand("key id", keyIDLen); err != nil {
		return derived{}, err
	}
	for _, kind := range append([]kind{visitKind, flowKind}, keptKinds...) {
		aesKey, err := expand("seal "+string(kind), 32)
		if err != nil {
			return derived{}, err
		}
		block, err := aes.NewCipher(aesKey)
		if err != nil {
			return derived{}, err
		}
		if key.seal[kind], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return derived{}, err
		}
	}
	for _, kind := range append([]kind{visitsOfKind, visitsOnKind, attemptsKind, seenKind, latestKind}, keptKinds...) {
		if key.hash[kind], err = expand("hash "+string(kind), 32); err != nil {
			return derived{}, err
		}
	}
	return key, nil
}

// seal encodes v as JSON and seals it for redisKey. JSON, because fields come
// and go between versions while visits live on: an unknown field is ignored and
// a missing one is zero.
func (k keyring) seal(kind kind, redisKey string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	header := append([]byte{sealVersion}, k[0].id...)
	return k[0].seal[kind].Seal(header, nil, plain, slices.Concat(header, []byte(redisKey))), nil
}

// The ways in which a value may not open. They say nothing of what it holds,
// and nor may the error of a decoder.
var (
	errFormat = errors.New("the format is not one of ours")
	errKeyID  = errors.New("sealed with a secret that is not configured")
	errSeal   = errors.New("the seal is broken: changed, or moved from another key")
)

// open is the reverse of seal, with any of the secrets.
func (k keyring) open(kind kind, redisKey string, sealed []byte, v any) error {
	if len(sealed) < headerLen || sealed[0] != sealVersion {
		return errFormat
	}
	header, box := sealed[:headerLen], sealed[headerLen:]
	i := slices.IndexFunc(k, func(key derived) bool { return bytes.Equal(key.id, header[1:]) })
	if i < 0 {
		return errKeyID
	}
	plain, err := k[i].seal[kind].Open(nil, nil, box, slices.Concat(header, []byte(redisKey)))
	if err != nil {
		return errSeal
	}
	if json.Unmarshal(plain, v) != nil {
		return errFormat
	}
	return nil
}

// names are the Redis keys of what belongs to parts (a subject, or an issuer
// and a subject), one for every secret in their order. What is written goes
// under the first; what was written before a rotation lies under another.
func (k keyring) names(kind kind, parts ...string) []string {
	names := k.hashes(kind, parts...)
	for i, hash := range names {
		names[i] = kind.key(hash)
	}
	return names
}

// hashes are the keyed hashes of parts, one for every secret in their order.
func (k keyring) hashes(kind kind, parts ...string) []string {
	hashes := make([]string, len(k))
	for i, key := range k {
		mac := hmac.New(sha256.New, key.hash[kind])
		for _, part := range parts {
			// With its length in front, no part can run into the next.
			fmt.Fprintf(mac, "%d:%s", len(part), part)
		}
		hashes[i] = hex.EncodeToString(mac.Sum(nil))
	}
	return hashes
}
