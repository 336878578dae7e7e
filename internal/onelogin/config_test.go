package onelogin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// live is a configuration for one of One Login's environments.
func live(t *testing.T, environment string) Config {
	t.Helper()
	issuer, did, identity, _, ok := Environment(environment)
	if !ok {
		t.Fatalf("no environment %q", environment)
	}
	return Config{
		Issuer: issuer, DIDURL: did, IdentityIssuer: identity,
		ClientID:              clientID,
		RedirectURI:           returnHere,
		PostLogoutRedirectURI: "https://teaching.example.gov.uk/teaching-record/signed-out",
		Keys:                  []*rsa.PrivateKey{ourKey()},
		UserAgent:             agent,
		Logger:                slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// TestNewRefuses: a mistake of configuration is told at start, not to a teacher.
func TestNewRefuses(t *testing.T) {
	production, integration := environments["production"], environments["integration"]
	for _, row := range []struct {
		name string
		edit func(*Config)
		says string // "" when New must accept
	}{
		{"integration as it is", func(*Config) {}, ""},
		{"no client id", func(c *Config) { c.ClientID = "" }, "client id is missing"},
		{"no issuer", func(c *Config) { c.Issuer = "" }, "issuer is missing"},
		{"no DID URL", func(c *Config) { c.DIDURL = "" }, "DID URL is missing"},
		{"no identity issuer", func(c *Config) { c.IdentityIssuer = "" }, "identity issuer is missing"},
		{"no redirect URI", func(c *Config) { c.RedirectURI = "" }, "redirect URI is missing"},
		{"no post-logout redirect URI", func(c *Config) { c.PostLogoutRedirectURI = "" }, "post-logout redirect URI is missing"},
		{"no logger", func(c *Config) { c.Logger = nil }, "logger is missing"},
		{"no key", func(c *Config) { c.Keys = nil }, "private key is missing"},
		{"a nil key", func(c *Config) { c.Keys = append(c.Keys, nil) }, "key 2 must be RSA"},
		{"a short key", func(c *Config) { c.Keys = []*rsa.PrivateKey{shortKey(t)} }, "at least 2048 bits"},
		{"a key twice", func(c *Config) { c.Keys = append(c.Keys, c.Keys[0]) }, "key 2 is configured twice"},
		{"two keys", func(c *Config) { c.Keys = append(c.Keys, otherRSA()) }, ""},

		{"a relative redirect URI", func(c *Config) { c.RedirectURI = "/callback" }, "not an absolute URL"},
		{"a redirect URI with a query", func(c *Config) { c.RedirectURI += "?a=b" }, "query or a fragment"},
		{"a redirect URI with a bare ?", func(c *Config) { c.RedirectURI += "?" }, "query or a fragment"},
		{"a redirect URI with a fragment", func(c *Config) { c.RedirectURI += "#" }, "query or a fragment"},
		{"an issuer with a password", func(c *Config) { c.Issuer = "https://a:b@example.com/" }, "not an absolute URL"},
		{"a foreign http redirect URI", func(c *Config) { c.RedirectURI = "http://teaching.example/callback" }, "must begin with https://"},
		{"a javascript redirect URI", func(c *Config) { c.RedirectURI = "javascript://teaching.example/" }, "must begin with https://"},
		{"http on this machine", func(c *Config) { c.RedirectURI = "http://localhost:8080/callback" }, ""},
		{"http on 127.0.0.1", func(c *Config) { c.RedirectURI = "http://127.0.0.1:8080/callback" }, ""},
		{"http on ::1", func(c *Config) { c.RedirectURI = "http://[::1]:8080/callback" }, ""},
		{"http on a name below localhost", func(c *Config) { c.RedirectURI = "http://site.localhost/callback" }, ""},
		{"http on a name that ends alike", func(c *Config) { c.RedirectURI = "http://notlocalhost/callback" }, "must begin with https://"},
		{"http on a name that begins alike", func(c *Config) { c.RedirectURI = "http://127.0.0.1.example/callback" }, "must begin with https://"},

		{"row 11: a redirect URI beyond the firewall's limit", func(c *Config) {
			c.RedirectURI = "https://teaching.example.gov.uk/" + strings.Repeat("a", 2500)
		}, "One Login's limit 4096"},

		{"row 44: production as it is", func(c *Config) {
			c.Issuer, c.DIDURL, c.IdentityIssuer = production.issuer, production.didURL, production.identityIssuer
		}, ""},
		{"row 44: integration's keys in production", func(c *Config) {
			c.Issuer, c.DIDURL, c.IdentityIssuer = production.issuer, integration.didURL, integration.identityIssuer
		}, "of one environment"},
		{"row 44: production's issuer alone", func(c *Config) { c.Issuer = production.issuer }, "of one environment"},
		{"row 44: production's DID URL alone", func(c *Config) { c.DIDURL = production.didURL }, "of one environment"},
		{"row 44: production's identity issuer alone", func(c *Config) { c.IdentityIssuer = production.identityIssuer }, "of one environment"},
		{"row 44: a stand-in that vouches for production", func(c *Config) {
			c.Issuer, c.DIDURL, c.IdentityIssuer = "http://localhost:1/", "http://localhost:1/did.json", production.identityIssuer
		}, "of one environment"},
		{"row 44: production from this machine", func(c *Config) {
			c.Issuer, c.DIDURL, c.IdentityIssuer = production.issuer, production.didURL, production.identityIssuer
			c.PostLogoutRedirectURI = "http://localhost/signed-out"
		}, "needs https redirect URIs"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := live(t, "integration")
			row.edit(&cfg)
			_, err := New(cfg)
			if row.says == "" && err != nil || row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)) {
				t.Errorf("error %v, want %q", err, row.says)
			}
		})
	}
}

