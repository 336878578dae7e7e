package onelogin

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// The keys of the tests, made once: RSA keys are slow to make.
var (
	ourKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
)

const (
	clientID   = "client-of-the-tests"
	subject    = "urn:fdc:gov.uk:2022:cGVyc29uLW9mLXRoZS10ZXN0cw"
	email      = "person.of.the.tests@example.com"
	phone      = "+447700900123"
	birthDate  = "1965-07-08"
	returnHere = "https://teaching.example.gov.uk/teaching-record/callback"
	agent      = "caddy-teaching-record/0.0 (+https://teaching.example.gov.uk)"
)

// provider is a One Login for tests: it checks what it is sent, answers as One
// Login would, and does each thing wrong that a field tells it to. Its token and
// userinfo endpoints are in provider_calls_test.go.
type provider struct {
	*httptest.Server
	t   testing.TB
	log lockedBuffer // everything the relying party logged

	signing  jose.JSONWebKey // of ID tokens; private
	identity jose.JSONWebKey // of core identities; private

	// Faults.
	editMetadata func(map[string]any)
	editKeys     func(map[string]any)
	editDID      func(map[string]any)
	editID       func(claims map[string]any)
	editIdentity func(claims map[string]any)
	editTokens   func(map[string]any)
	editUserinfo func(map[string]any)
	signID       func(claims map[string]any) string // instead of signing
	signIdentity func(claims map[string]any) string
	instead      map[string]http.HandlerFunc // by path, instead of the endpoint
	cache        string                      // Cache-Control of the documents

	mu     sync.Mutex
	now    time.Time
	calls  map[string][]*http.Request // by path
	grants map[string]grant           // by code: not redeemed yet
	access map[string]grant           // by access token
	jti    map[string]bool            // of client assertions
	tokens []string                   // every token ever given out

	secrets []string // every code, state, nonce and verifier
}

// grant is a trip that One Login has sent back with a code.
type grant struct {
	asked map[string]any // the claims of its request object
	code  string
}

func newProvider(t testing.TB) *provider {
	p := &provider{
		t:        t,
		signing:  newKey("5f3a9c0e5f3a9c0e5f3a9c0e5f3a9c0e"),
		identity: newKey(""),
		instead:  map[string]http.HandlerFunc{},
		cache:    "max-age=3600",
		now:      time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC),
		calls:    map[string][]*http.Request{},
		grants:   map[string]grant{},
		access:   map[string]grant{},
		jti:      map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.serveMetadata)
	mux.HandleFunc("GET /.well-known/jwks.json", p.serveKeys)
	mux.HandleFunc("GET /.well-known/did.json", p.serveDID)
	mux.HandleFunc("POST /token", p.serveToken)
	mux.HandleFunc("GET /userinfo", p.serveUserinfo)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		p.mu.Lock()
		p.calls[r.URL.Path] = append(p.calls[r.URL.Path], r)
		p.mu.Unlock()
		if r.UserAgent() == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if instead := p.instead[r.URL.Path]; instead != nil {
			instead(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		p.Close()
		p.wantNothingPersonal("the log", p.log.String())
	})
	p.identity.KeyID = p.controller() + "#key-1"
	return p
}

func (p *provider) controller() string {
	return "did:web:" + strings.ReplaceAll(strings.TrimPrefix(p.URL, "http://"), ":", "%3A")
}

func (p *provider) config() Config {
	return Config{
		Issuer:                p.URL + "/",
		DIDURL:                p.URL + "/.well-known/did.json",
		IdentityIssuer:        p.URL + "/identity/",
		ClientID:              clientID,
		RedirectURI:           returnHere,
		PostLogoutRedirectURI: "https://teaching.example.gov.uk/teaching-record/signed-out",
		Keys:                  []*rsa.PrivateKey{ourKey()},
		UserAgent:             agent,
		Now:                   p.clock,
		Logger:                slog.New(slog.NewTextHandler(&p.log, nil)),
	}
}

func (p *provider) relyingParty() *RelyingParty {
	p.t.Helper()
	rp, err := New(p.config())
	if err != nil {
		p.t.Fatal(err)
	}
	return rp
}

func (p *provider) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *provider) wait(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

// hits is how often path was called.
func (p *provider) hits(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls[path])
}

// trip sends somebody to the provider and back.
func (p *provider) trip(rp *RelyingParty, purpose journey.Step) (journey.Arrival, error) {
	p.t.Helper()
	query, f := p.depart(rp, purpose)
	return p.arrive(rp, query, f)
}

