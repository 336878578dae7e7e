package pages

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEveryWordIsUsed puts the key behind each text and looks for it on the
// pages: there are no words that nobody reads.
func TestEveryWordIsUsed(t *testing.T) {
	read := map[string]bool{}
	mark := regexp.MustCompile(`§([^§]*)§`)
	for _, c := range brands {
		c.Branding = cmp.Or(c.Branding, "generic")
		w, err := readWords(files, "en", c.ServiceName)
		must(t, err)
		for key, text := range w.texts {
			read[key] = read[key] || strings.HasPrefix(key, "month.") || strings.HasPrefix(key, "duration.") // TestDates and TestDurations have all of these
			w.texts[key] = text + "§" + key + "§"
		}
		s := newSet(t, c)
		s.templates["en"], err = parse(files, c, w, s.assetPaths())
		must(t, err)
		for _, specimen := range c.Specimens() {
			for _, m := range mark.FindAllStringSubmatch(show(t, s, specimen.Frame, specimen.View), -1) {
				read[m[1]] = true
			}
		}
	}
	for key, found := range read {
		if !found {
			t.Errorf("no page says %q", key)
		}
	}
	if len(read) < 100 {
		t.Errorf("there are only %d words", len(read))
	}
}

// style is how the words are written, from the GOV.UK style guide and the error
// message guidance of the Design System. Each pattern is a mistake.
var style = []struct{ mistake, why string }{
	{`['"]`, "a straight quotation mark or apostrophe"},
	{`(?i)\b(please|invalid|valid|oops|successfully|simply|just click|click here)\b`, "a word that GOV.UK pages do without"},
	{`sorry|Sorry[^,]`, "“Sorry” only begins the heading of a page about a problem of ours"},
	{`One Login`, "GOV.UK One Login is always written in full"},
	{`(?i)\b(NINO|login|log ?in|log ?out|e-mail)\b`, "National Insurance number, sign in, sign out, email"},
	{`(?i)\b(e\.g\.|i\.e\.|etc)\b|&`, "an abbreviation"},
	{`  |^ | $|\t|\n`, "a space too many"},
	{` - |--`, "a hyphen for a dash"},
	{`<|>`, "HTML"},
	{`!`, "an exclamation mark"},
}

func TestWordsAreWrittenInStyle(t *testing.T) {
	for _, rule := range style {
		mistake := regexp.MustCompile(rule.mistake)
		for _, lang := range spoken() {
			texts, err := catalogue(files, lang)
			must(t, err)
			for key, text := range texts {
				if mistake.MatchString(strings.ReplaceAll(text, "GOV.UK One Login", "GOV.UK")) { // its own name is in style
					t.Errorf("%s, %s: %s: %q", lang, key, rule.why, text)
				}
			}
		}
	}
}

// Error messages have no full stop, say what to do, and never apologise.
func TestErrorMessages(t *testing.T) {
	texts, err := catalogue(files, "en")
	must(t, err)
	for key, text := range texts {
		if strings.HasSuffix(key, ".heading") || strings.HasPrefix(key, "error.") || strings.HasSuffix(key, ".hint") {
			if strings.HasSuffix(text, ".") {
				t.Errorf("%s ends with a full stop: %q", key, text)
			}
		}
		if strings.Contains(text, "Sorry") && !strings.HasSuffix(key, ".heading") {
			t.Errorf("%s is sorry outside a heading: %q", key, text)
		}
		if ok := regexp.MustCompile(`^(Enter|Select|Teacher reference number must) `).MatchString(text); !ok && strings.HasPrefix(key, "error.") && key != "error.heading" {
			t.Errorf("%s does not say what to do: %q", key, text)
		}
	}
}

// JSON lets a key be there twice, and the first be lost.
func TestNoKeyIsThereTwice(t *testing.T) {
	for _, lang := range spoken() {
		b, err := fs.ReadFile(files, "words/"+lang+".json")
		must(t, err)
		d := json.NewDecoder(bytes.NewReader(b))
		seen := map[string]bool{}
		for isKey := false; d.More() || len(seen) == 0; isKey = !isKey {
			token, err := d.Token()
			must(t, err)
			if key, ok := token.(string); ok && isKey {
				if seen[key] {
					t.Errorf("words/%s.json has %q twice", lang, key)
				}
				seen[key] = true
			}
		}
	}
}

func TestText(t *testing.T) {
	w := &words{lang: "en", service: "[A] {email} b", texts: map[string]string{
		"plain": "Hello", "one": "To {email} from {service}", "link": "Go to {service} by [this {service} way] now", "unlinked": "no link",
	}}
	tests := []struct {
		key, says, err string
		pairs          []string
	}{
		{key: "plain", says: "Hello"},
		{key: "plain", says: "Hello", pairs: []string{"unused", "x"}},
		{key: "one", says: "To {service} from [A] {email} b", pairs: []string{"email", "{service}"}}, // values are not looked at again
		{key: "one", err: `the words "one" need a value for {email}`},
		{key: "one", err: `need a value for {email}`, pairs: []string{"email"}},
		{key: "missing", err: `words/en.json has no "missing"`},
	}
	for _, tt := range tests {
		got, err := w.text(tt.key, tt.pairs...)
		if tt.err == "" && (got != tt.says || err != nil) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s %q says %q, %v", tt.key, tt.pairs, got, err)
		}
	}
	// A service may have brackets in its name.
	l, err := w.linked("link", "/x")
	if want := (link{"Go to [A] {email} b by ", "this [A] {email} b way", " now", "/x"}); l != want || err != nil {
		t.Errorf("linked is %q, %v", l, err)
	}
	for _, key := range []string{"unlinked", "missing"} {
		if _, err := w.linked(key, "/x"); err == nil {
			t.Errorf("%q has no link and is not refused", key)
		}
	}
}

func TestDates(t *testing.T) {
	w, err := readWords(files, "en", "Service")
	must(t, err)
	for m := time.January; m <= time.December; m++ {
		got, err := w.date(fmt.Sprintf("1990-%02d-01", m))
		if want := "1 " + m.String() + " 1990"; got != want || err != nil {
			t.Errorf("%v is %q, %v", m, got, err)
		}
	}
	for iso, want := range map[string]string{"2004-02-29": "29 February 2004", "2003-02-29": "2003-02-29", "": "", "1 May": "1 May"} {
		if got, err := w.date(iso); got != want || err != nil {
			t.Errorf("%q is %q, %v", iso, got, err)
		}
	}
	months := slices.DeleteFunc(slices.Collect(maps.Keys(w.texts)), func(key string) bool { return !strings.HasPrefix(key, "month.") })
	if len(months) != 12 {
		t.Errorf("there are %d months", len(months))
	}
}

func TestDurations(t *testing.T) {
	w, err := readWords(files, "en", "Service")
	must(t, err)
	for d, want := range map[time.Duration]string{
		time.Hour: "1 hour", 2 * time.Hour: "2 hours", 12 * time.Hour: "12 hours",
		time.Minute: "1 minute", 30 * time.Minute: "30 minutes", 90 * time.Minute: "90 minutes",
	} {
		if got, err := w.duration(d); got != want || err != nil {
			t.Errorf("%v is %q, %v", d, got, err)
		}
	}
}
