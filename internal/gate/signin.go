package gate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// signIn starts the sign-in and keeps, server side, where it is to end.
func (g *Gate) signIn(w http.ResponseWriter, r *http.Request, id string) error {
	returnTo := g.localPath(r.URL.Query().Get("return_to"))
	id, _, found, err := g.current(w, r, id)
	if err != nil {
		return returning(returnTo, err)
	}
	if found {
		// Another tab has signed in already: go on from there.
		s, err := g.Visits.Change(r.Context(), id, func(s journey.State) (journey.State, error) {
			s.ReturnTo = returnTo
			return s, nil
		})
		if err != nil {
			return err
		}
		redirect(w, g.onward(s))
		return nil
	}
	// A stranger has nothing to keep yet, so the cookie points at no visit: it
	// only ties the flow to this browser. An older one is used again, so that
	// tabs opened together are all tied to the same.
	round := 1
	if id == "" {
		id = newID()
		g.setCookie(w, id)
	} else {
		before, err := g.Rounds.Rounds(r.Context(), id)
		if err != nil {
			return err
		}
		round += before
	}
	if round > mostRounds {
		// One Login's own session would send the browser straight back, again
		// and again.
		return returning(returnTo, fmt.Errorf("%d sign-ins one after another, each forgotten: %w", round-1, journey.SignInLoop))
	}
	return g.depart(w, r, journey.Flow{Purpose: journey.SignIn, Browser: browserOf(id), ReturnTo: returnTo, Round: round, Session: sessionOf(r)})
}

// sessionOf is what the service calls its own session, if it says so in a link to
// sign-in: a word for analytics, and nothing that could spoil a form.
func sessionOf(r *http.Request) string {
	session := r.URL.Query().Get("session_id")
	if len(session) > longestSession || strings.ContainsFunc(session, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return ""
	}
	return session
}

const longestSession = 128

// mostRounds is how often a browser may sign in within a minute, each time
// being a stranger again at the next request.
const mostRounds = 3

// verifyIdentity leaves for One Login again, for proof of identity.
func (g *Gate) verifyIdentity(w http.ResponseWriter, r *http.Request, id string) error {
	_, s, found, err := g.current(w, r, id)
	if err != nil {
		return err
	}
	if !found {
		redirect(w, g.signInURL("/"))
		return nil
	}
	if journey.Next(s, g.Policy) != journey.VerifyIdentity {
		redirect(w, g.onward(s))
		return nil
	}
	return g.depart(w, r, journey.Flow{Purpose: journey.VerifyIdentity, Browser: s.Browser, ReturnTo: s.ReturnTo})
}

