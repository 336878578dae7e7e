package caddymodule

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// requested is a request for what stood in its first line, as net/http reads it.
func requested(t *testing.T, target string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
	return r.WithContext(context.WithValue(t.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
}

// TestPublic: a path is public when every reader of it would say so.
func TestPublic(t *testing.T) {
	public := isPublic(caddyhttp.MatchPath{"/healthcheck", "/assets/*", "/docs*", "/img/*/small", "/"})
	for _, target := range []string{
		"/healthcheck", "/HealthCheck", "/healthcheck?x=/admin", "/health%63heck",
		"/assets/", "/assets/a.css", "/Assets/a.css", "/assets/a/b/", "/assets/a%20b", "/assets/caf%C3%A9", "/assets/a..b", "/assets/..a", "/assets/.a",
		"/assets/a?next=/../admin", "/assets/a?x=%2F%2e%2e",
		"/docs", "/docs/a", "/docs-too",
		"/img/a/small", "/",
	} {
		if !public(requested(t, target)) {
			t.Errorf("%s needs sign-in", target)
		}
	}
	for _, target := range []string{
		// Other paths.
		"/admin", "/healthcheck/", "/healthcheck/admin", "/healthchecks", "/assets", "/assetsa", "/x/assets/a", "/img/a/b/small", "/img/small",
		"/admin?/healthcheck", "/admin?x=/assets/", "/x", "*",
		// Dot segments, open and escaped.
		"/assets/../admin", "/assets/..", "/assets/.", "/assets/./a", "/assets/%2e%2e/admin", "/assets/.%2E/admin", "/assets/x/../../admin", "/./healthcheck", "/x/../healthcheck",
		"/admin/../assets/a", "/admin/..", "/..",
		// What Windows takes for dot segments.
		"/assets/.../admin", "/assets/..%20/admin", "/assets/%20../admin", "/assets/..%20", "/assets/%20/a",
		// Slashes: escaped, doubled, the other way.
		"/assets/..%2Fadmin", "/assets%2Fa", "/assets/%2f../admin", "/%2Fhealthcheck", "//healthcheck", "/assets//a", "//", "/assets/a//", "//admin/assets/a",
		`/assets/..\admin`, "/assets/..%5Cadmin", "/assets/%5C../admin", `/\healthcheck`,
		// Where some readers see the path end, or a parameter begin.
		"/healthcheck%3F/admin", "/assets/a%3F", "/assets/%23/../admin", "/assets/a%23b", "/assets/#", "/healthcheck%00", "/assets/a%00.css", "/assets/a%0Ab", "/assets/a%0D%0Ab", "/assets/a%7Fb",
		"/healthcheck;x", "/assets/a;b", "/assets/..;/admin", "/assets;/a",
		// A second layer of escapes.
		"/assets/%252e%252e/admin", "/assets/%25", "/assets/a%2525",
		// Bytes that are no text; an overlong slash and an overlong dot.
		"/assets/%ff", "/assets/..%c0%afadmin", "/assets/%c0%ae%c0%ae/admin",
		// Whole addresses in place of a path.
		"http://teaching.example/admin", "http:healthcheck",
	} {
		if public(requested(t, target)) {
			t.Errorf("%s is public", target)
		}
	}
	if isPublic(nil)(requested(t, "/")) {
		t.Error("without patterns, / is public")
	}
}

// TestRawPath: the path that goes upstream is the escaped one where it fits
// Path, and it can be changed on the way.
func TestRawPath(t *testing.T) {
	public := isPublic(caddyhttp.MatchPath{"/assets/*"})
	for _, row := range []struct {
		path, raw string
		want      bool
	}{
		{"/assets/a", "", true},
		{"/assets/a", "/%61ssets/a", true},
		{"/assets/a", "/admin", true}, // does not fit, so /assets/a goes upstream
		{"/assets/a/b", "/assets/a%2Fb", false},
		{"/assets/a/b", "/assets/a%2fb", false},
		{"/admin", "/assets/a", false},
		{"/assets/../admin", "/assets/a", false},
		{"", "/assets/a", false},
		{"assets/a", "", false},
	} {
		r := requested(t, "/")
		r.URL = &url.URL{Path: row.path, RawPath: row.raw}
		if got := public(r); got != row.want {
			t.Errorf("Path %q, RawPath %q: %v", row.path, row.raw, got)
		}
	}
}

var (
	parameter = regexp.MustCompile(`;[^/]*`)
	lastDots  = regexp.MustCompile(`([^/. ])[. ]+(/|$)`)
	manyDots  = regexp.MustCompile(`/[. ]*\.\.[. ]*(/|$)`)
)

// readings are paths that services may take a path for, each by its own lights.
func readings(p string) []string {
	all := []string{p}
	for _, read := range []func(string) string{
		func(p string) string { return strings.ReplaceAll(p, `\`, "/") },
		func(p string) string { // parameters
			return parameter.ReplaceAllString(p, "")
		},
		func(p string) string { // spaces and dots at the ends of names, on Windows
			return lastDots.ReplaceAllString(p, "$1$2")
		},
		func(p string) string { return manyDots.ReplaceAllString(p, "/..$1") },
		func(p string) string { return strings.ToValidUTF8(p, "/") },
		func(p string) string { p, _, _ = strings.Cut(p, "\x00"); return p },
		func(p string) string { p, _, _ = strings.Cut(p, "?"); return p },
		func(p string) string { p, _, _ = strings.Cut(p, "#"); return p },
		func(p string) string { return strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(p) },
		func(p string) string {
			if again, err := url.PathUnescape(p); err == nil {
				return again
			}
			return p
		},
		func(p string) string { return path.Clean(p) },
		strings.ToLower,
	} {
		for _, p := range all {
			if p = read(p); !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// FuzzPublic: a path that is judged public is under the pattern for every
// service, however it reads paths.
func FuzzPublic(f *testing.F) {
	for _, seed := range []string{"/assets/a", "/assets/../admin", "/assets/%2e%2e/admin", "/assets/..%2fadmin", `/assets/..\admin`, "/assets/..;/x", "/assets/.. /x", "/assets//../x", "/assets/%c0%ae./x", "/assets/%00", "/ASSETS/%23", "/assets?/x"} {
		f.Add(seed)
	}
	public := isPublic(caddyhttp.MatchPath{"/assets/*"})
	f.Fuzz(func(t *testing.T, target string) {
		if _, err := url.ParseRequestURI(target); err != nil {
			return
		}
		r := requested(t, target)
		if !public(r) {
			return
		}
		for _, reading := range readings(r.URL.Path) {
			if reading = strings.ToLower(reading); reading != "/assets" && !strings.HasPrefix(reading, "/assets/") {
				t.Errorf("%q is public, but can be read as %q", target, reading)
			}
		}
	})
}
