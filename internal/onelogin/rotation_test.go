package onelogin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// The three documents, by path.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/.well-known/jwks.json"
	didPath       = "/.well-known/did.json"
)

var documents = []string{discoveryPath, keysPath, didPath}

// hitsOf is how often each document was fetched, in the order of documents.
func (p *provider) hitsOf() string {
	return fmt.Sprint(p.hits(discoveryPath), p.hits(keysPath), p.hits(didPath))
}

// down makes the provider answer 503 at paths until up is called.
func (p *provider) down(paths ...string) {
	for _, path := range paths {
		p.instead[path] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	}
}

func (p *provider) up() { clear(p.instead) }

func TestUserAgent(t *testing.T) {
	t.Run("row 1: constant on all five direct calls", func(t *testing.T) {
		p := newProvider(t)
		if _, err := p.trip(p.relyingParty(), journey.VerifyIdentity); err != nil {
			t.Fatal(err)
		}
		for _, path := range append(documents, "/token", "/userinfo") {
			if p.hits(path) == 0 {
				t.Errorf("%s was not called", path)
			}
			for _, call := range p.calls[path] {
				if call.UserAgent() != agent {
					t.Errorf("%s was called by %q", path, call.UserAgent())
				}
			}
		}
	})
	t.Run("row 1: none, no relying party", func(t *testing.T) {
		cfg := newProvider(t).config()
		for _, agent := range []string{"", " \t"} {
			cfg.UserAgent = agent
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "user agent") {
				t.Errorf("user agent %q: %v", agent, err)
			}
		}
	})
}

func TestDocuments(t *testing.T) {
	t.Run("row 2: each is fetched once for many sign-ins", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		for range 5 {
			if _, err := p.trip(rp, journey.VerifyIdentity); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.hitsOf(); got != "1 1 1" {
			t.Errorf("documents fetched %s times", got)
		}
	})
	t.Run("row 2: with all three down for a day, people still sign in", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		if err := rp.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.down(documents...)
		p.wait(24 * time.Hour)
		if _, err := p.trip(rp, journey.VerifyIdentity); err != nil {
			t.Error(err)
		}
		if err := rp.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if p.hitsOf() != "2 2 2" {
			t.Errorf("documents fetched %s times", p.hitsOf())
		}
		p.up()
		p.wait(2 * time.Minute)
		if _, err := p.trip(rp, journey.VerifyIdentity); err != nil {
			t.Error(err)
		}
		if p.hitsOf() != "3 3 3" {
			t.Errorf("documents fetched %s times after the outage", p.hitsOf())
		}
	})
	t.Run("row 2: garbage is no successful refresh", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		if err := rp.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{"", "{}", "null", "[]", `{"keys":null}`, `{"issuer":"https://evil.example/"}`, `{"id":"did:web:evil.example"}`,
			`{"id":"` + p.controller() + `","assertionMethods":[]}`, "<html>maintenance</html>"} {
			for _, path := range documents {
				p.instead[path] = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
			}
			p.wait(2 * time.Hour)
			if _, err := p.trip(rp, journey.VerifyIdentity); err != nil {
				t.Errorf("with %q for every document: %v", body, err)
			}
		}
	})
	t.Run("none at hand: unreachable, and the code is kept", func(t *testing.T) {
		for _, path := range documents {
			p := newProvider(t)
			rp := p.relyingParty()
			p.down(path)
			if err := rp.Ready(t.Context()); journey.TroubleIn(err) != journey.Unreachable {
				t.Errorf("without %s ready: %v", path, err)
			}
		}
		p := newProvider(t)
		p.down(discoveryPath)
		_, _, err := p.relyingParty().Depart(t.Context(), journey.SignIn, "en")
		wantTrouble(t, err, journey.Unreachable, "discovery document: "+p.URL+discoveryPath+" answered 503")
		_, err = p.relyingParty().SignOutURL(t.Context(), "", "")
		wantTrouble(t, err, journey.Unreachable, "answered 503")
	})
}

func TestKeyRotation(t *testing.T) {
	rotations := map[string]struct {
		purpose journey.Step
		path    string
		rotate  func(p *provider)
	}{
		"key set":      {journey.SignIn, keysPath, func(p *provider) { p.signing = newKey("the next") }},
		"DID document": {journey.VerifyIdentity, didPath, func(p *provider) { p.identity = newKey(p.controller() + "#the-next") }},
	}
	for what, r := range rotations {
		t.Run("row 3: a key dropped from the "+what+" is dead", func(t *testing.T) {
			p := newProvider(t)
			rp := p.relyingParty()
			if _, err := p.trip(rp, r.purpose); err != nil {
				t.Fatal(err)
			}
			oldID, oldIdentity := p.signing, p.identity
			r.rotate(p)
			p.wait(2 * time.Hour)
			if _, err := p.trip(rp, r.purpose); err != nil {
				t.Fatalf("the new key: %v", err)
			}
			p.signID = func(c map[string]any) string { return signWith(oldID, c) }
			if what == "DID document" {
				p.signID, p.signIdentity = nil, func(c map[string]any) string { return signWith(oldIdentity, c) }
			}
			_, err := p.trip(rp, r.purpose)
			wantTrouble(t, err, journey.SignInProblem, "kid is not in One Login's "+what)
		})
		t.Run("row 4: a kid not listed in the "+what+" is looked for once", func(t *testing.T) {
			p := newProvider(t)
			rp := p.relyingParty()
			if _, err := p.trip(rp, r.purpose); err != nil {
				t.Fatal(err)
			}
			r.rotate(p) // at short notice, while our copy is fresh
			if _, err := p.trip(rp, r.purpose); err != nil || p.hits(r.path) != 2 {
				t.Errorf("after %d fetches: %v", p.hits(r.path), err)
			}
		})
		t.Run("row 4: forged kids of the "+what+" cost one fetch a minute, and an incident each", func(t *testing.T) {
			p := newProvider(t)
			rp := p.relyingParty()
			forge := func(kid string) func(map[string]any) string {
				return func(c map[string]any) string { return signWith(newKey(kid), c) }
			}
			if p.signID = forge("forged"); what == "DID document" {
				p.signID, p.signIdentity = nil, forge(p.controller()+"#forged")
			}
			for range 3 {
				_, err := p.trip(rp, r.purpose)
				wantTrouble(t, err, journey.SignInProblem, "kid is not in One Login's "+what)
			}
			if n := p.hits(r.path); n != 2 {
				t.Errorf("fetched %d times, want 2", n)
			}
			p.wait(time.Minute)
			p.trip(rp, r.purpose)
			if n := p.hits(r.path); n != 3 {
				t.Errorf("a minute later fetched %d times, want 3", n)
			}
			incidents := strings.Count(p.log.String(), "level=ERROR msg=\"incident: a token names a key that One Login does not list")
			if incidents != 4 || !strings.Contains(p.log.String(), "client_id="+clientID) {
				t.Errorf("%d incidents, want 4 with the client id:\n%s", incidents, &p.log)
			}
		})
	}
}