// depart sends the browser to One Login, and remembers what is to be known when
// it comes back.
func (g *Gate) depart(w http.ResponseWriter, r *http.Request, leaving journey.Flow) error {
	to, flow, err := g.OneLogin.Depart(r.Context(), leaving.Purpose, "en")
	if err != nil {
		return returning(leaving.ReturnTo, err)
	}
	flow.Browser, flow.ReturnTo, flow.Round, flow.Session = leaving.Browser, leaving.ReturnTo, leaving.Round, leaving.Session
	if err := g.Flows.KeepFlow(r.Context(), flow); err != nil {
		return returning(leaving.ReturnTo, err)
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
		// Without anything it is not One Login that sent the browser here.
		trouble := journey.SignInProblem
		if !query.Has("error") && !query.Has("code") {
			trouble = journey.StartAgain
		}
		return fmt.Errorf("callback with %d states: %w", len(query["state"]), trouble)
	}
	flow, kept, err := g.Flows.TakeFlow(r.Context(), query.Get("state"))
	if err != nil {
		return err
	}
	s, found, err := g.visit(r.Context(), id)
	if err != nil {
		return err
	}
	ours := kept && id != "" && (flow.Browser == browserOf(id) || found && flow.Browser == s.Browser)
	refused := query.Has("error")
	identity := flow.Purpose == journey.VerifyIdentity
	reached := found && (!identity || identified(s)) // what this trip was for, by another
	switch {
	case found && !kept:
		// This browser has been here: Back, a refresh, a double click.
		if journey.Next(s, g.Policy) == journey.VerifyIdentity {
			// Going on would mean to leave for One Login again, whose own session
			// sends the browser straight back: were flows lost, without end.
			return returning(s.ReturnTo, fmt.Errorf("callback of a flow that is used or expired, on the way to an identity: %w", journey.StartAgain))
		}
		redirect(w, g.onward(s))
		return nil
	case reached && !refused:
		// Another tab was quicker. This one's deep link still counts: it is no more
		// than anybody may ask sign-in to end at.
		s.ReturnTo = flow.ReturnTo
		redirect(w, g.onward(s))
		return nil
	case id == "":
		return returning(flow.ReturnTo, fmt.Errorf("callback without our cookie: %w", journey.NoCookie))
	case !kept:
		return fmt.Errorf("callback of a flow that is used or expired: %w", journey.StartAgain)
	case identity && !found && !refused:
		// The visit ended meanwhile, or another tab has just renewed its id and
		// this request left before the new cookie came. Signing in will tell.
		redirect(w, g.signInURL(flow.ReturnTo))
		return nil
	case !ours:
		return returning(flow.ReturnTo, fmt.Errorf("callback in another browser: %w", journey.StartAgain))
	}
	// A browser that reloads now gives up waiting, but the code is spent: what it
	// was spent for is kept all the same, for the request that follows.
	ctx := context.WithoutCancel(r.Context())
	arrival, err := g.OneLogin.Arrive(ctx, query, flow)
	before := id
	if err == nil {
		id, s, err = g.arrived(ctx, id, flow, arrival)
	} else if reached && journey.TroubleIn(err) != journey.SignedOutThere {
		// This tab came to nothing, but another has signed the person in.
		s.ReturnTo = flow.ReturnTo
		redirect(w, g.onward(s))
		return nil
	}
	if errors.Is(err, errOtherPerson) || journey.TroubleIn(err) == journey.SignedOutThere {
		err = errors.Join(err, g.endVisit(w, ctx, before))
	}
	if id != "" && id != before {
		g.setCookie(w, id) // also when the rest failed: it need not begin again
	}
	if err != nil {
		return returning(flow.ReturnTo, err)
	}
	if id == "" {
		redirect(w, g.signInURL(flow.ReturnTo))
		return nil
	}
	redirect(w, g.onward(s))
	return nil
}

// identified reports whether it is settled who the person is. A visit that is
// done has let go of the proof and must not be given another: the identity in it
// is what the service is told.
func identified(s journey.State) bool {
	return s.Verification == journey.Verified || s.Record.TRN != ""
}

// errOtherPerson: somebody else has signed in at One Login since. The visit ends,
// or every fresh start would lead to the same refusal.
var errOtherPerson = fmt.Errorf("identity check of another subject: %w", journey.SignInProblem)

// arrived keeps what One Login said. The id of the visit changes whenever what
// it may do does; it is "" when the visit ended in this very moment.
func (g *Gate) arrived(ctx context.Context, id string, flow journey.Flow, a journey.Arrival) (string, journey.State, error) {
	if flow.Purpose == journey.SignIn {
		return g.signedIn(ctx, flow, a)
	}
	id, s, err := g.Visits.Renew(ctx, id, func(s journey.State) (journey.State, error) {
		if a.Subject != "" && a.Subject != s.Subject {
			return s, errOtherPerson
		}
		if !identified(s) { // else another tab was quicker
			s.Verification, s.Identity = a.Verification, a.Identity
		}
		return s, nil
	})
	if journey.TroubleIn(err) == journey.StartAgain {
		return "", s, nil
	}
	return id, s, err
}

// signedIn begins the visit of a person One Login named. Who is linked to a live
// record is done. The visit comes first, as stale as can be: a link that changes
// meanwhile is noticed, and a register that cannot be asked now is asked at the
// next request, without One Login.
func (g *Gate) signedIn(ctx context.Context, flow journey.Flow, a journey.Arrival) (string, journey.State, error) {
	s := journey.State{
		Service: g.service, Browser: flow.Browser, Session: flow.Session, ReturnTo: flow.ReturnTo, Created: g.Now(), Stale: justSignedIn,
		Subject: a.Subject, Email: a.Email, IDToken: a.IDToken, AuthTime: a.AuthTime, VOT: a.VOT,
	}
	id, err := g.Visits.Create(ctx, s)
	if err != nil {
		return "", s, err
	}
	if err := g.Rounds.KeepRound(ctx, id, flow.Round); err != nil {
		return id, s, err
	}
	now, err := g.askAgain(ctx, id, s)
	if err != nil {
		return id, s, err
	}
	g.Logger.InfoContext(ctx, "signed in", "linked", now.state.Record.TRN != "")
	return now.id, now.state, nil
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
