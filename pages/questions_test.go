package pages

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// forms is what the forms in main send, one a line: where to, and the name and
// value of each hidden field and button. What is typed or chosen is not in it.
func forms(page *html.Node) string {
	var b strings.Builder
	for form := range all(page, "form") {
		b.WriteString(value(form, "action"))
		for n := range all(form, "input", "button") {
			if value(n, "type") == "hidden" || value(n, "name") != "" && n.Data == "button" {
				fmt.Fprintf(&b, " %s=%s", value(n, "name"), value(n, "value"))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// rows is the summary lists of a page, a line for each row: what is asked, what
// stands there, and what "Change" says and leads to.
func rows(page *html.Node) (lines []string) {
	for row := range all(page, "div") {
		if !hasClass(row, "govuk-summary-list__row") {
			continue
		}
		line := text(slices.Collect(all(row, "dt"))[0]) + ": " + text(slices.Collect(all(row, "dd"))[0])
		for a := range all(row, "a") {
			line += " (" + text(a) + ": " + value(a, "href") + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestHaveTeacherReferenceNumber(t *testing.T) {
	s := newSet(t, brands[0])
	for _, have := range []string{"", "yes", "no", "unknown", "perhaps"} {
		page := parsed(t, show(t, s, Frame{}, HaveTeacherReferenceNumber{Have: have}))
		var offered []string
		for field := range all(page, "input") {
			offered = append(offered, value(field, "value"))
			if _, checked := attr(field, "checked"); checked != (value(field, "value") == have) {
				t.Errorf("answered %q, %q is checked: %t", have, value(field, "value"), checked)
			}
			if value(field, "name") != "have" {
				t.Errorf("an answer is called %q", value(field, "name"))
			}
		}
		if diff := cmp.Diff([]string{"yes", "no", "unknown"}, offered); diff != "" {
			t.Error(diff)
		}
	}
}

// publicFind is where those go whom we cannot bring to Find a lost TRN.
const publicFind = "https://find-a-lost-trn.education.gov.uk/start"

// Whoever does not know their TRN has one way to find it on every screen: ours,
// or else the public one.
func TestNotKnowingTheTRN(t *testing.T) {
	s := newSet(t, brands[0])
	const number, have = "have=yes", "have=yes have=unknown"
	tests := []struct {
		name   string
		view   View
		posts  string // by its buttons
		says   string // key
		public bool
	}{
		{"yes or no, ours", HaveTeacherReferenceNumber{Find: true}, "", "teacher-reference-number-have.find", false},
		{"yes or no, public", HaveTeacherReferenceNumber{}, "", "", true},
		{"number, ours", TeacherReferenceNumber{Find: true}, have, "teacher-reference-number.find", false},
		{"number, public", TeacherReferenceNumber{}, have, "", true},
		{"second screen, ours", TeacherReferenceNumber{Find: true, Asked: true}, number, "", false},
		{"second screen, public", TeacherReferenceNumber{Asked: true}, number, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := show(t, s, Frame{}, tt.view)
			page := parsed(t, source)
			if got, want := forms(page), strings.TrimSpace("/teaching-record/teacher-reference-number "+tt.posts)+"\n"; got != want {
				t.Errorf("posts %q, want %q", got, want)
			}
			for _, key := range []string{"teacher-reference-number-have.find", "teacher-reference-number.find"} {
				if strings.Contains(text(page), said(t, page, key)) != (key == tt.says) {
					t.Errorf("says %s: %t", key, key != tt.says)
				}
			}
			if strings.Contains(source, publicFind) != tt.public {
				t.Errorf("leads to the public service: %t", !tt.public)
			}
			back := strings.Contains(source, `href="/teaching-record/teacher-reference-number"`)
			if asked := strings.HasPrefix(tt.name, "second"); back != asked {
				t.Errorf("leads back to the first screen: %t", back)
			}
		})
	}
}

// The form that leaves sends what it was given, to the letter and in order, and
// nothing more: its signature is over all of it. The other form sends none of it.
func TestFindALostTRN(t *testing.T) {
	s := newSet(t, brands[0])
	page := parsed(t, show(t, s, Frame{}, FindALostTRN{To: "https://find.example/identity", Fields: []Field{
		{"email", "o’neill+x@example.com"}, {"client_title", `A & B "C" <i>`}, {"empty", ""}, {"client_url", "https://a.example/?x=1&amp=2#y"},
	}}))
	want := `https://find.example/identity email=o’neill+x@example.com client_title=A & B "C" <i> empty= client_url=https://a.example/?x=1&amp=2#y` +
		"\n/teaching-record/find-a-lost-trn skip=yes\n"
	if diff := cmp.Diff(want, forms(page)); diff != "" {
		t.Error(diff)
	}
	if n := len(slices.Collect(all(page, "button"))); n != 2 {
		t.Errorf("%d buttons, want one in each form", n)
	}
}

func TestCheckAnswers(t *testing.T) {
	const nino = "National Insurance number: QQ 12 34 56 C (Change National Insurance number: /n)"
	tests := []struct {
		name      string
		view      CheckAnswers
		why, next string // keys
		answers   []string
	}{
		{"a TRN", CheckAnswers{TRN: "4567814", ChangeTRN: "/t"}, "why", "next", []string{
			nino, "Teacher reference number (TRN): 4567814 (Change teacher reference number (TRN): /t)"}},
		{"no TRN", CheckAnswers{NoTRN: true, ChangeTRN: "/t"}, "why", "next", []string{
			nino, "Teacher reference number (TRN): You said that you do not have one (Change teacher reference number (TRN): /t)"}},
		{"TRN not known", CheckAnswers{}, "why", "next", []string{
			nino, "Teacher reference number (TRN): Not provided"}},
		{"cannot be requested", CheckAnswers{NoTRN: true, CannotRequest: true}, "why-request", "next-request", []string{
			nino, "Teacher reference number (TRN): You said that you do not have one"}},
		{"found elsewhere", CheckAnswers{FoundElsewhere: "4567814", ChangeTRN: "/t"}, "why", "next", []string{
			nino, "Teacher reference number (TRN): Not provided (Change teacher reference number (TRN): /t)", "TRN found by Find a lost TRN: 4567814"}},
	}
	s := newSet(t, brands[0])
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.view.NINO, tt.view.ChangeNINO = "QQ 12 34 56 C", "/n"
			page := parsed(t, show(t, s, Frame{}, tt.view))
			if diff := cmp.Diff(tt.answers, rows(page)[:len(tt.answers)]); diff != "" {
				t.Error(diff)
			}
			if n := len(rows(page)); n != len(tt.answers)+3 {
				t.Errorf("%d rows", n)
			}
			for _, key := range []string{"why", "why-request", "next", "next-request"} {
				sentence := said(t, page, "check-answers."+key)
				if strings.Contains(text(page), sentence) != (key == tt.why || key == tt.next) {
					t.Errorf("%q is said or not said", sentence)
				}
			}
		})
	}
}

// What is not sent is not listed, unless it is there to be changed.
func TestRequestATRN(t *testing.T) {
	tests := []struct {
		name string
		view RequestATRN
		rows []string
		have string // where the sentence about a TRN leads
	}{
		{"all", RequestATRN{"Amelia", "Grace", "O’Neill", "1987-03-09", "amelia@example.com", "QQ 12 34 56 C", "/t", "/n"}, []string{
			"First name: Amelia", "Middle name: Grace", "Last name: O’Neill", "Date of birth: 9 March 1987", "Email address: amelia@example.com",
			"National Insurance number: QQ 12 34 56 C (Change National Insurance number: /n)"}, "/t"},
		{"no number, asked", RequestATRN{FirstName: "U", LastName: "Ng", BirthDate: "2004-02-29", ChangeNINO: "/n"}, []string{
			"First name: U", "Last name: Ng", "Date of birth: 29 February 2004",
			"National Insurance number: Not provided (Change National Insurance number: /n)"}, ""},
		{"no number, not asked", RequestATRN{FirstName: "U", LastName: "Ng", BirthDate: "2004-02-29"}, []string{
			"First name: U", "Last name: Ng", "Date of birth: 29 February 2004"}, ""},
	}
	s := newSet(t, brands[0])
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := parsed(t, show(t, s, Frame{}, tt.view))
			if diff := cmp.Diff(tt.rows, rows(page)); diff != "" {
				t.Error(diff)
			}
			have := ""
			for a := range all(only(t, page, "main"), "a") {
				if text(a) == "change your answer" {
					have = value(a, "href")
				}
			}
			if have != tt.have {
				t.Errorf("the sentence about a TRN leads to %q, want %q", have, tt.have)
			}
			if got := forms(page); got != "/teaching-record/request-a-trn\n" {
				t.Errorf("posts %q", got)
			}
		})
	}
}
