package pages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// kinds is every kind of problem there is a page for.
func kinds() []string {
	var names []string
	for _, kind := range problems {
		names = append(names, kind.name)
	}
	return names
}

// Every trouble of the journey has a page of its own name; one without would
// silently be the page "problem".
func TestEveryTroubleHasAPage(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../internal/journey/trouble.go", nil, 0)
	must(t, err)
	var troubles []string
	for _, decl := range f.Decls {
		consts, ok := decl.(*ast.GenDecl)
		if !ok || consts.Tok != token.CONST {
			continue
		}
		for _, spec := range consts.Specs {
			for _, v := range spec.(*ast.ValueSpec).Values {
				troubles = append(troubles, literal(t, v))
			}
		}
	}
	if len(troubles) < 9 {
		t.Fatalf("found the troubles %q, which are fewer than there were", troubles)
	}
	for _, trouble := range troubles {
		if !slices.Contains(kinds(), trouble) {
			t.Errorf("the trouble %q has no page", trouble)
		}
	}
}

// The kinds that callers write as text are kinds there are.
func TestCallersNameKindsThereAre(t *testing.T) {
	sources, err := filepath.Glob("../internal/gate/*.go")
	must(t, err)
	named := 0
	for _, source := range sources {
		b, err := os.ReadFile(source)
		must(t, err)
		f, err := parser.ParseFile(token.NewFileSet(), source, b, 0)
		must(t, err)
		check := func(value ast.Expr) {
			lit, ok := value.(*ast.BasicLit)
			if !ok {
				return
			}
			named++
			if kind := literal(t, lit); !slices.Contains(kinds(), kind) {
				t.Errorf("%s shows the problem %q, which has no page", source, kind)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			made, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			var name string
			switch made := made.Type.(type) {
			case *ast.Ident:
				name = made.Name
			case *ast.SelectorExpr:
				name = made.Sel.Name
			}
			if !strings.EqualFold(name, "problem") {
				return true
			}
			for i, element := range made.Elts {
				if kv, ok := element.(*ast.KeyValueExpr); ok {
					if key := kv.Key.(*ast.Ident).Name; key == "page" || key == "Kind" {
						check(kv.Value)
					}
				} else if i == 1 { // problem{status, page, cause}
					check(element)
				}
			}
			return true
		})
	}
	if named < 5 {
		t.Errorf("found only %d problems in the gate", named)
	}
}

func literal(t *testing.T, e ast.Expr) string {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		t.Fatalf("%T is not a text", e)
	}
	s, err := strconv.Unquote(lit.Value)
	must(t, err)
	return s
}

func TestUnknownKindIsAProblem(t *testing.T) {
	s := newSet(t, brands[0])
	want := show(t, s, Frame{}, Problem{Kind: "problem"})
	for _, kind := range []string{"", "no-such-kind", "cookies"} {
		if show(t, s, Frame{}, Problem{Kind: kind}) != want {
			t.Errorf("%q is not shown as a problem", kind)
		}
	}
}

// Only some kinds have a way on, and it leads where the caller says. Two of
// those that are about Find a lost TRN have another, without it.
func TestTheWayOn(t *testing.T) {
	s := newSet(t, brands[0])
	for _, kind := range problems {
		for again, href := range map[string]string{
			"":               "/teaching-record/sign-in",
			"/records?a=b&c": "/records?a=b&c",
		} {
			ways := 0
			page := parsed(t, show(t, s, Frame{}, Problem{Kind: kind.name, Again: again}))
			if got, want := forms(page), map[bool]string{true: "/teaching-record/find-a-lost-trn skip=yes\n"}[strings.HasPrefix(kind.name, "find-") && kind.name != "find-other-browser"]; got != want {
				t.Errorf("%s has the forms %q, want %q", kind.name, got, want)
			}
			for a := range all(only(t, page, "main"), "a") {
				if !strings.HasPrefix(value(a, "href"), "mailto:") {
					ways++
					if value(a, "href") != href {
						t.Errorf("%s leads on to %q, want %q", kind.name, value(a, "href"), href)
					}
				}
			}
			if want := map[bool]int{true: 1}[kind.ways]; ways != want {
				t.Errorf("%s has %d ways on, want %d", kind.name, ways, want)
			}
		}
	}
}
