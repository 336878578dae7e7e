package findtrn

import (
	"strings"
	"testing"
)

const (
	sharedKey = "qNhFcrwurK5Rf9qJeH7KaU3F"
	apiKey    = "hTzW3kPq8vYb2nXc"
	newKey    = "mRd7sLg4jUe9fKa1oBvN"

	journeyID = "9ddccb62-ec13-4ea7-a163-c058a19b8222"
	email     = "clementina.oakenfold-rye@people.example"
	previous  = "https://teaching.example.gov.uk/teaching-record/find-a-lost-trn?lang=cy"
)

func config() Config {
	return Config{
		URL:         "https://find-a-lost-trn.education.gov.uk/identity",
		SharedKey:   sharedKey,
		APIKeys:     []string{apiKey, newKey},
		ClientID:    "access-your-teaching-qualifications",
		ClientTitle: "Access your teaching qualifications",
		ClientURL:   "https://teaching.example.gov.uk",
		RedirectURL: "https://teaching.example.gov.uk/teaching-record/find-a-lost-trn/callback",
	}
}

func handover(t testing.TB) *Handover {
	t.Helper()
	h, err := New(config())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestNewRefuses: a mistake of configuration is told at start, without a key.
func TestNewRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*Config)
		says string // "" when New must accept
	}{
		{"as it is", func(*Config) {}, ""},
		{"no URL", func(c *Config) { c.URL = "" }, "the URL is missing"},
		{"no client id", func(c *Config) { c.ClientID = "" }, "the client id is missing"},
		{"a client title of spaces", func(c *Config) { c.ClientTitle = " \t" }, "the client title is missing"},
		{"no client URL", func(c *Config) { c.ClientURL = "" }, "the client URL is missing"},
		{"no redirect URL", func(c *Config) { c.RedirectURL = "" }, "the redirect URL is missing"},
		{"a client title of two lines", func(c *Config) { c.ClientTitle = "Two\nlines" }, "the client title must be one line"},
		{"a client title with NUL", func(c *Config) { c.ClientTitle = "a\x00b" }, "the client title must be one line"},
		{"a client title with NEL", func(c *Config) { c.ClientTitle = "a\u0085b" }, "the client title must be one line"},
		{"a client title with a line separator", func(c *Config) { c.ClientTitle = "a\u2028b" }, "the client title must be one line"},
		{"a client title with a paragraph separator", func(c *Config) { c.ClientTitle = "a\u2029b" }, "the client title must be one line"},
		{"a client title in another encoding", func(c *Config) { c.ClientTitle = "Caf\xe9" }, "the client title must be one line"},
		{"a client title that was in another encoding", func(c *Config) { c.ClientTitle = "Caf\ufffd" }, "the client title must be one line"},
		{"a Welsh client title", func(c *Config) { c.ClientTitle = "Cael mynediad i’ch cymwysterau ŵ" }, ""},
		{"a client title too long", func(c *Config) { c.ClientTitle = strings.Repeat("t", 1000) }, "may have 1500: shorten"},

		{"a relative URL", func(c *Config) { c.URL = "/identity" }, "the URL must be an absolute URL"},
		{"a URL with a password", func(c *Config) { c.URL = "https://a:b@find.example/identity" }, "the URL must be an absolute URL"},
		{"a URL of every host", func(c *Config) { c.URL = "https://*.gov.uk/identity" }, "the URL must be an absolute URL"},
		{"a URL that ends the policy", func(c *Config) { c.URL = "https://find.example;script-src/identity" }, "the URL must be an absolute URL"},
		{"a URL with a query", func(c *Config) { c.URL += "?a=b" }, "the URL must not have a query"},
		{"a URL with a bare ?", func(c *Config) { c.URL += "?" }, "the URL must not have a query"},
		{"a URL with a fragment", func(c *Config) { c.URL += "#" }, "the URL must not have a fragment"},
		{"a URL in the clear", func(c *Config) { c.URL = "http://find.example/identity" }, "the URL must begin with https://"},
		{"a URL on this machine", func(c *Config) { c.URL = "http://127.0.0.1:8085/identity" }, ""},
		{"a name that ends alike", func(c *Config) { c.URL = "http://notlocalhost/identity" }, "the URL must begin with https://"},
		{"a client URL in the clear", func(c *Config) { c.ClientURL = "http://teaching.example" }, "the client URL must begin"},
		{"a client URL on this machine", func(c *Config) { c.ClientURL = "http://site.localhost:8080/" }, ""},
		{"a script for a client URL", func(c *Config) { c.ClientURL = "javascript://teaching.example/" }, "the client URL must begin"},
		{"a relative redirect URL", func(c *Config) { c.RedirectURL = "//teaching.example/back" }, "the redirect URL must begin"},
		{"a redirect URL with a query", func(c *Config) { c.RedirectURL += "?a=b" }, "the redirect URL must not have a query"},
		{"a redirect URL with a fragment", func(c *Config) { c.RedirectURL += "#a" }, "the redirect URL must not have a fragment"},

		{"no shared key", func(c *Config) { c.SharedKey = "" }, "the shared key is missing"},
		{"a short shared key", func(c *Config) { c.SharedKey = "qNhFcrwurK5Rf9q" }, "the shared key must have at least 16"},
		{"a shared key of 16", func(c *Config) { c.SharedKey = "qNhFcrwurK5Rf9qJ" }, ""},
		{"a shared key with a line break", func(c *Config) { c.SharedKey += "\n" }, "the shared key must consist of visible ASCII"},
		{"a shared key with a space", func(c *Config) { c.SharedKey = " " + c.SharedKey }, "the shared key must consist of visible ASCII"},
		{"no API key", func(c *Config) { c.APIKeys = nil }, "the API key is missing"},
		{"an empty API key", func(c *Config) { c.APIKeys[1] = "" }, "API key 2 is missing"},
		{"a short API key", func(c *Config) { c.APIKeys[0] = apiKey[1:] }, "API key 1 must have at least 16"},
		{"an API key beyond ASCII", func(c *Config) { c.APIKeys[0] += "é" }, "API key 1 must consist of visible ASCII"},
		{"an API key twice", func(c *Config) { c.APIKeys[1] = apiKey }, "API key 2 is configured twice"},
		{"one key for both ways", func(c *Config) { c.APIKeys[1] = sharedKey }, "API key 2 must not be the shared key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := config()
			row.edit(&c)
			_, err := New(c)
			if row.says == "" && err != nil || row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)) {
				t.Fatalf("error %v, want %q", err, row.says)
			}
			for _, key := range append(c.APIKeys, c.SharedKey) {
				if err != nil && key != "" && strings.Contains(err.Error(), key) {
					t.Errorf("the error has a key: %v", err)
				}
			}
		})
	}
}

// TestKeysAreTaken: a configuration that somebody changes later changes nothing.
func TestKeysAreTaken(t *testing.T) {
	c := config()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	c.APIKeys[0] = "another-key-altogether"
	if _, _, err := h.ReadClaim(put(found)); err != nil {
		t.Error(err)
	}
}

func TestOrigin(t *testing.T) {
	for url, want := range map[string]string{
		"https://find-a-lost-trn.education.gov.uk/identity": "https://find-a-lost-trn.education.gov.uk",
		"http://localhost:8085/identity":                    "http://localhost:8085",
		"HTTPS://find.example:444":                          "https://find.example:444",
	} {
		c := config()
		c.URL = url
		h, err := New(c)
		if err != nil || h.Origin() != want {
			t.Errorf("%s: %v, %v", url, h.Origin(), err)
		}
	}
}
