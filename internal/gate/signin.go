package gate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// signIn starts the sign-in and keeps, server side, where it is to end.
func (g *Gate) signIn(w http.ResponseWriter, r *http.Request, id string) error {
	returnTo := g.localPath(r.URL.Query().Get("return_to"))
	s, found, err := g.visit(r.Context(), id)
	if err != nil {
		return err
	}
	if found {
		// Another tab has signed in already: go on from there.
		if s, err = g.Visits.Change(r.Context(), id, func(s journey.State) (journey.State, error) {
			s.ReturnTo = returnTo
			return s, nil
		}); err != nil {
			return err
		}
		redirect(w, g.onward(s))
		return nil
	}
	// A stranger has nothing to keep yet, so the cookie points at no visit: it
	// only ties the flow to this browser. An older one is used again, so that
	// tabs opened together are all tied to the same.
	if id == "" {
		id = newID()
		g.setCookie(w, id)
	}
	return g.depart(w, r, journey.SignIn, browserOf(id), returnTo)
}

// verifyIdentity leaves for One Login again, for proof of identity.
func (g *Gate) verifyIdentity(w http.ResponseWriter, r *http.Request, id string) error {
	s, found, err := g.visit(r.Context(), id)
	if err != nil {
		return err
	}
	if !found {
		redirect(w, g.signInURL("/"))
		return nil
	}
	if journey.Next(s) != journey.VerifyIdentity {
		redirect(w, g.onward(s))
		return nil
	}
	return g.depart(w, r, journey.VerifyIdentity, s.Browser, s.ReturnTo)
}

func (g *Gate) depart(w http.ResponseWriter, r *http.Request, purpose journey.Step, browser, returnTo string) error {
	to, flow, err := g.OneLogin.Depart(r.Context(), purpose, "en")
	if err != nil {
		return err
	}
	flow.Browser, flow.ReturnTo = browser, returnTo
	if err := g.Flows.KeepFlow(r.Context(), flow); err != nil {
		return err
	}
	redirect(w, to)
	return nil
}

// callback is where One Login sends the browser back to. Whatever it brings is
// believed only after the flow is found, taken, and known to have left from
// this very browser.
func (g *Gate) callback(w http.ResponseWriter, r *http.Request, id string) error {
	query := r.URL.Query()
	if len(query["state"]) != 1 {
		// One Login sends some errors without state; nothing is changed by them.
		return fmt.Errorf("callback with %d states: %w", len(query["state"]), journey.SignInProblem)
	}
	flow, kept, err := g.Flows.TakeFlow(r.Context(), query.Get("state"))
	if err != nil {
		return err
	}
	s, found, err := g.visit(r.Context(), id)
	if err != nil {
		return err
	}
	switch {
	case found && (!kept || flow.Purpose == journey.SignIn || s.Verification == journey.Verified):
		// This browser has been here: Back, a refresh, a double click, or
		// another tab that was quicker. Its own deep link still counts.
		if kept {
			s.ReturnTo = flow.ReturnTo
		}
		redirect(w, g.onward(s))
		return nil
	case !kept:
		return fmt.Errorf("callback of a flow that is used or expired: %w", journey.StartAgain)
	case id == "" || flow.Browser != browserOf(id) && flow.Browser != s.Browser:
		return returning(flow.ReturnTo, fmt.Errorf("callback in another browser: %w", journey.StartAgain))
	case flow.Purpose == journey.VerifyIdentity && !found:
		return returning(flow.ReturnTo, fmt.Errorf("the visit ended during the identity check: %w", journey.StartAgain))
	}

	arrival, err := g.OneLogin.Arrive(r.Context(), query, flow)
	if err != nil {
		if journey.TroubleIn(err) == journey.SignedOutThere {
			g.endVisit(w, r.Context(), id)
		}
		return returning(flow.ReturnTo, err)
	}
	if flow.Purpose == journey.VerifyIdentity {
		id, s, err = g.verified(r.Context(), id, arrival)
	} else {
		id, s, err = g.signedIn(r.Context(), flow, arrival)
	}
	if err != nil {
		return returning(flow.ReturnTo, err)
	}
	g.setCookie(w, id)
	redirect(w, g.onward(s))
	return nil
}

// signedIn begins the visit of a person One Login named. Who is linked to a
// live record is done.
func (g *Gate) signedIn(ctx context.Context, flow journey.Flow, a journey.Arrival) (string, journey.State, error) {
	s := journey.State{
		Browser: flow.Browser, ReturnTo: flow.ReturnTo, Created: g.Now(),
		Subject: a.Subject, Email: a.Email, IDToken: a.IDToken, AuthTime: a.AuthTime, VOT: a.VOT,
	}
	link, linked, err := g.Links.Link(ctx, g.Issuer, a.Subject)
	if err != nil {
		return "", s, err
	}
	if linked {
		if s, err = g.relink(ctx, s, link); err != nil {
			return "", s, err
		}
	}
	id, err := g.Visits.Create(ctx, s)
	g.Logger.InfoContext(ctx, "signed in", "linked", s.Record.TRN != "")
	return id, s, err
}

// verified adds what the identity check said. The id of the visit changes
// whenever what it may do does.
func (g *Gate) verified(ctx context.Context, id string, a journey.Arrival) (string, journey.State, error) {
	id, s, err := g.Visits.Renew(ctx, id, func(s journey.State) (journey.State, error) {
		if a.Verification == journey.Verified && a.Subject != s.Subject {
			return s, fmt.Errorf("identity check of another subject: %w", journey.SignInProblem)
		}
		s.Verification, s.Identity = a.Verification, a.Identity
		return s, nil
	})
	if err == nil {
		g.Logger.InfoContext(ctx, "identity checked", "outcome", string(a.Verification), "return_codes", a.ReturnCodes)
	}
	return id, s, err
}

// newID makes 256 random bits fit for a cookie.
func newID() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// browserOf is what a flow keeps of the browser it left from: not the cookie
// itself, which after a renewal would be somebody's key.
func browserOf(id string) string {
	sum := sha256.Sum256([]byte("browser " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
