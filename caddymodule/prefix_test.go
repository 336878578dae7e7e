package caddymodule

import (
	"fmt"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// TestPublicMistakes: patterns that would open more than they seem to, or less.
func TestPublicMistakes(t *testing.T) {
	public := func(patterns ...string) func(*Config) { return func(c *Config) { c.Public = patterns } }
	const (
		everything = "public: %q would open every path and leave nothing to protect; name the open ones, such as /assets/*"
		notPlain   = "public: %q must be a plain path such as /healthcheck, or one that ends in a wildcard such as /assets/*"
		ours       = `public: %q covers paths of path_prefix "/teaching-record", which the module answers itself; change one of them`
	)
	var rows []mistake
	for pattern, want := range map[string]string{
		"*": everything, "/*": everything,

		"healthcheck": notPlain, "*.css": notPlain, "*/assets/*": notPlain, "https://x/healthcheck": notPlain, "/a b": notPlain,
		"/a?b": notPlain, "/a#b": notPlain, "/a%20b": notPlain, "/a[bc]": notPlain, `/a\b`: notPlain,
		"/a//b": notPlain, "//a": notPlain, "/a/../b": notPlain, "/a/.": notPlain, "/a/./b": notPlain, "/a//": notPlain, "/a\n/b": notPlain,

		"/teaching-record": ours, "/teaching-record/": ours, "/teaching-record/*": ours, "/Teaching-Record/sign-in": ours, "/teaching-record*": ours,
		"/teaching-record/cookies": ours, "/teaching-record/sign*": ours, "/teaching-*": ours, "/t*": ours, "/t*d": ours, "/t*/sign-in": ours, "/**": ours, "/*/sign-in": ours, "/t*/*": ours,
	} {
		rows = append(rows, mistake{pattern, public(pattern), fmt.Sprintf(want, pattern)})
	}
	runMistakes(t, append(rows,
		mistake{"twice", public("/a", "/b", "/a"), `public, number 3: "/a" is there twice; keep one`},
		mistake{"twice but for capitals", public("/a", "/A"), `public, number 2: "/A" is there twice; keep one`},
		mistake{"blank", public(" "), "public: is empty; write: public /healthcheck /assets/*"},
	))
	for _, pattern := range []string{"/", "/a", "/a/", "/a/*", "/a*", "/a/*/b", "/a.b", "/.well-known/security.txt", "/teaching-records", "/teaching-records/*", "/teaching", "/x/teaching-record/*", "/*.css", "/é"} {
		config := good()
		config.Public = []string{pattern}
		if _, err := config.resolve(nil); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// FuzzOverlaps: a pattern that does not overlap with the prefix matches nothing
// below it, by Caddy's own matcher.
func FuzzOverlaps(f *testing.F) {
	for _, seed := range []struct{ pattern, below string }{
		{"/t*d/x", "x"}, {"/teaching-record/x*", "xy"}, {"/teaching-record*x", "x"}, {"/*/x", "x"}, {"/t*/*/b", "a/b"}, {"/teaching-record/*/b*", "a/b"}, {"/app/t*", ""}, {"/app/*/x", "x"}, {"/**", ""},
	} {
		f.Add(seed.pattern, seed.below)
	}
	f.Fuzz(func(t *testing.T, pattern, below string) {
		for _, prefix := range []string{"/teaching-record", "/app/t"} {
			r := requested(t, "/")
			if r.URL.Path = prefix; below != "" {
				r.URL.Path += "/" + below
			}
			if publicPath.MatchString(pattern) && !overlaps(pattern, prefix) && isPublic(caddyhttp.MatchPath{pattern})(r) {
				t.Errorf("%q matches %q", pattern, r.URL.Path)
			}
		}
	})
}
