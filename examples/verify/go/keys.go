package verify

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ErrNoKeys: the public keys could not be fetched yet, so nothing can be said
// about the assertion.
var ErrNoKeys = errors.New("the keys that verify assertions cannot be had")

const (
	maxAge    = 5 * time.Minute  // how long a set is used before it is fetched again
	pause     = 30 * time.Second // between fetches, whatever arrives meanwhile
	firstWait = time.Second      // between fetches as long as none succeeded
	timeout   = 5 * time.Second  // of one fetch
	largest   = 64 << 10         // of a key set, in bytes
)

// keySet finds public keys by their "kid". A set is replaced as a whole, never
// merged, so that a key taken away is gone; while fetching fails the last good
// one is used.
type keySet struct {
	url  string // "" when the keys are pinned
	http *http.Client
	now  func() time.Time

	current atomic.Pointer[fetched]

	fetching sync.Mutex
	tried    time.Time // guarded by fetching
}

type fetched struct {
	keys map[string]*ecdsa.PublicKey
	at   time.Time
}

func newKeySet(c Config) (*keySet, error) {
	k := &keySet{url: c.JWKSURL, now: c.Now}
	pinned := &fetched{keys: map[string]*ecdsa.PublicKey{}}
	for _, key := range c.Keys {
		if key == nil || key.Curve != elliptic.P256() {
			return nil, errors.New("verify: Keys must be on curve P-256")
		}
		jwk := jose.JSONWebKey{Key: key}
		thumbprint, err := jwk.Thumbprint(crypto.SHA256) // RFC 7638: the "kid"
		if err != nil {
			return nil, fmt.Errorf("verify: name key: %w", err)
		}
		pinned.keys[base64.RawURLEncoding.EncodeToString(thumbprint)] = key
	}
	k.current.Store(pinned)

	client := http.Client{Timeout: timeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	k.http = &client
	return k, nil
}

// find returns the key named kid. It fetches the set when that is old or lacks
// the key, which is how a new key is noticed at once.
func (k *keySet) find(ctx context.Context, kid string) (*ecdsa.PublicKey, error) {
	set := k.current.Load()
	key, known := set.keys[kid]
	if known && (k.url == "" || k.now().Sub(set.at) < maxAge) {
		return key, nil
	}
	if k.url != "" {
		k.refresh(ctx, known)
		set = k.current.Load()
	}
	switch key, known = set.keys[kid]; {
	case known:
		return key, nil
	case len(set.keys) == 0:
		return nil, ErrNoKeys
	default:
		return nil, errors.New("the assertion is signed with an unknown key")
	}
}

// refresh fetches the set, unless it was tried just now: unknown keys are
// anyone's to make up. One request fetches; the others wait for it, or go on
// with the key they know.
func (k *keySet) refresh(ctx context.Context, known bool) {
	before := k.current.Load()
	if known {
		if !k.fetching.TryLock() {
			return
		}
	} else {
		k.fetching.Lock()
	}
	defer k.fetching.Unlock()

	wait := pause
	if len(before.keys) == 0 {
		wait = firstWait
	}
	now := k.now()
	if k.current.Load() != before || now.Sub(k.tried) < wait {
		return
	}
	k.tried = now
	if keys, err := k.fetch(ctx); err == nil {
		k.current.Store(&fetched{keys, now})
	}
}

func (k *keySet) fetch(ctx context.Context) (map[string]*ecdsa.PublicKey, error) {
	// The fetch is for everyone; it must not end with the request that began it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	response, err := k.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, largest+1))
	if err != nil {
		return nil, err
	}
	if len(body) > largest {
		return nil, errors.New("the key set is too large")
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, jwk := range set.Keys {
		key, ok := jwk.Key.(*ecdsa.PublicKey)
		if ok && key.Curve == elliptic.P256() && jwk.KeyID != "" && jwk.Use == "sig" && jwk.Algorithm == string(jose.ES256) {
			keys[jwk.KeyID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no key of ours in the set")
	}
	return keys, nil
}
