package onelogin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
)

// walk is an identity check and a sign-out by a relying party that minds
// nothing, as far as it comes.
func (p *party) walk() {
	p.t.Helper()
	for _, document := range []string{"openid-configuration", "jwks.json", "did.json"} {
		p.call(http.MethodGet, ".well-known/"+document, "", nil)
	}
	var hint string
	back := p.signIn("Cl.Cm.P2", "found-by-nino")
	_, tokens := p.token(p.form(back.Get("code"), p.jwt("one", p.assertion())))
	if access, ok := tokens["access_token"].(string); ok {
		p.userinfo(access)
	}
	if id, ok := tokens["id_token"].(string); ok {
		hint = id
	}
	p.get("logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut}, "state": {strings.Repeat("s", 26)}}.Encode())
}

// TestFaultsArePlayed: each is played once, at its stage; and it is the stage
// that is spoiled, not the stand-in.
func TestFaultsArePlayed(t *testing.T) {
	p := newParty(t)
	for _, f := range onelogin.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			p.provider.Reset()
			defer p.provider.StopFaults()
			if err := p.provider.Play(onelogin.Play{Fault: f.Name}); err != nil {
				t.Fatal(err)
			}
			p.walk()
			if left := p.provider.Playing(); len(left) != 0 {
				t.Errorf("not played: %+v", left)
			}
			for _, v := range p.provider.Record().Violations {
				if strings.HasPrefix(v.Rule, "the stand-in failed") {
					t.Error(v.Rule)
				}
			}
		})
	}
}

// TestPlay: the next time or every time, in one journey or either.
func TestPlay(t *testing.T) {
	p := newParty(t)
	for _, play := range []onelogin.Play{
		{Fault: "no-such-fault"}, {Fault: "authorize-busy", Journey: "holiday"},
		{Fault: "identity-p1", Journey: onelogin.SignInJourney}, // there is no identity in it
	} {
		if err := p.provider.Play(play); err == nil {
			t.Errorf("%+v is played", play)
		}
	}
	errorOf := func(vector string) string { return p.signIn(vector, "known").Get("error") }
	play := func(play onelogin.Play) {
		if err := p.provider.Play(play); err != nil {
			t.Fatal(err)
		}
	}
	play(onelogin.Play{Fault: "authorize-busy", Journey: onelogin.IdentityJourney})
	got := []string{errorOf("Cl.Cm"), errorOf("Cl.Cm.P2"), errorOf("Cl.Cm.P2")}
	play(onelogin.Play{Fault: "authorize-login-required", Every: true})
	got = append(got, errorOf("Cl.Cm"), errorOf("Cl.Cm.P2"))
	p.provider.StopFaults()
	got = append(got, errorOf("Cl.Cm"))
	if diff := cmp.Diff([]string{"", "temporarily_unavailable", "", "login_required", "login_required", ""}, got); diff != "" {
		t.Error(diff)
	}
	play(onelogin.Play{Fault: "identity-p1"})
	if diff := cmp.Diff([]onelogin.Play{{Fault: "identity-p1", Journey: onelogin.IdentityJourney}}, p.provider.Playing()); diff != "" {
		t.Error(diff)
	}
}

// TestSeveralFaults: those at one stage are played together.
func TestSeveralFaults(t *testing.T) {
	p := newParty(t)
	for _, fault := range []string{"jwks-max-age-1", "jwks-key-removed"} {
		if err := p.provider.Play(onelogin.Play{Fault: fault}); err != nil {
			t.Fatal(err)
		}
	}
	_, header, document := p.call(http.MethodGet, ".well-known/jwks.json", "", nil)
	if keys := document["keys"].([]any); len(keys) != 1 || header.Get("Cache-Control") != "max-age=1" {
		t.Errorf("%d keys, %s", len(keys), header.Get("Cache-Control"))
	}
}

// TestRotation: a rotated key signs from then on, and is published beside those
// before it.
func TestRotation(t *testing.T) {
	p := newParty(t)
	if err := p.provider.Play(onelogin.Play{Fault: "id-token-key-rotated"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, tokens := p.token(p.form(p.signIn("Cl.Cm", "known").Get("code"), p.jwt("one", p.assertion())))
		p.open(tokens["id_token"].(string)) // fails when the key is not published
	}
	_, _, document := p.call(http.MethodGet, ".well-known/jwks.json", "", nil)
	if keys := document["keys"].([]any); len(keys) != 3 { // the unrelated one, the old and the new
		t.Errorf("%d keys are published", len(keys))
	}
}
