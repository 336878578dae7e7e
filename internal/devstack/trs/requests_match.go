package trs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// whose is the record that is the applicant's by the rule of the real one, or the
// TRNs of those that may be, most likely first.
func (s *Server) whose(a application) (theirs *person, maybe []string) {
	if linked := s.people[s.linkedTo(a.Subject)]; linked != nil && linked.Status == Active {
		return linked, nil // whatever else is said
	}
	c := newComparison()
	first, middle, last := c.also(a.Person.FirstName), c.also(a.Person.MiddleName), c.parts(a.Person.LastName)
	points := map[string]int{}
	var byNumber, byAll []*person
	for trn, p := range s.people {
		if p.Status != Active {
			continue
		}
		names := c.parts(p.allNames()...)
		var (
			sameFirst  = overlap(first, names)
			sameMiddle = overlap(middle, names)
			sameLast   = overlap(last, names)
			sameDate   = p.BirthDate == a.Person.BirthDate
			sameNumber = p.hasNINO(a.Person.NINO)
			sameEmail  = a.email() != "" && strings.EqualFold(a.email(), p.Email)
			sameGender = a.Person.Gender != "" && a.Person.Gender == p.Gender
		)
		common := 0
		for _, same := range []bool{sameFirst, sameMiddle, sameLast, sameDate} {
			if same {
				common++
			}
		}
		if common < 3 && !sameNumber && !sameEmail {
			continue
		}
		if sameDate && sameNumber {
			byNumber = append(byNumber, p)
		}
		if sameFirst && sameLast && sameDate && sameEmail && sameGender {
			byAll = append(byAll, p)
		}
		points[trn] = common
		if sameNumber {
			points[trn] += 10
		}
		if sameEmail {
			points[trn] += 5
		}
	}
	switch {
	case len(byNumber) == 1:
		return byNumber[0], nil
	case compact(a.Person.NINO) == "" && len(byAll) == 1:
		return byAll[0], nil
	}
	return nil, slices.SortedFunc(maps.Keys(points), func(one, other string) int {
		return cmp.Or(points[other]-points[one], cmp.Compare(one, other))
	})
}

// linkedTo is the TRN that the subject was linked to by a request, "" if by none.
func (s *Server) linkedTo(subject string) string {
	for _, r := range s.asked.requests {
		if subject != "" && r.Subject == subject && r.Status == Completed {
			return r.TRN
		}
	}
	return ""
}

// allNames are the present ones, and the former ones as one: so the real one has
// them, and by its slip splits only the first of these.
func (p *person) allNames() []string {
	var former []string
	for _, n := range p.PreviousNames {
		former = append(former, n.FirstName, n.MiddleName, n.LastName)
	}
	return []string{p.FirstName, p.MiddleName, p.LastName, strings.Join(former, " ")}
}

// shortForms are first names that stand for each other. The real one has about
// two thousand; these are for tests and the demo.
var shortForms = [][]string{
	{"Robert", "Bob", "Bobby", "Rob", "Robbie"}, {"Elizabeth", "Liz", "Beth", "Betty"}, {"William", "Bill", "Will"},
	{"Katherine", "Kate", "Kathy"}, {"Margaret", "Maggie", "Peggy"}, {"James", "Jim", "Jamie"}, {"Thomas", "Tom"},
}

// also are the parts of a name with those that stand for them.
func (c *comparison) also(name string) map[string]bool {
	own := c.parts(name)
	all := maps.Clone(own)
	for _, group := range shortForms {
		if forms := c.parts(group...); overlap(own, forms) {
			maps.Copy(all, forms)
		}
	}
	return all
}
