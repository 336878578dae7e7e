package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// running is a Caddyfile of one site, with the embedded Redis. It listens on a
// socket in dir, which no other process can take.
func running(t *testing.T, dir, directives string) string {
	t.Setenv("TEST_RSA", testKeys().rsa)
	t.Setenv("TEST_EC", testKeys().ec)
	return fmt.Sprintf(`{
	admin off
	persist_config off
	storage file_system %[1]s
	log {
		output discard
	}
}

http://localhost {
	bind unix/%[1]s/site
	teaching_record {
		service_name Test
		service_url http://localhost
		public /open/*
		support_email help@example.gov.uk
		one_login {
			issuer http://127.0.0.1:1/
			did_url http://127.0.0.1:1/did.json
			identity_issuer http://127.0.0.1:1/
			client_id test
			private_key {env.TEST_RSA}
		}
		redis embedded
		secrets %[2]s
		register embedded testdata/people.json
		assertion {
			private_key {env.TEST_EC}
		}
	}
	%[3]s
}
`, dir, testSecret, directives)
}

func load(t *testing.T, caddyfile string) error {
	t.Helper()
	adapted, err := adapt(caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	return caddy.Load(adapted, true)
}

// fetch is what a request of a path is answered with. A server that Caddy is
// stopping may take one more connection and close it at once; browsers try
// again, and so does this.
func fetch(t *testing.T, dir, path string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", dir+"/site")
	}}}
	request := try(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil))
	request.Header.Set("Teaching-Record-Trn", "from the client")
	resp, err := client.Do(request)
	for range 10 {
		if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			break
		}
		resp, err = client.Do(request)
	}
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return fmt.Sprint(resp.StatusCode, " ", string(try(io.ReadAll(resp.Body))))
}

// TestReload: a configuration that does not start leaves the old one serving,
// one that starts takes over its state, and the last one leaves nothing behind.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { caddy.Stop() })
	serves := func(want string) {
		t.Helper()
		if got := fetch(t, dir, "/open/x"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := fetch(t, dir, "/closed"); !strings.HasPrefix(got, "401 ") {
			t.Errorf("a protected path: %s", got)
		}
	}

	// Whoever forges our headers, operators included, the service does not see it.
	first := running(t, dir, `respond "first{header.Teaching-Record-Assertion}{header.Teaching-Record-Trn}"
	request_header Teaching-Record-Assertion "from the operator"`)
	if err := load(t, first); err != nil {
		t.Fatal(err)
	}
	serves("200 first")
	redis, release, err := sharedRedis(store.Embedded, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	if err := redis.Client.Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}

	for _, bad := range []string{
		strings.Replace(first, "testdata/people.json", "testdata/nobody.json", 1),
		strings.Replace(first, "{env.TEST_EC}", "{env.TEST_RSA}", 1),
		strings.Replace(first, testSecret, "{env.TEST_NOT_SET}", 1),
	} {
		if err := load(t, strings.Replace(bad, `"first`, `"bad`, 1)); err == nil {
			t.Errorf("started:\n%s", bad)
		}
		serves("200 first")
		if n := users(store.Embedded); n != 1 {
			t.Errorf("after a failed reload, Redis has %d users", n)
		}
	}

	if err := load(t, strings.Replace(first, `"first`, `"second`, 1)); err != nil {
		t.Fatal(err)
	}
	serves("200 second")
	if n := users(store.Embedded); n != 1 {
		t.Errorf("after a reload, Redis has %d users", n)
	}
	if kept, err := redis.Client.Get(t.Context(), "kept").Result(); kept != "yes" {
		t.Errorf("after a reload, Redis holds %q, %v", kept, err)
	}

	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
	if n := users(store.Embedded); n != 0 {
		t.Errorf("after the end, Redis has %d users", n)
	}
}

// TestOrder: wherever it is written, the directive comes after what edits a
// request and before what answers one.
func TestOrder(t *testing.T) {
	adapted, err := adapt(`:8080 {
	reverse_proxy localhost:3000
	respond /hello hello
	route /route {
		respond hello
	}
	handle /handle {
		respond hello
	}
	teaching_record
	encode
	request_header Teaching-Record-Assertion forged
	uri strip_prefix /app
}`)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct {
						Handle []struct{ Handler string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, route := range config.Apps.HTTP.Servers["srv0"].Routes {
		for _, handle := range route.Handle {
			order = append(order, handle.Handler)
		}
	}
	if want := []string{"rewrite", "headers", "encode", "teaching_record", "subroute", "subroute", "static_response", "reverse_proxy"}; !slices.Equal(order, want) {
		t.Errorf("in the order %v, want %v", order, want)
	}
}
