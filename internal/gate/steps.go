package gate

import (
	"cmp"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// longestForm bounds what a page of ours accepts.
const longestForm = 16 << 10

// slowestForm is how long it may take to arrive. Caddy by itself waits for ever,
// and anybody can send a form.
const slowestForm = 30 * time.Second

// page is a step that has a page of its own. It records facts and never names
// the page that follows.
type page struct {
	// show makes the page from the facts. answer is the query: some pages
	// have two screens.
	show func(g *Gate, s journey.State, answer url.Values) pages.View
	// take records what was submitted. It gives back a view when the answer
	// cannot be used: then the page is shown again with what was typed.
	take func(g *Gate, v *visitor, form url.Values) (again pages.View, err error)
}

// visitor is a visit while a page of it is being answered.
type visitor struct {
	ctx context.Context
	id  string
	s   journey.State

	onward string // where to go, when that does not follow from the facts
}

// journeyPages are the steps with a page. The two that leave for One Login are
// in signin.go.
var journeyPages = map[journey.Step]page{
	journey.NotVerified:             {showNotVerified, takeNotVerified},
	journey.NationalInsuranceNumber: {showNINO, takeNINO},
	journey.TeacherReferenceNumber:  {showTRN, takeTRN},
	journey.CheckAnswers:            {showCheckAnswers, takeCheckAnswers},
	journey.SupportRequested:        {showSupportRequested, takeSupportRequested},
	journey.Connected:               {showConnected, takeConnected},
}

// servePage shows a step or takes what was submitted to it.
func (g *Gate) servePage(step journey.Step, p page) endpoint {
	show := func(w http.ResponseWriter, r *http.Request, id string) error {
		s, found, err := g.visit(r.Context(), id)
		if err != nil {
			return err
		}
		if !found {
			redirect(w, g.signInURL("/"))
			return nil
		}
		if !journey.May(s, step) {
			redirect(w, g.onward(s))
			return nil
		}
		// The id changes while a page is shown and not while an answer is taken:
		// a browser drops the answer to a form that is sent twice, and with it
		// would go the new cookie.
		if s.Record.TRN != "" && !s.Renewed {
			newID, renewed, err := g.Visits.Renew(r.Context(), id, func(s journey.State) (journey.State, error) {
				s.Renewed = true
				return s, nil
			})
			if journey.TroubleIn(err) == journey.StartAgain {
				redirect(w, g.signInURL(s.ReturnTo)) // another tab was quicker, and its cookie is here by now
				return nil
			}
			if err != nil {
				return err
			}
			s = renewed
			g.setCookie(w, newID)
		}
		return g.write(w, r, http.StatusOK, step, s, p.show(g, s, r.URL.Query()))
	}
	take := func(w http.ResponseWriter, r *http.Request, id string) error {
		r.Body = http.MaxBytesReader(w, r.Body, longestForm)
		// A server that keeps no deadlines says so here, and has limits of its own.
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.slowest))
		if err := r.ParseForm(); err != nil {
			return problem{status: http.StatusBadRequest, page: "problem", cause: fmt.Errorf("reading the form: %w", err)}
		}
		s, found, err := g.visit(r.Context(), id)
		if err != nil {
			return err
		}
		if !found {
			return problem{status: http.StatusForbidden, page: "session-ended", cause: errNoVisit}
		}
		if !journey.May(s, step) {
			// Submitted twice, or from a page that is long over.
			redirect(w, g.onward(s))
			return nil
		}
		// Pressed twice, a button makes the browser drop the first request: what
		// it began is finished all the same.
		v := &visitor{ctx: context.WithoutCancel(r.Context()), id: id, s: s}
		again, err := p.take(g, v, r.PostForm)
		if err != nil {
			return err
		}
		if again != nil {
			return g.write(w, r, http.StatusUnprocessableEntity, step, v.s, again)
		}
		redirect(w, cmp.Or(v.onward, g.onward(v.s)))
		return nil
	}
	return endpoint{get: show, post: take}
}

// change records facts.
func (g *Gate) change(v *visitor, f func(*journey.State)) (err error) {
	v.s, err = g.Visits.Change(v.ctx, v.id, func(s journey.State) (journey.State, error) {
		f(&s)
		return s, nil
	})
	return err
}

func showNotVerified(*Gate, journey.State, url.Values) pages.View { return pages.NotVerified{} }

func takeNotVerified(g *Gate, v *visitor, _ url.Values) (pages.View, error) {
	return nil, g.change(v, func(s *journey.State) { s.Verification = journey.NotAsked })
}

// showNINO asks whether there is a number and, on ?have=yes, which. The choice
// "yes" is not a fact worth keeping, only the number is.
func showNINO(_ *Gate, s journey.State, query url.Values) pages.View {
	if query.Get("have") == "yes" {
		return pages.NationalInsuranceNumber{Number: journey.FormatNINO(s.NINO.Value)}
	}
	switch {
	case s.NINO.Value != "":
		return pages.HaveNationalInsuranceNumber{Have: "yes"}
	case s.NINO.Given:
		return pages.HaveNationalInsuranceNumber{Have: "no"}
	}
	return pages.HaveNationalInsuranceNumber{}
}

