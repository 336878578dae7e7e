package allocation

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// schedule is how old a request is when it is looked at; then it is every hour.
var schedule = [...]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}

// overdue is the age at which people are asked to look at a request; then it is
// checked once a day.
const overdue = 30 * 24 * time.Hour

// again is when to look again at a request of that age that is not decided. Tasks
// run up to a second early: what is nearly there is there.
func again(age time.Duration) time.Duration {
	for _, at := range schedule {
		if left := at - age; left > 5*time.Second {
			return left
		}
	}
	if age < overdue {
		return time.Hour
	}
	return 24 * time.Hour
}

// check does what is next about a request.
func (d *Desk) check(ctx context.Context, id string) error {
	r, found, err := d.Files.Read(ctx, id)
	if err != nil || !found {
		return err
	}
	if r, err = d.decide(ctx, r); err != nil || r.Settled {
		return err
	}
	switch r.Status {
	case journey.Completed:
		return d.complete(ctx, r)
	case journey.Rejected:
		return d.giveUp(ctx, r, journey.RequestRejected)
	case Unconfirmed:
		return d.giveUp(ctx, r, journey.NotConfirmed)
	case Refused: // and the person was told to wait
		return d.giveUp(ctx, r, journey.CannotRequest)
	}
	age := d.Now().Sub(r.Asked)
	if age >= overdue && r.Ticket == "" {
		reference, err := d.askForHelp(ctx, r, journey.RequestOverdue)
		if err != nil {
			return err
		}
		if _, err = d.change(ctx, id, func(r *Request) { r.Ticket = reference }); err != nil {
			return err
		}
	}
	return background.NotYet{In: again(age)}
}

// decide asks the register and writes down what it says, unless that was done.
func (d *Desk) decide(ctx context.Context, r Request) (Request, error) {
	if r.decided() {
		return r, nil
	}
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
	if err == nil && a.Status == journey.Completed {
		a.Status, err = d.confirm(ctx, r, a.TRN)
	}
	if err != nil {
		return r, err
	}
	if a.Status == r.Status {
		return r, nil
	}
	d.Logger.InfoContext(ctx, "request for a TRN", "request", r.ID, "status", string(a.Status))
	return d.change(ctx, r.ID, func(r *Request) {
		if r.decided() { // another was quicker
			return
		}
		r.Status, r.TRN, r.Decided = a.Status, a.TRN, d.Now()
		if !r.decided() {
			r.Waits = true
		}
	})
}

// confirm holds the record that a request was answered with against who the person
// is proven to be. TRS takes a National Insurance number and a date of birth for
// proof enough, whatever the name, but that number was only typed: without this,
// "I have no TRN" would lead to anybody's record with the same date of birth.
func (d *Desk) confirm(ctx context.Context, r Request, trn string) (journey.RequestStatus, error) {
	if r.NINO == "" {
		return journey.Completed, nil
	}
	rec, found, err := d.Register.Find(ctx, r.Identity, journey.Stated{NINO: r.NINO, TRN: trn})
	if err != nil || found && rec.TRN == trn {
		return journey.Completed, err
	}
	return Unconfirmed, nil
}

// complete links, lets the person's browsers know, and has them written to: in
// this order, because what is said must be true.
func (d *Desk) complete(ctx context.Context, r Request) error {
	if _, err := d.link(ctx, r); err != nil {
		return err
	}
	if err := d.notice(ctx, r); err != nil {
		return err
	}
	if _, err := d.change(ctx, r.ID, func(r *Request) { r.Linked = true }); err != nil {
		return err
	}
	return d.Work.Look(ctx, Email, r.ID, 0)
}

// link links the person to the record they were given, once, if they have none
// yet. The TRN is that of the record they are linked to now, "" for none.
func (d *Desk) link(ctx context.Context, r Request) (trn string, err error) {
	link, linked, err := d.Links.Link(ctx, d.Issuer, r.Subject)
	switch {
	case err != nil, r.Linked:
	case linked && link.TRN != r.TRN:
	case linked && len(link.Identity.Names) > 0:
	default: // none, or one that the register made, which does not say who they are
		link = journey.Link{TRN: r.TRN, How: "allocated", At: d.Now(), Identity: r.Identity}
		err = d.Links.SetLink(ctx, d.Issuer, r.Subject, link)
	}
	return link.TRN, err
}

// giveUp leaves a request to people.
func (d *Desk) giveUp(ctx context.Context, r Request, why journey.Reason) error {
	if r.Settled {
		return nil
	}
	reference, err := d.askForHelp(ctx, r, why)
	if err != nil {
		return err
	}
	if err := d.notice(ctx, r); err != nil {
		return err
	}
	return d.settle(ctx, r, reference)
}

// askForHelp gives the reference to quote, "" when no help is needed: people have
// connected them meanwhile.
func (d *Desk) askForHelp(ctx context.Context, r Request, why journey.Reason) (reference string, err error) {
	if _, linked, err := d.Links.Link(ctx, d.Issuer, r.Subject); err != nil || linked {
		return "", err
	}
	return d.Help.Ask(ctx, journey.Plea{
		Reason: why, Subject: r.Subject, Email: r.Email, Identity: r.Identity, Stated: journey.Stated{NINO: r.NINO}, Found: r.TRN, Lookups: r.Lookups,
	})
}

// notice has the person's browsers ask again how things stand.
func (d *Desk) notice(ctx context.Context, r Request) error {
	news := uuid.NewString() // no two are the same, or the second could pass for the first
	return d.Visits.ChangeOf(ctx, r.Subject, func(s journey.State) (journey.State, error) {
		s.Stale = news
		return s, nil
	})
}
