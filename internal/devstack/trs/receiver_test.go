package trs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// received is a delivery as it came.
type received struct {
	at     time.Time
	proto  string
	target string
	header http.Header
	length int64
	coding []string
	body   string
}

// receiver is a subscriber. It answers with the statuses in turn, and from then
// on with 204.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	all      []received
	seen     chan struct{} // one for each that came
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	t.Helper()
	v := &receiver{statuses: statuses, seen: make(chan struct{}, 1000)}
	v.Server = httptest.NewServer(http.HandlerFunc(v.receive))
	t.Cleanup(v.Close)
	return v
}

func (v *receiver) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, received{time.Now(), r.Proto, "http://" + r.Host + r.RequestURI, r.Header.Clone(), r.ContentLength, r.TransferEncoding, string(body)})
	status := http.StatusNoContent
	if len(v.statuses) > 0 {
		status, v.statuses = v.statuses[0], v.statuses[1:]
	}
	if status == http.StatusFound {
		w.Header().Set("Location", v.URL+"/elsewhere")
	}
	w.WriteHeader(status)
	v.seen <- struct{}{}
}

// next waits for so many more, and gives all that came.
func (v *receiver) next(n int) []received {
	for range n {
		<-v.seen
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.all)
}

func (v *receiver) last() received {
	all := v.next(1)
	return all[len(all)-1]
}

// subscribe is an asker whose stand-in tells a receiver.
func subscribe(t *testing.T, retries []time.Duration, statuses ...int) (*asker, *receiver) {
	t.Helper()
	v := newReceiver(t, statuses...)
	a := newAsker(t, trs.Config{Webhook: v.URL + "/hook/%7Etrs?of=them", Retries: retries})
	t.Cleanup(a.api.Close)
	return a, v
}

// settled are the deliveries, when every one is over.
func (a *asker) settled() []trs.Delivery {
	a.api.Settle()
	return a.api.Record().Deliveries
}

// keys are those listed, by their ids.
func (a *asker) keys() map[string]*ecdsa.PublicKey {
	a.t.Helper()
	var list struct {
		Keys []struct {
			Kty, Crv, Use, Alg, Kid, X, Y string
			X5c                           [][]byte
		}
	}
	got := a.get("/webhook-jwks", func(r *http.Request) { r.Header.Del("Authorization"); r.Header.Del("X-Api-Version") })
	if err := json.Unmarshal([]byte(got.text), &list); err != nil || got.status != http.StatusOK {
		a.t.Fatalf("%d %v", got.status, err)
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range list.Keys {
		x, _ := base64.RawURLEncoding.DecodeString(k.X)
		y, _ := base64.RawURLEncoding.DecodeString(k.Y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), slices.Concat([]byte{4}, x, y))
		if err != nil || k.Kty != "EC" || k.Crv != "P-384" || k.Use != "sig" || k.Alg != "ES384" || k.Kid == "" || len(k.X5c) != 1 {
			a.t.Fatalf("%+v: %v", k, err)
		}
		certificate, err := x509.ParseCertificate(k.X5c[0])
		if err != nil || !key.Equal(certificate.PublicKey) || certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature) != nil ||
			certificate.NotBefore.After(a.clock.Now()) || !certificate.NotAfter.Equal(certificate.NotBefore.AddDate(1, 0, 0)) {
			a.t.Errorf("the certificate: %v", err)
		}
		keys[k.Kid] = key
	}
	return keys
}

var (
	input = regexp.MustCompile(`^(\w+)=\("@target-uri" "content-digest" "content-length" "ce-id" "ce-type" "ce-time"\)` +
		`;created=(\d+);expires=(\d+);nonce="([0-9a-f]{32})";alg="ecdsa-p384-sha384";keyid="([0-9a-f]{32})";tag="trs-webhooks"$`)
	anyInput     = regexp.MustCompile(`^(\w+)=(\(([^)]*)\).*)$`)
	anySignature = regexp.MustCompile(`^(\w+)=:([A-Za-z0-9+/=]+):$`)
)

func (m *received) get(name string) string { return strings.Join(m.header.Values(name), ", ") }

// keyID is the key that it says signed it.
func (m *received) keyID() string {
	_, rest, _ := strings.Cut(m.get("Signature-Input"), `keyid="`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// verify checks everything that the documents say of a delivery's signature. It
// gives the nonce.
func (a *asker) verify(m received, address string) (nonce string, err error) {
	a.t.Helper()
	said := input.FindStringSubmatch(m.get("Signature-Input"))
	if said == nil {
		return "", errors.New("not as the documents have it: " + m.get("Signature-Input"))
	}
	if !slices.Contains(strings.Split(m.get("Content-Digest"), ", "), digestOf(m.body)) {
		return "", errors.New("not the digest of the body: " + m.get("Content-Digest"))
	}
	created, _ := strconv.ParseInt(said[2], 10, 64)
	expires, _ := strconv.ParseInt(said[3], 10, 64)
	if now := a.clock.Now().Unix(); created > now || created < now-300 || expires <= now {
		return "", fmt.Errorf("made %d s from now, good for %d s", created-now, expires-created)
	}
	if a.keys()[m.keyID()] == nil {
		return "", errors.New("the key is not listed")
	}
	return said[4], a.holds(m, address)
}

// holds checks that the one signature is by a key that is listed, over what it says
// it is over (RFC 9421, section 3.2).
func (a *asker) holds(m received, address string) error {
	a.t.Helper()
	said, signature := anyInput.FindStringSubmatch(m.get("Signature-Input")), anySignature.FindStringSubmatch(m.get("Signature"))
	if said == nil || signature == nil || said[1] != signature[1] {
		return errors.New("not one signature")
	}
	var base bytes.Buffer
	for quoted := range strings.SplitSeq(said[3], " ") {
		value := m.get(strings.Trim(quoted, `"`))
		switch quoted {
		case `"@target-uri"`:
			value = address
		case `"content-length"`:
			value = strconv.FormatInt(m.length, 10)
		}
		fmt.Fprintf(&base, "%s: %s\n", quoted, value)
	}
	base.WriteString(`"@signature-params": ` + said[2])
	raw, err := base64.StdEncoding.DecodeString(signature[2])
	if err != nil || len(raw) != 96 {
		return fmt.Errorf("%d bytes: %v", len(raw), err)
	}
	hash := sha512.Sum384(base.Bytes())
	r, s := new(big.Int).SetBytes(raw[:48]), new(big.Int).SetBytes(raw[48:])
	for id, key := range a.keys() {
		if (m.keyID() == "" || m.keyID() == id) && ecdsa.Verify(key, hash[:], r, s) {
			return nil
		}
	}
	return errors.New("the signature is wrong")
}

func digestOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}
