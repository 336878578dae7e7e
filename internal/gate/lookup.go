package gate

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// answer records an answer and asks the register with all that was answered so
// far. The answer is kept before the register is asked: if it cannot be asked,
// nothing typed is lost and nothing counts as "not found".
func (g *Gate) answer(v *visitor, which func(*journey.State) *journey.Answer, value string) error {
	given, before := journey.Answer{Given: true, Value: value}, *which(&v.s)
	if before.Given && before.Value == value && (before.Looked || value == "") {
		// The same again (a refresh, a double click): it has been asked.
		return nil
	}
	if err := g.change(v, func(s *journey.State) { *which(s) = given }); err != nil {
		return err
	}
	// "I do not know" is a reason to ask again only where a number was stated
	// before: a wrong TRN vetoes what a National Insurance number would find.
	if v.s.LookupsUsedUp || v.s.Stated() == (journey.Stated{}) || value == "" && before.Value == "" {
		return nil
	}
	allowed, err := g.Limiter.Attempt(v.ctx, v.s.Subject)
	if err != nil {
		return err
	}
	if !allowed {
		g.Logger.WarnContext(v.ctx, "lookup limit reached")
		return g.change(v, func(s *journey.State) { s.LookupsUsedUp = true })
	}
	rec, found, err := g.Register.Find(v.ctx, v.s.Identity, v.s.Stated())
	if err != nil {
		return errors.Join(fmt.Errorf("asking the register: %w", noRegister(err)), g.Limiter.GiveBack(v.ctx, v.s.Subject))
	}
	g.Logger.InfoContext(v.ctx, "register asked", "found", found,
		"nino_given", v.s.NINO.Value != "", "trn_given", v.s.TRN.Value != "")
	if !found {
		return g.change(v, func(s *journey.State) {
			if a := which(s); a.Value == value {
				a.Looked = true
			}
		})
	}
	return g.connect(v, rec)
}

// connect links the record for good, then gives it to the visit. In this order
// a crash between the two costs the teacher one more sign-in and nothing else.
func (g *Gate) connect(v *visitor, rec journey.Record) error {
	how := "nino"
	if v.s.TRN.Value != "" {
		how = "trn"
	}
	link := journey.Link{TRN: rec.TRN, How: how, At: g.Now(), Identity: v.s.Identity}
	if err := g.Links.SetLink(v.ctx, g.Issuer, v.s.Subject, link); err != nil {
		return err
	}
	return g.change(v, func(s *journey.State) { s.Record, s.Renewed = rec, false })
}

// relink gives a returning teacher their record, if it is still one. A record
// that was merged or deactivated is no longer theirs: the link goes, and they
// are matched again.
func (g *Gate) relink(ctx context.Context, s journey.State, link journey.Link) (journey.State, error) {
	rec, live, err := g.Register.Record(ctx, link.TRN)
	if err != nil {
		return s, fmt.Errorf("reading the linked record: %w", noRegister(err))
	}
	if live && rec.TRN != link.TRN {
		// Merged. TRS follows no merge by itself: what was true of the old record
		// must be true of the one that was kept.
		if rec, live, err = g.Register.Find(ctx, link.Identity, journey.Stated{TRN: rec.TRN}); err != nil {
			return s, fmt.Errorf("checking the merged record: %w", noRegister(err))
		}
		if live {
			link.TRN, link.How, link.At = rec.TRN, "merged", g.Now()
			if err := g.Links.SetLink(ctx, g.Issuer, s.Subject, link); err != nil {
				return s, err
			}
			g.Logger.WarnContext(ctx, "linked record was merged, link moved to the record that was kept")
		}
	}
	if !live {
		g.Logger.WarnContext(ctx, "linked record is no longer live, link removed")
		return s, g.Links.RemoveLink(ctx, g.Issuer, s.Subject)
	}
	s.Record, s.Identity = rec, link.Identity
	return g.settled(s), nil
}

// noRegister marks an error of the register as the trouble it is to a person.
func noRegister(err error) error {
	if journey.TroubleIn(err) != "" {
		return err
	}
	return fmt.Errorf("%w: %w", journey.NoRegister, err)
}
