package register

import (
	"slices"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Rule decides whose record is whose for a register that is elsewhere: it puts
// the candidates that such a register told of to the same rule as [Embedded].
type Rule struct{ nicknames nicknames }

// NewRule is the rule with the common English nicknames.
func NewRule() Rule { return Rule{englishNicknames()} }

// Candidate is an active record as it is told of.
type Candidate struct {
	Record    journey.Record
	Names     []string // all first, middle and last names, present and former
	BirthDate string   // YYYY-MM-DD
	NINO      bool     // whether the stated National Insurance number is this record's
}

// Match returns the one candidate that is without doubt the person's, and false
// when none is or more than one could be.
func (r Rule) Match(who journey.Identity, stated journey.Stated, candidates []Candidate) (journey.Record, bool) {
	f := newFolding()
	people := make([]*person, len(candidates))
	records := map[*person]journey.Record{}
	for i, c := range candidates {
		p := &person{TRN: c.Record.TRN, BirthDate: c.BirthDate, Status: active, names: f.keys(c.Names...)}
		if c.NINO {
			p.ninos = []string{stated.NINO}
		}
		people[i], records[p] = p, c.Record
	}
	only, ok := newTerms(question{who: who, stated: stated}, r.nicknames).match(people)
	if !ok {
		return journey.Record{}, false
	}
	return records[only.person], true
}

// Plausible reports whether the candidate would be the person's if the stated
// National Insurance number were its own: whether it is worth asking for that.
func (r Rule) Plausible(who journey.Identity, stated journey.Stated, c Candidate) bool {
	c.NINO = true
	_, ok := r.Match(who, stated, []Candidate{c})
	return ok
}

// LastNames are the last names by which the person's record can be looked for,
// each once. A name of one part has none. The Teaching Record System takes a name
// apart at the first separator only, so one with more is given to it in pieces.
func LastNames(who journey.Identity) []string {
	var names []string
	for _, name := range who.Names {
		parts := name.Parts()
		if len(parts) < 2 {
			continue
		}
		for pair := range slices.Chunk(split(parts[len(parts)-1]), 2) {
			if last := strings.Join(pair, "-"); !slices.Contains(names, last) {
				names = append(names, last)
			}
		}
	}
	return names
}
