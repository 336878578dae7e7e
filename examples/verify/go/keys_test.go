package verify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	verify "github.com/caddy-teaching-record/caddy-teaching-record/examples/verify/go"
)

// site publishes keys, and the time is what it says.
type site struct {
	*httptest.Server

	mu      sync.Mutex
	now     time.Time
	fetched int
	answer  http.HandlerFunc
}

func (s *site) time() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }

func (s *site) wait(d time.Duration) { s.mu.Lock(); defer s.mu.Unlock(); s.now = s.now.Add(d) }

func (s *site) answers(h http.HandlerFunc) { s.mu.Lock(); defer s.mu.Unlock(); s.answer = h }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.fetched++
	answer := s.answer
	s.mu.Unlock()
	answer(w, r)
}

// wantFetched checks how often the keys were fetched since it was last asked.
func (s *site) wantFetched(t *testing.T, after string, want int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetched != want {
		t.Errorf("%s: fetched %d times, want %d", after, s.fetched, want)
	}
	s.fetched = 0
}

func keySet(keys ...jose.JSONWebKey) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: keys})
	}
}

// newVerifier makes a verifier of a site that publishes one key; change edits
// its Config.
func newVerifier(t testing.TB, change func(*verify.Config)) (*verify.Verifier, *site) {
	t.Helper()
	s := &site{now: noon, answer: keySet(publicKey(published))}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	c := verify.Config{Issuer: issuer, Audience: audience, JWKSURL: s.URL + "/teaching-record/jwks.json", Now: s.time}
	if change != nil {
		change(&c)
	}
	v, err := verify.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v, s
}

// check verifies a fresh token that key signed.
func (s *site) check(v *verify.Verifier, key *ecdsa.PrivateKey) error {
	now := s.time().Unix()
	_, err := v.Verify(request(es256(key, with(goodHead(), object{"kid": publicKey(key).KeyID}),
		with(goodClaims(), object{"nbf": now, "exp": now + 60}))))
	return err
}

func TestKeysAreKept(t *testing.T) {
	v, s := newVerifier(t, nil)
	s.wantFetched(t, "New", 0)
	for _, step := range []struct {
		wait    time.Duration
		fetched int
	}{
		{0, 1}, {0, 0}, {5*time.Minute - 1, 0}, {1, 1}, {time.Minute, 0},
	} {
		s.wait(step.wait)
		if err := s.check(v, published); err != nil {
			t.Error(err)
		}
		s.wantFetched(t, step.wait.String()+" later", step.fetched)
	}
}

// TestUnknownKey: a new key is noticed at once, made-up ones cost nothing.
func TestUnknownKey(t *testing.T) {
	v, s := newVerifier(t, nil)
	if err := s.check(v, unpublished); err == nil || errors.Is(err, verify.ErrNoKeys) {
		t.Errorf("an unknown key: %v", err)
	}
	s.wantFetched(t, "an unknown key", 1)
	for range 10 {
		s.check(v, newKey())
	}
	s.wait(30*time.Second - 1)
	s.check(v, newKey())
	s.wantFetched(t, "unknown keys within 30 s", 0)
	s.wait(1)
	s.answers(keySet(publicKey(published), publicKey(unpublished)))
	if err := s.check(v, unpublished); err != nil {
		t.Errorf("a key published since: %v", err)
	}
	s.wantFetched(t, "30 s", 1)
}

// TestLastGoodSet is kept while fetching fails, in whatever way.
func TestLastGoodSet(t *testing.T) {
	odd, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encryption, unnamed, rs := publicKey(unpublished), publicKey(unpublished), publicKey(unpublished)
	encryption.Use, unnamed.KeyID, rs.Algorithm = "enc", "", "ES384"
	for name, broken := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			keySet(publicKey(unpublished))(w, r)
		},
		"cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "9999")
			keySet(publicKey(unpublished))(w, r)
		},
		"not JSON":  func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"empty set": keySet(),
		"no set":    func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) },
		"other kinds": keySet(encryption, unnamed, rs,
			jose.JSONWebKey{Key: odd.Public(), KeyID: "p384", Use: "sig", Algorithm: "ES256"},
			jose.JSONWebKey{Key: []byte("secret"), KeyID: "oct", Use: "sig", Algorithm: "ES256"}),
		"too large": func(w http.ResponseWriter, r *http.Request) {
			keySet(publicKey(unpublished))(w, r)
			w.Write([]byte(strings.Repeat(" ", 64<<10)))
		},
	} {
		v, s := newVerifier(t, nil)
		if err := s.check(v, published); err != nil {
			t.Fatal(err)
		}
		s.answers(broken)
		s.wait(time.Hour)
		if err := s.check(v, published); err != nil {
			t.Errorf("%s: the last good set is not kept: %v", name, err)
		}
		if err := s.check(v, unpublished); err == nil || errors.Is(err, verify.ErrNoKeys) {
			t.Errorf("%s: an unknown key: %v", name, err)
		}
		s.wantFetched(t, name, 2)
		s.answers(keySet(publicKey(unpublished)))
		s.wait(30 * time.Second)
		if err := s.check(v, unpublished); err != nil {
			t.Errorf("%s: it does not recover: %v", name, err)
		}
		if err := s.check(v, published); err == nil {
			t.Errorf("%s: a key that was taken away is still used", name)
		}
	}
}

