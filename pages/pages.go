// Package pages is what people see: the HTML, its words and its assets. It
// makes no decisions. A caller says which page, with what on it, and in which
// frame; which page comes next is not known here.
//
//	pages.go       Config and New: everything is read and shown once at start
//	write.go       Write: one page, whole, with its headers
//	questions.go   the pages that ask, lead to Find a lost TRN, and check before sending
//	endings.go     the pages that tell how it went, and the fixed ones
//	problem.go     the pages for everything that comes to nothing
//	specimens.go   every page in every state, with made-up people
//	components.go  what templates/components draw: fields, buttons, lists
//	words.go       the catalogue of one language, and dates and times in it
//	assets.go      stylesheets, script and icons
//
// templates/ holds one file per page, named like its words and its step of the
// journey; words/ one catalogue per language; README.md tells how to add to
// them. "go run ./pages/gallery" shows every specimen in a browser.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

//go:embed templates words assets
var files embed.FS

// Config is what the pages say about the service they stand in front of.
type Config struct {
	// ServiceName is what the service calls itself, such as "Access your
	// teaching qualifications". Required.
	ServiceName string

	// ServiceURL is where the service name leads: the service's own start, an
	// absolute http or https URL. Required.
	ServiceURL string

	// PathPrefix is where our own pages live, such as "/teaching-record": it
	// begins with a slash and does not end with one. Required.
	PathPrefix string

	// SupportEmail is shown wherever somebody may need help. "" leaves the
	// sentence out.
	SupportEmail string

	// AccountURL is the person's own page at GOV.UK One Login, linked while
	// they are signed in: https://home.account.gov.uk/, or its namesake in the
	// integration environment. "" leaves the link out.
	AccountURL string

	// Branding is "generic", for any domain, or "govuk", which only services on
	// gov.uk domains may use. "" is "generic".
	Branding string

	// Languages the pages can be shown in, as in the names of the files in
	// words/. The first is shown unless a Frame names another. None is "en".
	Languages []string

	// FormAction is the origins, besides our own, that a form may post to or its
	// answer redirect to: browsers apply the form-action of a Content Security
	// Policy to every hop, so a "try again" that leads to GOV.UK One Login needs
	// "https://*.account.gov.uk" or the origin of a stand-in, and the handover to
	// Find a lost TRN needs the origin of that.
	FormAction []string
}

// Set is every page in every language, parsed and proven. It never changes, so
// any number of requests may use it at once.
type Set struct {
	languages []string // the first is the default
	templates map[string]map[string]*template.Template
	policy    string // Content-Security-Policy

	// The same for the page whose form leads to the service, which may redirect to
	// any host at once, such as that of a file to download. Browsers hold every hop
	// against form-action, so it does without.
	leaving string

	// The same for the page that looks by itself whether it is over.
	waiting string

	prefix string
	assets map[string]asset // by file name
}

// snippet is the script that GOV.UK Frontend wants at the start of body: its
// components refuse to start without the class it sets. The policy allows it by
// its hash, so not a byte of it may differ between the two.
const snippet = `document.body.className += ' js-enabled' + ('noModule' in HTMLScriptElement.prototype ? ' govuk-frontend-supported' : '');`

// New reads every template, word and asset, and shows every page once, in
// every language, so that nothing can be missing when a person needs it.
func New(c Config) (*Set, error) { return build(files, c) }

// build is New with templates and words from elsewhere; the assets are ours.
func build(from fs.FS, c Config) (*Set, error) {
	if c.Branding == "" {
		c.Branding = "generic"
	}
	if len(c.Languages) == 0 {
		c.Languages = []string{"en"}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	assets, err := embedded()
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(snippet))
	sources := "default-src 'none'; script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src "
	forms := "form-action " + strings.Join(append([]string{"'self'"}, c.FormAction...), " ") + "; "
	const frame = "frame-ancestors 'none'; base-uri 'none'"
	s := &Set{
		languages: c.Languages,
		templates: map[string]map[string]*template.Template{},
		policy:    sources + "'none'; " + forms + frame,
		leaving:   sources + "'none'; " + frame,
		waiting:   sources + "'self'; " + forms + frame,
		prefix:    c.PathPrefix,
		assets:    assets,
	}
	for _, lang := range c.Languages {
		w, err := readWords(from, lang, c.ServiceName)
		if err != nil {
			return nil, err
		}
		if s.templates[lang], err = parse(from, c, w, s.assetPaths()); err != nil {
			return nil, err
		}
	}
	if err := s.prove(c); err != nil {
		return nil, err
	}
	return s, nil
}

