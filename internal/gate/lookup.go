package gate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// answer records an answer and asks the register with all that was answered so
// far. The answer is kept before the register is asked: if it cannot be asked,
// nothing typed is lost and nothing counts as "not found".
func (g *Gate) answer(v *visitor, which func(*journey.State) *journey.Answer, given journey.Answer) error {
	before := *which(&v.s)
	if before.Given && before.Value == given.Value && before.None == given.None && (before.Looked || given.Value == "") {
		// The same again (a refresh, a double click): it has been asked.
		return nil
	}
	if err := g.change(v, func(s *journey.State) { *which(s) = given }); err != nil {
		return err
	}
	// "I do not know" is a reason to ask again only where a number was stated
	// before: a wrong TRN vetoes what a National Insurance number would find.
	if v.s.LookupsUsedUp || v.s.Stated() == (journey.Stated{}) || given.Value == "" && before.Value == "" {
		return nil
	}
	rec, found, err := g.look(v, v.s.Stated())
	switch {
	case err != nil:
		return err
	case found && v.s.TRN.Value != "":
		return g.connect(v, rec, "trn")
	case found:
		return g.connect(v, rec, "nino")
	case v.s.LookupsUsedUp:
		return nil
	}
	return g.change(v, func(s *journey.State) {
		if a := which(s); a.Value == given.Value {
			a.Looked = true
		}
	})
}

// look asks the register, if the person may still be looked for, and notes what
// came to nothing.
func (g *Gate) look(v *visitor, stated journey.Stated) (rec journey.Record, found bool, err error) {
	allowed, err := g.Limiter.Attempt(v.ctx, v.s.Subject)
	if err != nil {
		return rec, false, err
	}
	if !allowed {
		g.Logger.WarnContext(v.ctx, "lookup limit reached")
		return rec, false, g.change(v, func(s *journey.State) {
			s.LookupsUsedUp = true
			g.looked(s, stated, journey.NotMade)
		})
	}
	rec, found, err = g.Register.Find(v.ctx, v.s.Identity, stated)
	if err != nil {
		return rec, false, errors.Join(fmt.Errorf("asking the register: %w", noRegister(err)), g.Limiter.GiveBack(v.ctx, v.s.Subject),
			g.change(v, func(s *journey.State) { g.looked(s, stated, journey.NoAnswer) }))
	}
	g.Logger.InfoContext(v.ctx, "register asked", "found", found, "nino_given", stated.NINO != "", "trn_given", stated.TRN != "")
	if !found {
		err = g.change(v, func(s *journey.State) { g.looked(s, stated, journey.NoRecord) })
	}
	return rec, found, err
}

// mostLookups are told to the people who help: the last of them.
const mostLookups = 20

// looked notes how a lookup came to nothing.
func (g *Gate) looked(s *journey.State, stated journey.Stated, how journey.Outcome) {
	with := journey.WithBoth
	switch {
	case stated.TRN == "":
		with = journey.WithNINO
	case stated.NINO == "":
		with = journey.WithTRN
	}
	all := append(slices.Clone(s.Lookups), journey.Lookup{With: with, Outcome: how, At: g.Now()})
	s.Lookups = all[max(0, len(all)-mostLookups):]
}

// connect links the record for good, then gives it to the visit. In this order
// a crash between the two costs the teacher one more sign-in and nothing else.
func (g *Gate) connect(v *visitor, rec journey.Record, how string) error {
	link := journey.Link{TRN: rec.TRN, How: how, At: g.Now(), Identity: v.s.Identity}
	if err := g.Links.SetLink(v.ctx, g.Issuer, v.s.Subject, link); err != nil {
		return err
	}
	if err := g.Help.Settle(v.ctx, v.s.Subject); err != nil {
		return err
	}
	return g.change(v, func(s *journey.State) { s.Record, s.Renewed = rec, false })
}

// noRegister marks an error of the register as the trouble it is to a person.
func noRegister(err error) error {
	if journey.TroubleIn(err) != "" {
		return err
	}
	return fmt.Errorf("%w: %w", journey.NoRegister, err)
}
