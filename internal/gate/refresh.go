package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// current is the visit a request belongs to, as it is now and with the record
// that is theirs now. Its id may be another than before, and the browser is told.
func (g *Gate) current(w http.ResponseWriter, r *http.Request, id string) (newID string, s journey.State, found bool, err error) {
	s, found, err = g.visit(r.Context(), id)
	if err != nil || !found || s.Stale == "" {
		return id, s, found, err
	}
	return g.refresh(w, r, id, s)
}

// justSignedIn is in State.Stale when a visit begins.
const justSignedIn = "sign-in"

// refreshed is what came of a visit that was stale.
type refreshed struct {
	id    string
	state journey.State
	found bool
}

// refresh brings a stale visit up to date: it has just begun, or something was
// heard of its link or its record. Requests of one visit that come together ask
// once, and all of them get the id that came of it.
func (g *Gate) refresh(w http.ResponseWriter, r *http.Request, id string, s journey.State) (string, journey.State, bool, error) {
	// It outlives the request that began it, because others may wait for it.
	ctx := context.WithoutCancel(r.Context())
	// Who comes with later news gets an answer to a later question.
	v, err, _ := g.refreshing.Do(id+" "+s.Stale, func() (any, error) { return g.askAgain(ctx, id, s) })
	if err != nil {
		return id, s, true, returning(s.ReturnTo, err)
	}
	now := v.(refreshed)
	if now.found && now.id != id {
		g.setCookie(w, now.id)
	}
	return now.id, now.state, now.found, nil
}

// askAgain gives a visit the record that its person is linked to now, or none.
func (g *Gate) askAgain(ctx context.Context, id string, s journey.State) (refreshed, error) {
	link, rec, linked, err := g.linked(ctx, s)
	if err != nil {
		return refreshed{}, err
	}
	status, since, reference, solved, err := g.standing(ctx, s.Subject, linked)
	if err != nil {
		return refreshed{}, err
	}
	heard := s.Stale
	update := func(s journey.State) (journey.State, error) {
		if s.Stale == heard { // else there is news since, and it is stale still
			s.Stale = ""
		}
		switch {
		case !linked:
			s.Record, s.Renewed, s.Confirmed = journey.Record{}, false, false
			s.Request, s.RequestedAt, s.Ticket, s.Solved = status, since, reference, solved
		case s.Record.TRN == rec.TRN && !s.Confirmed:
			s.Record = rec // they are about to read that it was found
		default:
			s.Record, s.Identity = rec, link.Identity
			s = g.settled(s)
		}
		return s, nil
	}
	if linked && s.Record.TRN == "" && heard != justSignedIn {
		// It may do more than before, so whoever knew its id is not let through.
		id, s, err = g.Visits.Renew(ctx, id, update)
	} else {
		s, err = g.Visits.Change(ctx, id, update)
	}
	if journey.TroubleIn(err) == journey.StartAgain {
		return refreshed{}, nil // it ended meanwhile
	}
	return refreshed{id, s, true}, err
}

// standing is what others still do for a person who has no record. For one who
// has, nobody needs to do anything any longer.
func (g *Gate) standing(ctx context.Context, subject string, linked bool) (status journey.RequestStatus, since time.Time, reference string, solved bool, err error) {
	if linked {
		return "", time.Time{}, "", false, g.Help.Settle(ctx, subject)
	}
	if reference, solved, err = g.Help.Standing(ctx, subject); err != nil || !g.Policy.Allocate {
		return "", time.Time{}, reference, solved, err
	}
	status, since, about, err := g.Allocator.Standing(ctx, subject)
	return status, since, cmp.Or(about, reference), solved, err
}

// errNewer: a link is not changed, because somebody else knew better.
var errNewer = errors.New("the link is newer")

// linked is the record that the person of a visit is linked to, if it is still
// one. A record that was deactivated is nobody's: the link goes, and they are
// matched again. One that was merged is theirs if the record that was kept is.
func (g *Gate) linked(ctx context.Context, s journey.State) (link journey.Link, rec journey.Record, live bool, err error) {
	link, found, err := g.Links.Link(ctx, g.Issuer, s.Subject)
	if err != nil || !found {
		return link, rec, false, err
	}
	before := link
	if len(link.Identity.Names) == 0 && s.Verification == journey.Verified {
		link.Identity = s.Identity // the register made the link and has none to tell
	}
	if rec, live, err = g.Register.Record(ctx, link.TRN); err != nil {
		return link, rec, false, fmt.Errorf("reading the linked record: %w", noRegister(err))
	}
	if live && rec.TRN != link.TRN {
		// Merged. TRS follows no merge by itself: what was true of the old record
		// must be true of the one that was kept.
		if rec, live, err = g.Register.Find(ctx, link.Identity, journey.Stated{TRN: rec.TRN}); err != nil {
			return link, rec, false, fmt.Errorf("checking the merged record: %w", noRegister(err))
		}
		link.TRN, link.How, link.At = rec.TRN, "merged", g.Now()
	}
	now := link
	switch {
	case !live:
		now = journey.Link{Heard: before.Heard}
		g.Logger.WarnContext(ctx, "linked record is no longer live, link removed", "audit", "link removed", "linked_by", before.How, "linked_at", before.At)
	case link.TRN != before.TRN:
		g.Logger.WarnContext(ctx, "linked record was merged, link moved to the record that was kept", "audit", "link moved", "linked_by", before.How, "linked_at", before.At)
	case len(link.Identity.Names) == len(before.Identity.Names):
		return link, rec, true, nil
	}
	err = g.Links.ChangeLink(ctx, g.Issuer, s.Subject, func(found journey.Link, _ bool) (journey.Link, error) {
		if !reflect.DeepEqual(found, before) {
			return found, errNewer // taken away while the register was asked, or another
		}
		return now, nil
	})
	if errors.Is(err, errNewer) {
		err = nil // and the visit is stale again
	}
	return link, rec, live, err
}
