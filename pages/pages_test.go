package pages

import (
	"io/fs"
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

// A template that names what is not there stops the start, also when it does so
// in one state of one page only.
func TestBrokenTemplatesRefuseToStart(t *testing.T) {
	tests := []struct{ name, file, old, new, says string }{
		{"unknown word", "templates/check-answers.html", `{{t "check-answers.used-up"}}`, `{{t "check-answers.all-gone"}}`, `words/en.json has no "check-answers.all-gone"`},
		{"unknown asset", "templates/layout.html", `"app.js"`, `"apps.js"`, `no asset "apps.js"`},
		{"unknown component", "templates/connected.html", `"panel"`, `"pannel"`, `no such template "pannel"`},
		{"unknown function", "templates/connected.html", `{{t "connected.once"}}`, `{{translate "connected.once"}}`, `function "translate" not defined`},
		{"unknown field", "templates/problem.html", `{{with .Again}}`, `{{with .Once}}`, `can't evaluate field Once`},
		{"variable without value", "templates/support-requested.html", ` "email" .`, ``, `the words "support-requested.reply" need a value for {email}`},
		{"words without a link", "words/en.json", `"[Sign in] to`, `"Sign in to`, `words/en.json needs a [link] in "signed-out.again"`},
		{"no purpose of a cookie", "words/en.json", `"cookies.purpose.visit"`, `"cookies.purpose.view"`, `words/en.json has no "cookies.purpose.visit"`},
		{"no error message", "words/en.json", `"error.trn-zeros"`, `"error.trn-zero"`, `words/en.json has no "error.trn-zeros"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from := fstest.MapFS{}
			must(t, fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := fs.ReadFile(files, p)
				if p == tt.file {
					if changed := strings.Replace(string(b), tt.old, tt.new, 1); changed != string(b) {
						b = []byte(changed)
					} else {
						t.Fatalf("%s has no %s", p, tt.old)
					}
				}
				from[p] = &fstest.MapFile{Data: b}
				return err
			}))
			if _, err := build(from, brands[0]); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("says %v, want %s", err, tt.says)
			}
		})
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