// TestEnvironment: the values to the byte, for nothing tells us when they are wrong
// before the first person is refused.
func TestEnvironment(t *testing.T) {
	for name, want := range map[string][4]string{
		"integration": {"https://oidc.integration.account.gov.uk/", "https://identity.integration.account.gov.uk/.well-known/did.json",
			"https://identity.integration.account.gov.uk/", "https://home.integration.account.gov.uk/"},
		"production": {"https://oidc.account.gov.uk/", "https://identity.account.gov.uk/.well-known/did.json",
			"https://identity.account.gov.uk/", "https://home.account.gov.uk/"},
	} {
		issuer, did, identity, home, ok := Environment(name)
		if got := [4]string{issuer, did, identity, home}; !ok || got != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "Production", "staging"} {
		if _, _, _, _, ok := Environment(name); ok {
			t.Errorf("%q is an environment", name)
		}
	}
}

// TestController: row 25: the DID that the keys of core identities must belong to.
func TestController(t *testing.T) {
	for didURL, want := range map[string]string{
		environments["production"].didURL:            "did:web:identity.account.gov.uk",
		environments["integration"].didURL:           "did:web:identity.integration.account.gov.uk",
		"http://localhost:3000/.well-known/did.json": "did:web:localhost%3A3000", // as One Login's simulator has it
	} {
		if got := controllerOf(didURL); got != want {
			t.Errorf("controller of %s is %q, want %q", didURL, got, want)
		}
	}
}

// TestMetadata: an endpoint is believed as it stands in the document of the very
// issuer that was asked, and never in the clear off this machine.
func TestMetadata(t *testing.T) {
	for name, row := range map[string]struct {
		edit func(map[string]any)
		says string
	}{
		"another issuer":               {set("issuer", "https://evil.example/"), "is of issuer"},
		"the issuer without its slash": {func(m map[string]any) { m["issuer"] = strings.TrimSuffix(m["issuer"].(string), "/") }, "is of issuer"},
		"no issuer":                    {drop("issuer"), "is of issuer"},
		"no token endpoint":            {drop("token_endpoint"), "token_endpoint"},
		"a token endpoint in clear":    {set("token_endpoint", "http://evil.example/token"), "must begin with https://"},
		"a userinfo endpoint in clear": {set("userinfo_endpoint", "http://10.0.0.1/"), "must begin with https://"},
		"keys from a file":             {set("jwks_uri", "file:///etc/passwd"), "jwks_uri"},
		"authorize with a query":       {set("authorization_endpoint", "https://one-login.example/authorize?a=b"), "query"},
		"logout of the wrong type":     {set("end_session_endpoint", 1), "read discovery document"},
		"no logout":                    {drop("end_session_endpoint"), "end_session_endpoint"},
		"ISSUER in capitals":           {func(m map[string]any) { m["ISSUER"] = m["issuer"]; delete(m, "issuer") }, "is of issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.editMetadata = row.edit
			_, _, err := p.relyingParty().Depart(t.Context(), journey.SignIn, "en")
			wantTrouble(t, err, journey.Unreachable, row.says)
		})
	}
}

// TestMetadataOfLive: a live issuer's endpoints are not on this machine either.
func TestMetadataOfLive(t *testing.T) {
	const issuer = "https://one-login.example/"
	document := func(token string) []byte {
		return fmt.Appendf(nil, `{"issuer":%q,"authorization_endpoint":%[1]q,"token_endpoint":%q,"userinfo_endpoint":%[1]q,"jwks_uri":%[1]q,"end_session_endpoint":%[1]q}`, issuer, token)
	}
	for token, accepted := range map[string]bool{issuer + "token": true, "http://localhost/token": false, "http://127.0.0.1:8080/token": false} {
		if _, err := parseMetadata(document(token), issuer); (err == nil) != accepted {
			t.Errorf("token endpoint %s accepted: %v: %v", token, err == nil, err)
		}
	}
}

func shortKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	return must(rsa.GenerateKey(rand.Reader, 1024))
}

// secp384 is a key of a curve One Login does not use.
func secp384() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) }
