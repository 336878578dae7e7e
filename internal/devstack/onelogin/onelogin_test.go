package onelogin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRoundTrip is a relying party that breaks no rule: two journeys, one
// choice on the account page, the sign-out, and a second choice after it.
func TestRoundTrip(t *testing.T) {
	p := newParty(t)
	first := p.signIn("Cl.Cm", "found-by-nino")
	if first.Get("code") == "" {
		t.Fatalf("no code came back: %v", first)
	}
	status, tokens := p.token(p.form(first.Get("code"), p.jwt("one", p.assertion())))
	if status != http.StatusOK {
		t.Fatalf("token: %d %v", status, tokens)
	}
	id := p.open(tokens["id_token"].(string))
	if id["nonce"] != p.nonce || id["vot"] != "Cl.Cm" || id["aud"] != "party" || id["iss"] != p.issuer || id["exp"].(float64)-id["iat"].(float64) != 120 {
		t.Errorf("id token: %v", id)
	}
	if !strings.HasPrefix(id["sub"].(string), "urn:fdc:gov.uk:2022:") {
		t.Errorf("sub: %v", id["sub"])
	}
	status, info := p.userinfo(tokens["access_token"].(string))
	want := members{"sub": id["sub"], "email": "peregrine.thistlewick@people.example", "email_verified": true}
	if diff := cmp.Diff(want, info); status != http.StatusOK || diff != "" {
		t.Errorf("userinfo: %d %s", status, diff)
	}

	second := p.signIn("Cl.Cm.P2", "nobody: the page must not be shown again")
	_, tokens = p.token(p.form(second.Get("code"), p.jwt("one", p.assertion())))
	again := p.open(tokens["id_token"].(string))
	if again["sub"] != id["sub"] || again["auth_time"] != id["auth_time"] || again["sid"] == id["sid"] || again["vot"] != "Cl.Cm" {
		t.Errorf("second id token: %v", again)
	}
	_, info = p.userinfo(tokens["access_token"].(string))
	identity := p.open(info[coreIdentity].(string))
	if identity["vot"] != "P2" || identity["sub"] != id["sub"] || identity["iss"] != p.issuer+"identity/" || identity["aud"] != "party" {
		t.Errorf("core identity: %v", identity)
	}
	subject := identity["vc"].(members)["credentialSubject"].(members)
	if diff := cmp.Diff([]any{members{"value": "1986-02-19"}}, subject["birthDate"]); diff != "" {
		t.Errorf("birth date: %s", diff)
	}

	out := arrive(p.get("logout?" + url.Values{
		"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {signedOut}, "state": {"a-state-of-twenty-six-chars"},
	}.Encode()))
	if out.Get("state") != "a-state-of-twenty-six-chars" {
		t.Errorf("logout: %v", out)
	}
	if response := p.depart(query(p.jwt("one", p.object("Cl.Cm")))); response.Request.URL.Path != "/account" {
		t.Error("after signing out, One Login did not ask who it is")
	}
	record := p.provider.Record()
	if len(record.Violations) != 0 {
		t.Errorf("violations: %+v", record.Violations)
	}
	if record.Hits["token"] != 2 || len(record.UserAgents) != 1 {
		t.Errorf("record: %+v", record)
	}
	if diff := cmp.Diff([]string{"Cl.Cm", "Cl.Cm.P2", "Cl.Cm"}, record.Vectors); diff != "" {
		t.Error(diff)
	}
}

// TestNotVerified: the journey succeeds as far as OAuth goes, without a core
// identity JWT and with a return code; or is denied where none was asked for.
func TestNotVerified(t *testing.T) {
	p := newParty(t)
	back := p.signIn("Cl.Cm.P2", "not-verified")
	_, tokens := p.token(p.form(back.Get("code"), p.jwt("one", p.assertion())))
	_, info := p.userinfo(tokens["access_token"].(string))
	if _, proven := info[coreIdentity]; proven {
		t.Error("the identity is proven")
	}
	if diff := cmp.Diff([]any{members{"code": "Z"}}, info[returnCode]); diff != "" {
		t.Error(diff)
	}
	object := p.object("Cl.Cm.P2")
	object["claims"] = `{"userinfo":{"` + coreIdentity + `":null}}`
	if back := arrive(p.depart(query(p.jwt("one", object)))); back.Get("error") != "access_denied" || back.Get("state") != object["state"] {
		t.Errorf("without return codes: %v", back)
	}
}
