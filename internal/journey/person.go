package journey

import (
	"log/slog"
	"slices"
	"strings"
)

// Name is one verified name. GOV.UK One Login allows any number of parts of
// any length, so neither list has a fixed size and either can be empty.
type Name struct {
	Given  []string
	Family []string
}

// Parts are the given names followed by the family names.
func (n Name) Parts() []string { return slices.Concat(n.Given, n.Family) }

// String is the name as a person would write it.
func (n Name) String() string { return strings.Join(n.Parts(), " ") }

// Identity is what GOV.UK One Login verified about a person.
type Identity struct {
	Names      []Name   // the current name first
	BirthDates []string // YYYY-MM-DD, the most certain first
}

// Name is the current name, the zero value when there is none.
func (i Identity) Name() Name {
	if len(i.Names) == 0 {
		return Name{}
	}
	return i.Names[0]
}

// BirthDate is the most certain birth date, YYYY-MM-DD, or "".
func (i Identity) BirthDate() string {
	if len(i.BirthDates) == 0 {
		return ""
	}
	return i.BirthDates[0]
}

// Record is a teaching record as far as a service may want to know it.
type Record struct {
	TRN       string // seven digits
	FirstName string
	LastName  string
	QTS       string // date qualified teacher status was awarded, YYYY-MM-DD or ""
	EYTS      string // date early years teacher status was awarded, or ""
	Induction string // induction status in the register's words, or ""
	Alerts    bool   // whether the record has alerts
}

// Personal data is never logged, not even by an oversight: these types refuse.
// (State and Arrival carry tokens besides.)

func (Name) LogValue() slog.Value        { return redacted }
func (Identity) LogValue() slog.Value    { return redacted }
func (Record) LogValue() slog.Value      { return redacted }
func (State) LogValue() slog.Value       { return redacted }
func (Arrival) LogValue() slog.Value     { return redacted }
func (Stated) LogValue() slog.Value      { return redacted }
func (Answer) LogValue() slog.Value      { return redacted }
func (Flow) LogValue() slog.Value        { return redacted }
func (Link) LogValue() slog.Value        { return redacted }
func (Event) LogValue() slog.Value       { return redacted }
func (Application) LogValue() slog.Value { return redacted }
func (TRNRequest) LogValue() slog.Value  { return redacted }
func (Plea) LogValue() slog.Value        { return redacted }
func (Claim) LogValue() slog.Value       { return redacted }
func (Handover) LogValue() slog.Value    { return redacted }
func (Allocation) LogValue() slog.Value  { return redacted }

var redacted = slog.StringValue("[personal data]")
