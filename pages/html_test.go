package pages

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestTitleAndHeading(t *testing.T) {
	everyPage(t, func(t *testing.T, c Config, _ string, page *html.Node) {
		want := text(only(t, page, "h1")) + " – " + c.ServiceName
		if c.Branding == "govuk" {
			want += " – GOV.UK"
		}
		for n := range all(page) {
			if hasClass(n, "govuk-error-summary") {
				want = said(t, page, "layout.error") + " " + want
			}
		}
		if got := text(only(t, page, "title")); got != want {
			t.Errorf("title is\n%q, want\n%q", got, want)
		}
	})
}

// said is the text of key in the language of a page.
func said(t *testing.T, page *html.Node, key string) string {
	t.Helper()
	texts, err := catalogue(files, value(only(t, page, "html"), "lang"))
	must(t, err)
	return texts[key]
}

// A title tells somebody with ten tabs which is which: no two pages share one.
// Specimens of one page do, whatever was typed on it.
func TestTitlesAreUnique(t *testing.T) {
	for _, c := range brands {
		s := newSet(t, c)
		seen := map[string]string{}
		for _, specimen := range c.Specimens() {
			page := specimen.View.sheet().Template
			if p, ok := specimen.View.(Problem); ok {
				page = p.Kind
			}
			title := text(only(t, parsed(t, show(t, s, specimen.Frame, specimen.View)), "title"))
			title = strings.TrimPrefix(title, "Error: ")
			if before, taken := seen[title]; taken && before != page {
				t.Errorf("%s and %s are both titled %q", before, page, title)
			}
			seen[title] = page
		}
	}
}

func TestHeadingsAreInOrder(t *testing.T) {
	everyPage(t, func(t *testing.T, _ Config, _ string, page *html.Node) {
		main := only(t, page, "main")
		depth := 1
		for h := range all(main, "h1", "h2", "h3", "h4", "h5", "h6") {
			level := int(h.Data[1] - '0')
			if level > depth+1 {
				t.Errorf("%s %q comes after a heading of level %d", h.Data, text(h), depth)
			}
			depth = level
		}
	})
}

// Whatever refers to an element by its id must find it, and find it once.
func TestReferencesHit(t *testing.T) {
	everyPage(t, func(t *testing.T, _ Config, _ string, page *html.Node) {
		byID := map[string]*html.Node{}
		for n := range all(page) {
			if id, ok := attr(n, "id"); ok {
				if byID[id] != nil || id == "" {
					t.Errorf("the id %q is used twice or empty", id)
				}
				byID[id] = n
			}
		}
		for n := range all(page) {
			for _, name := range []string{"aria-describedby", "aria-controls", "aria-labelledby", "for"} {
				for _, id := range strings.Fields(value(n, name)) {
					if byID[id] == nil {
						t.Errorf("%s of a %s names %q, which is not there", name, n.Data, id)
					}
				}
			}
			if id, local := strings.CutPrefix(value(n, "href"), "#"); local && byID[id] == nil {
				t.Errorf("the link %q leads to %q, which is not there", text(n), id)
			}
		}
		for n := range all(page) {
			if !hasClass(n, "govuk-error-summary") {
				continue
			}
			links := slices.Collect(all(n, "a"))
			if len(links) == 0 {
				t.Error("the error summary has no links")
			}
			for _, a := range links {
				field := byID[strings.TrimPrefix(value(a, "href"), "#")]
				if field == nil || field.Data != "input" {
					t.Errorf("the error %q does not lead to a field", text(a))
					continue
				}
				// The same words stand at the field, which says where they are.
				message := byID[value(field, "name")+"-error"]
				if message == nil || text(message) != said(t, page, "layout.error")+" "+text(a) {
					t.Errorf("the error %q is not repeated at its field", text(a))
				}
				described := value(field, "aria-describedby")
				for up := field.Parent; described == "" && up != nil; up = up.Parent {
					described = value(up, "aria-describedby")
				}
				if message == nil || !slices.Contains(strings.Fields(described), value(message, "id")) {
					t.Errorf("the field of %q is described by %q, without its error", text(a), described)
				}
			}
		}
	})
}

func TestNothingInlineButTheSnippet(t *testing.T) {
	everyPage(t, func(t *testing.T, c Config, source string, page *html.Node) {
		scripts := slices.Collect(all(page, "script"))
		if len(scripts) != 2 {
			t.Fatalf("%d scripts, want the snippet and one module", len(scripts))
		}
		if got := scripts[0].FirstChild.Data; got != snippet || len(scripts[0].Attr) != 0 {
			t.Errorf("the first script is %q", got)
		}
		if src := value(scripts[1], "src"); !strings.HasPrefix(src, c.PathPrefix+"/assets/app-") || value(scripts[1], "type") != "module" || scripts[1].FirstChild != nil {
			t.Errorf("the second script is not our module: %q", src)
		}
		for n := range all(page) {
			if n.Data == "style" || n.Data == "iframe" || n.Data == "object" || n.Data == "base" {
				t.Errorf("there is a %s", n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
				}
			}
		}
		if strings.Contains(source, "ZgotmplZ") || strings.Contains(source, "<no value>") {
			t.Error("a template put in what it may not")
		}
	})
}

