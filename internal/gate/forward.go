package gate

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Claims are the optional claims the service asked for. What it did not ask
// for is neither asserted nor kept once the journey is done.
type Claims struct {
	Email, Name, BirthDate, Record bool
}

// forward signs who the teacher is over what goes upstream, and lets the
// request through. Without a signature nothing goes.
func (g *Gate) forward(w http.ResponseWriter, r *http.Request, id string, s journey.State, next Next) error {
	err := g.Signer.Stamp(r, g.claims(id, s), g.RequestID(r))
	if errors.Is(err, assertion.ErrTooLong) {
		g.fail(w, r, problem{http.StatusRequestURITooLong, "not-found", err})
		return nil
	}
	if err != nil {
		g.fail(w, r, problem{http.StatusServiceUnavailable, "unavailable", err})
		return nil
	}
	if g.Identified != nil {
		g.Identified(r, s.Subject, s.Record.TRN)
	}
	err = next(w, r)
	if err != nil {
		assertion.Unstamp(r) // another upstream may get it now, for its error page
	}
	return err
}

// claims are what the service is told of the teacher.
func (g *Gate) claims(id string, s journey.State) assertion.Claims {
	c := assertion.Claims{
		Visit: id, Subject: s.Subject, Match: assertion.Found, TRN: s.Record.TRN, AuthTime: s.AuthTime, VOT: s.VOT,
	}
	if g.Claims.Email {
		c.Email = s.Email
	}
	if g.Claims.Name {
		c.Name = s.Identity.Name().String()
	}
	if g.Claims.BirthDate {
		c.BirthDate = s.Identity.BirthDate()
	}
	if g.Claims.Record {
		c.Record = assertion.Record{
			Name: strings.TrimSpace(s.Record.FirstName + " " + s.Record.LastName),
			QTS:  s.Record.QTS, EYTS: s.Record.EYTS, Induction: s.Record.Induction, Alerts: s.Record.Alerts,
		}
	}
	return c
}

// settled is what a visit keeps when its journey is done: what the assertion
// and signing out need, and where to go.
func (g *Gate) settled(s journey.State) journey.State {
	kept := journey.State{
		Service: s.Service, Browser: s.Browser, Created: s.Created, ReturnTo: s.ReturnTo,
		Subject: s.Subject, IDToken: s.IDToken, AuthTime: s.AuthTime, VOT: s.VOT, Stale: s.Stale,
		Record: journey.Record{TRN: s.Record.TRN}, Renewed: true, Confirmed: true,
	}
	if g.Claims.Email {
		kept.Email = s.Email
	}
	if g.Claims.Name {
		kept.Identity.Names = s.Identity.Names[:min(1, len(s.Identity.Names))]
	}
	if g.Claims.BirthDate {
		kept.Identity.BirthDates = s.Identity.BirthDates[:min(1, len(s.Identity.BirthDates))]
	}
	if g.Claims.Record {
		kept.Record = s.Record
	}
	return kept
}
