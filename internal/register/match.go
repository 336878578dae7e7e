package register

import (
	"cmp"
	"slices"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// question is everything known of the person who looks for their record.
type question struct {
	who    journey.Identity // verified by One Login
	stated journey.Stated   // what they say themselves

	// hinted is a TRN that came with the person and not from them, such as in a
	// link they were sent. It counts like a stated one but, being wrong, it
	// vetoes nothing.
	hinted string

	// email is only ever reported as being the same. It finds and decides
	// nothing: addresses change hands.
	email string
}

// terms are a question in the form in which records are compared with it.
type terms struct {
	question
	firstNames []string // keys, nicknames included
	lastNames  []string // keys
}

// newTerms puts a question in terms. First names come from the first part of
// each verified name, last names from the last part, where there are two. The
// parts between are ignored: people leave them out and registers shorten them.
func newTerms(q question, also nicknames) terms {
	var firstNames, lastNames []string
	for _, name := range q.who.Names {
		parts := name.Parts()
		if len(parts) > 0 {
			firstNames = append(firstNames, parts[0])
		}
		if len(parts) > 1 {
			lastNames = append(lastNames, parts[len(parts)-1])
		}
	}
	// What is not known is not the same as something else that is not known.
	q.who.BirthDates = slices.DeleteFunc(slices.Clone(q.who.BirthDates), func(date string) bool { return date == "" })
	f := newFolding()
	return terms{q, also.with(f.keys(firstNames...)), f.keys(lastNames...)}
}

// attributes is the set of what a record and a question have in common.
type attributes uint8

const (
	sameFirstName attributes = 1 << iota
	sameLastName
	sameBirthDate
	sameNINO
	sameTRN
	sameEmail
)

// has reports whether all of want are in a.
func (a attributes) has(want attributes) bool { return a&want == want }

// score ranks records for somebody who looks through them.
func (a attributes) score() (sum int) {
	for _, worth := range [...]struct {
		attribute attributes
		points    int
	}{{sameTRN, 20}, {sameNINO, 10}, {sameBirthDate, 2}, {sameLastName, 2}, {sameFirstName, 1}} {
		if a.has(worth.attribute) {
			sum += worth.points
		}
	}
	return sum
}

// compare finds what a record has in common with the question.
//
// All parts of all names are pooled, on both sides: a middle name is used as the
// first, names were entered in the wrong order, one changed by marriage and the
// other did not. So one part of the record can even stand for both names.
func (t terms) compare(p *person) (common attributes) {
	for _, check := range [...]struct {
		attribute attributes
		same      bool
	}{
		{sameFirstName, overlap(p.names, t.firstNames)},
		{sameLastName, overlap(p.names, t.lastNames)},
		{sameBirthDate, slices.Contains(t.who.BirthDates, p.BirthDate)},
		{sameNINO, slices.Contains(p.ninos, t.stated.NINO)},
		{sameTRN, p.TRN == t.stated.TRN || p.TRN == t.hinted},
		{sameEmail, t.email != "" && strings.EqualFold(p.Email, t.email)},
	} {
		if check.same {
			common |= check.attribute
		}
	}
	return common
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// suggestion is a record that may be the person's, and what speaks for it.
type suggestion struct {
	*person
	common attributes
}

// suggest ranks the candidates, best first. A last name and a birth date alone
// are shared by too many people to suggest anything. (So are a first name and a
// birth date, but those alone make nobody a candidate.)
func (t terms) suggest(candidates []*person) []suggestion {
	var all []suggestion
	for _, p := range candidates {
		if common := t.compare(p); common != sameLastName|sameBirthDate {
			all = append(all, suggestion{p, common})
		}
	}
	slices.SortFunc(all, func(a, b suggestion) int {
		return cmp.Or(cmp.Compare(b.common.score(), a.common.score()), cmp.Compare(a.TRN, b.TRN))
	})
	return all
}

// match returns the one candidate that is without doubt the person's record.
// Where two are, none is: it takes a human to tell those apart.
func (t terms) match(candidates []*person) (suggestion, bool) {
	certain := slices.DeleteFunc(t.suggest(candidates), func(s suggestion) bool { return !t.certain(s.common) })
	if len(certain) != 1 {
		return suggestion{}, false
	}
	return certain[0], true
}

// certain is the rule. Two parts of it come from practice at TRS: a last name
// that differs is forgiven to those who know both of their numbers, and a stated
// TRN that is another record's vetoes a match by National Insurance number,
// because pension data put that number on duplicate records. The reverse does
// not hold: a wrong National Insurance number does not veto a TRN.
func (t terms) certain(common attributes) bool {
	if t.stated.TRN != "" && !common.has(sameTRN) {
		return false
	}
	return common.has(sameFirstName|sameLastName|sameBirthDate) && (common.has(sameNINO) || common.has(sameTRN)) ||
		common.has(sameFirstName|sameBirthDate|sameNINO|sameTRN)
}
