// Package allocation sees a request for a TRN through, however long it takes and
// whatever dies meanwhile: it is asked for once, followed until it is decided,
// linked to the person, and then they are told.
//
//	allocation.go  this map, Config, and what the gate asks for
//	check.go       what is to be done next about a request, in the background
//	email.go       telling the person
//
// What is known of a request is kept in a sealed document before anything is
// done, and every step writes down that it was done. Each can be repeated: the
// register makes one request of one id, a link is the same link, and before an
// e-mail that may have gone out is sent again, GOV.UK Notify is asked for it.
//
// Others link people to records too: support staff, the register, another service.
// A link is made once, and what became of it since is never undone here.
package allocation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Files keep requests by their id, sealed.
type Files interface {
	Read(ctx context.Context, id string) (r Request, found bool, err error)
	// Change applies f, which may run more than once, to what is kept.
	Change(ctx context.Context, id string, f func(r Request, found bool) (Request, error)) (Request, error)
	Each(ctx context.Context, f func(id string, r Request) error) error
}

// Register gives TRNs.
type Register interface {
	// RequestTRN asks for a TRN; with an id that was asked with before it says how
	// that request stands. journey.ErrRefusedApplication is final.
	RequestTRN(context.Context, journey.TRNRequest) (journey.Allocation, error)
	// TRNRequest says how a request stands, journey.ErrNoRequest that there is none.
	TRNRequest(ctx context.Context, id string) (journey.Allocation, error)
	// Find gives the one record that matches, or none.
	Find(ctx context.Context, who journey.Identity, stated journey.Stated) (rec journey.Record, found bool, err error)
}

// Links remembers which teaching record belongs to which One Login subject.
type Links interface {
	Link(ctx context.Context, issuer, subject string) (l journey.Link, found bool, err error)
	SetLink(ctx context.Context, issuer, subject string, l journey.Link) error
}

// Visits lets the person's browsers know.
type Visits interface {
	ChangeOf(ctx context.Context, subject string, f func(journey.State) (journey.State, error)) error
}

// Help is where people are asked to decide.
type Help interface {
	Ask(context.Context, journey.Plea) (reference string, err error)
}

// Mail tells a person that they have a TRN. An error that is
// background.ErrHopeless is final, a background.NotYet asks for patience; of any
// other it is not known whether the e-mail went out. again: of an earlier one either.
type Mail interface {
	TRNAllocated(ctx context.Context, r Request, again bool) error
}

// Work has a request looked at.
type Work interface {
	Look(ctx context.Context, kind, id string, after time.Duration) error
}

// Config is what requests are seen through with. All of it is required but Mail:
// without it nobody is told by e-mail.
type Config struct {
	Issuer  string // One Login's, to which subjects belong
	Service string // public origin of the service: part of what a request's id is made of

	Files    Files
	Register Register
	Links    Links
	Visits   Visits
	Help     Help
	Mail     Mail
	Work     Work

	Logger *slog.Logger
	Now    func() time.Time
}

// Desk sees requests through. It is safe for concurrent use.
type Desk struct{ Config }

// New checks c.
func New(c Config) (*Desk, error) {
	if c.Issuer == "" || c.Service == "" || c.Files == nil || c.Register == nil || c.Links == nil || c.Visits == nil ||
		c.Help == nil || c.Work == nil || c.Logger == nil || c.Now == nil {
		return nil, errors.New("allocation: everything but Mail is required")
	}
	return &Desk{c}, nil
}

// Request is what is known of one request for a TRN.
type Request struct {
	journey.TRNRequest
	Email    string           // verified by One Login: where the person is written to
	Identity journey.Identity // verified, for the link
	Lookups  []journey.Lookup // that came to nothing, for the people who help
	Asked    time.Time        // by the person

	Status  journey.RequestStatus // "" until the register has answered
	TRN     string                // when Completed
	Decided time.Time
	Waits   bool // the register said that people must look, and so did the page

	Linked  bool
	Tried   bool      // an e-mail may have gone out
	Claimed time.Time // when somebody set out to send it; zero for nobody
	Ticket  string    // reference of the request for help that came of it

	Settled bool // there is nothing left to do
}

// LogValue keeps a request out of every log.
func (Request) LogValue() slog.Value { return slog.StringValue("[personal data]") }

// How long a request is remembered that is settled. A rejected one is what the
// person sees when they come back; one that was answered with a TRN is not to be
// asked for again when its link was taken away; any other is for late tasks.
const (
	completedLife = 400 * 24 * time.Hour
	rejectedLife  = 90 * 24 * time.Hour
	settledLife   = 24 * time.Hour
)

// Life is how long to keep what is known, 0 for as long as it is not settled.
func (r Request) Life() time.Duration {
	switch {
	case !r.Settled:
		return 0
	case r.Status == journey.Completed:
		return completedLife
	case r.Status == journey.Rejected, r.Status == Unconfirmed:
		return rejectedLife
	}
	return settledLife
}

// The statuses of a request that people must decide about, here and not at the
// register.
const (
	Refused     journey.RequestStatus = "refused"     // the register does not take it as it is
	Unconfirmed journey.RequestStatus = "unconfirmed" // it was answered with a record that is not without doubt theirs
)

