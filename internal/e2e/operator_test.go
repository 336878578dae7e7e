package e2e

import (
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// get is the status of a path of the site.
func (s *stack) get(t testing.TB, path string) int {
	t.Helper()
	return s.raw(t, rawRequest{method: "GET", target: path}).status
}

func (s *stack) status(t testing.TB, path string, want int) {
	t.Helper()
	if got := s.get(t, path); got != want {
		t.Errorf("%s: %d, want %d", path, got, want)
	}
}

// tryReload loads the Caddyfile that edit makes of the present one.
func (s *stack) tryReload(t testing.TB, edit func(string) string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	write(t, file, edit(read(t, s.caddyfile)))
	reload := exec.Command(binary(), "reload", "--config", file, "--adapter", "caddyfile", "--address", s.admin, "--force")
	reload.Env = s.environ()
	out, err := reload.CombinedOutput()
	return string(out), err
}

func (s *stack) reload(t testing.TB, edit func(string) string) {
	t.Helper()
	if out, err := s.tryReload(t, edit); err != nil {
		t.Fatalf("reload: %v\n%s", err, out)
	}
}

// metric is the value of a line of Caddy's metrics, as it stands there; "" if there
// is none.
func (s *stack) metric(t testing.TB, name string) string {
	t.Helper()
	resp, err := s.client.Get("http://" + s.admin + "/metrics")
	must(t, err)
	defer resp.Body.Close()
	for line := range strings.Lines(body(t, resp.Body)) {
		if value, is := strings.CutPrefix(line, name+" "); is {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// replica starts a second Caddy for the same site, on a port of its own.
func (s *stack) replica(t testing.TB) *stack {
	t.Helper()
	other := &stack{Stack: s.Stack, t: t, dir: t.TempDir(), log: s.log, admin: freeAddress(t), site: "http://" + freeAddress(t), env: s.env, client: s.client}
	other.caddyfile = filepath.Join(other.dir, "Caddyfile")
	write(t, other.caddyfile, strings.Replace(read(t, s.caddyfile), "{$SERVICE_URL}", other.site, 1))
	t.Cleanup(func() { other.caddy.stop() })
	other.startCaddy()
	return other
}

// refuseRedis makes Redis refuse connections, or be there again with all it had.
func (s *stack) refuseRedis(t testing.TB, refuse bool) {
	t.Helper()
	if refuse {
		client := s.redisClient(t)
		must(t, client.Save(t.Context()).Err())
		s.redis.stop()
		return
	}
	s.startRedis()
}

// flushFlows forgets all that left for One Login, as an hour would.
func (s *stack) flushFlows(t testing.TB) error {
	t.Helper()
	client := s.redisClient(t)
	flows, err := client.Keys(t.Context(), "tr:flow:*").Result()
	if err != nil || len(flows) == 0 {
		return fmt.Errorf("%d flows: %w", len(flows), err)
	}
	return client.Del(t.Context(), flows...).Err()
}

func (s *stack) redisClient(t testing.TB) redis.UniversalClient {
	t.Helper()
	r, err := store.Connect(s.env["REDIS_URL"], slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r.Client
}

func (s *stack) startRedis() {
	address, _ := strings.CutPrefix(s.env["REDIS_URL"], "redis://")
	s.redis = s.run("redis-server", "--port", portOf(address), "--bind", "127.0.0.1", "--save", "", "--dir", s.dir)
}
