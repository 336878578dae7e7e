package caddymodule

import (
	"reflect"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"
)

// diffSettings compares settings; keys are compared as keys.
func diffSettings(want, got settings) string {
	return cmp.Diff(want, got, cmp.Exporter(func(t reflect.Type) bool { return t == reflect.TypeFor[settings]() }))
}

// TestDefaults are those that the comments of Config promise.
func TestDefaults(t *testing.T) {
	got, err := good().resolve(caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	written := good()
	written.PathPrefix = "/teaching-record"
	written.Assertion.Audience = "teaching.example.gov.uk"
	written.Assertion.Bind = "request"
	written.Session = Session{Idle: caddy.Duration(2 * time.Hour), Absolute: caddy.Duration(12 * time.Hour), Cache: new(caddy.Duration(2 * time.Second))}
	written.LookupLimit = LookupLimit{Lookups: 5, Window: caddy.Duration(24 * time.Hour)}
	written.Languages = []string{"en"}
	written.Branding = "generic"
	want, err := written.resolve(caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffSettings(want, got); diff != "" {
		t.Errorf("written out (-) and by default (+):\n%s", diff)
	}
	if got.public != nil || got.claims != nil || got.plainHeaders || got.bind != "request" || got.branding != "generic" || got.cache != 2*time.Second {
		t.Error("something is switched on that nobody asked for")
	}
}

// TestGood are configurations that have something unusual and no mistake.
func TestGood(t *testing.T) {
	for name, make := range map[string]func(*Config){
		"a port":                      func(c *Config) { c.ServiceURL = "https://teaching.example.gov.uk:8443" },
		"punycode":                    func(c *Config) { c.ServiceURL = "https://xn--tching-gva9e.example" },
		"http on localhost":           func(c *Config) { c.ServiceURL = "http://localhost:8080" },
		"http on a name of localhost": func(c *Config) { c.ServiceURL = "http://teaching.localhost:8080" },
		"http on 127.0.0.1":           func(c *Config) { c.ServiceURL = "http://127.0.0.1:8080" },
		"http on ::1":                 func(c *Config) { c.ServiceURL = "http://[::1]:8080" },
		"embedded Redis on loopback":  func(c *Config) { c.ServiceURL, c.Redis = "http://localhost:8080", "embedded" },
		"Redis by Sentinel":           func(c *Config) { c.Redis = "rediss+sentinel://host:26379?master_name=m" },
		"Redis by socket":             func(c *Config) { c.Redis = "unix:///run/redis.sock" },
		"production":                  func(c *Config) { c.OneLogin.Environment = "production" },
		"another environment":         standIns,
		"stand-ins on loopback": func(c *Config) {
			standIns(c)
			c.ServiceURL, c.OneLogin.Issuer = "http://localhost:8080", "http://localhost:8082/"
		},
		"all claims": func(c *Config) { c.Assertion.Claims = []string{"email", "name", "birthdate", "record"} },
		"no cache":   func(c *Config) { c.Session.Cache = new(caddy.Duration) },
		"limits that are equal": func(c *Config) {
			c.Session.Idle, c.Session.Absolute = caddy.Duration(time.Hour), caddy.Duration(time.Hour)
		},
		"the crown":                    func(c *Config) { c.Branding = "govuk" },
		"the crown, to try":            func(c *Config) { c.Branding, c.ServiceURL = "govuk", "http://localhost:8080" },
		"a prefix of several segments": func(c *Config) { c.PathPrefix = "/app/teaching-record" },
		"rotation": func(c *Config) {
			c.OneLogin.PrivateKeys = append(c.OneLogin.PrivateKeys, testKeys().rsa2)
			c.Assertion.PrivateKeys = append(c.Assertion.PrivateKeys, testKeys().ec2)
			c.Secrets = append(c.Secrets, "YW5vdGhlciBzZWNyZXQgYW5vdGhlciBzZWNyZXQgYW4=")
		},
	} {
		config := good()
		make(&config)
		if _, err := config.resolve(caddy.NewReplacer()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOrderOfKeys: the first of each is the one that signs and seals.
func TestOrderOfKeys(t *testing.T) {
	k := testKeys()
	config := good()
	config.OneLogin.PrivateKeys = []string{k.rsa2, k.rsa}
	config.Assertion.PrivateKeys = []string{k.ec2, k.ec}
	config.Secrets = []string{"YW5vdGhlciBzZWNyZXQgYW5vdGhlciBzZWNyZXQgYW4=", testSecret}
	config.Public = []string{"/Assets/*", "/"}
	s, err := config.resolve(caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	if !s.oneLoginKeys[0].Equal(try(parseRSAKey(k.rsa2))) || !s.oneLoginKeys[1].Equal(try(parseRSAKey(k.rsa))) ||
		!s.assertionKeys[0].Equal(try(parseECKey(k.ec2))) || !s.assertionKeys[1].Equal(try(parseECKey(k.ec))) ||
		string(s.secrets[0]) != "another secret another secret an" || len(s.secrets) != 2 {
		t.Error("not in the order in which they were given")
	}
	if diff := cmp.Diff(caddyhttp.MatchPath{"/assets/*", "/"}, s.public); diff != "" {
		t.Error(diff)
	}
}