func takeNINO(g *Gate, v *visitor, form url.Values) (pages.View, error) {
	answer := func(s *journey.State) *journey.Answer { return &s.NINO }
	switch have := form.Get("have"); {
	case have == "no":
		return nil, g.answer(v, answer, "")
	case have == "yes" && !form.Has("number"):
		v.onward = g.url(g.step(journey.NationalInsuranceNumber) + "?have=yes")
		return nil, nil
	case have == "yes":
		nino, err := journey.ParseNINO(form.Get("number"))
		if err != nil {
			return pages.NationalInsuranceNumber{Number: form.Get("number"), Error: messageOf("nino", err)}, nil
		}
		return nil, g.answer(v, answer, nino)
	}
	return pages.HaveNationalInsuranceNumber{Error: "have-nino-missing"}, nil
}

func showTRN(_ *Gate, s journey.State, _ url.Values) pages.View {
	return pages.TeacherReferenceNumber{Number: s.TRN.Value}
}

func takeTRN(g *Gate, v *visitor, form url.Values) (pages.View, error) {
	answer := func(s *journey.State) *journey.Answer { return &s.TRN }
	if form.Get("have") == "unknown" {
		return nil, g.answer(v, answer, "")
	}
	trn, err := journey.ParseTRN(form.Get("number"))
	if err != nil {
		return pages.TeacherReferenceNumber{Number: form.Get("number"), Error: messageOf("trn", err)}, nil
	}
	return nil, g.answer(v, answer, trn)
}

func showCheckAnswers(g *Gate, s journey.State, _ url.Values) pages.View {
	return pages.CheckAnswers{
		Name:          s.Identity.Name().String(),
		BirthDate:     s.Identity.BirthDate(),
		Email:         s.Email,
		NINO:          journey.FormatNINO(s.NINO.Value),
		TRN:           s.TRN.Value,
		ChangeNINO:    g.changeLink(s, journey.NationalInsuranceNumber),
		ChangeTRN:     g.changeLink(s, journey.TeacherReferenceNumber),
		LookupsUsedUp: s.LookupsUsedUp,
	}
}

// changeLink leads back to a question that was asked, "" where it was not.
func (g *Gate) changeLink(s journey.State, step journey.Step) string {
	if !journey.May(s, step) {
		return ""
	}
	return g.step(step)
}

// takeCheckAnswers ends in a reference.
func takeCheckAnswers(g *Gate, v *visitor, _ url.Values) (pages.View, error) {
	reference := g.reference(v.s.Subject)
	if err := g.change(v, func(s *journey.State) { s.Ticket = reference }); err != nil {
		return nil, err
	}
	g.Logger.InfoContext(v.ctx, "support requested", "reference", reference,
		"nino_given", v.s.NINO.Value != "", "trn_given", v.s.TRN.Value != "", "lookups_used_up", v.s.LookupsUsedUp)
	return nil, nil
}

func showSupportRequested(_ *Gate, s journey.State, _ url.Values) pages.View {
	return pages.SupportRequested{Reference: s.Ticket, Email: s.Email}
}

// takeSupportRequested lets the person try again with different details.
func takeSupportRequested(g *Gate, v *visitor, _ url.Values) (pages.View, error) {
	return nil, g.change(v, func(s *journey.State) {
		s.Ticket, s.NINO, s.TRN = "", journey.Answer{}, journey.Answer{}
		s.LookupsUsedUp = false // for the limiter to say again: the window may be over
	})
}

func showConnected(*Gate, journey.State, url.Values) pages.View { return pages.Connected{} }

// takeConnected ends the journey; what only the journey needed is let go. A
// page that was never shown has not renewed the visit's id and ends nothing.
func takeConnected(g *Gate, v *visitor, _ url.Values) (pages.View, error) {
	if !v.s.Renewed {
		return nil, nil
	}
	return nil, g.change(v, func(s *journey.State) {
		*s = g.settled(*s)
	})
}

// messageOf is the words key for why a number cannot be used.
func messageOf(question string, err error) string {
	switch {
	case errors.Is(err, journey.ErrNumberEmpty):
		return question + "-empty"
	case errors.Is(err, journey.ErrNumberZeros):
		return question + "-zeros"
	default:
		return question + "-format"
	}
}

// reference names a request for help. It is derived from the person and the
// service, so that asking again, here or elsewhere, gives the same one.
func (g *Gate) reference(subject string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(g.ServiceURL.String()+"\n"+g.Issuer+"\n"+subject))
	text := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(id[:5])
	return text[:4] + "-" + text[4:]
}
