package onelogin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule is one rule of the stand-in and a relying party that breaks it, and
// nothing else.
type rule struct {
	endpoint string
	text     string // the sentence that names the rule
	live     string // how the real provider answers
	row      string // tells several ways to break one rule apart
	breaks   func(*party)
}

func allRules() []rule {
	return slices.Concat(authorizeRules(), tokenRules(), directRules(), logoutRules(), clientKeyRules())
}

// TestRules: each row is refused, for its own reason and no other.
func TestRules(t *testing.T) {
	for _, r := range allRules() {
		t.Run(r.endpoint+"/"+r.text+" "+r.row, func(t *testing.T) {
			p := newParty(t)
			r.breaks(p)
			violations := p.provider.Record().Violations
			if len(violations) != 1 {
				t.Fatalf("%d violations, want one: %+v", len(violations), violations)
			}
			if v := violations[0]; v.Endpoint != r.endpoint || v.Rule != r.text || v.Live != r.live {
				t.Errorf("refused as %+v, want %s, %q", v, r.endpoint, r.live)
			}
		})
	}
}

// TestEveryRule reads the source: a rule without a row above is found here.
func TestEveryRule(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := allRules()
	tested := func(text string) bool {
		return slices.ContainsFunc(rows, func(r rule) bool { return strings.Contains(r.text, text) })
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, text := range ruleTexts(n) {
				if found++; !tested(text) && text != "there is no such endpoint, or not with this method" {
					t.Errorf("%s: no row breaks the rule %q", name, text)
				}
			}
			return true
		})
	}
	if found < 90 {
		t.Errorf("only %d rules were found in the source", found)
	}
}

// ruleTexts are the sentences in rule{broken, live, text}, []rule{{…}} and
// breaks(live, text); of one put together, its longest part.
func ruleTexts(n ast.Node) []string {
	var sentences []ast.Expr
	switch n := n.(type) {
	case *ast.CompositeLit:
		if name, ok := n.Type.(*ast.Ident); ok && name.Name == "rule" {
			sentences = append(sentences, n.Elts[2])
		}
		if list, ok := n.Type.(*ast.ArrayType); ok {
			if name, ok := list.Elt.(*ast.Ident); ok && name.Name == "rule" {
				for _, element := range n.Elts {
					sentences = append(sentences, element.(*ast.CompositeLit).Elts[2])
				}
			}
		}
	case *ast.CallExpr:
		if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "breaks" {
			sentences = append(sentences, n.Args[1])
		}
	}
	var texts []string
	for _, sentence := range sentences {
		longest := ""
		ast.Inspect(sentence, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && len(text) > len(longest) {
					longest = text
				}
			}
			return true
		})
		texts = append(texts, longest)
	}
	return texts
}

// TestRefusalPage: a person in front of a refusal reads which rule was broken.
func TestRefusalPage(t *testing.T) {
	p := newParty(t)
	object := p.object("Cl.Cm")
	delete(object, "nonce")
	response := p.depart(query(p.jwt("one", object)))
	if response.StatusCode != 400 {
		t.Errorf("status %d", response.StatusCode)
	}
	text, _ := io.ReadAll(response.Body)
	for _, want := range []string{"The One Login stand-in refused this request", "nonce is missing", "<code>invalid_request</code>"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if response := p.get("nowhere"); response.StatusCode != 404 {
		t.Errorf("an address that is none: %d", response.StatusCode)
	}
}
