package teachingrecord

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/caddy-teaching-record/caddy-teaching-record/"

// arrows is the drawing of the house: who may import whom inside this module.
var arrows = map[string]string{
	".":                          "caddymodule",
	"caddymodule":                "internal/allocation internal/assertion internal/background internal/findtrn internal/gate internal/journey internal/notify internal/onelogin internal/register internal/register/trs internal/store internal/support pages",
	"pages":                      "",
	"pages/gallery":              "pages",
	"internal/gate":              "internal/assertion internal/journey pages",
	"internal/findtrn":           "internal/journey",
	"internal/journey":           "",
	"internal/notify":            "",
	"internal/onelogin":          "internal/journey",
	"internal/register":          "internal/journey",
	"internal/register/trs":      "internal/journey internal/register",
	"internal/store":             "internal/journey",
	"internal/support":           "internal/background internal/journey",
	"internal/allocation":        "internal/background internal/journey",
	"internal/background":        "internal/journey",
	"internal/assertion":         "",
	"examples/verify/go":         "",
	"internal/devstack":          "examples/verify/go internal/devstack/console internal/devstack/find internal/devstack/notify internal/devstack/onelogin internal/devstack/people internal/devstack/service internal/devstack/trs internal/devstack/zendesk",
	"internal/devstack/console":  "internal/devstack/find internal/devstack/notify internal/devstack/onelogin internal/devstack/page internal/devstack/people internal/devstack/trs internal/devstack/zendesk",
	"internal/devstack/notify":   "internal/devstack/page",
	"internal/devstack/find":     "internal/devstack/page",
	"internal/devstack/onelogin": "internal/devstack/page internal/devstack/people",
	"internal/devstack/page":     "",
	"internal/devstack/people":   "",
	"internal/devstack/service":  "internal/devstack/page",
	"internal/devstack/trs":      "",
	"internal/devstack/zendesk":  "internal/devstack/page",
	"internal/cmd/caddy":         "caddymodule",
	"internal/cmd/demo":          "caddymodule internal/devstack internal/devstack/people internal/journey internal/store",
}

// TestArrows parses the files rather than asking "go list": go test caches a
// result whose inputs it did not see being read.
func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		room := path.Dir(p)
		allowed, known := arrows[room]
		if seen[room] = true; !known {
			t.Errorf("package %s is not in the drawing", room)
		}
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if strings.HasPrefix(imported, "github.com/caddyserver/") && room != "caddymodule" && !strings.HasPrefix(room, "internal/cmd/") {
				t.Errorf("%s imports Caddy", p)
			}
			if room == "internal/journey" && strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("%s imports %s: the journey knows only the standard library", p, imported)
			}
			if ours, ok := strings.CutPrefix(imported, module); ok && !strings.Contains(" "+allowed+" ", " "+ours+" ") {
				t.Errorf("%s may not import %s", p, ours)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range arrows {
		if !seen[room] {
			t.Errorf("%s is in the drawing, but there is no such package", room)
		}
	}
}
