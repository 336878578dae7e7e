package register

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// applicant is somebody who asks for a TRN, in the form in which records are
// compared with them.
type applicant struct {
	journey.Application
	gender      string   // of genders; One Login tells none, so only known answers have it
	firstNames  []string // keys, nicknames included
	middleNames []string // likewise
	lastNames   []string // keys
}

func newApplicant(a journey.Application, gender string, also nicknames) applicant {
	f := newFolding()
	return applicant{
		Application: a, gender: gender,
		firstNames:  also.with(f.keys(a.FirstName)),
		middleNames: also.with(f.keys(a.MiddleName)),
		lastNames:   f.keys(a.LastName),
	}
}

// Attributes that matter for applicants alone.
const (
	sameMiddleName attributes = sameEmail << (1 + iota)
	sameGender

	// sameThree are those of which three are enough to be suspicious.
	sameThree = sameFirstName | sameMiddleName | sameLastName | sameBirthDate

	// sameAll is enough when no National Insurance number is stated.
	sameAll = sameFirstName | sameLastName | sameBirthDate | sameEmail | sameGender
)

// compare finds what a record has in common with the applicant. The names of the
// record are pooled, as for a question, and so are found in any order.
func (a applicant) compare(p *person) (common attributes) {
	for _, check := range [...]struct {
		attribute attributes
		same      bool
	}{
		{sameFirstName, overlap(p.names, a.firstNames)},
		{sameMiddleName, overlap(p.names, a.middleNames)},
		{sameLastName, overlap(p.names, a.lastNames)},
		{sameBirthDate, a.BirthDate != "" && p.BirthDate == a.BirthDate},
		{sameNINO, slices.Contains(p.ninos, a.NINO)},
		{sameEmail, a.Email != "" && strings.EqualFold(p.Email, a.Email)},
		{sameGender, a.gender != "" && p.Gender == a.gender},
	} {
		if check.same {
			common |= check.attribute
		}
	}
	return common
}

// three counts the first, middle and last names and the birth date in common.
func (a attributes) three() int { return bits.OnesCount8(uint8(a & sameThree)) }

// suspicious reports whether a record that has this in common with an applicant
// may be theirs. An e-mail address is enough for that, and never for more.
func (a attributes) suspicious() bool {
	return a.three() >= 3 || a.has(sameNINO) || a.has(sameEmail)
}

// suspicion ranks records for somebody who must decide whose they are.
func (a attributes) suspicion() int {
	points := a.three()
	if a.has(sameNINO) {
		points += 10
	}
	if a.has(sameEmail) {
		points += 5
	}
	return points
}

// match is the Teaching Record System's rule for requests for a TRN. It returns
// the record that is the applicant's without doubt, nil when there is not one,
// and all that may be, most likely first. If none may, they have none yet; if
// some may and none is without doubt, people must decide.
//
// There the rule begins with: who is linked to a record already has that one.
// Here links are the caller's, who does not ask for the linked.
func (a applicant) match(all ...*people) (theirs *person, maybe []suggestion) {
	// Requests are few, so all records are gone through: no index would find
	// them by e-mail address, or by names without a birth date.
	for _, r := range all {
		for _, p := range r.byTRN {
			if common := a.compare(p); p.Status == active && common.suspicious() {
				maybe = append(maybe, suggestion{p, common})
			}
		}
	}
	slices.SortFunc(maybe, func(a, b suggestion) int {
		return cmp.Or(cmp.Compare(b.common.suspicion(), a.common.suspicion()), cmp.Compare(a.TRN, b.TRN))
	})
	enough := sameBirthDate | sameNINO // whatever the names
	if a.NINO == "" {
		enough = sameAll
	}
	certain := slices.DeleteFunc(slices.Clone(maybe), func(s suggestion) bool { return !s.common.has(enough) })
	if len(certain) == 1 {
		return certain[0].person, maybe
	}
	return nil, maybe
}
