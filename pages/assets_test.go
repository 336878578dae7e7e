package pages

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"image/png"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A browser keeps an asset for a year, so a name may never mean two contents.
func TestAssetNamesAreHashes(t *testing.T) {
	names, err := fs.Glob(files, "assets/*")
	must(t, err)
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		must(t, err)
		sum := sha256.Sum256(b)
		stem := strings.TrimSuffix(path.Base(name), path.Ext(name))
		if hash := stem[strings.LastIndex(stem, "-")+1:]; hash != hex.EncodeToString(sum[:])[:12] {
			t.Errorf("%s is not named after its content", name)
		}
	}
}

// Every asset that a template asks for is there, and no other.
func TestAssetsAreUsed(t *testing.T) {
	there := newSet(t, brands[0]).assetPaths()
	used := map[string]bool{}
	asked := regexp.MustCompile(`\{\{asset "([^"]*)"\}\}`)
	must(t, fs.WalkDir(files, "templates", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, p)
		for _, m := range asked.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
			if there[m[1]] == "" {
				t.Errorf("%s asks for %q, which is not there", p, m[1])
			}
		}
		return err
	}))
	for name := range there {
		if !used[name] {
			t.Errorf("no template asks for %q", name)
		}
	}
}

func TestAssetsAreServed(t *testing.T) {
	s := newSet(t, brands[0])
	get := func(target string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.Assets().ServeHTTP(w, r)
		return w
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon"}
	tags := map[string]bool{}
	for _, p := range slices.Sorted(maps.Values(s.assetPaths())) {
		t.Run(path.Base(p), func(t *testing.T) {
			original, err := fs.ReadFile(files, "assets/"+path.Base(p))
			must(t, err)
			w := get(p)
			h := w.Header()
			if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), original) || h.Get("Content-Encoding") != "" {
				t.Errorf("answers %d %v", w.Code, h)
			}
			for name, want := range map[string]string{
				"Content-Type": kinds[path.Ext(p)], "Cache-Control": "public, max-age=31536000, immutable",
				"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding",
			} {
				if h.Get(name) != want {
					t.Errorf("%s is %q, want %q", name, h.Get(name), want)
				}
			}
			if tags[h.Get("ETag")] {
				t.Errorf("the ETag %s is another's", h.Get("ETag"))
			}
			tags[h.Get("ETag")] = true
			if w := get(p, "If-None-Match", h.Get("ETag")); w.Code != http.StatusNotModified {
				t.Errorf("asked again, answers %d", w.Code)
			}
			zipped := get(p, "Accept-Encoding", "br, gzip")
			if zipped.Header().Get("Content-Encoding") == "gzip" {
				z, err := gzip.NewReader(zipped.Body)
				must(t, err)
				b, err := io.ReadAll(z)
				must(t, err)
				if !bytes.Equal(b, original) || zipped.Header().Get("ETag") == h.Get("ETag") {
					t.Error("gzip is of something else, or has the same ETag")
				}
			} else if path.Ext(p) == ".css" || path.Ext(p) == ".js" {
				t.Errorf("for gzip, answers %v", zipped.Header())
			}
		})
	}
	for _, p := range []string{
		"/teaching-record/assets/", "/teaching-record/assets/app.js", "/teaching-record/assets/app-000000000000.js",
		"/teaching-record/assets/../pages.go", "/teaching-record/assets/..%2fpages.go", "/assets/" + path.Base(s.assetPaths()["app.js"]),
	} {
		if w := get(p); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s answers %d %v", p, w.Code, w.Header())
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for accepted, want := range map[string]bool{
		"": false, "br": false, "gzip": true, "GZIP": true, "deflate, gzip;q=1.0, *;q=0.5": true, "br;q=1, gzip; q=0.8": true,
		"gzip;q=0": false, "gzip;q=0.000": false, "gzip;Q=0": false, "gzip ; q=0, br": false, "gzip;q=0.001": true, "x-gzipped": false,
	} {
		if acceptsGzip(accepted) != want {
			t.Errorf("%q: %t", accepted, !want)
		}
	}
}

