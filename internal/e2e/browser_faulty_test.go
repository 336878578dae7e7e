package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// faulty are the faults that looking at a page must find: what to change in a
// page that is right, and what is said of it.
var faulty = []struct{ name, old, new, complaint string }{
	{"nothing", "", "", ""},
	{"pale text", `<p>`, `<p class="pale">`, "axe: color-contrast"},
	{"unlabelled field", `<label for="number">`, `<label>`, "axe: label"},
	{"unlabelled image", `<p>`, `<img src="/picture.svg"><p>`, "axe: image-alt"},
	{"no language", ` lang="en"`, ``, "the language is"},
	{"another language", ` lang="en"`, ` lang="cy"`, "the language is cy"},
	{"another title", `<title>`, `<title>The `, "the title is"},
	{"an error in the title only", `<title>`, `<title>Error: `, "the title is"},
	{"an error on the page only", `<p>`, `<div class="govuk-error-summary">There is a problem</div><p>`, "the title is"},
	{"two headings", `<p>`, `<h1>Another</h1><p>`, "2 h1"},
	{"no skip link", `href="#main-content"`, `href="#elsewhere"`, "the first link skips nothing"},
	{"an id twice", `<p>`, `<p id="number">`, "two elements have the id number"},
	{"a hint that is not there", `name="number"`, `name="number" aria-describedby="hint"`, "aria-describedby names hint"},
	{"required", `name="number"`, `name="number" required`, "not wanted: <input"},
	{"the browser's own messages", ` novalidate`, ``, "a form without novalidate"},
	{"a form in the address", `method="post"`, `method="get"`, "a form that does not post"},
	{"a form that posts elsewhere", `action="/"`, `action="http://elsewhere.example/"`, "a form that posts elsewhere"},
	{"a signed form that posts elsewhere", `action="/" novalidate>`, `action="http://elsewhere.example/" novalidate><input type="hidden" name="sig">`, "a form that posts elsewhere"},
	{"a new tab unasked", `<a href="/more"`, `<a target="_blank" href="/more"`, "opens a tab unasked"},
	{"a link without words", `>More</a>`, `></a>`, "a link or button without words"},
	{"a script on the page", `<p>`, `<script>document.title = "x"</script><p>`, "console: error: Executing inline script violates"},
	{"a script from elsewhere", `<p>`, `<script src="http://elsewhere.example/x.js"></script><p>`, "console: error: Loading the script"},
	{"a script that throws", `<p>`, `<script src="/throws.js"></script><p>`, "console: exception"},
	{"a file that is not there", `<p>`, `<script src="/gone.js"></script><p>`, "console: error: Failed to load resource"},
	{"too wide", `<p>`, `<p class="broad">`, "narrow: 600 px do not fit"},
	{"too low", `<p>`, `<p class="low">`, "text at 200%: cut off: <p"},
}

const rightPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A page – Access your teaching qualifications</title>
<link rel="icon" href="/picture.svg"><link rel="stylesheet" href="/style.css"></head>
<body><script src="/enabled.js"></script><a href="#main-content">Skip to main content</a>
<main id="main-content"><h1>A page</h1><p>Words that can be read.</p>
<form method="post" action="/" novalidate><label for="number">Number</label> <input id="number" name="number"> <button>Continue</button></form>
<p><a href="/more">More</a></p></main></body></html>`

var rightFiles = map[string]struct{ kind, text string }{
	"/style.css":   {"text/css", ".pale { color: #bbb } .broad { width: 592px } .low { height: 24px; overflow: hidden } a, button { padding: 9px }"},
	"/enabled.js":  {"text/javascript", `document.body.className += " js-enabled"`},
	"/throws.js":   {"text/javascript", `throw new Error("thrown")`},
	"/picture.svg": {"image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`},
}

// TestLook shows that looking at a page finds what it is for, and
// nothing where there is nothing.
func TestLook(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, "http://elsewhere.example/", http.StatusSeeOther)
			return
		}
		if file, ok := rightFiles[r.URL.Path]; ok {
			w.Header().Set("Content-Type", file.kind)
			fmt.Fprint(w, file.text)
			return
		}
		for _, f := range faulty {
			if r.URL.Path == "/"+strings.ReplaceAll(f.name, " ", "-") {
				w.Header().Set("Content-Security-Policy", "default-src 'self'; form-action 'self'")
				fmt.Fprint(w, strings.Replace(rightPage, f.old, f.new, 1))
				return
			}
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	v := startChromium(t).blank(t, server.URL, setUp{wide, withScript})

	for _, f := range faulty {
		v.open("/" + strings.ReplaceAll(f.name, " ", "-"))
		complaints := strings.Join(v.look(), "\n")
		if f.complaint == "" && complaints != "" || !strings.Contains(complaints, f.complaint) {
			t.Errorf("%s: want %q, got:\n%s", f.name, f.complaint, complaints)
		}
	}

	// A form whose answer leads where the policy does not: a button that does
	// nothing is found at once, not after a minute.
	v.open("/nothing")
	if err := v.tryLeave(v.clickOn("button", "Continue")); err == nil || !strings.Contains(err.Error(), "form-action") {
		t.Errorf("a dead button: %v", err)
	}
}
