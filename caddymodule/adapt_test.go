package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the golden files should say")

// adapt turns a Caddyfile into Caddy's JSON, as caddy run does.
func adapt(caddyfile string) ([]byte, error) {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	return adapted, err
}

// TestAdapt reads golden files: a Caddyfile, a line of dashes, and the JSON or
// the error that it becomes.
func TestAdapt(t *testing.T) {
	t.Setenv("TEST_SITE", "http://localhost:8080")
	t.Setenv("TEST_UPSTREAM", "127.0.0.1:3000")
	t.Setenv("TEST_BLANK", " ")
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, found := strings.Cut(string(golden), "----------\n")
			if !found {
				t.Fatal("there is no line of dashes")
			}
			var got string
			if adapted, err := adapt(caddyfile); err != nil {
				got = err.Error() + "\n"
			} else {
				got = indent(t, adapted)
			}
			if *update {
				if err := os.WriteFile(file, []byte(caddyfile+"----------\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("not as it was (-) but (+):\n%s", diff)
			}
		})
	}
}

func indent(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}
