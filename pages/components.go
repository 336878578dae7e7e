package pages

import (
	"slices"
	"strings"
)

// The components, as templates/components draw them. Texts are keys of the
// catalogue; only what people typed or own is itself.

// input is a one-line text field.
type input struct {
	Name    string // also the id
	Label   string
	Hint    string
	Value   string // as the person typed it
	Error   string // "" when there is none
	Classes string
	Numeric bool // a keyboard of digits where there is a choice
}

// DescribedBy is the ids of what a screen reader reads after the label.
func (i input) DescribedBy() string { return describedBy(i.Name, i.Hint, i.Error) }

// radios is a choice of one, asked by the heading of the page.
type radios struct {
	Name   string // the id of the first one too, for the error summary to link to
	Legend string
	Hint   string
	Error  string
	Items  []radio
}

type radio struct {
	ID, Value, Text string
	Checked         bool
	Hint            string // "" for none
}

// DescribedBy is the ids of what a screen reader reads after the legend.
func (r radios) DescribedBy() string { return describedBy(r.Name, r.Hint, r.Error) }

func describedBy(name, hint, err string) string {
	var ids []string
	if hint != "" {
		ids = append(ids, name+"-hint")
	}
	if err != "" {
		ids = append(ids, name+"-error")
	}
	return strings.Join(ids, " ")
}

// wrong is one line of the error summary: a message, and the field it is about.
type wrong struct{ ID, Message string }

// wrongIn is the line for a field, if it has one.
func wrongIn(id, message string) []wrong {
	if message == "" {
		return nil
	}
	return []wrong{{id, message}}
}

// button submits the form it is in. With a name it says which of the form's
// buttons it was; the first button of a form is the one Enter presses.
type button struct {
	Text, Name, Value string
	Secondary         bool
}

// newButton makes a button in a template: its text, and its name and value
// where the form has more than one.
func newButton(kind, text string, nameValue ...string) button {
	b := button{Text: text, Secondary: kind == "secondary"}
	if len(nameValue) == 2 {
		b.Name, b.Value = nameValue[0], nameValue[1]
	}
	return b
}

// row is one line of a summary list: what was asked, what was answered, and
// where to change it, "" where it cannot be changed.
type row struct {
	Key    string
	Value  string // "" is said in words
	Date   string // instead of Value: YYYY-MM-DD
	Text   string // instead of Value: a key of the catalogue
	Change string
	Hidden string // says to a screen reader what is changed
}

type summary []row

// Changes reports whether any row can be changed; then the others need a class.
func (s summary) Changes() bool {
	return slices.ContainsFunc(s, func(r row) bool { return r.Change != "" })
}

// panel is the green box of a page that ends well.
type panel struct {
	Title     string
	Body      string // a text, "" for none
	Reference string // in large letters under the text
}
