package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlacement: what is done to the path before the directive is what is signed
// and what the service sees; then it verifies. What is done after it does not.
func TestPlacement(t *testing.T) {
	t.Parallel()
	const directive = "teaching_record {"
	for _, tt := range []struct {
		name     string
		edit     option
		asked    string
		path     string // as the service sees it
		verified bool
	}{
		{"nothing around it", editing(), "/a%2Fb%20c/?q=1", "/a%2Fb%20c/", true},
		{"uri strip_prefix beside it", editing(directive, "uri strip_prefix /app\n"+directive), "/app/whoami", "/whoami", true},
		{"rewrite beside it", editing(directive, "rewrite /old /whoami\n"+directive), "/old", "/whoami", true},
		{"handle_path around it", twice, "/app/whoami", "/whoami", true},
		{"rewrite inside reverse_proxy", editing("reverse_proxy {$UPSTREAM}", "reverse_proxy {$UPSTREAM} {\nrewrite /whoami\n}"), "/old", "/whoami", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.edit)
			v := s.teacher(t)
			v.open("/elsewhere").choose("known")
			resp := s.raw(t, rawRequest{method: "GET", target: tt.asked, header: []string{"Cookie: teaching-record=" + v.cookie()}})
			if tt.path != "/whoami" {
				if resp.status != http.StatusOK || !strings.Contains(resp.body, tt.path) {
					t.Errorf("%s: %d\n%s", tt.asked, resp.status, resp.body)
				}
				return
			}
			if got := decode(t, resp); got.Verified != tt.verified || got.Path != tt.path {
				t.Errorf("the service at %s: %v", got.Path, got)
			}
		})
	}
}

// twice has the site once below /app, without that prefix for the service, and
// once for all the rest, our own pages among it.
func twice(s *stack) {
	_, site, _ := strings.Cut(read(s.t, s.caddyfile), "{$SERVICE_URL} {")
	site = site[:strings.LastIndex(site, "}")]
	s.caddyfile = filepath.Join(s.dir, "Caddyfile")
	write(s.t, s.caddyfile, "(site) {"+site+"}\n{$SERVICE_URL} {\nhandle_path /app/* {\nimport site\n}\nhandle {\nimport site\n}\n}\n")
}
