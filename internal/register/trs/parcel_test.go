package trs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// hookAddress has what a helpful library would take away: a port that goes
// without saying, and capitals.
const hookAddress = "https://Teaching.example.gov.uk:443/teaching-record/webhooks/trs"

var hookNow = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// parcel is a delivery before it is signed, as TRS makes them. It is written from
// its documents and shares nothing with the code it tests.
type parcel struct {
	address    string
	label      string
	components string // in quotes, with spaces between them
	params     string // after the components
	header     http.Header
	body       string
	key        *ecdsa.PrivateKey
}

func newParcel() *parcel {
	return &parcel{
		address:    hookAddress,
		label:      "sig1",
		components: `"@target-uri" "content-digest" "content-length" "ce-id" "ce-type" "ce-time"`,
		params:     hookParams(hookNow.Unix(), hookNow.Unix()+300, "one"),
		header: http.Header{
			"Ce-Specversion": {"1.0"},
			"Ce-Id":          {"0b2e5c0a-3c52-4c13-9b0e-2f9d1a3b7c11"},
			"Ce-Source":      {"https://trs.example"},
			"Ce-Type":        {"one_login_user.updated"},
			"Ce-Time":        {"2026-09-01T11:59:58.1234567Z"},
			"Ce-Dataschema":  {"https://trs.example/swagger/v3_20260612.json"},
			"Content-Type":   {"application/json; charset=utf-8"},
			"User-Agent":     {"TeachingRecordSystem"},
		},
		body: `{"oneLoginUser":{"subject":"urn:fdc:gov.uk:2022:subject-marker","emailAddress":"email-marker@example.com"},"connectedPerson":{"trn":"7300001"}}`,
		key:  hookKey("one"),
	}
}

func hookParams(created, expires int64, kid string) string {
	return fmt.Sprintf(`;created=%d;expires=%d;nonce="0123456789abcdef0123456789abcdef";alg="ecdsa-p384-sha384";keyid="%s";tag="trs-webhooks"`, created, expires, kid)
}

// base is what is signed.
func (p *parcel) base() string {
	var b strings.Builder
	for _, name := range strings.Fields(p.components) {
		value := ""
		switch name {
		case `"@target-uri"`:
			value = p.address
		case `"content-length"`:
			value = fmt.Sprint(len(p.body))
		default:
			value = p.header.Get(strings.Trim(name, `"`))
		}
		fmt.Fprintf(&b, "%s: %s\n", name, strings.TrimSpace(value))
	}
	fmt.Fprintf(&b, `"@signature-params": (%s)%s`, p.components, p.params)
	return b.String()
}

// signed is the header of p as it is sent.
func (p *parcel) signed() http.Header {
	h := p.header
	if h.Get("Content-Digest") == "" {
		sum := sha256.Sum256([]byte(p.body))
		h.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	h = h.Clone()
	h.Set("Signature-Input", p.label+"=("+p.components+")"+p.params)
	h.Set("Signature", p.label+"="+inColons(sign384(p.key, p.base())))
	return h
}

// request is p as a server reads it.
func (p *parcel) request() *http.Request {
	header := p.signed()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/somewhere/else", strings.NewReader(p.body))
	r.Header = header
	return r
}

// sign384 is r and s, one after the other.
func sign384(key *ecdsa.PrivateKey, text string) []byte {
	hash := sha512.Sum384([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		panic(err)
	}
	return append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...)
}

func inColons(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }

// hookKey is the same key for the same name, in every process: a fuzz target runs
// in several.
func hookKey(name string) *ecdsa.PrivateKey {
	scalar := sha512.Sum384([]byte("a key for tests: " + name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), scalar[:])
	if err != nil {
		panic(err)
	}
	return key
}

// listed is the public half of a key as a JWK.
func listed(kid string, key *ecdsa.PrivateKey) string {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	size := (len(point) - 1) / 2
	curve := key.Curve.Params().Name
	return fmt.Sprintf(`{"kty":"EC","crv":"%s","x":"%s","y":"%s","kid":"%s","use":"sig","alg":"ES384","x5c":["MIIB"],"d":null,"key_ops":[]}`, curve,
		base64.RawURLEncoding.EncodeToString(point[1:1+size]), base64.RawURLEncoding.EncodeToString(point[1+size:]), kid)
}

// post is a TRS of which only the keys are wanted, and a clock.
type post struct {
	log  syncBuffer
	mu   sync.Mutex
	set  string // what is answered
	fail func() (*http.Response, error)
	now  time.Time
	gets int
}

func newPost(keys ...string) *post {
	if keys == nil {
		keys = []string{listed("one", hookKey("one"))}
	}
	return &post{set: setOf(keys...), now: hookNow}
}

func setOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// RoundTrip answers with the keys.
func (p *post) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gets++
	if p.fail != nil {
		return p.fail()
	}
	if r.Method != http.MethodGet || r.URL.String() != "https://trs.example/base/webhook-jwks" || r.UserAgent() != agent || r.Header.Get("Authorization") != "" {
		return nil, fmt.Errorf("asked %s %s", r.Method, r.URL)
	}
	answer := httptest.NewRecorder()
	answer.WriteString(p.set)
	return answer.Result(), nil
}

func (p *post) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *post) config() WebhookConfig {
	return WebhookConfig{
		Address: hookAddress, TRS: "https://trs.example/base/", UserAgent: agent,
		HTTP: &http.Client{Transport: p}, Now: p.clock, Logger: slog.New(slog.NewTextHandler(&p.log, nil)),
	}
}

func (p *post) webhooks(t testing.TB) *Webhooks {
	t.Helper()
	w, err := NewWebhooks(p.config())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

const genuine, counterfeit, illegible = "genuine", "forged", "unreadable"

// verdict is what Receive makes of a delivery, in a word.
func verdict(err error) string {
	switch {
	case err == nil:
		return genuine
	case errors.Is(err, journey.ErrForged):
		return counterfeit
	case journey.TroubleIn(err) == journey.NoRegister:
		return "no keys"
	}
	return illegible
}

// altered changes the bytes of the signature.
func altered(change func([]byte) []byte) func(*http.Request) {
	return func(r *http.Request) {
		text := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Signature"), "sig1=:"), ":")
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			panic(err)
		}
		r.Header.Set("Signature", "sig1="+inColons(change(raw)))
	}
}

// broken is a connection that ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("address-marker") }

// discreet checks that nothing of a delivery is in its error or the log.
func discreet(t *testing.T, p *post, err error) {
	t.Helper()
	for _, marker := range []string{"marker", "7300001", "0b2e5c0a", "evil", "1788264", "0123456789", "::"} {
		if strings.Contains(err.Error(), marker) || strings.Contains(p.log.String(), marker) {
			t.Errorf("%q is in the error or the log: %v\n%s", marker, err, p.log.String())
		}
	}
}
