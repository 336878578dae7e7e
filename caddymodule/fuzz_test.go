package caddymodule

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// FuzzDirective: whatever stands in the block is refused in one line that names
// the place, or becomes JSON that Caddy reads back as the same configuration.
func FuzzDirective(f *testing.F) {
	for _, seed := range []string{
		"", "redis embedded", "public /a /b\nlanguages en", "session idle 2h cache 0s", "lookup_limit 5 24h", "register embedded {file./x}",
		"one_login {\n\tclient_id a\n\tprivate_key b\n\tprivate_key c\n}", "assertion {\n\tbind {env.X}\n\tplain_headers on\n\tclaims email\n}",
		"redis a {\n}", "}", "{", "one_login {", "service_name \"a\nb\"", "service_name `a`", "service_name <<X\na\nX", "import x", "@a path /",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, block string) {
		tokens, err := caddyfile.Tokenize([]byte("teaching_record {\n"+block+"\n}\n"), "Caddyfile")
		if err != nil {
			return // not ours to read
		}
		var config Config
		if err := config.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens)); err != nil {
			if !strings.Contains(err.Error(), ", at Caddyfile:") {
				t.Errorf("an error of no place: %v", err)
			}
			return
		}
		written := try(json.Marshal(config))
		var read Config
		strict := json.NewDecoder(bytes.NewReader(written))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&read); err != nil {
			t.Fatalf("%v in %s", err, written)
		}
		if again := try(json.Marshal(read)); !bytes.Equal(again, written) {
			t.Errorf("became\n%s\nand then\n%s", written, again)
		}
	})
}
