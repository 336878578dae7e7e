package support

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Files keep requests for help by name, sealed.
type Files interface {
	Read(ctx context.Context, name string) (r Request, found bool, err error)
	// Change applies f, which may run more than once, to what is kept.
	Change(ctx context.Context, name string, f func(r Request, found bool) (Request, error)) (Request, error)
	Each(ctx context.Context, f func(name string, r Request) error) error
}

// Opener opens a ticket with the people who help: a Zendesk or an Email. again: it
// may have been opened by an earlier attempt.
type Opener interface {
	Open(ctx context.Context, t Ticket, again bool) (id string, err error)
}

// stater is an Opener that can tell how a ticket stands.
type stater interface {
	State(ctx context.Context, id string) (open bool, err error)
}

// Work has a request looked at in the background.
type Work interface {
	Look(ctx context.Context, kind, name string, after time.Duration) error
}

// Visits lets the person's browsers know.
type Visits interface {
	ChangeOf(ctx context.Context, subject string, f func(journey.State) (journey.State, error)) error
}

// DeskConfig is what a desk needs. All of it is required but Opener: without it
// requests for help are kept and logged, and nobody is told.
type DeskConfig struct {
	Issuer      string // One Login's, to which subjects belong
	ServiceURL  string // public origin of the service
	ServiceName string

	Opener Opener
	Files  Files
	Visits Visits
	Work   Work

	Logger *slog.Logger
	Now    func() time.Time
}

// Desk takes requests for help and sees to it that each becomes one ticket.
type Desk struct{ DeskConfig }

// NewDesk checks c.
func NewDesk(c DeskConfig) (*Desk, error) {
	if c.Issuer == "" || c.ServiceURL == "" || c.ServiceName == "" || c.Files == nil || c.Visits == nil || c.Work == nil || c.Logger == nil || c.Now == nil {
		return nil, errors.New("support: everything but Opener is required")
	}
	return &Desk{c}, nil
}

// Request is what is known of a person's request for help. A person has one at a
// time; when it was dealt with and they ask again, Round is one higher.
type Request struct {
	Ticket Ticket // once it is opened, no more than its reference, when and for whom
	Round  int
	State  State
	ID     string // the ticket's, in the words of whoever opened it

	Claimed time.Time // when somebody set out to open it; zero for nobody
}

// State says how a request for help stands.
type State string

// The states.
const (
	Asked   State = "asked"   // by the teacher
	Opened  State = "opened"  // with the people who help
	Solved  State = "solved"  // they have dealt with it
	Settled State = "settled" // the teacher has a record: nothing is left of it but its Round
)

// LogValue keeps a request out of every log.
func (Request) LogValue() slog.Value { return slog.StringValue("[personal data]") }

// Life is how long to keep what is known, 0 for as long as nobody else has it.
func (r Request) Life() time.Duration {
	if r.State == Asked {
		return 0
	}
	return 400 * 24 * time.Hour // longer than a ticket can be found by its reference
}

// Open is the kind of work.
const Open = "ticket:open"

// name is that of a person's request at this service.
func (d *Desk) name(subject string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(d.ServiceURL+"\n"+d.Issuer+"\n"+subject)).String()
}

// Ask asks for help, once, and gives the reference to quote. Who has asked and was
// not dealt with yet is given the same.
func (d *Desk) Ask(ctx context.Context, p journey.Plea) (reference string, err error) {
	name := d.name(p.Subject)
	r, err := d.Files.Change(ctx, name, func(r Request, found bool) (Request, error) {
		if found && (r.State == Asked || r.State == Opened) {
			return r, nil
		}
		next := Request{Round: r.Round + 1, State: Asked}
		key := uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s\n%d", name, next.Round))
		next.Ticket = Ticket{
			Reference: referenceOf(key), Key: key.String(), Service: d.ServiceName, ServiceURL: d.ServiceURL, Plea: p, Opened: d.Now(),
			Connect: "caddy teaching-record connect --subject " + p.Subject + " --trn <TRN>",
		}
		return next, nil
	})
	if err != nil {
		return "", err
	}
	if d.Opener == nil || r.State != Asked {
		return r.Ticket.Reference, nil
	}
	return r.Ticket.Reference, d.Work.Look(ctx, Open, name, 0)
}

// referenceOf is what of a key can be read out over the telephone.
func referenceOf(key uuid.UUID) string {
	text := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(key[:5])
	return text[:4] + "-" + text[4:]
}

// Standing is the reference of a person's request, "" when there is none. solved:
// the people who help have dealt with it.
func (d *Desk) Standing(ctx context.Context, subject string) (reference string, solved bool, err error) {
	r, found, err := d.Files.Read(ctx, d.name(subject))
	if err != nil || !found {
		return "", false, err
	}
	return r.Ticket.Reference, r.State == Solved, nil
}

