package caddymodule

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestLogLines: a line about a request has its id once, as the access log has it,
// and nothing else that Caddy keeps with the request.
func TestLogLines(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { caddy.Stop() })
	caddyfile := strings.Replace(running(t, dir, "respond hello\n\tlog"), "output discard", "output file "+dir+"/log", 1)
	if err := load(t, caddyfile); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, dir, "/teaching-record/callback?error=x"); !strings.HasPrefix(got, "502 ") {
		t.Fatal(got)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{} // by logger
	for line := range strings.Lines(string(try(os.ReadFile(dir + "/log")))) {
		var entry struct{ Logger, UUID string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(line, `"uuid"`); n > 1 {
			t.Errorf("%d ids in %s", n, line)
		}
		if entry.UUID != "" {
			ids[entry.Logger] = entry.UUID
		}
	}
	access, ours := ids["http.log.access"], ids["http.handlers.teaching_record"]
	if access == "" || ours != access {
		t.Errorf("the access log says %q, we say %q", access, ours)
	}
}