// TestNoKeys: before the first good set nothing can be said; it is tried again
// each second.
func TestNoKeys(t *testing.T) {
	v, s := newVerifier(t, nil)
	s.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	for range 3 {
		if err := s.check(v, published); !errors.Is(err, verify.ErrNoKeys) {
			t.Errorf("without keys: %v", err)
		}
	}
	s.wantFetched(t, "within a second", 1)
	s.answers(keySet(publicKey(published)))
	s.wait(time.Second)
	if err := s.check(v, published); err != nil {
		t.Error(err)
	}
	s.wantFetched(t, "a second later", 1)
}

// TestRedirects are not followed: the keys have one address.
func TestRedirects(t *testing.T) {
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = true
		keySet(publicKey(published))(w, r)
	}))
	defer elsewhere.Close()
	for _, client := range []*http.Client{nil, {}} {
		v, s := newVerifier(t, func(c *verify.Config) { c.HTTP = client })
		s.answers(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
		if err := s.check(v, published); !errors.Is(err, verify.ErrNoKeys) || asked {
			t.Errorf("%v, followed: %v", err, asked)
		}
	}
}

// TestOneFetch: of many requests at once, one fetches.
func TestOneFetch(t *testing.T) {
	v, s := newVerifier(t, nil)
	all := func() {
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if err := s.check(v, published); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	s.answers(func(w http.ResponseWriter, r *http.Request) {
		s.wait(2 * time.Second) // longer than the pause between first tries
		keySet(publicKey(published))(w, r)
	})
	all()
	s.wantFetched(t, "the first requests", 1)
	s.wait(5 * time.Minute)
	all()
	s.wantFetched(t, "5 min later", 1)
}

// heldTransport fetches when it is let, or gives up with the fetch.
type heldTransport struct {
	asked, let chan struct{}
	gaveUp     atomic.Bool
}

func (h *heldTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked <- struct{}{}
	select {
	case <-h.let:
		return http.DefaultTransport.RoundTrip(r)
	case <-r.Context().Done():
		h.gaveUp.Store(true)
		return nil, r.Context().Err()
	}
}

// TestOldSetDoesNotWait: while one request fetches the set anew, the others go
// on with the keys they know.
func TestOldSetDoesNotWait(t *testing.T) {
	held := &heldTransport{asked: make(chan struct{}, 2), let: make(chan struct{}, 2)}
	v, s := newVerifier(t, func(c *verify.Config) { c.HTTP = &http.Client{Transport: held} })
	held.let <- struct{}{}
	if err := s.check(v, published); err != nil {
		t.Fatal(err)
	}
	<-held.asked
	s.wait(5 * time.Minute)
	first := make(chan error)
	go func() { first <- s.check(v, published) }()
	<-held.asked
	if err := s.check(v, published); err != nil || held.gaveUp.Load() {
		t.Errorf("%v; it waited for the other until that gave up: %v", err, held.gaveUp.Load())
	}
	held.let <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
	s.wantFetched(t, "both", 2)
}

// TestFetchOutlivesItsRequest: a client that goes away must not cost the others
// their keys.
func TestFetchOutlivesItsRequest(t *testing.T) {
	v, s := newVerifier(t, nil)
	r := request(es256(published, goodHead(), goodClaims()))
	ctx, cancel := contextOf(r)
	cancel()
	if _, err := v.Verify(r.WithContext(ctx)); err != nil {
		t.Error(err)
	}
	s.wantFetched(t, "a request that is over", 1)
}

func TestPinnedKeys(t *testing.T) {
	v, s := newVerifier(t, func(c *verify.Config) { c.JWKSURL, c.Keys = "", []*ecdsa.PublicKey{&published.PublicKey} })
	s.wait(time.Hour)
	if err := s.check(v, published); err != nil {
		t.Error(err)
	}
	if err := s.check(v, unpublished); err == nil {
		t.Error("another key is accepted")
	}
	s.wantFetched(t, "pinned", 0)
}
