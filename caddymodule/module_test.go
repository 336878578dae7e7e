package caddymodule

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// trial is a configuration that runs without anything beside it.
func trial() Config {
	config := good()
	config.ServiceURL = "http://localhost:8080"
	config.Redis = store.Embedded
	config.Register.Embedded = "testdata/people.json"
	return config
}

// provision makes a handler as Caddy does, which cleans up after a failure.
func provision(t *testing.T, config Config) (*Handler, error) {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}})
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{Config: config}
	err = h.Provision(ctx)
	if err != nil {
		if err := h.Cleanup(); err != nil {
			t.Errorf("cleaning up after a failure: %v", err)
		}
	}
	return h, err
}

// users is how many hold the client of a Redis.
func users(address string) int {
	n, _ := redisClients.References(address)
	return n
}

// client is the Redis client that a handler works with.
func client(h *Handler) any { return h.gate.Visits.(*store.Store).Client }

// TestHalfAStart: whatever of the parts cannot be built, those built before it
// are let go, and a later start finds nothing in its way.
func TestHalfAStart(t *testing.T) {
	damaged := t.TempDir() + "/people.json"
	write(t, damaged, "[]")
	for name, row := range map[string]struct {
		make func(*Config)
		want string
	}{
		"no people":          {func(c *Config) { c.Register.Embedded = "testdata/nobody.json" }, "register embedded: stat testdata/nobody.json: no such file or directory"},
		"damaged people":     {func(c *Config) { c.Register.Embedded = damaged }, "register embedded: " + damaged + ":1: "},
		"no Redis to name":   {func(c *Config) { c.Redis = "redis+sentinel://localhost:1" }, "redis address: a Sentinel address needs a master_name in its query"},
		"a Redis misspelled": {func(c *Config) { c.Redis = "redis://:mark/er@localhost:1" }, "redis address: not a URL"},
		"a mistake":          {func(c *Config) { c.Secrets = nil }, "secrets is missing"},
	} {
		config := trial()
		row.make(&config)
		_, err := provision(t, config)
		if err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %s", name, err, row.want)
		}
		if n := users(config.Redis); n != 0 {
			t.Errorf("%s: the Redis client still has %d users", name, n)
		}
	}
	h, err := provision(t, trial())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Cleanup(); err != nil {
		t.Error(err)
	}
}

// TestSettingsReachTheirParts: those that no story of a signed-in teacher shows.
func TestSettingsReachTheirParts(t *testing.T) {
	for _, row := range []struct{ bind, branding string }{{"request", "generic"}, {"session", "govuk"}} {
		config := trial()
		config.Assertion.Bind, config.Branding = row.bind, row.branding
		h, err := provision(t, config)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		err = h.gate.Signer.Stamp(r, assertion.Claims{Visit: "v", Subject: "s", Match: assertion.Found, TRN: "1234567"}, "")
		if free := err == nil; free != (row.bind == "session") { // only an assertion for one request names it
			t.Errorf("bind %s: %v", row.bind, err)
		}
		w := httptest.NewRecorder()
		if err := h.gate.Pages.Write(w, http.StatusOK, pages.Frame{}, pages.SignedOut{}); err != nil {
			t.Fatal(err)
		}
		if crown := strings.Contains(w.Body.String(), "/govuk-"); crown != (row.branding == "govuk") {
			t.Errorf("branding %s:\n%s", row.branding, w.Body)
		}
		if err := h.Cleanup(); err != nil {
			t.Error(err)
		}
	}
}

// TestNeverStarted: Caddy cleans up what it never provisioned.
func TestNeverStarted(t *testing.T) {
	if err := new(Handler).Cleanup(); err != nil {
		t.Error(err)
	}
}

// TestSharedRedis: a new configuration gets the client of the old one, which
// closes when nobody has it any longer.
func TestSharedRedis(t *testing.T) {
	ctx := t.Context()
	before, err := provision(t, trial())
	if err != nil {
		t.Fatal(err)
	}
	redis := before.gate.Visits.(*store.Store).Client
	if err := redis.Set(ctx, "kept", "over the reload", 0).Err(); err != nil {
		t.Fatal(err)
	}

	after, err := provision(t, trial())
	if err != nil {
		t.Fatal(err)
	}
	if client(after) != client(before) || users(store.Embedded) != 2 {
		t.Errorf("two clients for one Redis, or not 2 users but %d", users(store.Embedded))
	}
	if err := before.Cleanup(); err != nil {
		t.Error(err)
	}
	if kept, err := redis.Get(ctx, "kept").Result(); err != nil || kept != "over the reload" {
		t.Errorf("after the old configuration ended: %q, %v", kept, err)
	}

	elsewhere := trial()
	elsewhere.Redis = "redis://localhost:1"
	other, err := provision(t, elsewhere)
	if err != nil {
		t.Fatalf("Redis is away, and that stops the start: %v", err)
	}
	if client(other) == client(after) {
		t.Error("two Redises have one client")
	}
	if err := other.Cleanup(); err != nil {
		t.Error(err)
	}

	if err := after.Cleanup(); err != nil {
		t.Error(err)
	}
	if n := users(store.Embedded) + users(elsewhere.Redis); n != 0 {
		t.Errorf("after the last configuration ended there are %d users", n)
	}
	if err := redis.Ping(ctx).Err(); err == nil {
		t.Error("nobody has the client, and it is open")
	}
}

// TestProvisionIsQuiet: Redis is not spoken to before the start, so that
// "caddy validate" can run anywhere and changes nothing.
func TestProvisionIsQuiet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan bool, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			conn.Close()
		}
		called <- err == nil
	}()
	config := trial()
	config.Redis = "redis://" + l.Addr().String()
	config.Secrets = append(config.Secrets, "bW9yZSBvZiBhIHNlY3JldCBtb3JlIG9mIGEgc2VjcmV0")
	h, err := provision(t, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Cleanup(); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if <-called {
		t.Error("Redis was called")
	}
}
