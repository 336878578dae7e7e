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
package allocation

import (
	"context"
	"errors"
	"fmt"
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
}

// Links remembers which teaching record belongs to which One Login subject.
type Links interface {
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
	Asked    time.Time        // by the person

	Status  journey.RequestStatus // "" until the register has it
	TRN     string                // when Completed
	Decided time.Time

	Claimed time.Time // when somebody last set out to send the e-mail
	Told    bool      // by the page or by e-mail: there is nothing left to do
	Ticket  string    // reference of the request for help that came of it
}

// LogValue keeps a request out of every log.
func (Request) LogValue() slog.Value { return slog.StringValue("[personal data]") }

// How long a request is remembered that is settled: one that was rejected for
// the person to see when they come back, any other for tasks that come late.
const (
	rejectedLife = 90 * 24 * time.Hour
	settledLife  = 24 * time.Hour
)

// Life is how long to keep what is known, 0 for as long as it is not settled.
func (r Request) Life() time.Duration {
	switch {
	case r.Told:
		return settledLife
	case r.Status == journey.Rejected || r.Status == Refused:
		return rejectedLife
	}
	return 0
}

// Refused is the status of a request that the register does not take as it is.
const Refused journey.RequestStatus = "refused"

// id names the request of a person at this service, always the same: whatever is
// lost or done twice, the register makes one request of it.
func (d *Desk) id(subject string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(d.Service+"\n"+d.Issuer+"\n"+subject+"\ntrn-request")).String()
}

// Ask asks for a TRN for the person of a visit and says how that stands. What the
// register does not answer at once is asked in the background: it is Pending.
func (d *Desk) Ask(ctx context.Context, s journey.State, a journey.Application) (journey.RequestStatus, error) {
	id := d.id(s.Subject)
	_, err := d.Files.Change(ctx, id, func(r Request, found bool) (Request, error) {
		if found {
			return r, nil
		}
		return Request{TRNRequest: journey.TRNRequest{ID: id, Subject: s.Subject, Application: a},
			Email: s.Email, Identity: s.Identity, Asked: d.Now()}, nil
	})
	if err != nil {
		return "", err
	}
	if err := d.Work.Look(ctx, Check, id, firstCheck); err != nil {
		return "", err
	}
	// Most are answered at once. What fails now is done in the background.
	r, err := d.advance(ctx, id)
	switch {
	case err != nil:
		d.Logger.WarnContext(ctx, "a TRN was asked for and the register did not answer: asking again later", "request", id, "error", err)
		return journey.Pending, nil
	case r.Status == journey.Completed:
		// The page says so, within this minute. A crash before that costs an e-mail.
		_, err = d.Files.Change(ctx, id, func(r Request, _ bool) (Request, error) { r.Told = true; return r, nil })
	}
	return r.Status, err
}

// Standing is how the request of a person stands, "" when there is none. since is
// when they asked, reference that of the request for help that came of it.
func (d *Desk) Standing(ctx context.Context, subject string) (status journey.RequestStatus, since time.Time, reference string, err error) {
	r, found, err := d.Files.Read(ctx, d.id(subject))
	if err != nil || !found {
		return "", time.Time{}, "", err
	}
	if r.Status == "" {
		r.Status = journey.Pending
	}
	return r.Status, r.Asked, r.Ticket, nil
}

// Decided has a request looked at now: the register says that it is decided.
// Requests of others, which the register tells us of too, are none of ours.
func (d *Desk) Decided(ctx context.Context, id string) error {
	_, found, err := d.Files.Read(ctx, id)
	if err != nil || !found {
		return err
	}
	return d.Work.Look(ctx, Check, id, 0)
}

// Unsettled tells look of every request that is to be seen through.
func (d *Desk) Unsettled(ctx context.Context, look func(kind, name string) error) error {
	return d.Files.Each(ctx, func(id string, r Request) error {
		if r.Life() != 0 {
			return nil
		}
		return look(Check, id)
	})
}

// Work is what is done in the background, by kind.
func (d *Desk) Tasks() map[string]background.Work {
	return map[string]background.Work{Check: d.check, Email: d.email}
}

// The kinds of work.
const (
	Check = "trn-request:check"
	Email = "email:send"
)

func (r Request) link(now time.Time) journey.Link {
	return journey.Link{TRN: r.TRN, How: "allocated", At: now, Identity: r.Identity}
}

var errGone = fmt.Errorf("allocation: the request is gone")
