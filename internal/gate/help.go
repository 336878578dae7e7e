package gate

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// The pages from where others go on: the register, that gives a TRN, or people.

func showRequestATRN(g *Gate, s journey.State, _ url.Values) pages.View {
	a, _ := journey.Apply(s.Identity, s.Email, s.NINO.Value) // on this page there is one
	return pages.RequestATRN{
		FirstName: a.FirstName, MiddleName: a.MiddleName, LastName: a.LastName, BirthDate: a.BirthDate,
		Email: a.Email, NINO: journey.FormatNINO(a.NINO),
		ChangeTRN: g.changeLink(s, journey.TeacherReferenceNumber), ChangeNINO: g.changeLink(s, journey.NationalInsuranceNumber),
	}
}

// takeRequestATRN asks the register. Given at once, the TRN is linked already, and
// the visit is told like any other.
func takeRequestATRN(g *Gate, v *visitor, _ url.Values) (pages.View, error) {
	a, err := journey.Apply(v.s.Identity, v.s.Email, v.s.NINO.Value)
	if err != nil {
		return nil, err
	}
	status, err := g.Allocator.Ask(v.ctx, v.s, a)
	if err != nil {
		return nil, err
	}
	g.Logger.InfoContext(v.ctx, "TRN requested", "status", string(status))
	switch status {
	case journey.Completed:
		link, found, err := g.Links.Link(v.ctx, g.Issuer, v.s.Subject)
		if err != nil || !found {
			return nil, errors.Join(err, fmt.Errorf("a TRN was given and is not linked: %w", journey.NoRegister))
		}
		rec, live, err := g.Register.Record(v.ctx, link.TRN)
		if err != nil || !live {
			return nil, fmt.Errorf("reading the new record: %w", noRegister(errors.Join(err, journey.NoRegister)))
		}
		return nil, g.change(v, func(s *journey.State) { s.Record, s.Request, s.Renewed = rec, status, false })
	case journey.Pending, journey.Rejected:
		return nil, g.change(v, func(s *journey.State) { s.Request, s.RequestedAt = status, g.Now() })
	}
	return nil, g.change(v, func(s *journey.State) { s.Unfit = true })
}

func showTRNRequested(g *Gate, s journey.State, _ url.Values) pages.View {
	view := pages.TRNRequested{Since: s.RequestedAt}
	if g.Policy.Writes {
		view.Email = s.Email
	}
	return view
}

func showTRNRequestDeclined(_ *Gate, s journey.State, _ url.Values) pages.View {
	return pages.TRNRequestDeclined{Reference: s.Ticket, Email: s.Email}
}

// takeNothing: there is nothing to submit on the page.
func takeNothing(*Gate, *visitor, url.Values) (pages.View, error) { return nil, nil }

func showCheckAnswers(g *Gate, s journey.State, _ url.Values) pages.View {
	return pages.CheckAnswers{
		Name:           s.Identity.Name().String(),
		BirthDate:      s.Identity.BirthDate(),
		Email:          s.Email,
		NINO:           journey.FormatNINO(s.NINO.Value),
		TRN:            s.TRN.Value,
		NoTRN:          s.TRN.None,
		CannotRequest:  g.cannotRequest(s),
		ChangeNINO:     g.changeLink(s, journey.NationalInsuranceNumber),
		ChangeTRN:      g.changeLink(s, journey.TeacherReferenceNumber),
		FoundElsewhere: s.Finding.TRN,
		LookupsUsedUp:  s.LookupsUsedUp,
	}
}

// cannotRequest: they have no TRN and would request one, but the register takes no
// request as it would be.
func (g *Gate) cannotRequest(s journey.State) bool {
	return g.Policy.Allocate && s.TRN.None && !s.CanRequest()
}

// changeLink leads back to a question that was asked, "" where it was not.
func (g *Gate) changeLink(s journey.State, step journey.Step) string {
	if !journey.May(s, g.Policy, step) {
		return ""
	}
	return g.step(step)
}

// takeCheckAnswers ends in a reference.
func takeCheckAnswers(g *Gate, v *visitor, _ url.Values) (pages.View, error) {
	why := journey.NotFound
	if g.cannotRequest(v.s) {
		why = journey.CannotRequest
	}
	reference, err := g.Help.Ask(v.ctx, journey.Plea{
		Reason: why, Subject: v.s.Subject, Email: v.s.Email, Identity: v.s.Identity, Stated: v.s.Stated(),
		Found: v.s.Finding.TRN, Lookups: v.s.Lookups, Language: "en",
	})
	if err != nil {
		return nil, err
	}
	g.Logger.InfoContext(v.ctx, "support requested", "reference", reference, "reason", string(why),
		"nino_given", v.s.NINO.Value != "", "trn_given", v.s.TRN.Value != "", "lookups_used_up", v.s.LookupsUsedUp)
	return nil, g.change(v, func(s *journey.State) { s.Ticket, s.Solved = reference, false })
}

func showSupportRequested(g *Gate, s journey.State, _ url.Values) pages.View {
	view := pages.SupportRequested{Reference: s.Ticket, Email: s.Email, Sent: g.Policy.Helps}
	if s.Solved {
		view.State = "solved"
	}
	return view
}

// takeSupportRequested lets the person try again with different details.
func takeSupportRequested(g *Gate, v *visitor, _ url.Values) (pages.View, error) {
	return nil, g.change(v, func(s *journey.State) {
		s.Ticket, s.Solved, s.NINO, s.TRN, s.Finding = "", false, journey.Answer{}, journey.Answer{}, journey.Finding{}
		s.LookupsUsedUp = false // for the limiter to say again: the window may be over
	})
}