// What the browser would say about a field is not in our words, not in the
// person's language, and lost to some screen readers: the server says it.
func TestFormsLeaveChecksToTheServer(t *testing.T) {
	everyPage(t, func(t *testing.T, c Config, _ string, page *html.Node) {
		for n := range all(page) {
			for _, name := range []string{"required", "maxlength", "minlength", "placeholder", "pattern", "aria-invalid", "aria-required", "autofocus", "disabled", "tabindex"} {
				if _, has := attr(n, name); has {
					t.Errorf("%s %q has %s", n.Data, value(n, "name"), name)
				}
			}
		}
		for form := range all(page, "form") {
			to := value(form, "action")
			leaves := to == "https://find-a-lost-trn.education.gov.uk/identity" // TestFindALostTRN has the rest of it
			if _, has := attr(form, "novalidate"); !has || value(form, "method") != "post" || !strings.HasPrefix(to, c.PathPrefix+"/") && !leaves {
				t.Errorf("a form has %v", form.Attr)
			}
			first := slices.Collect(all(form, "button"))
			if len(first) == 0 || hasClass(first[0], "govuk-button--secondary") && len(first) > 1 {
				t.Error("Enter does not press the main button of a form")
			}
		}
		labels := map[string]bool{}
		for label := range all(page, "label") {
			labels[value(label, "for")] = text(label) != ""
		}
		for field := range all(page, "input") {
			if value(field, "type") == "hidden" && value(field, "name") != "" {
				continue
			}
			if !labels[value(field, "id")] || value(field, "name") == "" {
				t.Errorf("the field %q lacks a label or a name", value(field, "id"))
			}
			if kind := value(field, "type"); kind != "radio" && (kind != "text" || value(field, "spellcheck") != "false") {
				t.Errorf("the field %q is of type %s", value(field, "id"), kind)
			}
		}
	})
}

func TestLinks(t *testing.T) {
	everyPage(t, func(t *testing.T, c Config, _ string, page *html.Node) {
		for a := range all(page, "a") {
			href, has := attr(a, "href")
			if !has || text(a) == "" {
				t.Errorf("a link without address or text: %v", a.Attr)
			}
			outside := !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, c.PathPrefix+"/") && !strings.HasPrefix(href, "mailto:"+c.SupportEmail)
			if outside && href != c.ServiceURL && !strings.HasPrefix(href, "https://") {
				t.Errorf("%q leads to %q", text(a), href)
			}
			if value(a, "target") == "" {
				continue
			}
			newTab := map[string]string{"en": "(opens in new tab)", "cy": "(yn agor mewn tab newydd)"}[value(only(t, page, "html"), "lang")]
			if value(a, "rel") != "noreferrer noopener" || newTab == "" || !strings.Contains(text(a), newTab) {
				t.Errorf("%q opens a new tab and does not say so", text(a))
			}
		}
	})
}

func TestSkeleton(t *testing.T) {
	everyPage(t, func(t *testing.T, c Config, source string, page *html.Node) {
		if !strings.HasPrefix(source, "<!DOCTYPE html>\n<html lang=") {
			t.Errorf("begins with %.40q", source)
		}
		if lang := value(only(t, page, "html"), "lang"); !slices.Contains(spoken(), lang) {
			t.Errorf("the language is %q", lang)
		}
		metas := map[string]string{}
		for m := range all(page, "meta") {
			metas[value(m, "name")] = value(m, "content")
		}
		colour := map[string]string{"": "#003764", "govuk": "#1d70b8"}[c.Branding]
		if metas["viewport"] != "width=device-width, initial-scale=1, viewport-fit=cover" || metas["theme-color"] != colour || metas["robots"] != "noindex" {
			t.Errorf("meta says %v", metas)
		}
		// Back stands before main, and main knows whether it is there.
		back := false
		for a := range all(page, "a") {
			back = back || hasClass(a, "govuk-back-link")
		}
		main := only(t, page, "main")
		if value(main, "id") != "main-content" || hasClass(main, "govuk-main-wrapper--l") == back {
			t.Errorf("with a Back link %t, main is %v", back, main.Attr)
		}
		govuk := slices.ContainsFunc(slices.Collect(all(page, "a")), func(a *html.Node) bool { return text(a) == "GOV.UK" })
		if govuk != (c.Branding == "govuk") {
			t.Errorf("under branding %q, the GOV.UK header is there: %t", c.Branding, govuk)
		}
	})
}