func (p *provider) arrive(rp *RelyingParty, query url.Values, f journey.Flow) (journey.Arrival, error) {
	arrival, err := rp.Arrive(p.t.Context(), query, f)
	if err != nil {
		p.wantNothingPersonal("an error", err.Error())
	}
	return arrival, err
}

// depart sends somebody to the provider, who sends them back with a code. It may
// be called by several goroutines at once.
func (p *provider) depart(rp *RelyingParty, purpose journey.Step) (url.Values, journey.Flow) {
	p.t.Helper()
	to, f, err := rp.Depart(p.t.Context(), purpose, "en")
	if err != nil {
		p.t.Error(err)
		return nil, f
	}
	g := grant{p.open(must(url.Parse(to)).Query().Get("request")), "code-" + rand.Text()}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grants[g.code] = g
	p.secrets = append(p.secrets, g.code, f.State, f.Nonce, f.Verifier)
	return url.Values{"code": {g.code}, "state": {f.State}}, f
}

// open checks a JWS of ours against our published keys and returns its claims.
func (p *provider) open(raw string) map[string]any {
	p.t.Helper()
	var claims map[string]any
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		p.t.Error(err)
		return claims
	}
	_, set, err := prepareKeys([]*rsa.PrivateKey{ourKey(), otherRSA()})
	if err != nil {
		p.t.Error(err)
	}
	var published jose.JSONWebKeySet
	if err := json.Unmarshal(set, &published); err != nil {
		p.t.Error(err)
	}
	keys := published.Key(jws.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		p.t.Errorf("signed with kid %q, which is not published", jws.Signatures[0].Header.KeyID)
		return claims
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		p.t.Error(err)
		return claims
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		p.t.Error(err)
	}
	return claims
}

func (p *provider) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	p.document(w, map[string]any{
		"issuer":                 p.URL + "/",
		"authorization_endpoint": p.URL + "/authorize",
		"token_endpoint":         p.URL + "/token",
		"userinfo_endpoint":      p.URL + "/userinfo",
		"jwks_uri":               p.URL + "/.well-known/jwks.json",
		"end_session_endpoint":   p.URL + "/logout",
	}, p.editMetadata)
}

func (p *provider) serveKeys(w http.ResponseWriter, _ *http.Request) {
	unrelated := newKey("unrelated") // the live set carries one too
	p.document(w, map[string]any{"keys": []any{unrelated.Public(), p.signing.Public()}}, p.editKeys)
}

func (p *provider) serveDID(w http.ResponseWriter, _ *http.Request) {
	jwk := p.identity.Public()
	jwk.KeyID, jwk.Algorithm = "", "" // as One Login has it
	p.document(w, map[string]any{
		"@context": []string{"https://www.w3.org/ns/did/v1"},
		"id":       p.controller(),
		"assertionMethod": []any{map[string]any{
			"id": p.identity.KeyID, "type": "JsonWebKey", "controller": p.controller(), "publicKeyJwk": jwk,
		}},
	}, p.editDID)
}

func (p *provider) document(w http.ResponseWriter, members map[string]any, edit func(map[string]any)) {
	if edit != nil {
		edit(members)
	}
	w.Header().Set("Cache-Control", p.cache)
	json.NewEncoder(w).Encode(members)
}

// token is claims as a token, made wrong as told.
func (p *provider) token(key jose.JSONWebKey, claims map[string]any, edit func(map[string]any), sign func(map[string]any) string) string {
	if edit != nil {
		edit(claims)
	}
	raw := ""
	if sign != nil {
		raw = sign(claims)
	} else {
		raw = signWith(key, claims)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens = append(p.tokens, raw)
	return raw
}

// signWith is claims as a compact JWS by key, with the key's alg and kid.
func signWith(key jose.JSONWebKey, claims map[string]any) string {
	return signRaw(key, string(must(json.Marshal(claims))))
}

func signRaw(key jose.JSONWebKey, payload string) string {
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, nil))
	return must(must(signer.Sign([]byte(payload))).CompactSerialize())
}

func newKey(kid string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), KeyID: kid, Algorithm: "ES256", Use: "sig"}
}

// set and drop are the edits most faults are made of.
func set(member string, value any) func(map[string]any) {
	return func(m map[string]any) { m[member] = value }
}

func drop(member string) func(map[string]any) {
	return func(m map[string]any) { delete(m, member) }
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// lockedBuffer lets the relying party's goroutines log at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// take is what was written since the last take.
func (l *lockedBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// keysOf is the sorted names of m's members.
func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
