package pages

import (
	"bytes"
	"fmt"
	"iter"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// brands are configurations that differ in everything a page can differ by.
var brands = []Config{
	{
		PathPrefix: "/teaching-record", ServiceName: "Access your teaching qualifications", ServiceURL: "https://teaching.example.com/start",
		SupportEmail: "help@example.com", AccountURL: "https://home.account.gov.uk/", FormAction: []string{"https://*.account.gov.uk"},
	},
	{
		PathPrefix: "/teaching-record", ServiceName: "Access your teaching qualifications", ServiceURL: "https://teaching.example.com/start",
		SupportEmail: "help@example.com", AccountURL: "https://home.account.gov.uk/", Branding: "govuk",
	},
	{PathPrefix: "/deep/er", ServiceName: "Fish & [chips] <b>", ServiceURL: "http://127.0.0.1:8080"},
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newSet(t testing.TB, c Config) *Set {
	t.Helper()
	s, err := New(c)
	must(t, err)
	return s
}

// show is a page as a browser gets it.
func show(t testing.TB, s *Set, f Frame, v View) string {
	t.Helper()
	w := httptest.NewRecorder()
	must(t, s.Write(w, 200, f, v))
	return w.Body.String()
}

// everyPage runs a test on each specimen in each language and each brand.
func everyPage(t *testing.T, test func(t *testing.T, c Config, source string, page *html.Node)) {
	for _, c := range brands {
		c.Languages = spoken()
		s := newSet(t, c)
		for _, lang := range c.Languages {
			for _, specimen := range c.Specimens() {
				t.Run(strings.Join([]string{c.Branding, c.PathPrefix[1:], lang, specimen.Name}, ":"), func(t *testing.T) {
					specimen.Frame.Lang = lang
					source := show(t, s, specimen.Frame, specimen.View)
					test(t, c, source, parsed(t, source))
				})
			}
		}
	}
}

func parsed(t testing.TB, source string) *html.Node {
	t.Helper()
	page, err := html.Parse(strings.NewReader(source))
	must(t, err)
	return page
}

// all is the elements below n with one of these names, or of any name.
func all(n *html.Node, names ...string) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for d := range n.Descendants() {
			if d.Type == html.ElementNode && (len(names) == 0 || slices.Contains(names, d.Data)) && !yield(d) {
				return
			}
		}
	}
}

// only is the one element with this name.
func only(t testing.TB, n *html.Node, name string) *html.Node {
	t.Helper()
	found := slices.Collect(all(n, name))
	if len(found) != 1 {
		t.Fatalf("%d elements %s, want one", len(found), name)
	}
	return found[0]
}

// attr is the value of an attribute, and whether there is one.
func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func value(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

func hasClass(n *html.Node, class string) bool {
	return slices.Contains(strings.Fields(value(n, "class")), class)
}

// text is what an element says, as a browser shows its spaces.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// outline writes a tree a line per element or text, without what makes no
// difference: spaces, comments, the order of attributes and of classes.
func outline(nodes ...*html.Node) string {
	var b bytes.Buffer
	var write func(n *html.Node, depth int)
	write = func(n *html.Node, depth int) {
		indent := strings.Repeat("  ", depth)
		switch n.Type {
		case html.TextNode:
			if said := strings.Join(strings.Fields(n.Data), " "); said != "" {
				fmt.Fprintf(&b, "%s%q\n", indent, said)
			}
		case html.ElementNode:
			attrs := make([]string, 0, len(n.Attr))
			for _, a := range n.Attr {
				if a.Key == "class" {
					a.Val = strings.Join(slices.Sorted(slices.Values(strings.Fields(a.Val))), " ")
				}
				attrs = append(attrs, fmt.Sprintf(" %s=%q", a.Key, a.Val))
			}
			slices.Sort(attrs)
			fmt.Fprintf(&b, "%s%s%s\n", indent, n.Data, strings.Join(attrs, ""))
			for c := range n.ChildNodes() {
				write(c, depth+1)
			}
		}
	}
	for _, n := range nodes {
		write(n, 0)
	}
	return b.String()
}
