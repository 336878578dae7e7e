// Package register holds teaching records, and decides whose record is whose.
//
//	register.go    this map; people, the register in memory and its indexes
//	match.go       the rule: which record is certainly the person's
//	names.go       how names are split, compared and known by shorter forms
//	nicknames.txt  the shorter forms
//	embedded.go    Embedded, a register read from a people file
//	file.go        the people file: a strict reader that names the line
//	requests.go    the other rule: who asks for a TRN and may have one already
//	allocate.go    what Embedded does when it is asked for a TRN
//	ledger.go      what it must not forget of that, and where it is kept
//
// The rule is the Teaching Record System's (TRS, github.com/DFE-Digital/
// teaching-record-system), so that a service may move from one register to the
// other and find the same people. It differs in one thing: names are split at
// all of their separators. Its known answers are in testdata/matching.json.
//
// A people file is JSON; docs/people-file.md describes every member. In short:
//
//	{"people": [
//	  {
//	    "trn": "1234567",
//	    "firstName": "Robert",
//	    "lastName": "Carter-Lane",
//	    "dateOfBirth": "1985-04-12",
//	    "nationalInsuranceNumber": "QQ123456C"
//	  }
//	]}
//
// Nothing here logs personal data, or has it in an error: a fault in the file is
// told by its line.
package register

import (
	"slices"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// person is one teaching record. Dates are YYYY-MM-DD; "" is not known.
type person struct {
	TRN           string // seven digits
	FirstName     string
	MiddleName    string
	LastName      string
	PreviousNames []formerName
	BirthDate     string
	NINO          string   // as journey.ParseNINO returns it
	PensionNINOs  []string // from employments in Teachers' Pensions, likewise
	Email         string
	Gender        string // of genders
	Status        string // of statuses
	QTS           string // date
	EYTS          string // date
	Induction     string // of inductions
	Alerts        bool

	names []string // keys of all parts of all names, present and former
	ninos []string // of all kinds
}

// formerName is a name that a person had.
type formerName struct{ FirstName, MiddleName, LastName string }

// active is the status of a record in use. The others are history: a
// deactivated or merged record is nobody's, until TRS says otherwise.
const active = "Active"

// The words of the register, as the TRS API has them.
var (
	statuses   = []string{active, "Deactivated", "Merged"}
	genders    = []string{"Male", "Female", "Other"}
	inductions = []string{"None", "RequiredToComplete", "Exempt", "InProgress", "Passed", "Failed", "FailedInWales"}
)

// record is what a service may know of the person.
func (p *person) record() journey.Record {
	return journey.Record{
		TRN:       p.TRN,
		FirstName: p.FirstName,
		LastName:  p.LastName,
		QTS:       p.QTS,
		EYTS:      p.EYTS,
		Induction: p.Induction,
		Alerts:    p.Alerts,
	}
}

// people is a register in memory, indexed by what makes a record a candidate.
// It is not changed once built, so any number of goroutines may ask it.
type people struct {
	byTRN          map[string]*person // whatever their status
	byNINO         map[string][]*person
	byNameAndBirth map[nameAndBirth][]*person
	nicknames      nicknames
}

type nameAndBirth struct{ key, date string }

func newPeople(all []*person, also nicknames) *people {
	r := &people{
		byTRN:          make(map[string]*person, len(all)),
		byNINO:         make(map[string][]*person, len(all)),
		byNameAndBirth: make(map[nameAndBirth][]*person, 4*len(all)),
		nicknames:      also,
	}
	f := newFolding()
	for _, p := range all {
		r.byTRN[p.TRN] = p
		if p.Status != active {
			continue
		}
		names := []string{p.FirstName, p.MiddleName, p.LastName}
		for _, former := range p.PreviousNames {
			names = append(names, former.FirstName, former.MiddleName, former.LastName)
		}
		p.names = f.keys(names...)
		for _, key := range p.names {
			at := nameAndBirth{key, p.BirthDate}
			r.byNameAndBirth[at] = append(r.byNameAndBirth[at], p)
		}
		p.ninos = slices.DeleteFunc(append(slices.Clone(p.PensionNINOs), p.NINO), func(number string) bool { return number == "" })
		for _, number := range p.ninos {
			r.byNINO[number] = append(r.byNINO[number], p)
		}
	}
	return r
}

// candidates are the active records with a TRN of the question, with its
// National Insurance number, or with one of its last names and birth dates.
func (r *people) candidates(t terms) []*person {
	var found []*person
	add := func(some ...*person) {
		for _, p := range some {
			if !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	for _, number := range []string{t.stated.TRN, t.hinted} {
		if p, ok := r.byTRN[number]; ok && p.Status == active {
			add(p)
		}
	}
	add(r.byNINO[t.stated.NINO]...)
	for _, key := range t.lastNames {
		for _, date := range t.who.BirthDates {
			add(r.byNameAndBirth[nameAndBirth{key, date}]...)
		}
	}
	return found
}

// find returns the one record, among these people and others, that answers the
// question without doubt.
func (r *people) find(q question, others ...*people) (suggestion, bool) {
	t := newTerms(q, r.nicknames)
	candidates := r.candidates(t)
	for _, more := range others {
		candidates = append(candidates, more.candidates(t)...)
	}
	return t.match(candidates)
}
