package devstack

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	verify "github.com/caddy-teaching-record/caddy-teaching-record/examples/verify/go"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// Environment is a value for every environment variable that Caddyfile.example
// names, with fresh keys, so that the example runs against the stand-ins as it
// stands. The people file is written into dir. upstream is the host and port of
// the service, redis the address of a Redis.
func Environment(config Config, dir, upstream, redis string) (map[string]string, error) {
	oneLoginKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	assertionKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "people.json")
	if err := os.WriteFile(file, people.RegisterFile(), 0o600); err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)

	issuer := strings.TrimSuffix(config.OneLogin, "/") + "/"
	env := map[string]string{
		"SERVICE_URL":               config.Site,
		"UPSTREAM":                  upstream,
		"ONE_LOGIN_ISSUER":          issuer,
		"ONE_LOGIN_DID_URL":         issuer + ".well-known/did.json",
		"ONE_LOGIN_IDENTITY_ISSUER": issuer + "identity/",
		"ONE_LOGIN_CLIENT_ID":       config.ClientID,
		"TEACHING_RECORD_SECRET":    base64.StdEncoding.EncodeToString(secret),
		"REDIS_URL":                 redis,
		"PEOPLE_FILE":               file,

		"NOTIFY_URL":                    config.Notify,
		"NOTIFY_API_KEY":                notifyKey,
		"NOTIFY_TRN_ALLOCATED_TEMPLATE": trnTemplate,
		"NOTIFY_SUPPORT_TEMPLATE":       supportTemplate,
		"ZENDESK_URL":                   config.Zendesk,
		"ZENDESK_CLIENT_ID":             zendeskClient,
		"ZENDESK_CLIENT_SECRET":         zendeskClientSecret,
		"FIND_URL":                      config.Find + "/identity",
		"FIND_SHARED_KEY":               findSharedKey,
		"FIND_API_KEY":                  findAPIKey,
	}
	for name, key := range map[string]any{"ONE_LOGIN_PRIVATE_KEY": oneLoginKey, "ASSERTION_PRIVATE_KEY": assertionKey} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		env[name] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	return env, nil
}

// Verify is how the service behind a site of ours verifies: with the package
// that any Go service would use, from outside, by the published keys. They are
// fetched with client, or with a plain one when it is nil.
func Verify(site string, client *http.Client) (func(*http.Request) (map[string]any, error), error) {
	_, host, _ := strings.Cut(site, "://")
	verifier, err := verify.New(verify.Config{
		Issuer: site, Audience: host, JWKSURL: site + prefix + "/jwks.json", HTTP: client,
	})
	if err != nil {
		return nil, err
	}
	return func(r *http.Request) (map[string]any, error) {
		if _, err := verifier.Verify(r); err != nil {
			return nil, err
		}
		// Every claim as it came, also those the verifier does not know.
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(r.Header.Get(verify.Header), ".")[1])
		if err != nil {
			return nil, err
		}
		var claims map[string]any
		decoder := json.NewDecoder(bytes.NewReader(payload))
		decoder.UseNumber() // times as they were written, not 1.79e+09
		return claims, decoder.Decode(&claims)
	}, nil
}

// InTRS is Caddyfile.example with the Teaching Record System as its register, at
// the address that TRS_URL names, with the key that TRS_API_KEY is, and told by
// its webhooks.
func InTRS(caddyfile string) (string, error) {
	return instead(caddyfile, "register embedded {env.PEOPLE_FILE}", "register trs {\n\t\t\turl {env.TRS_URL}\n\t\t\tapi_key {env.TRS_API_KEY}\n\t\t\twebhook on\n\t\t}")
}

// Allocating is Caddyfile.example for a service that gives TRNs.
func Allocating(caddyfile string) (string, error) {
	return instead(caddyfile, "# allocate_trn\n", "allocate_trn\n")
}

// Finding is Caddyfile.example for a service that leads people to Find a lost TRN:
// what it says of that is a comment no longer.
func Finding(caddyfile string) (string, error) {
	const begins, ends = "\t\t# find_a_lost_trn {\n", "\t\t# }\n"
	before, rest, found := strings.Cut(caddyfile, begins)
	block, after, ended := strings.Cut(rest, ends)
	if !found || !ended {
		return "", fmt.Errorf("the Caddyfile has no %q", strings.TrimSpace(begins))
	}
	on := strings.ReplaceAll(begins+block+ends, "\t\t# ", "\t\t")
	return before + on + after, nil
}

// instead is the Caddyfile with something else in the place of what it must have.
func instead(caddyfile, old, new string) (string, error) {
	if !strings.Contains(caddyfile, old) {
		return "", fmt.Errorf("the Caddyfile has no %q", old)
	}
	return strings.Replace(caddyfile, old, new, 1), nil
}