// What is not ours to give away: the font, the crown, the royal arms.
func TestNothingIsShippedThatMayNotBe(t *testing.T) {
	foreign := regexp.MustCompile(`(?i)\.(woff2?|ttf|otf|eot)$|crest|crown|opengraph|govuk-icon|logotype`)
	crown := "M33.1,9.8c.2-.1.3-.3.5-.5" // how govuk-frontend begins to draw it
	must(t, fs.WalkDir(os.DirFS("."), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		if foreign.MatchString(d.Name()) {
			t.Errorf("%s may not be here", p)
		}
		b, err := os.ReadFile(p)
		if strings.Contains(string(b), crown) && !strings.HasSuffix(p, "_test.go") {
			t.Errorf("%s draws the crown", p)
		}
		return err
	}))
	for name, a := range newSet(t, brands[0]).assets {
		if path.Ext(name) != ".css" {
			continue
		}
		css := string(a.body)
		// Everything it needs it has in itself; the policy allows no data: URLs.
		if m := regexp.MustCompile(`@font-face|@import|url\([^)]*\)|copyright-logo`).FindString(css); m != "" {
			t.Errorf("%s has %s", name, m)
		}
		if gds := strings.Contains(css, "GDS Transport"); gds != strings.HasPrefix(name, "govuk-") {
			t.Errorf("%s names GDS Transport: %t", name, gds)
		}
	}
}

// The stylesheets are built from the parts that templates use: a component left
// out of _components.scss would go without its look, and one left out of
// app.mjs without its behaviour.
func TestAssetsKnowEveryComponent(t *testing.T) {
	// A hook for scripts, and names that GOV.UK Frontend gives no rule of their own.
	ruleless := []string{
		"govuk-js-service-navigation-toggle", "govuk-template__header", "govuk-template__footer", "govuk-header__container",
		"govuk-generic-header__container", "govuk-radios", "govuk-table__body", "govuk-table__head", "govuk-table__row",
	}
	class := regexp.MustCompile(`\.(govuk-[a-zA-Z0-9_!-]+)`)
	for _, c := range brands {
		s := newSet(t, c)
		css := string(s.assets[path.Base(s.assetPaths()[cmp.Or(c.Branding, "generic")+".css"])].body)
		js := string(s.assets[path.Base(s.assetPaths()["app.js"])].body)
		missing := map[string]bool{}
		for _, specimen := range c.Specimens() {
			for n := range all(parsed(t, show(t, s, specimen.Frame, specimen.View))) {
				for _, name := range strings.Fields(value(n, "class")) {
					missing[name] = true
				}
				if module := value(n, "data-module"); module != "" && !strings.Contains(js, `"`+module+`"`) {
					t.Errorf("the script knows no %q", module)
				}
			}
		}
		for _, m := range class.FindAllStringSubmatch(strings.ReplaceAll(css, `\`, ""), -1) {
			delete(missing, m[1])
		}
		for name := range missing {
			if !slices.Contains(ruleless, name) {
				t.Errorf("the stylesheet of %q says nothing about %q", c.Branding, name)
			}
		}
	}
}

func TestIcons(t *testing.T) {
	s := newSet(t, brands[0])
	icon := func(name string) []byte { return s.assets[path.Base(s.assetPaths()[name])].body }
	// ICO: reserved 0, type 1, count; then the width and height of the first.
	if ico := icon("favicon.ico"); len(ico) < 22 || !bytes.HasPrefix(ico, []byte{0, 0, 1, 0}) || ico[6] != 48 || ico[7] != 48 {
		t.Error("favicon.ico is not a 48 by 48 icon")
	}
	img, err := png.DecodeConfig(bytes.NewReader(icon("apple-touch-icon.png")))
	if err != nil || img.Width != 180 || img.Height != 180 {
		t.Errorf("apple-touch-icon.png is %d by %d, %v", img.Width, img.Height, err)
	}
	var svg struct {
		XMLName xml.Name
	}
	if err := xml.Unmarshal(icon("favicon.svg"), &svg); err != nil || svg.XMLName.Local != "svg" {
		t.Errorf("favicon.svg is %v, %v", svg, err)
	}
	sources, err := os.ReadDir("assets-src/icons")
	must(t, err)
	for _, source := range sources {
		b, err := os.ReadFile("assets-src/icons/" + source.Name())
		must(t, err)
		if !bytes.Equal(b, icon(source.Name())) {
			t.Errorf("assets-src/icons/%s is not what is served", source.Name())
		}
	}
}

// What was compiled, what package.json asks for and what the components are
// compared with are one version of GOV.UK Frontend.
func TestOneVersionOfFrontend(t *testing.T) {
	b, err := os.ReadFile("assets-src/package.json")
	must(t, err)
	var asked struct{ DevDependencies map[string]string }
	must(t, json.Unmarshal(b, &asked))
	want := asked.DevDependencies["govuk-frontend"]
	for name, a := range newSet(t, brands[0]).assets {
		if m := regexp.MustCompile(`--govuk-frontend-version: ?"([^"]*)"`).FindSubmatch(a.body); path.Ext(name) == ".css" && (m == nil || string(m[1]) != want) {
			t.Errorf("%s was not compiled from version %s", name, want)
		}
	}
	if got := publishedFixtures(t).Version; got != want {
		t.Errorf("the fixtures are of version %s, want %s", got, want)
	}
}
