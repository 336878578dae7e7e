package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The pages of ours, below the site.
const (
	ninoPage        = "/teaching-record/national-insurance-number"
	trnPage         = "/teaching-record/teacher-reference-number"
	findPage        = "/teaching-record/find-a-lost-trn"
	checkPage       = "/teaching-record/check-answers"
	requestedPage   = "/teaching-record/support-requested"
	notVerifiedPage = "/teaching-record/not-verified"
	requestPage     = "/teaching-record/request-a-trn"
	waitingPage     = "/teaching-record/trn-requested"
	declinedPage    = "/teaching-record/trn-request-declined"
	connectedPage   = "/teaching-record/connected"
	signedOutPage   = "/teaching-record/signed-out"
)

// teacher is a person with a browser, without JavaScript: they follow
// redirects, read pages, fill in forms and press buttons by their text.
type teacher struct {
	t     testing.TB
	s     *stack
	http  *http.Client
	views int // pages of ours they have seen

	url  *url.URL // of the page they are on
	resp *http.Response
	body string
	page *html.Node
}

// teacher gives the site somebody with a fresh browser.
func (s *stack) teacher(t testing.TB) *teacher {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &teacher{t: t, s: s, http: &http.Client{Jar: jar, Transport: s.client.Transport}}
}

// open follows an address, given in full or below the site.
func (v *teacher) open(address string) *teacher {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.s.site + address
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	must(v.t, err)
	return v.send(req)
}

// send sends a request as a browser navigates.
func (v *teacher) send(req *http.Request) *teacher {
	v.t.Helper()
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if req.Header.Get("Sec-Fetch-Site") == "" {
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := v.http.Do(req)
	must(v.t, err)
	defer resp.Body.Close()
	v.resp, v.url, v.body = resp, resp.Request.URL, body(v.t, resp.Body)
	v.page, err = html.Parse(strings.NewReader(v.body))
	must(v.t, err)
	if strings.HasPrefix(v.url.String(), v.s.site+"/teaching-record/") {
		v.views++
	}
	return v
}

// choose signs in with One Login as a person, where One Login asks who.
func (v *teacher) choose(person string) *teacher {
	v.t.Helper()
	return v.pressValue("person", person)
}

// press presses a button by its text, with what was filled in.
func (v *teacher) press(text string, fill ...string) *teacher {
	v.t.Helper()
	for button := range v.elements(atom.Button) {
		if strings.Contains(textOf(button), text) {
			return v.submit(button, fill)
		}
	}
	v.t.Fatalf("%s has no button %q:\n%s", v.url, text, v.body)
	return nil
}

// pressValue presses a button by its name and value.
func (v *teacher) pressValue(name, value string) *teacher {
	v.t.Helper()
	for button := range v.elements(atom.Button) {
		if attr(button, "name") == name && attr(button, "value") == value {
			return v.submit(button, nil)
		}
	}
	v.t.Fatalf("%s has no button %s=%s:\n%s", v.url, name, value, v.body)
	return nil
}

// follow follows a link by its text.
func (v *teacher) follow(text string) *teacher {
	v.t.Helper()
	for a := range v.elements(atom.A) {
		if strings.Contains(textOf(a), text) {
			to, err := v.url.Parse(attr(a, "href"))
			must(v.t, err)
			return v.open(to.String())
		}
	}
	v.t.Fatalf("%s has no link %q:\n%s", v.url, text, v.body)
	return nil
}

// submit sends the form of a button. fill is names and values, in turn.
func (v *teacher) submit(button *html.Node, fill []string) *teacher {
	v.t.Helper()
	form := button.Parent
	for form != nil && form.DataAtom != atom.Form {
		form = form.Parent
	}
	if id := attr(button, "form"); id != "" {
		for f := range v.elements(atom.Form) {
			if attr(f, "id") == id {
				form = f
			}
		}
	}
	if form == nil {
		v.t.Fatalf("the button %q is in no form", textOf(button))
	}
	values := url.Values{}
	for n := range form.Descendants() {
		if n.DataAtom != atom.Input || attr(n, "name") == "" {
			continue
		}
		switch _, checked := attribute(n, "checked"); attr(n, "type") {
		case "radio", "checkbox":
			if checked {
				values.Set(attr(n, "name"), attr(n, "value"))
			}
		case "submit":
		default:
			values.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	for i := 0; i+1 < len(fill); i += 2 {
		values.Set(fill[i], fill[i+1])
	}
	if name := attr(button, "name"); name != "" {
		values.Set(name, attr(button, "value"))
	}
	to, err := v.url.Parse(cmp.Or(attr(button, "formaction"), attr(form, "action")))
	must(v.t, err)
	if strings.EqualFold(attr(form, "method"), "post") {
		req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, to.String(), strings.NewReader(values.Encode()))
		must(v.t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", v.url.Scheme+"://"+v.url.Host)
		return v.send(req)
	}
	to.RawQuery = values.Encode()
	return v.open(to.String())
}

// at checks where the teacher is: a path of the site.
func (v *teacher) at(path string) *teacher {
	v.t.Helper()
	if got := v.url.String(); got != v.s.site+path {
		v.t.Fatalf("at %s (%d), want %s:\n%s", got, v.resp.StatusCode, path, v.body)
	}
	return v
}

// sees checks the status and a text of the page.
func (v *teacher) sees(status int, text string) *teacher {
	v.t.Helper()
	if v.resp.StatusCode != status || !strings.Contains(textOf(v.page), text) {
		v.t.Fatalf("%s is %d, want %d with %q:\n%s", v.url, v.resp.StatusCode, status, text, v.body)
	}
	return v
}

// text is the text of the first element of that name.
func (v *teacher) text(element string) string {
	v.t.Helper()
	for n := range v.elements(atom.Lookup([]byte(element))) {
		return textOf(n)
	}
	v.t.Fatalf("%s has no %s:\n%s", v.url, element, v.body)
	return ""
}

// whoami is what the service sees of the teacher.
type whoami struct {
	Verified bool
	Error    string
	Method   string
	Path     string
	Claims   map[string]any
	Headers  map[string][]string
	Trailers map[string][]string
}

func (v *teacher) whoami() whoami {
	v.t.Helper()
	v.open("/whoami")
	var w whoami
	if err := json.Unmarshal([]byte(v.body), &w); err != nil {
		v.t.Fatalf("/whoami is %d and no JSON: %s", v.resp.StatusCode, v.body)
	}
	return w
}

// cookie is the teacher's visit.
func (v *teacher) cookie() string {
	site, _ := url.Parse(v.s.site)
	for _, c := range v.http.Jar.Cookies(site) {
		if c.Name == "teaching-record" || c.Name == "__Host-teaching-record" {
			return c.Value
		}
	}
	return ""
}

func (v *teacher) elements(a atom.Atom) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range v.page.Descendants() {
			if n.DataAtom == a && !yield(n) {
				return
			}
		}
	}
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func attr(n *html.Node, name string) string {
	value, _ := attribute(n, name)
	return value
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

func (w whoami) String() string {
	return fmt.Sprintf("%+v", map[string]any{"verified": w.Verified, "error": w.Error})
}
