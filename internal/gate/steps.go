package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

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
	journey.RequestATRN:             {showRequestATRN, takeRequestATRN},
	journey.TRNRequested:            {showTRNRequested, takeNothing},
	journey.TRNRequestDeclined:      {showTRNRequestDeclined, takeNothing},
	journey.CheckAnswers:            {showCheckAnswers, takeCheckAnswers},
	journey.SupportRequested:        {showSupportRequested, takeSupportRequested},
	journey.Connected:               {showConnected, takeConnected},
}

// servePage shows a step or takes what was submitted to it.
func (g *Gate) servePage(step journey.Step, p page) endpoint {
	show := func(w http.ResponseWriter, r *http.Request, id string) error {
		id, s, found, err := g.current(w, r, id)
		if err != nil {
			return err
		}
		if !found {
			redirect(w, g.signInURL("/"))
			return nil
		}
		if !journey.May(s, g.Policy, step) {
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
		if s.Stale != "" {
			// Bringing it up to date may change the id, so the page does that. Where it
			// is still to be answered then, it asks again.
			redirect(w, g.url(g.step(step)))
			return nil
		}
		if !journey.May(s, g.Policy, step) {
			// Submitted twice, or from a page that is long over.
			redirect(w, g.onward(s))
			return nil
		}
		// Pressed twice, a button makes the browser drop the first request: what
		// it began is finished all the same.
		v := &visitor{ctx: context.WithoutCancel(r.Context()), id: id, s: s}
		again, err := p.take(g, v, r.PostForm)
		if journey.TroubleIn(err) == journey.StartAgain {
			redirect(w, g.signInURL(s.ReturnTo)) // likewise: what it answered is over by now
			return nil
		}
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
	which := func(s *journey.State) *journey.Answer { return &s.NINO }
	switch have := form.Get("have"); {
	case have == "no":
		return nil, g.answer(v, which, journey.Answer{Given: true})
	case have == "yes" && !form.Has("number"):
		v.onward = g.url(g.step(journey.NationalInsuranceNumber) + "?have=yes")
		return nil, nil
	case have == "yes":
		nino, err := journey.ParseNINO(form.Get("number"))
		if err != nil {
			return pages.NationalInsuranceNumber{Number: form.Get("number"), Error: messageOf("nino", err)}, nil
		}
		return nil, g.answer(v, which, journey.Answer{Given: true, Value: nino})
	}
	return pages.HaveNationalInsuranceNumber{Error: "have-nino-missing"}, nil
}

// showTRN asks for the number. Where who has none can request one, it asks whether
// there is one first and, on ?have=yes, which.
func showTRN(g *Gate, s journey.State, query url.Values) pages.View {
	if !g.Policy.Allocate || query.Get("have") == "yes" {
		return pages.TeacherReferenceNumber{Number: s.TRN.Value, Asked: g.Policy.Allocate, Find: g.Policy.Find}
	}
	have := ""
	switch {
	case s.TRN.Value != "":
		have = "yes"
	case s.TRN.None:
		have = "no"
	case s.TRN.Given:
		have = "unknown"
	}
	return pages.HaveTeacherReferenceNumber{Have: have, Find: g.Policy.Find}
}

func takeTRN(g *Gate, v *visitor, form url.Values) (pages.View, error) {
	which := func(s *journey.State) *journey.Answer { return &s.TRN }
	switch have := form.Get("have"); {
	case have == "unknown":
		if v.s.Finding.Over { // and would like to look for it once more
			if err := g.change(v, func(s *journey.State) { s.Finding = journey.Finding{} }); err != nil {
				return nil, err
			}
		}
		return nil, g.answer(v, which, journey.Answer{Given: true})
	case !g.Policy.Allocate:
	case have == "no":
		return nil, g.answer(v, which, journey.Answer{Given: true, None: true})
	case form.Has("number"):
	case have == "yes":
		v.onward = g.url(g.step(journey.TeacherReferenceNumber) + "?have=yes")
		return nil, nil
	default:
		return pages.HaveTeacherReferenceNumber{Find: g.Policy.Find, Error: "have-trn-missing"}, nil
	}
	trn, err := journey.ParseTRN(form.Get("number"))
	if err != nil {
		return pages.TeacherReferenceNumber{Number: form.Get("number"), Asked: g.Policy.Allocate, Find: g.Policy.Find, Error: messageOf("trn", err)}, nil
	}
	return nil, g.answer(v, which, journey.Answer{Given: true, Value: trn})
}

func showConnected(_ *Gate, s journey.State, _ url.Values) pages.View {
	if s.Request == journey.Completed {
		return pages.Connected{TRN: s.Record.TRN} // they cannot know it yet
	}
	return pages.Connected{}
}

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
