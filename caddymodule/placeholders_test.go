package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestPlaceholders: what stands behind a placeholder is found once, at start.
func TestPlaceholders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "\n  from a file\n\n")
	t.Setenv("TEST_NAME", " Anna ")
	t.Setenv("TEST_NESTED", "{env.TEST_NAME} and {file./etc/passwd}")
	for written, want := range map[string]string{
		"as it is":            "as it is",
		"{env.TEST_NAME}":     "Anna",
		"{file." + file + "}": "from a file",
		"redis://{env.TEST_NAME}:{env.TEST_NAME}@host": "redis://Anna:Anna@host",
		"{env.TEST_NESTED}":                            "{env.TEST_NAME} and {file./etc/passwd}", // not again
	} {
		if got, err := expand(caddy.NewReplacer(), written); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", written, got, err, want)
		}
	}
}

// TestPlaceholderMistakes: nothing is ever put in the place of a placeholder.
func TestPlaceholderMistakes(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, " \n")
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TEST_BLANK", " \n")
	t.Setenv("TEST_NESTED", "{env.TEST_NOT_SET}")
	t.Setenv("TEST_SECRET", "marker {env.TEST_NOT_SET}")
	name := func(written string) func(*Config) { return func(c *Config) { c.ServiceName = written } }
	const notHere = " is not a placeholder here; write {env.NAME} or {file./path}"
	runMistakes(t, []mistake{
		{"not set", name("{env.TEST_NOT_SET}"), "service_name: {env.TEST_NOT_SET} is empty; set the environment variable TEST_NOT_SET"},
		{"blank", name("{env.TEST_BLANK}"), "service_name: {env.TEST_BLANK} is empty; set the environment variable TEST_BLANK"},
		{"in the middle", name("a {env.TEST_BLANK} b"), "service_name: {env.TEST_BLANK} is empty; set the environment variable TEST_BLANK"},
		{"no file", name("{file." + missing + "}"), "service_name: {file." + missing + "} cannot be read: open " + missing + ": no such file or directory"},
		{"empty file", name("{file." + empty + "}"), "service_name: {file." + empty + "} is empty; write the value into that file"},
		{"of a request", name("{http.request.host}"), "service_name: {http.request.host}" + notHere},
		{"of the machine", name("{system.hostname}"), "service_name: {system.hostname}" + notHere},
		{"of nobody", name("{}"), "service_name: {}" + notHere},
		{"half open", name("{env.TEST_SECRET"), "service_name: has a brace without its partner; placeholders are written {env.NAME} or {file./path}"},
		{"half closed", name("env.TEST_SECRET}"), "service_name: has a brace without its partner; placeholders are written {env.NAME} or {file./path}"},
		{"in a list", func(c *Config) { c.Secrets = []string{testSecret, "{env.TEST_NOT_SET}"} }, "secrets, number 2: {env.TEST_NOT_SET} is empty; set the environment variable TEST_NOT_SET"},
		{"as a choice", func(c *Config) { c.Branding = "{env.TEST_NOT_SET}" }, "branding: {env.TEST_NOT_SET} is empty; set the environment variable TEST_NOT_SET"},
		{"a secret for Redis", func(c *Config) { c.Redis = "{env.TEST_SECRET}" },
			"redis: must be an address that begins with one of redis://, rediss://, redis+cluster://, rediss+cluster://, redis+sentinel://, rediss+sentinel://, unix://, or the word embedded"},
		{"a secret for a key", func(c *Config) { c.OneLogin.PrivateKeys = []string{"{env.TEST_SECRET}"} },
			"one_login private_key: is not a PEM text; make an RSA key with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"},
		{"a secret for a secret", func(c *Config) { c.Secrets = []string{"{env.TEST_SECRET}"} }, "secrets: is not base64; make one with: openssl rand -base64 32"},
		{"braces for a path", func(c *Config) { c.Public = []string{"/{env.TEST_NESTED}"} },
			`public: "/{env.TEST_NOT_SET}" must be a plain path such as /healthcheck, or one that ends in a wildcard such as /assets/*`},
	})
}

// TestEveryTextIsExpanded: there is no text setting that takes a placeholder
// for itself.
func TestEveryTextIsExpanded(t *testing.T) {
	config := good()
	config.Public = []string{"/healthcheck"}
	config.PathPrefix = "/teachers"
	config.Assertion.Audience = "audience"
	config.Assertion.Bind = "session"
	config.Assertion.Claims = []string{"email"}
	config.Branding = "govuk"
	standIns(&config)
	want, err := config.resolve(caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}

	// Each string of the configuration moves into a variable of its own.
	var tree map[string]any
	text := try(json.Marshal(config))
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	n := 0
	var moved Config
	if err := json.Unmarshal(try(json.Marshal(move(t, tree, &n))), &moved); err != nil {
		t.Fatal(err)
	}
	got, err := moved.resolve(caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffSettings(want, got); diff != "" {
		t.Errorf("%d variables later (-) is (+):\n%s", n, diff)
	}
}

func move(t *testing.T, value any, n *int) any {
	switch value := value.(type) {
	case string:
		*n++
		name := "TEST_MOVED_" + string(rune('A'+*n))
		t.Setenv(name, value)
		return "{env." + name + "}"
	case []any:
		for i := range value {
			value[i] = move(t, value[i], n)
		}
	case map[string]any:
		for key := range value {
			value[key] = move(t, value[key], n)
		}
	}
	return value
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
