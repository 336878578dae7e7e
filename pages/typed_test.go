package pages

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// shape is a page without what it says: elements, the names of their attributes
// and, of those a typed text never stands in, the values.
func shape(page *html.Node) string {
	var b strings.Builder
	for n := range all(page) {
		b.WriteString(n.Data)
		for _, a := range n.Attr {
			if a.Key == "value" || a.Key == "href" {
				a.Val = ""
			}
			b.WriteString(" " + a.Key + "=" + a.Val)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// asRead is a text as a browser reads it from HTML.
func asRead(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(s)
	return strings.ToValidUTF8(s, "\uFFFD")
}

// FuzzTyped: what anybody typed, or One Login said of them, is on the page as
// text or as the value of a field, to the letter, and never as anything else.
func FuzzTyped(f *testing.F) {
	for _, s := range []string{
		"QQ 12 34 56 C", "O’Neill", `"><script>alert(1)</script>`, `' onfocus='alert(1)`, "{{.}}", "{service}", "[a](b)", "]", "&amp;&lt;", "\x00",
		"\xff\xfe", "\u202e", "</title><h1>", "</script>", "<!--", "javascript:alert(1)", "a\r\nb", "-->", "]]>", "`${1}`", "1987-03-09", " ",
	} {
		f.Add(s)
	}
	s := newSet(f, brands[0])
	views := map[string]func(typed string) View{
		"number":  func(s string) View { return NationalInsuranceNumber{Number: s, Error: "nino-format"} },
		"trn":     func(s string) View { return TeacherReferenceNumber{Number: s} },
		"have":    func(s string) View { return HaveNationalInsuranceNumber{Have: "no such answer " + s} },
		"answers": func(s string) View { return CheckAnswers{Name: s, BirthDate: s, Email: s, NINO: s, TRN: s} },
		"request": func(s string) View { return SupportRequested{Reference: s, Email: s} },
		"sent":    func(s string) View { return SupportRequested{Reference: s, Email: s, Sent: true} },
		"solved":  func(s string) View { return SupportRequested{Reference: s, Email: s, State: "solved"} },
		"state":   func(s string) View { return SupportRequested{State: "no such state " + s} },
		"no trn":  func(s string) View { return HaveTeacherReferenceNumber{Have: "no such answer " + s} },
		"find": func(s string) View {
			return FindALostTRN{"https://find.example/identity", []Field{{"client_title", s}}}
		},
		"found": func(s string) View { return CheckAnswers{NoTRN: true, FoundElsewhere: s} },
		"details": func(s string) View {
			return RequestATRN{FirstName: s, MiddleName: s, LastName: s, BirthDate: s, Email: s, NINO: s, ChangeTRN: s, ChangeNINO: s}
		},
		"pending":  func(s string) View { return TRNRequested{Email: s} },
		"declined": func(s string) View { return TRNRequestDeclined{Reference: s, Email: s} },
		"kind":     func(s string) View { return Problem{Kind: "no such kind " + s} },
		"way on":   func(s string) View { return Problem{Kind: "busy", Again: s} },
	}
	plain := map[string]string{}
	for name, view := range views {
		plain[name] = shape(parsed(f, show(f, s, Frame{}, view("x"))))
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if typed == "" {
			return // an empty value is left out or said in words: another shape
		}
		want := asRead(typed)
		for name, view := range views {
			page := parsed(t, show(t, s, Frame{Lang: typed}, view(typed)))
			if shape(page) != plain[name] {
				t.Fatalf("%s changes the page:\n%s", name, outline(page))
			}
			for a := range all(page, "a") {
				href := strings.ToLower(value(a, "href"))
				if i := strings.IndexAny(href, ":/?#"); i >= 0 && href[i] == ':' && !slices.Contains([]string{"http", "https", "mailto"}, href[:i]) {
					t.Errorf("%s makes a link to %q", name, href)
				}
			}
			times := 0 // that it is on the page, and to the letter
			for field := range all(page, "input") {
				if asRead(value(field, "value")) == want {
					times++
				}
			}
			for n := range page.Descendants() {
				if n.Type == html.TextNode && strings.Contains(asRead(n.Data), want) {
					times++
				}
			}
			if least := map[string]int{
				"number": 1, "trn": 1, "answers": 3, "request": 2, "sent": 2, "solved": 2, "find": 1, "found": 1, "details": 5, "pending": 1, "declined": 2,
			}[name]; times < least {
				t.Errorf("%s: %q is on the page %d times, want %d", name, want, times, least)
			}
		}
	})
}