// prove shows every page in every state and language to nobody.
func (s *Set) prove(c Config) error {
	for _, lang := range s.languages {
		for _, specimen := range c.Specimens() {
			specimen.Frame.Lang = lang
			if err := s.render(&bytes.Buffer{}, specimen.Frame, specimen.View); err != nil {
				return err
			}
		}
	}
	return nil
}

// parse reads the template of every page, each with its own copy of the layout
// and the components, and with the words of one language in its functions.
func parse(from fs.FS, c Config, w *words, assets map[string]string) (map[string]*template.Template, error) {
	base := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"t":        w.text,
		"linked":   w.linked,
		"date":     w.date,
		"duration": w.duration,
		"path":     func(page string) string { return c.PathPrefix + "/" + page },
		"asset": func(name string) (string, error) {
			file, ok := assets[name]
			if !ok {
				return "", fmt.Errorf("no asset %q", name)
			}
			return file, nil
		},
		"lang":         func() string { return w.lang },
		"service":      func() string { return c.ServiceName },
		"serviceURL":   func() string { return c.ServiceURL },
		"supportEmail": func() string { return c.SupportEmail },
		"accountURL":   func() string { return c.AccountURL },
		"snippet":      func() template.JS { return snippet },
		"button":       newButton,
	})
	base, err := base.ParseFS(from, "templates/layout.html", "templates/components/*.html", "templates/brands/"+c.Branding+".html")
	if err != nil {
		return nil, fmt.Errorf("read the layout: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, specimen := range c.Specimens() {
		name := specimen.View.sheet().Template
		if pages[name] != nil {
			continue
		}
		page, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("copy the layout: %w", err)
		}
		if pages[name], err = page.ParseFS(from, "templates/"+name+".html"); err != nil {
			return nil, fmt.Errorf("read the page %s: %w", name, err)
		}
	}
	return pages, nil
}

// An origin as a Content Security Policy writes it: whatever else stood in
// FormAction could end the directive and begin another.
var origin = regexp.MustCompile(`^https?://(\*\.)?[a-zA-Z0-9.-]+(:[0-9]+)?$`)

// check refuses a configuration that would make a broken page.
func (c Config) check() error {
	if c.ServiceName == "" {
		return errors.New("the service name is empty")
	}
	for name, value := range map[string]string{"service URL": c.ServiceURL, "account URL": c.AccountURL} {
		u, err := url.Parse(value)
		if optional := name == "account URL" && value == ""; !optional && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("the %s %q is not an absolute http or https URL", name, value)
		}
	}
	if !strings.HasPrefix(c.PathPrefix, "/") || strings.HasSuffix(c.PathPrefix, "/") {
		return fmt.Errorf("the path prefix %q must begin with a slash and not end with one", c.PathPrefix)
	}
	if c.SupportEmail != "" {
		if a, err := mail.ParseAddress(c.SupportEmail); err != nil || a.Address != c.SupportEmail {
			return fmt.Errorf("the support email %q is not an email address", c.SupportEmail)
		}
	}
	if c.Branding != "generic" && c.Branding != "govuk" {
		return fmt.Errorf("unknown branding %q: it is generic or govuk", c.Branding)
	}
	for i, lang := range c.Languages {
		known := spoken()
		if !slices.Contains(known, lang) {
			return fmt.Errorf("there are no words in the language %q: the pages speak %s", lang, strings.Join(known, ", "))
		}
		if slices.Contains(c.Languages[:i], lang) {
			return fmt.Errorf("the language %q is named twice", lang)
		}
	}
	for _, o := range c.FormAction {
		if !origin.MatchString(o) {
			return fmt.Errorf("form action %q is not an origin such as https://example.gov.uk", o)
		}
	}
	return nil
}
