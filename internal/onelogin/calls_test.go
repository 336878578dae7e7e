package onelogin

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func TestTokenRequest(t *testing.T) {
	p := newProvider(t)
	rp := p.relyingParty()
	for _, purpose := range []journey.Step{journey.SignIn, journey.VerifyIdentity, journey.SignIn} {
		if _, err := p.trip(rp, purpose); err != nil {
			t.Fatal(err)
		}
	}
	calls := p.calls["/token"]
	t.Run("row 12: the redirect_uri of the request", func(t *testing.T) {
		if got := calls[0].PostForm.Get("redirect_uri"); got != returnHere {
			t.Errorf("redirect_uri %q", got)
		}
	})
	t.Run("row 18: a verifier of 43 characters or more", func(t *testing.T) {
		if n := len(calls[0].PostForm.Get("code_verifier")); n < 43 {
			t.Errorf("a verifier of %d characters", n)
		}
	})
	t.Run("row 19: private_key_jwt, fresh each time", func(t *testing.T) {
		now := float64(p.clock().Unix())
		seen := map[any]bool{}
		for _, call := range calls {
			if got := keysOf(call.PostForm); !slices.Equal(got, []string{"client_assertion", "client_assertion_type", "code", "code_verifier", "grant_type", "redirect_uri"}) {
				t.Errorf("the form has %q", got)
			}
			if call.Header.Get("Authorization") != "" {
				t.Error("another authentication was sent as well")
			}
			c := p.open(call.PostForm.Get("client_assertion"))
			if got := keysOf(c); !slices.Equal(got, []string{"aud", "exp", "iat", "iss", "jti", "sub"}) {
				t.Errorf("the assertion has %q", got)
			}
			if c["aud"] != p.URL+"/token" || c["iss"] != clientID || c["sub"] != clientID || c["iat"] != now || c["exp"] != now+300 {
				t.Errorf("assertion %v", c)
			}
			if jti, _ := c["jti"].(string); len(jti) < 22 || seen[jti] {
				t.Errorf("jti %q is short or came before", jti)
			}
			seen[c["jti"]] = true
		}
	})
}

// TestCodeOnce: row 22: whatever becomes of the token request, there is one.
func TestCodeOnce(t *testing.T) {
	hangUp := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	for name, answer := range map[string]func(p *provider) http.HandlerFunc{
		"row 22: the answer is lost": func(p *provider) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				p.serveToken(discard{}, r) // One Login has marked the code used
				hangUp(w, r)
			}
		},
		"row 22: the answer is cut off": func(p *provider) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000")
				fmt.Fprint(w, `{"access_token":"`)
				w.(http.Flusher).Flush()
				hangUp(w, r)
			}
		},
		"row 22: overload":            func(*provider) http.HandlerFunc { return status(http.StatusServiceUnavailable) },
		"row 22: too many requests":   func(*provider) http.HandlerFunc { return status(http.StatusTooManyRequests) },
		"row 22: 421":                 func(*provider) http.HandlerFunc { return status(http.StatusMisdirectedRequest) },
		"row 22: redirected by a 307": func(p *provider) http.HandlerFunc { return elsewhere(p, http.StatusTemporaryRedirect) },
		"row 22: redirected by a 308": func(p *provider) http.HandlerFunc { return elsewhere(p, http.StatusPermanentRedirect) },
		"row 22: redirected by a 302": func(p *provider) http.HandlerFunc { return elsewhere(p, http.StatusFound) },
		"row 22: an answer not asked": func(*provider) http.HandlerFunc { return status(http.StatusNoContent) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			rp := p.relyingParty()
			if _, err := p.trip(rp, journey.SignIn); err != nil { // so that a connection is there to be reused
				t.Fatal(err)
			}
			p.instead["/token"] = answer(p)
			query, f := p.depart(rp, journey.SignIn)
			_, err := p.arrive(rp, query, f)
			wantTrouble(t, err, journey.SignInProblem, "redeem code")
			if p.hits("/token") != 2 || p.hits("/elsewhere") != 0 || p.hits("/userinfo") != 1 {
				t.Errorf("token called %d times, elsewhere %d, userinfo %d", p.hits("/token")-1, p.hits("/elsewhere"), p.hits("/userinfo")-1)
			}
		})
	}
	t.Run("row 22: by a transport that sends again whatever it can", func(t *testing.T) {
		p := newProvider(t)
		p.instead["/token"] = hangUp
		cfg := p.config()
		cfg.HTTP = &http.Client{Transport: eager{}}
		_, err := p.trip(must(New(cfg)), journey.SignIn)
		wantTrouble(t, err, journey.SignInProblem, "redeem code")
		if p.hits("/token") != 1 {
			t.Errorf("token called %d times", p.hits("/token"))
		}
	})
	t.Run("row 22: a code used before is refused, and a new start offered", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		query, f := p.depart(rp, journey.SignIn)
		if _, err := p.arrive(rp, query, f); err != nil {
			t.Fatal(err)
		}
		_, err := p.arrive(rp, query, f)
		wantTrouble(t, err, journey.StartAgain, "invalid_grant")
	})
}

// TestTokenAnswer: what must be in a token answer before anything is made of it.
func TestTokenAnswer(t *testing.T) {
	for name, edit := range map[string]func(map[string]any){
		"no ID token":               drop("id_token"),
		"no access token":           drop("access_token"),
		"no type":                   drop("token_type"),
		"another type":              set("token_type", "DPoP"),
		"an ID token of a number":   set("id_token", 1),
		"an access token, an array": set("access_token", []string{"a"}),
		"an access token that would add a header": set("access_token", "a\r\nX-Evil: 1"),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.editTokens = edit
			_, err := p.trip(p.relyingParty(), journey.SignIn)
			wantTrouble(t, err, journey.SignInProblem, "")
			if p.hits("/userinfo") != 0 {
				t.Error("userinfo was called")
			}
		})
	}
	p := newProvider(t)
	p.editTokens = set("token_type", "bearer")
	if _, err := p.trip(p.relyingParty(), journey.SignIn); err != nil {
		t.Errorf("token types have no case (RFC 6749, section 5.1): %v", err)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func elsewhere(p *provider, code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, p.URL+"/elsewhere", code) }
}

// discard is an answer nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// eager sends a request again after a failure when its body can be had again, as
// net/http does over HTTP/2 after a GOAWAY.
type eager struct{}

func (eager) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil && req.GetBody != nil {
		again := req.Clone(req.Context())
		again.Body = must(req.GetBody())
		return http.DefaultTransport.RoundTrip(again)
	}
	return res, err
}
