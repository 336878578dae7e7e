package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// How long what was delivered is remembered. The Teaching Record System delivers
// an event again for up to 76 hours until it was taken, and signs each delivery
// for five minutes.
const (
	eventLife    = 4 * 24 * time.Hour
	deliveryLife = 15 * time.Minute
)

// registerEvent takes what the register tells us of by itself. What must be done
// at once is done before the answer, and is a few words to Redis: were it put off,
// a crash would lose it. The register itself is asked later, when a visit that it
// concerns is next used.
func (g *Gate) registerEvent(w http.ResponseWriter, r *http.Request, _ string) error {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.slowest))
	event, err := g.Webhooks.Receive(r)
	outcome := "taken"
	if err == nil {
		outcome, err = g.hear(context.WithoutCancel(r.Context()), event)
	}
	switch {
	case errors.Is(err, journey.ErrForged):
		g.Heard(event.Kind, "refused")
		w.Header().Set("WWW-Authenticate", "Signature") // RFC 9110 section 15.5.2 wants a challenge
		return problem{http.StatusUnauthorized, "forbidden", err}
	case journey.TroubleIn(err) != "":
		g.Heard(event.Kind, "failed") // and is delivered again
		return err
	case err != nil:
		g.Heard(event.Kind, "unreadable")
		g.Logger.ErrorContext(r.Context(), "an event of the register cannot be read", "error", err, "uuid", g.RequestID(r))
		return problem{http.StatusBadRequest, "problem", err}
	}
	g.Heard(event.Kind, outcome)
	g.Logger.InfoContext(r.Context(), "event of the register", "event", event.ID, "kind", string(event.Kind), "outcome", outcome)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// hear does what an event asks for, once: a delivery that is replayed is refused,
// an event that is delivered again is taken and changes nothing.
func (g *Gate) hear(ctx context.Context, event journey.Event) (outcome string, err error) {
	first, err := g.News.See(ctx, "webhook-delivery", event.Delivery, deliveryLife)
	if err != nil {
		return "", err
	}
	if !first {
		return "", fmt.Errorf("a replay: %w", journey.ErrForged)
	}
	event.ID = g.service + " " + event.ID // each service of a Redis is told, and does its part
	done, err := g.News.Seen(ctx, "webhook-event", event.ID)
	if err != nil || done {
		return "again", err
	}
	switch kind := event.Kind; {
	case kind == journey.LinkChanged:
		err = g.linkChanged(ctx, event)
	case kind == journey.RecordEnded, kind == journey.RecordChanged && g.Claims.Record: // else no visit has what changed
		err = g.Everywhere.ChangeOn(ctx, event.TRN, stale(event))
	case kind == journey.RequestCompleted && g.Policy.Allocate:
		err = g.Allocator.Decided(ctx, event.Request)
	default:
		outcome = "ignored"
	}
	if err != nil {
		return "", err
	}
	// Noted only now: an event that could not be done is to come again.
	_, err = g.News.See(ctx, "webhook-event", event.ID, eventLife)
	return cmp.Or(outcome, "taken"), err
}

// linkChanged follows what support staff or another service did at the register:
// connected a subject to a record, or took the record away. Links that were found
// here are taken away too: the register cannot know whose they are, and a teacher
// who is asked for a number once too often loses less than one whose record is
// shown to somebody else.
func (g *Gate) linkChanged(ctx context.Context, event journey.Event) error {
	latest, err := g.News.Latest(ctx, "link", g.Issuer+" "+event.Subject, event.At)
	if err != nil || !latest { // events come in any order
		return err
	}
	// An event that overtakes this one at this moment is not overwritten: the
	// register sends what happened within a minute all at once.
	err = g.Links.ChangeLink(ctx, g.Issuer, event.Subject, func(link journey.Link, found bool) (journey.Link, error) {
		switch {
		case found && link.Heard.After(event.At):
			return link, errNewer
		case event.TRN == "":
			link = journey.Link{}
		case !found || link.TRN != event.TRN: // else how it was found here says more
			link = journey.Link{TRN: event.TRN, How: "register", At: g.Now(), Identity: link.Identity}
		}
		link.Heard = event.At
		return link, nil
	})
	if errors.Is(err, errNewer) {
		return nil
	}
	if err != nil {
		return err
	}
	return g.Everywhere.ChangeOf(ctx, event.Subject, stale(event))
}

// stale makes a visit ask for its record again before it is next used.
func stale(event journey.Event) func(journey.State) (journey.State, error) {
	return func(s journey.State) (journey.State, error) {
		s.Stale = event.ID
		return s, nil
	}
}
