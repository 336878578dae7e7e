package pages

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// Frame is what surrounds a page's own content.
type Frame struct {
	// Lang is the language to show, one of Config.Languages; anything else,
	// such as what a stranger wrote in an address, is the first of them.
	Lang string

	// SignedIn shows the links that only a signed-in person needs.
	SignedIn bool

	// Back is where the Back link leads, a path on this host; "" leaves it out.
	Back string
}

// View is the content of one page. The types of this package that implement it
// are the pages there are.
type View interface{ sheet() sheet }

// sheet is a view made ready for its template.
type sheet struct {
	Template string  // the file in templates/, and the prefix of its words
	Wrong    []wrong // answers to put right: they head the page and mark its title
	Body     any     // what the template sees as dot
}

// Write shows one page. The page is made whole before the first byte goes out,
// so on an error nothing was written and another page can be. Answers to HEAD
// carry the same headers: net/http leaves the body out.
func (s *Set) Write(w http.ResponseWriter, status int, f Frame, v View) error {
	var page bytes.Buffer
	if err := s.render(&page, f, v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	h.Set("Content-Language", s.language(f.Lang))
	switch v.(type) {
	case Connected:
		h.Set("Content-Security-Policy", s.leaving)
	case TRNRequested:
		h.Set("Content-Security-Policy", s.waiting)
	default:
		h.Set("Content-Security-Policy", s.policy)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	// Every page is for one person at one moment.
	h.Set("Cache-Control", "no-store")
	// Only the origin: the address of a failed callback has a code in it, and the
	// service is of the same origin. Not no-referrer: that makes browsers send
	// "Origin: null" with our own forms, which a check for cross-origin requests
	// would then refuse.
	h.Set("Referrer-Policy", "strict-origin")
	w.WriteHeader(status)
	_, err := page.WriteTo(w)
	return err
}

func (s *Set) render(to *bytes.Buffer, f Frame, v View) error {
	sheet := v.sheet()
	page := s.templates[s.language(f.Lang)][sheet.Template]
	if err := page.ExecuteTemplate(to, "layout", struct {
		Frame
		Wrong []wrong
		Body  any
	}{f, sheet.Wrong, sheet.Body}); err != nil {
		return fmt.Errorf("show the page %s: %w", sheet.Template, err)
	}
	return nil
}

// language is lang if the pages speak it, and the default if they do not.
func (s *Set) language(lang string) string {
	if s.templates[lang] == nil {
		return s.languages[0]
	}
	return lang
}
