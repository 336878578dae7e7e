// Package people is the cast of the demo and the tests: who can sign in with
// the One Login stand-in, what they type on the way, and where they end.
//
//	people.go    the cast
//	register.go  the teaching records behind them, as a people file
//
// Every value is invented and unlike any other text in the project, so that a
// search of the logs for it can only find a leak. National Insurance numbers
// begin with QQ, a prefix that is never issued.
package people

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// Person is someone with a GOV.UK One Login.
type Person struct {
	Value string // of their button name="person" on the account page
	About string // one sentence: what is special about them

	// What One Login knows of them. Names are in upper case, as from a
	// passport's machine-readable zone.
	Email     string
	Given     []string
	Family    []string
	BirthDate string // YYYY-MM-DD
	Verified  bool   // whether One Login can prove their identity

	// What to type where it is asked for, "" for what they have none of, and where
	// they end: "service", or the name of the step they stop at. Where a service
	// gives TRNs that may be elsewhere: see EndsAt.
	NINO string
	TRN  string
	Ends string

	// Lost is the TRN that they do not know and Find a lost TRN finds, "" for none.
	// Who has one says that they do not know it, and ends as they do where the
	// service leads people there.
	Lost string

	// EndsAllocating is where they end at a service that gives TRNs, "" for the same.
	EndsAllocating string

	// Linked: their subject is tied to TRN before they first come.
	Linked bool
}

// Everyone is the cast, in the order of the account page.
func Everyone() []Person {
	return []Person{
		{
			Value: "known", About: "came before: already connected to a teaching record, so nothing is asked",
			Email: "ottoline.brackenmoor@people.example", Given: []string{"OTTOLINE"}, Family: []string{"BRACKENMOOR"}, BirthDate: "1979-11-23", Verified: true,
			NINO: "QQ 61 83 05 A", TRN: "7381046", Ends: "service", Linked: true,
		},
		{
			Value: "found-by-nino", About: "the National Insurance number is on the record",
			Email: "peregrine.thistlewick@people.example", Given: []string{"PEREGRINE", "LUCIAN"}, Family: []string{"THISTLEWICK"}, BirthDate: "1986-02-19", Verified: true,
			NINO: "QQ 27 49 16 B", TRN: "7382593", Ends: "service",
		},
		{
			Value: "found-by-trn", About: "the record has no National Insurance number, so the TRN finds it",
			Email: "clementina.oakenfold-rye@people.example", Given: []string{"CLEMENTINA"}, Family: []string{"OAKENFOLD-RYE"}, BirthDate: "1991-07-08", Verified: true,
			NINO: "QQ 94 30 72 C", TRN: "7384168", Ends: "service",
		},
		{
			Value: "not-found", About: "has no teaching record, whatever is typed",
			Email: "barnaby.quillfeather@people.example", Given: []string{"BARNABY"}, Family: []string{"QUILLFEATHER"}, BirthDate: "1994-05-31", Verified: true,
			NINO: "QQ 58 12 67 D", TRN: "7389902", Ends: "support-requested",
		},
		{
			Value: "not-verified", About: "One Login cannot prove their identity",
			Email: "wilhelmina.snowdrake@people.example", Given: []string{"WILHELMINA"}, Family: []string{"SNOWDRAKE"}, BirthDate: "1983-09-14",
			Ends: "not-verified",
		},
		{
			Value: "no-trn", About: "never had a TRN, and is given one at once",
			Email: "horatia.pennyfeather@people.example", Given: []string{"HORATIA", "JUNO"}, Family: []string{"PENNYFEATHER"}, BirthDate: "1999-04-17", Verified: true,
			NINO: "QQ 36 74 90 A", Ends: "support-requested", EndsAllocating: "service",
		},
		{
			Value: "possible-duplicate", About: "has no TRN, but a record looks like theirs: staff decide, then an e-mail comes",
			Email: "evadne.larkhampton@people.example", Given: []string{"EVADNE"}, Family: []string{"LARKHAMPTON"}, BirthDate: "1988-03-29", Verified: true,
			NINO: "QQ 81 29 53 B", Ends: "support-requested", EndsAllocating: "trn-requested",
		},
		{
			Value: "rejected", About: "likewise, but staff reject the request",
			Email: "thaddeus.wexcombe@people.example", Given: []string{"THADDEUS"}, Family: []string{"WEXCOMBE"}, BirthDate: "1972-10-26", Verified: true,
			NINO: "QQ 45 63 18 C", Ends: "support-requested", EndsAllocating: "trn-requested",
		},
		{
			Value: "lost-trn", About: "has a TRN and does not know it: say so, and Find a lost TRN finds it by the name and date of birth that are filled in there",
			Email: "cordelia.ravenscar@people.example", Given: []string{"CORDELIA"}, Family: []string{"RAVENSCAR"}, BirthDate: "1977-06-22", Verified: true,
			NINO: "QQ 73 05 41 D", Lost: "7380659", Ends: "service",
		},
	}
}

// EndsAt is where they end at a service that gives TRNs, or at one that does not.
func (p Person) EndsAt(allocating bool) string {
	if allocating && p.EndsAllocating != "" {
		return p.EndsAllocating
	}
	return p.Ends
}

// Find is the person whose button has the value.
func Find(value string) (Person, bool) {
	everyone := Everyone()
	i := slices.IndexFunc(everyone, func(p Person) bool { return p.Value == value })
	if i < 0 {
		return Person{}, false
	}
	return everyone[i], true
}

// Own is the TRN of the record that is theirs, "" when none is.
func (p Person) Own() string {
	if p.Ends != "service" {
		return ""
	}
	return cmp.Or(p.TRN, p.Lost)
}

// Subject is their One Login "sub": pairwise in shape, the same at every run.
func (p Person) Subject() string {
	sum := sha256.Sum256([]byte("stand-in sector: " + p.Value))
	return "urn:fdc:gov.uk:2022:" + base64.RawURLEncoding.EncodeToString(sum[:])
}