func (r Request) decided() bool { return r.Status != "" && r.Status != journey.Pending }

// id names the request of a person at this service, always the same: whatever is
// lost or done twice, the register makes one request of it.
func (d *Desk) id(subject string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(d.Service+"\n"+d.Issuer+"\n"+subject+"\ntrn-request")).String()
}

// Ask asks for a TRN for the person of a visit and says how that stands. What the
// register does not answer at once is asked in the background: it is Pending.
// Refused, that people must decide: the register does not take the application,
// or gave a TRN for it before, and somebody has taken the link away since.
func (d *Desk) Ask(ctx context.Context, s journey.State, a journey.Application) (journey.RequestStatus, error) {
	id := d.id(s.Subject)
	r, err := d.Files.Change(ctx, id, func(r Request, found bool) (Request, error) {
		if found && !(r.Settled && r.Status == Refused) { // what was refused may be put right now
			return r, nil
		}
		return Request{TRNRequest: journey.TRNRequest{ID: id, Subject: s.Subject, Application: a},
			Email: s.Email, Identity: s.Identity, Lookups: s.Lookups, Asked: d.Now()}, nil
	})
	if err != nil {
		return "", err
	}
	if !r.Settled {
		if err := d.Work.Look(ctx, Check, id, schedule[0]); err != nil {
			return "", err
		}
	}
	// Most are answered at once. What fails now is done in the background.
	status, err := d.answer(ctx, r)
	if err != nil {
		d.Logger.WarnContext(ctx, "a TRN was asked for and the request not seen through: it is seen to later", "request", id, "error", err)
		return journey.Pending, nil
	}
	return status, nil
}

// answer is what the person can be told now. What the page tells them, no e-mail
// needs to: a crash before the page is there costs one.
func (d *Desk) answer(ctx context.Context, r Request) (journey.RequestStatus, error) {
	r, err := d.decide(ctx, r)
	if err != nil {
		return "", err
	}
	switch r.Status {
	case journey.Completed:
		trn, err := d.link(ctx, r)
		if err == nil && trn == "" {
			return Refused, nil
		}
		return r.Status, errors.Join(err, d.settle(ctx, r, ""))
	case journey.Rejected:
		return r.Status, d.giveUp(ctx, r, journey.RequestRejected)
	case Refused:
		return r.Status, d.settle(ctx, r, "")
	case Unconfirmed:
		return Refused, d.giveUp(ctx, r, journey.NotConfirmed)
	}
	return r.Status, nil
}

// Standing is how the request of a person stands who has no link, "" when nobody
// is at it. since is when they asked, reference that of the request for help that
// came of it.
func (d *Desk) Standing(ctx context.Context, subject string) (status journey.RequestStatus, since time.Time, reference string, err error) {
	r, found, err := d.Files.Read(ctx, d.id(subject))
	switch {
	case err != nil || !found:
		return "", time.Time{}, "", err
	case r.Status == journey.Rejected:
		return r.Status, r.Asked, r.Ticket, nil
	case !r.decided(), r.Status == journey.Completed && !r.Linked:
		return journey.Pending, r.Asked, r.Ticket, nil
	}
	return "", time.Time{}, "", nil
}

// Decided has a request looked at now: the register says that it is decided.
// Requests of others, which the register tells us of too, are none of ours.
func (d *Desk) Decided(ctx context.Context, id string) error {
	r, found, err := d.Files.Read(ctx, id)
	if err != nil || !found || r.decided() {
		return err
	}
	return d.Work.Look(ctx, Check, id, 0)
}

// Unsettled tells look of every request that is to be seen through.
func (d *Desk) Unsettled(ctx context.Context, look func(kind, name string) error) error {
	return d.Files.Each(ctx, func(id string, r Request) error {
		switch {
		case r.Settled:
			return nil
		case r.Linked: // and not Check, which would not let a failing e-mail rest
			return look(Email, id)
		}
		return look(Check, id)
	})
}

// Tasks is what is done in the background, by kind.
func (d *Desk) Tasks() map[string]background.Work {
	return map[string]background.Work{Check: d.check, Email: d.email}
}

// The kinds of work.
const (
	Check = "trn-request:check"
	Email = "email:send"
)

// change changes what is known of a request, unless that is settled.
func (d *Desk) change(ctx context.Context, id string, f func(*Request)) (Request, error) {
	return d.Files.Change(ctx, id, func(r Request, found bool) (Request, error) {
		if !found {
			return r, errors.New("allocation: the request is gone")
		}
		if !r.Settled {
			f(&r)
		}
		return r, nil
	})
}

// settle writes down that there is nothing left to do. No more is kept than what
// the person is told when they come back.
func (d *Desk) settle(ctx context.Context, r Request, ticket string) error {
	_, err := d.change(ctx, r.ID, func(r *Request) {
		*r = Request{TRNRequest: journey.TRNRequest{ID: r.ID, Subject: r.Subject}, Asked: r.Asked,
			Status: r.Status, Linked: true, Ticket: ticket, Settled: true}
	})
	return err
}
