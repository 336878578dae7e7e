package onelogin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
)

const (
	coreIdentity = "https://vocab.account.gov.uk/v1/coreIdentityJWT"
	returnCode   = "https://vocab.account.gov.uk/v1/returnCode"
	callback     = "https://rp.example/callback"
	signedOut    = "https://rp.example/signed-out"
)

var clientKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

type members = map[string]any

// party is a relying party made by hand for one test, with a browser. Its
// requests are right unless a test bends them.
type party struct {
	t        *testing.T
	provider *onelogin.Server
	issuer   string
	browser  *http.Client
	agent    string
	verifier string
	nonce    string
	ahead    time.Duration    // of the provider's clock
	jwks     http.HandlerFunc // the JWKS URL of "publishing party"
	mu       sync.Mutex
}

func newParty(t *testing.T, change ...func(*onelogin.Config)) *party {
	jar, _ := cookiejar.New(nil)
	p := &party{t: t, agent: "test-party/1.0 (https://rp.example)"}
	p.browser = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "rp.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.jwks(w, r) }))
	t.Cleanup(keys.Close)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	p.issuer = server.URL + "/"
	config := onelogin.Config{
		Issuer: p.issuer, Stall: 50 * time.Millisecond, Now: p.now,
		Clients: []onelogin.Client{{
			ID: "party", Name: "A service", RedirectURIs: []string{callback}, PostLogoutURIs: []string{signedOut},
			Keys: []jose.JSONWebKey{{Key: clientKey().Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"}},
		}, {
			ID: "publishing party", RedirectURIs: []string{callback}, JWKSURL: keys.URL,
		}},
	}
	for _, f := range change {
		f(&config)
	}
	provider, err := onelogin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	p.provider, handler = provider, provider
	return p
}

func (p *party) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

func (p *party) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead += d
}

// jwt signs what a client sends.
func (p *party) jwt(kid string, payload members) string {
	p.t.Helper()
	return sign(p.t, jose.RS256, clientKey(), kid, nil, payload)
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, header map[jose.HeaderKey]any, payload any) string {
	t.Helper()
	text, _ := json.Marshal(payload)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, _ := signed.CompactSerialize()
	return compact
}

// object is the right request object of a journey.
func (p *party) object(vector string) members {
	p.verifier, p.nonce = rand.Text()+rand.Text(), rand.Text()
	hash := sha256.Sum256([]byte(p.verifier))
	now := p.now()
	object := members{
		"aud": p.issuer + "authorize", "iss": "party", "client_id": "party", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text(),
		"response_type": "code", "redirect_uri": callback, "scope": "openid email", "state": rand.Text(), "nonce": p.nonce,
		"vtr": []string{vector}, "code_challenge": base64.RawURLEncoding.EncodeToString(hash[:]), "code_challenge_method": "S256",
	}
	if vector == "Cl.Cm.P2" {
		object["claims"] = `{"userinfo":{"` + coreIdentity + `":null,"` + returnCode + `":null}}`
	}
	return object
}

// query is the right query around a request object.
func query(request string) url.Values {
	return url.Values{"response_type": {"code"}, "scope": {"openid email"}, "client_id": {"party"}, "request": {request}}
}

// depart sends the browser to One Login and returns where it ends: at a page of
// One Login's, or with a redirect to us.
func (p *party) depart(query url.Values) *http.Response {
	p.t.Helper()
	return p.get("authorize?" + query.Encode())
}

func (p *party) get(path string) *http.Response {
	p.t.Helper()
	response, err := p.browser.Get(p.issuer + path)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.read(response)
}

// read closes the body and leaves its text in its place.
func (p *party) read(response *http.Response) *http.Response {
	p.t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(strings.NewReader(string(body)))
	return response
}

// arrive is the query of a callback; nil when the response is none.
func arrive(response *http.Response) url.Values {
	to, err := response.Location()
	if err != nil || to.Host != "rp.example" {
		return nil
	}
	return to.Query()
}

// signIn walks a journey to its callback, choosing the person where asked.
func (p *party) signIn(vector, person string) url.Values {
	p.t.Helper()
	response := p.depart(query(p.jwt("one", p.object(vector))))
	if response.Request.URL.Path == "/account" {
		var err error
		response, err = p.browser.PostForm(p.issuer+"account", url.Values{"journey": {response.Request.URL.Query().Get("journey")}, "person": {person}})
		if err != nil {
			p.t.Fatal(err)
		}
		response = p.read(response)
	}
	return arrive(response)
}

// assertion is the right client assertion.
func (p *party) assertion() members {
	now := p.now()
	return members{"aud": p.issuer + "token", "iss": "party", "sub": "party", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text()}
}

// form is the right token request.
func (p *party) form(code, assertion string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {p.verifier},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	}
}

// call is a direct call; the answer is its status and its JSON, if it is any.
func (p *party) call(method, path, body string, header http.Header) (int, http.Header, members) {
	p.t.Helper()
	request, _ := http.NewRequestWithContext(p.t.Context(), method, p.issuer+path, strings.NewReader(body))
	request.Header.Set("User-Agent", p.agent)
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(request.Header, header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, nil
	}
	defer response.Body.Close()
	var answer members
	_ = json.NewDecoder(response.Body).Decode(&answer) // not every answer is JSON
	return response.StatusCode, response.Header, answer
}

func (p *party) token(form url.Values) (int, members) {
	p.t.Helper()
	status, _, answer := p.call(http.MethodPost, "token", form.Encode(), nil)
	return status, answer
}

func (p *party) userinfo(access string) (int, members) {
	p.t.Helper()
	status, _, answer := p.call(http.MethodGet, "userinfo", "", http.Header{"Authorization": {"Bearer " + access}})
	return status, answer
}

// open verifies a token of the provider's with the keys published now.
func (p *party) open(compact string) members {
	p.t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		p.t.Fatal(err)
	}
	payload, err := jws.Verify(p.published(jws.Signatures[0].Protected.KeyID))
	if err != nil {
		p.t.Fatal(err)
	}
	var out members
	if err := json.Unmarshal(payload, &out); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// published finds a key in the JWKS, or in the DID document.
func (p *party) published(kid string) jose.JSONWebKey {
	p.t.Helper()
	var text []byte
	if strings.HasPrefix(kid, "did:") {
		_, _, document := p.call(http.MethodGet, ".well-known/did.json", "", nil)
		for _, method := range document["assertionMethod"].([]any) {
			if method := method.(members); method["id"] == kid {
				text, _ = json.Marshal(method["publicKeyJwk"])
			}
		}
	} else {
		_, _, document := p.call(http.MethodGet, ".well-known/jwks.json", "", nil)
		for _, key := range document["keys"].([]any) {
			if key.(members)["kid"] == kid {
				text, _ = json.Marshal(key)
			}
		}
	}
	var key jose.JSONWebKey
	if err := json.Unmarshal(text, &key); err != nil {
		p.t.Fatalf("kid %q is not published: %v", kid, err)
	}
	return key
}
