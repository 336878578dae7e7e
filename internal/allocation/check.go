package allocation

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	firstCheck = time.Minute
	overdue    = 30 * 24 * time.Hour // then people are asked to look, and it is checked once a day
)

// again is when to look at a request again that is so old and not decided.
func again(age time.Duration) time.Duration {
	switch {
	case age < 5*time.Minute:
		return 5*time.Minute - age // the second check
	case age < 20*time.Minute:
		return 15 * time.Minute
	case age < overdue:
		return time.Hour
	}
	return 24 * time.Hour
}

// check does what is next about a request.
func (d *Desk) check(ctx context.Context, id string) error {
	r, err := d.advance(ctx, id)
	if errors.Is(err, errGone) {
		return nil // settled long ago
	}
	if err != nil {
		return err
	}
	switch r.Status {
	case journey.Completed:
		if r.Told {
			return nil
		}
		if left := firstCheck - d.Now().Sub(r.Asked); left > 0 {
			return background.NotYet{In: left} // the page may be telling them
		}
		return d.Work.Look(ctx, Email, id, 0)
	case journey.Rejected:
		return d.askForHelp(ctx, r, journey.RequestRejected)
	case Refused:
		return nil // they are asked to check their answers, and send them
	}
	age := d.Now().Sub(r.Asked)
	if age >= overdue {
		if err := d.askForHelp(ctx, r, journey.RequestOverdue); err != nil {
			return err
		}
	}
	return background.NotYet{In: again(age)}
}

// advance asks the register how a request stands, and follows the answer: the
// link first, because what is said afterwards must be true.
func (d *Desk) advance(ctx context.Context, id string) (Request, error) {
	r, found, err := d.Files.Read(ctx, id)
	if err != nil {
		return r, err
	}
	if !found {
		return r, errGone
	}
	if r.Status == "" || r.Status == journey.Pending {
		if r, err = d.decide(ctx, r); err != nil {
			return r, err
		}
	}
	if r.Status != journey.Completed || r.Told {
		return r, nil
	}
	if err := d.Links.SetLink(ctx, d.Issuer, r.Subject, r.link(d.Now())); err != nil {
		return r, err
	}
	return r, d.notice(ctx, r)
}

// decide asks the register and writes down what it says.
func (d *Desk) decide(ctx context.Context, r Request) (Request, error) {
	a, err := journey.Allocation{}, journey.ErrNoRequest
	if r.Status != "" {
		a, err = d.Register.TRNRequest(ctx, r.ID)
	}
	if errors.Is(err, journey.ErrNoRequest) { // not asked yet, or the register lost it
		a, err = d.Register.RequestTRN(ctx, r.TRNRequest)
	}
	if errors.Is(err, journey.ErrRefusedApplication) {
		a, err = journey.Allocation{Status: Refused}, nil
	}
	if err != nil {
		return r, err
	}
	if a.Status == r.Status {
		return r, nil
	}
	d.Logger.InfoContext(ctx, "request for a TRN", "request", r.ID, "status", string(a.Status))
	r, err = d.Files.Change(ctx, r.ID, func(now Request, found bool) (Request, error) {
		if !found {
			return now, errGone
		}
		if now.Status == "" || now.Status == journey.Pending { // else another was quicker
			now.Status, now.TRN, now.Decided = a.Status, a.TRN, d.Now()
		}
		return now, nil
	})
	if err == nil && r.Status != journey.Pending {
		err = d.notice(ctx, r)
	}
	return r, err
}

// notice has the person's browsers ask again how things stand.
func (d *Desk) notice(ctx context.Context, r Request) error {
	news := uuid.NewString() // no two are the same, or the second could pass for the first
	return d.Visits.ChangeOf(ctx, r.Subject, func(s journey.State) (journey.State, error) {
		s.Stale = news
		return s, nil
	})
}

// askForHelp does so once.
func (d *Desk) askForHelp(ctx context.Context, r Request, why journey.Reason) error {
	if r.Ticket != "" {
		return nil
	}
	reference, err := d.Help.Ask(ctx, journey.Plea{
		Reason: why, Subject: r.Subject, Email: r.Email, Identity: r.Identity, Stated: journey.Stated{NINO: r.NINO},
	})
	if err != nil {
		return err
	}
	_, err = d.Files.Change(ctx, r.ID, func(r Request, found bool) (Request, error) {
		if !found {
			return r, errGone
		}
		r.Ticket = reference
		return r, nil
	})
	return err
}
