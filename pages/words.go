package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// words is everything the pages say in one language. A text may hold
// variables, {service} or {email}, and one link, whose text is in [brackets]:
// the words decide where in the sentence they stand, and the template what they
// are, so no HTML is ever translated.
type words struct {
	lang    string
	texts   map[string]string
	service string // the one variable that every text may use
}

// readWords reads the catalogue of a language from words/LANG.json. Every
// language must say exactly what English says, with the same variables and the
// same links in it.
func readWords(from fs.FS, lang, service string) (*words, error) {
	texts, err := catalogue(from, lang)
	if err != nil {
		return nil, err
	}
	english, err := catalogue(from, "en")
	if err != nil {
		return nil, err
	}
	for key := range english {
		if texts[key] == "" {
			return nil, fmt.Errorf("words/%s.json lacks %q", lang, key)
		}
		if got, want := holes(texts[key]), holes(english[key]); got != want {
			return nil, fmt.Errorf("words/%s.json has %q in %q, where English has %q", lang, got, key, want)
		}
	}
	for key := range texts {
		if english[key] == "" {
			return nil, fmt.Errorf("words/%s.json has %q, which words/en.json does not", lang, key)
		}
	}
	return &words{lang: lang, texts: texts, service: service}, nil
}

func catalogue(from fs.FS, lang string) (map[string]string, error) {
	b, err := fs.ReadFile(from, "words/"+lang+".json")
	if err != nil {
		return nil, fmt.Errorf("read the words: %w", err)
	}
	var texts map[string]string
	if err := json.Unmarshal(b, &texts); err != nil {
		return nil, fmt.Errorf("read words/%s.json: %w", lang, err)
	}
	return texts, nil
}

// spoken is the languages there are words in.
func spoken() []string {
	var langs []string
	found, _ := fs.Glob(files, "words/*.json") // the pattern is well formed: no error
	for _, name := range found {
		langs = append(langs, strings.TrimSuffix(strings.TrimPrefix(name, "words/"), ".json"))
	}
	return langs
}

var (
	variable = regexp.MustCompile(`\{[a-z]+\}`)
	hole     = regexp.MustCompile(`\{[a-z]+\}|[\[\]]`)
)

// holes is what a text leaves to the template, in order of the alphabet, since
// languages put things in their own order.
func holes(text string) string {
	found := hole.FindAllString(text, -1)
	slices.Sort(found)
	return strings.Join(found, "")
}

// text is the text of key, with its variables filled in: pairs of a name and
// a value. A text that is missing, or a variable without a value, is an error,
// never a gap on the page. What stands in a value is not looked at again.
func (w *words) text(key string, pairs ...string) (string, error) {
	text := w.texts[key]
	if text == "" {
		return "", fmt.Errorf("words/%s.json has no %q", w.lang, key)
	}
	return w.fill(key, text, pairs...)
}

// fill fills in the variables of text, which is the text of key or a part of it.
func (w *words) fill(key, text string, pairs ...string) (string, error) {
	values := map[string]string{"{service}": w.service}
	for i := 0; i+1 < len(pairs); i += 2 {
		values["{"+pairs[i]+"}"] = pairs[i+1]
	}
	var err error
	text = variable.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := values[name]
		if !ok {
			err = fmt.Errorf("the words %q need a value for %s", key, name)
		}
		return value
	})
	return text, err
}

// link is a sentence with a link in it.
type link struct {
	Before, Text, After string
	Href                string
}

// linked is the text of key with the words in brackets as a link to href. The
// brackets are found before the variables are filled in: a service may have
// some in its name.
func (w *words) linked(key, href string) (link, error) {
	before, rest, open := strings.Cut(w.texts[key], "[")
	text, after, closed := strings.Cut(rest, "]")
	if !open || !closed {
		return link{}, fmt.Errorf("words/%s.json needs a [link] in %q", w.lang, key)
	}
	l := link{Href: href}
	var errs [3]error
	l.Before, errs[0] = w.fill(key, before)
	l.Text, errs[1] = w.fill(key, text)
	l.After, errs[2] = w.fill(key, after)
	return l, errors.Join(errs[:]...)
}

// date writes YYYY-MM-DD as people do, "1 February 1990". Whatever is not such
// a date stays as it is: better odd than wrong.
func (w *words) date(iso string) (string, error) {
	d, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return iso, nil
	}
	month, err := w.text("month." + strconv.Itoa(int(d.Month())))
	return strconv.Itoa(d.Day()) + " " + month + " " + strconv.Itoa(d.Year()), err
}

// duration writes whole hours as hours and everything else as minutes.
func (w *words) duration(d time.Duration) (string, error) {
	switch {
	case d == time.Minute:
		return w.text("duration.minute")
	case d == time.Hour:
		return w.text("duration.hour")
	case d%time.Hour == 0:
		return w.text("duration.hours", "n", strconv.Itoa(int(d.Hours())))
	}
	return w.text("duration.minutes", "n", strconv.Itoa(int(d.Minutes())))
}
