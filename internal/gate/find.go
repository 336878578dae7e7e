package gate

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// The handover to Find a lost TRN. The browser leaves with a signed form; Find
// tells us what it found; the browser comes back. What Find says is a claim: it
// knows the journey, not the browser, and what was typed there, not who typed it.

// claimPath is where Find tells us what it found, at the root of the host.
const claimPath = "/api/find-trn/user/"

// toFind shows the page with the form. Each time is a trip of its own: a journey id
// that was used once is known to whoever saw it.
func (g *Gate) toFind(w http.ResponseWriter, r *http.Request, id string) error {
	_, s, found, err := g.current(w, r, id)
	switch {
	case err != nil:
		return err
	case !found:
		redirect(w, g.signInURL("/"))
		return nil
	case !journey.May(s, g.Policy, journey.FindALostTRN):
		redirect(w, g.onward(s))
		return nil
	}
	journeyID := uuid.NewString()
	_, err = g.Handovers.Change(r.Context(), journeyID, func(journey.Handover, bool) (journey.Handover, error) {
		return journey.Handover{Browser: s.Browser, Left: g.Now()}, nil
	})
	if err != nil {
		return err
	}
	to, fields, err := g.Finder.Depart(journeyID, s.Email, s.Session, g.url(g.step(journey.FindALostTRN)))
	if err != nil {
		return err
	}
	return g.write(w, r, http.StatusOK, journey.FindALostTRN, s, pages.FindALostTRN{To: to, Fields: fields})
}

// takeFind goes on without it.
func takeFind(g *Gate, v *visitor, form url.Values) (pages.View, error) {
	if form.Get("skip") == "" {
		return nil, nil
	}
	return nil, g.change(v, func(s *journey.State) { s.Finding.Over = true })
}

// claimed takes what Find says, and answers in the time of a few words to Redis:
// Find waits for five seconds, and asks once.
func (g *Gate) claimed(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPut {
		w.Header().Set("Allow", http.MethodPut)
		return problem{http.StatusMethodNotAllowed, "not-found", errors.New("what Find a lost TRN says comes with PUT")}
	}
	http.NewResponseController(w).SetReadDeadline(g.Now().Add(g.slowest))
	r.SetPathValue("journeyId", strings.TrimPrefix(g.Asked(r).Path, claimPath))
	id, claim, err := g.Finder.ReadClaim(r)
	if refusal := (refusal)(nil); errors.As(err, &refusal) {
		g.Logger.WarnContext(r.Context(), "what Find a lost TRN says was refused", "error", err, "uuid", g.RequestID(r))
		refusal.Answer(w)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = g.Handovers.Change(r.Context(), id, func(h journey.Handover, found bool) (journey.Handover, error) {
		switch {
		case !found:
			return h, errNoJourney
		case !h.Open(g.Now()):
			return h, errJourneyOver
		}
		h.Told, h.Claim = true, claim
		return h, nil
	})
	for is, status := range map[error]int{errNoJourney: http.StatusNotFound, errJourneyOver: http.StatusConflict} {
		if errors.Is(err, is) {
			g.Logger.WarnContext(r.Context(), "what Find a lost TRN says was refused", "error", err, "uuid", g.RequestID(r))
			writeProblem(w, status, map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": is.Error()})
			return nil
		}
	}
	if err != nil {
		return err
	}
	g.Logger.InfoContext(r.Context(), "Find a lost TRN said what it found", "trn_given", claim.TRN != "", "uuid", g.RequestID(r))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

var (
	errNoJourney   = errors.New("there is no such journey")
	errJourneyOver = errors.New("the journey is over: its browser came back, or too much time has passed")
)

// refusal is an error that knows its own answer.
type refusal interface {
	error
	Answer(http.ResponseWriter)
}

// isClaim reports whether a request is Find's, whatever else is on this host.
func (g *Gate) isClaim(r *http.Request) bool {
	id, ours := strings.CutPrefix(g.Asked(r).Path, claimPath)
	return ours && g.Policy.Find && !strings.Contains(id, "/")
}

// fromFind is where Find sends the browser back to. Only the browser that left may
// come back; another one voids what was said, for it may be somebody else who was
// made to answer.
func (g *Gate) fromFind(w http.ResponseWriter, r *http.Request, id string) error {
	journeyID := r.URL.Query().Get("journey")
	id, s, found, err := g.current(w, r, id)
	if err != nil {
		return err
	}
	h, known, err := g.Handovers.Read(r.Context(), journeyID)
	if err != nil {
		return err
	}
	switch {
	case known && (!found || h.Browser != s.Browser):
		if err := g.close(r.Context(), journeyID); err != nil {
			return err
		}
		return problem{http.StatusForbidden, "find-other-browser", errors.New("back from Find a lost TRN in another browser")}
	case !found:
		return problem{http.StatusForbidden, "session-ended", errNoVisit}
	case known && h.Closed, !journey.May(s, g.Policy, journey.FindALostTRN):
		redirect(w, g.onward(s)) // Back, a refresh, another tab
		return nil
	case !known, !h.Open(g.Now()):
		return againError{problem{http.StatusGone, "find-expired", errors.New("back from Find a lost TRN too late")}, g.step(journey.FindALostTRN)}
	case !h.Told:
		// It may still come: reloading looks again.
		return againError{problem{http.StatusConflict, "find-nothing-yet", errors.New("back from Find a lost TRN, which has said nothing")}, g.step(journey.FindALostTRN)}
	}
	v := &visitor{ctx: context.WithoutCancel(r.Context()), id: id, s: s}
	if err := g.found(v, h.Claim); err != nil {
		return err
	}
	if err := g.close(v.ctx, journeyID); err != nil {
		return err
	}
	redirect(w, g.onward(v.s))
	return nil
}

// found asks the register with what was verified and the TRN that Find said. The
// claim counts for nothing else.
func (g *Gate) found(v *visitor, claim journey.Claim) error {
	over := func(trn string) error {
		return g.change(v, func(s *journey.State) { s.Finding = journey.Finding{Over: true, TRN: trn} })
	}
	if claim.TRN == "" {
		return over("")
	}
	stated := journey.Stated{NINO: v.s.NINO.Value, TRN: claim.TRN}
	rec, found, err := g.look(v, stated)
	if err != nil {
		return err
	}
	switch {
	case found && rec.TRN == claim.TRN:
	case slices.Contains(v.s.Identity.BirthDates, claim.BirthDate):
		return over(claim.TRN)
	default:
		// Perhaps somebody else was made to answer: whoever left is not to read
		// whose TRN it is.
		return over("")
	}
	return g.connect(v, rec, "find-a-lost-trn")
}

// close ends a trip and lets go of what was said.
func (g *Gate) close(ctx context.Context, id string) error {
	_, err := g.Handovers.Change(ctx, id, func(h journey.Handover, _ bool) (journey.Handover, error) {
		h.Closed, h.Claim = true, journey.Claim{}
		return h, nil
	})
	return err
}
