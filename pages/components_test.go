package pages

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// fixtures is the markup that GOV.UK Frontend publishes for ports to other
// template languages; testdata/govuk-frontend/README.md says where from.
type fixtures struct {
	Version    string
	Components map[string][]struct{ Name, HTML string }
}

func publishedFixtures(t *testing.T) (f fixtures) {
	t.Helper()
	b, err := os.ReadFile("testdata/govuk-frontend/fixtures.json")
	must(t, err)
	must(t, json.Unmarshal(b, &f))
	return f
}

// example draws a component with the options of a fixture.
type example struct {
	component, fixture string

	config Config
	words  map[string]string // the catalogue
	draw   string            // the template
	with   any               // its dot

	// differ changes what is published to what we want instead, one call for
	// each decision. Without any, ours is the same to the last attribute.
	differ []func(published *html.Node)
}

// The decisions by which ours differs from what is published.
var (
	// The names and numbers that we ask for are in no dictionary.
	noSpelling = setAttr("govuk-input", "spellcheck", "false")
	// A second click within a second is never meant.
	oneClick = setAttr("govuk-button", "data-prevent-double-click", "true")
	// The question is the heading of its page.
	legendIsHeading = func(n *html.Node) {
		for legend := range withClass(n, "govuk-fieldset__legend") {
			setAttr("govuk-fieldset__legend", "class", "govuk-fieldset__legend govuk-fieldset__legend--l")(n)
			h1 := &html.Node{Type: html.ElementNode, Data: "h1", Attr: []html.Attribute{{Key: "class", Val: "govuk-fieldset__heading"}}}
			h1.AppendChild(&html.Node{Type: html.TextNode, Data: text(legend)})
			fill(legend, h1)
		}
	}
	// Items hold plain text.
	plainLabels = func(n *html.Node) {
		for label := range withClass(n, "govuk-radios__label") {
			fill(label, &html.Node{Type: html.TextNode, Data: text(label)})
		}
	}
	// So do rows, and each has one action.
	plainRows = func(n *html.Node) {
		for dd := range withClass(n, "govuk-summary-list__value") {
			fill(dd, &html.Node{Type: html.TextNode, Data: text(dd)})
		}
		for dd := range withClass(n, "govuk-summary-list__actions") {
			first := slices.Collect(all(dd, "a"))[0]
			first.Parent.RemoveChild(first)
			fill(dd, first)
		}
	}
	// Neither the crown nor the royal arms are ours to show.
	noDrawings = func(n *html.Node) {
		for _, svg := range slices.Collect(all(n, "svg")) {
			svg.Parent.RemoveChild(svg)
		}
		for a := range withClass(n, "govuk-footer__copyright-logo") {
			setAttr("govuk-footer__copyright-logo", "class", "govuk-footer__link")(a.Parent)
		}
	}
	// The name stands in for the logotype, and leads to GOV.UK by https.
	namedNotDrawn = func(n *html.Node) {
		for a := range withClass(n, "govuk-header__homepage-link") {
			fill(a, &html.Node{Type: html.TextNode, Data: "GOV.UK"})
		}
		setAttr("govuk-header__homepage-link", "href", "https://www.gov.uk/")(n)
	}
)

// items keeps these links of a list, in order, and gives them our addresses.
func items(class string, keep map[int]string) func(*html.Node) {
	return func(n *html.Node) {
		for i, li := range slices.Collect(withClass(n, class)) {
			if href, ok := keep[i]; ok {
				for a := range all(li, "a") {
					setAttr(value(a, "class"), "href", href)(li)
				}
			} else {
				li.Parent.RemoveChild(li)
			}
		}
	}
}

func TestComponents(t *testing.T) {
	published := publishedFixtures(t)
	assets := newSet(t, brands[0]).assetPaths()
	used := map[string]int{}
	for _, e := range examples {
		t.Run(e.component+"/"+e.fixture, func(t *testing.T) {
			var source string
			for _, f := range published.Components[e.component] {
				if f.Name == e.fixture {
					source = f.HTML
					used[e.component]++
				}
			}
			if source == "" {
				t.Fatal("no such fixture")
			}
			want := parsed(t, source)
			for _, change := range e.differ {
				change(want)
			}
			root := slices.Collect(all(only(t, want, "body")))[0]

			if e.config.Branding == "" {
				e.config.Branding = "generic"
			}
			templates, err := parse(files, e.config, &words{lang: "en", texts: e.words, service: e.config.ServiceName}, assets)
			must(t, err)
			var b bytes.Buffer
			must(t, templates["problem"].ExecuteTemplate(&b, e.draw, e.with))
			// The header of a brand is two components: the one with the class of the fixture's.
			got := "nothing with the class of " + root.Data
			for n := range all(parsed(t, b.String())) {
				if class, ok := attr(root, "class"); ok && n.Data == root.Data && value(n, "class") == class {
					got = outline(n)
					break
				}
			}
			if diff := cmp.Diff(outline(root), got); diff != "" {
				t.Errorf("published and ours (-, +):\n%s", diff)
			}
		})
	}
	for component, fixtures := range published.Components {
		if used[component] != len(fixtures) {
			t.Errorf("of %s %d fixtures are used, %d are there", component, used[component], len(fixtures))
		}
	}
}

// withClass is the elements below n that have a class, found before any of them
// is changed.
func withClass(n *html.Node, class string) func(func(*html.Node) bool) {
	return slices.Values(slices.DeleteFunc(slices.Collect(all(n)), func(n *html.Node) bool { return !hasClass(n, class) }))
}

func setAttr(class, name, to string) func(*html.Node) {
	return func(n *html.Node) {
		for found := range withClass(n, class) {
			found.Attr = slices.DeleteFunc(found.Attr, func(a html.Attribute) bool { return a.Key == name })
			found.Attr = append(found.Attr, html.Attribute{Key: name, Val: to})
		}
	}
}

// fill replaces what is in n.
func fill(n, with *html.Node) {
	for n.FirstChild != nil {
		n.RemoveChild(n.FirstChild)
	}
	n.AppendChild(with)
}
