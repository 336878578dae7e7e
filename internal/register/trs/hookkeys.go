package trs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	freshKeys = time.Hour      // after which they are fetched again
	staleKeys = 24 * time.Hour // after which they are not believed, when that fails
	keysPause = time.Minute    // between two fetches at least, so that no stranger makes us hammer TRS

	maxKeySet = 64 << 10 // of the answer, in bytes
)

// hookKeys are the keys that TRS signs webhooks with. It lists several, and
// changes them. They are only ever fetched from the configured address.
type hookKeys struct {
	WebhookConfig
	flights singleflight.Group
	tried   time.Time // when the last fetch began; for the one in flight alone

	mu      sync.Mutex // guards what follows
	keys    map[string]*ecdsa.PublicKey
	fetched time.Time
	err     error // of the last fetch
}

// find is the key with the id. It is fetched when it is not at hand, or has been
// for long.
func (k *hookKeys) find(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	key, age, _ := k.held(id)
	if key != nil && age < freshKeys {
		return key, nil
	}
	k.flights.Do("", func() (any, error) {
		k.refresh(ctx)
		return nil, nil
	})
	key, age, err := k.held(id)
	switch {
	case key != nil && age < staleKeys:
		return key, nil
	case err != nil: // it may be a new key that we were not told of
		return nil, failed("webhook-jwks", err)
	}
	return nil, forged("the key is none of TRS's")
}

// held is what is known of the key with the id.
func (k *hookKeys) held(id string) (key *ecdsa.PublicKey, age time.Duration, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys[id], k.Now().Sub(k.fetched), k.err
}

// refresh replaces all keys, unless that was tried just now. Keys that are no
// longer listed are gone.
func (k *hookKeys) refresh(ctx context.Context) {
	if now := k.Now(); now.Sub(k.tried) >= keysPause {
		k.tried = now
	} else {
		return
	}
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err = err; err == nil {
		k.keys, k.fetched = keys, k.tried
		return
	}
	k.Logger.WarnContext(ctx, "could not fetch the keys of the Teaching Record System's webhooks", "error", err, "old_copy", k.keys != nil)
}

// fetch outlives the delivery that caused it, because others may wait for it.
func (k *hookKeys) fetch(ctx context.Context) (map[string]*ecdsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.TRS+"/webhook-jwks", nil)
	if err != nil {
		return nil, errFailed
	}
	req.Header.Set("User-Agent", k.UserAgent)
	req.Header.Set("Accept", "application/json")
	resp, err := k.HTTP.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, bare(err)
	case resp.StatusCode != http.StatusOK:
		return nil, errors.New("status " + strconv.Itoa(resp.StatusCode))
	case len(body) > maxKeySet:
		return nil, errors.New("the answer is too large")
	}
	return parseKeySet(body)
}

// parseKeySet reads a JWK set (RFC 7517). What is no key for webhooks is left
// out, whatever it is. An empty set is one: TRS may withdraw its last key.
func parseKeySet(body []byte) (map[string]*ecdsa.PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &set) != nil || set.Keys == nil {
		return nil, errors.New("an answer that is not a JWK set")
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, raw := range set.Keys {
		// TRS writes the names as .NET does; encoding/json takes any case.
		var key jwk
		if json.Unmarshal(raw, &key) != nil {
			continue
		}
		if public, ok := key.public(); ok {
			keys[key.ID] = public
		}
	}
	return keys, nil
}

// jwk is what is read of a key (RFC 7518 section 6.2).
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// public is the key, if it is one that signs webhooks.
func (k jwk) public() (*ecdsa.PublicKey, bool) {
	if k.Type != "EC" || k.Curve != "P-384" || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != "ES384" {
		return nil, false
	}
	x, errX := base64.RawURLEncoding.DecodeString(k.X)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y)
	if errX != nil || errY != nil {
		return nil, false
	}
	// SEC 1 section 2.3.3. What is not of the right length, or no point of the
	// curve, is refused.
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), slices.Concat([]byte{4}, x, y))
	return key, err == nil
}