// Settle ends a person's request, if there is one: they have their record. What is
// being opened at this moment comes to the people who help all the same.
func (d *Desk) Settle(ctx context.Context, subject string) error {
	name := d.name(subject)
	r, found, err := d.Files.Read(ctx, name)
	if err != nil || !found || r.State == Settled {
		return err
	}
	_, err = d.Files.Change(ctx, name, func(r Request, _ bool) (Request, error) {
		return Request{Round: r.Round, State: Settled}, nil
	})
	if err == nil {
		d.Logger.InfoContext(ctx, "request for help settled", "reference", r.Ticket.Reference, "ticket", r.ID)
	}
	return err
}

// Unsettled tells look of every request that is to be seen through.
func (d *Desk) Unsettled(ctx context.Context, look func(kind, name string) error) error {
	if d.Opener == nil {
		return nil
	}
	return d.Files.Each(ctx, func(name string, r Request) error {
		if r.State == Asked || d.followed(r) {
			return look(Open, name)
		}
		return nil
	})
}

// Tasks is what is done in the background, by kind: nothing without an Opener.
func (d *Desk) Tasks() map[string]background.Work {
	if d.Opener == nil {
		return nil
	}
	return map[string]background.Work{Open: d.open}
}

const (
	// claimLife is how long whoever set out to open a ticket may take, before
	// another may think that they died. No work takes longer than a minute.
	claimLife = 2 * time.Minute

	askState  = time.Hour // how often it is asked how a ticket stands
	forgotten = 90 * 24 * time.Hour
)

// open sees to it that there is a ticket, and then that its end is noticed.
func (d *Desk) open(ctx context.Context, name string) error {
	r, found, err := d.Files.Read(ctx, name)
	if err != nil || !found {
		return err
	}
	if r.State == Asked {
		if r, err = d.openOnce(ctx, name); err != nil {
			return err
		}
	}
	return d.follow(ctx, name, r)
}

// openOnce opens the ticket, unless somebody else is at it.
func (d *Desk) openOnce(ctx context.Context, name string) (Request, error) {
	now, mine := d.Now(), false
	r, err := d.Files.Change(ctx, name, func(r Request, _ bool) (Request, error) {
		if mine = r.State == Asked && now.Sub(r.Claimed) >= claimLife; mine {
			r.Claimed = now
		}
		return r, nil
	})
	switch {
	case err != nil || r.State != Asked:
		return r, err
	case !mine:
		return r, background.NotYet{In: claimLife - now.Sub(r.Claimed)}
	}
	// Always again: had Redis been lost, nothing here would know of a first time.
	id, err := d.Opener.Open(ctx, r.Ticket, true)
	opened, kept := d.Files.Change(context.WithoutCancel(ctx), name, func(now Request, _ bool) (Request, error) {
		switch {
		case now.State != Asked || now.Round != r.Round: // settled meanwhile
		case err == nil:
			now.State, now.ID, now.Claimed = Opened, id, time.Time{}
			now.Ticket = Ticket{Reference: now.Ticket.Reference, Opened: now.Ticket.Opened, Plea: journey.Plea{Subject: now.Ticket.Subject}}
		case now.Claimed.Equal(r.Claimed):
			now.Claimed = time.Time{} // for the next attempt, whenever that is to be
		}
		return now, nil
	})
	if err != nil {
		return r, errors.Join(trouble(err), kept)
	}
	d.Logger.InfoContext(ctx, "ticket opened", "reference", r.Ticket.Reference, "ticket", id)
	return opened, kept
}

// followed reports whether it is asked how the ticket stands.
func (d *Desk) followed(r Request) bool {
	_, can := d.Opener.(stater)
	return can && r.State == Opened && d.Now().Sub(r.Ticket.Opened) < forgotten
}

// follow asks now and then whether a ticket was dealt with.
func (d *Desk) follow(ctx context.Context, name string, r Request) error {
	if !d.followed(r) {
		return nil
	}
	if left := askState - d.Now().Sub(r.Ticket.Opened); left > 0 {
		return background.NotYet{In: left}
	}
	open, err := d.Opener.(stater).State(ctx, r.ID)
	if err != nil {
		return trouble(err)
	}
	if open {
		return background.NotYet{In: askState}
	}
	if _, err = d.Files.Change(ctx, name, func(now Request, _ bool) (Request, error) {
		if now.State == Opened && now.ID == r.ID {
			now.State = Solved
		}
		return now, nil
	}); err != nil {
		return err
	}
	news := uuid.NewString()
	return d.Visits.ChangeOf(ctx, r.Ticket.Subject, func(s journey.State) (journey.State, error) {
		s.Stale = news
		return s, nil
	})
}

// trouble is an error of an attempt as the background knows it.
func trouble(err error) error {
	if later := (Later{}); errors.As(err, &later) {
		return background.NotYet{In: later.Wait}
	}
	if errors.Is(err, ErrRefused) {
		return fmt.Errorf("%w: %w", background.ErrHopeless, err)
	}
	return err
}
