package pages

import (
	"html/template"
	"strings"
	"testing"
	"testing/fstest"
)

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"no service name", func(c *Config) { c.ServiceName = "" }, "the service name is empty"},
		{"no service URL", func(c *Config) { c.ServiceURL = "" }, `the service URL "" is not an absolute http or https URL`},
		{"relative service URL", func(c *Config) { c.ServiceURL = "/start" }, `the service URL "/start" is not`},
		{"script as service URL", func(c *Config) { c.ServiceURL = "javascript://x/%0aalert(1)" }, `is not an absolute http or https URL`},
		{"relative account URL", func(c *Config) { c.AccountURL = "account" }, `the account URL "account" is not`},
		{"no path prefix", func(c *Config) { c.PathPrefix = "" }, `the path prefix "" must begin with a slash`},
		{"prefix without slash", func(c *Config) { c.PathPrefix = "tr" }, `the path prefix "tr" must begin with a slash`},
		{"prefix that ends with a slash", func(c *Config) { c.PathPrefix = "/tr/" }, `the path prefix "/tr/" must begin`},
		{"name as support email", func(c *Config) { c.SupportEmail = "Help <help@example.com>" }, `the support email "Help <help@example.com>" is not`},
		{"unknown branding", func(c *Config) { c.Branding = "GOVUK" }, `unknown branding "GOVUK": it is generic or govuk`},
		{"unknown language", func(c *Config) { c.Languages = []string{"en", "fr"} }, `no words in the language "fr": the pages speak ` + strings.Join(spoken(), ", ")},
		{"language twice", func(c *Config) { c.Languages = []string{"en", "en"} }, `the language "en" is named twice`},
		{"form action with a path", func(c *Config) { c.FormAction = []string{"https://a.example/x"} }, `form action "https://a.example/x" is not an origin`},
		{"form action with a directive", func(c *Config) { c.FormAction = []string{"https://a.example; script-src *"} }, `is not an origin`},
		{"form action with a line", func(c *Config) { c.FormAction = []string{"https://a.example\n"} }, `is not an origin`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := brands[0]
			tt.change(&c)
			if _, err := New(c); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("says %v, want %s", err, tt.says)
			}
		})
	}
}

// A text that no page has is found at the start, in whatever language.
func TestWordsThatDoNotMatchRefuseToStart(t *testing.T) {
	english := `{"a": "See [this] in {service}", "b": "{n} minutes"}`
	tests := []struct{ name, welsh, says string }{
		{"all there", `{"a": "[Hwn] yn {service}", "b": "{n} munud"}`, ""},
		{"one missing", `{"a": "[Hwn] yn {service}"}`, `words/cy.json lacks "b"`},
		{"one empty", `{"a": "[Hwn] yn {service}", "b": ""}`, `words/cy.json lacks "b"`},
		{"one too many", `{"a": "[Hwn] yn {service}", "b": "{n} munud", "c": "C"}`, `words/cy.json has "c", which words/en.json does not`},
		{"another variable", `{"a": "[Hwn] yn {service}", "b": "{m} munud"}`, `words/cy.json has "{m}" in "b", where English has "{n}"`},
		{"a variable lost", `{"a": "[Hwn]", "b": "{n} munud"}`, `where English has "[]{service}"`},
		{"a link lost", `{"a": "Hwn yn {service}", "b": "{n} munud"}`, `where English has "[]{service}"`},
		{"not JSON", `{"a": "[Hwn] yn {service}",}`, "read words/cy.json: invalid character"},
		{"not texts", `{"a": 1}`, "read words/cy.json: json: cannot unmarshal number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from := fstest.MapFS{"words/en.json": {Data: []byte(english)}, "words/cy.json": {Data: []byte(tt.welsh)}}
			_, err := readWords(from, "cy", "Service")
			if tt.says == "" {
				must(t, err)
			} else if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("says %v, want %s", err, tt.says)
			}
		})
	}
	if _, err := readWords(fstest.MapFS{}, "en", "Service"); err == nil {
		t.Error("no words at all are enough")
	}
}

// A template that names a word, an asset or a template that is not there is
// found when New shows every page.
func TestTemplatesCannotMissAssets(t *testing.T) {
	w, err := readWords(files, "en", brands[0].ServiceName)
	must(t, err)
	assets := newSet(t, brands[0]).assetPaths()
	delete(assets, "app.js")
	c := brands[0]
	c.Branding = "generic"
	templates, err := parse(c, w, assets)
	must(t, err)
	s := &Set{languages: []string{"en"}, templates: map[string]map[string]*template.Template{"en": templates}}
	if err := s.prove(c); err == nil || !strings.Contains(err.Error(), `no asset "app.js"`) {
		t.Errorf("without app.js: %v", err)
	}
}

// What a person typed comes back only on their own page: a set is shared by
// all requests, so it must not remember.
func TestPagesDoNotLeakIntoEachOther(t *testing.T) {
	s := newSet(t, brands[0])
	before := show(t, s, Frame{}, NationalInsuranceNumber{})
	show(t, s, Frame{SignedIn: true, Back: "/teaching-record/x"}, NationalInsuranceNumber{Number: "QQ 12 34 56 C", Error: "nino-format"})
	if after := show(t, s, Frame{}, NationalInsuranceNumber{}); after != before {
		t.Error("a page changed after another person's")
	}
}
