package support

import (
	"context"
	"errors"
	"net/mail"
)

// Sender sends an e-mail made of a template and the values of its placeholders.
// The reference is of this e-mail alone: when again is set, an attempt was made
// before, and it may have succeeded. Its errors are those of this package:
// ErrRefused, Later, or anything else for an attempt with an unknown outcome.
type Sender interface {
	Send(ctx context.Context, to, template string, values map[string]string, reference string, again bool) error
}

// EmailConfig is what Email needs. Every field but ShowNINO is required.
type EmailConfig struct {
	Sender   Sender
	To       string // the mailbox of support
	Template string // id of a template with the placeholders ((title)) and ((ticket))

	// ShowNINO puts the whole National Insurance number into tickets.
	ShowNINO bool
}

// Email sends tickets to a mailbox.
type Email struct{ EmailConfig }

// NewEmail checks c.
func NewEmail(c EmailConfig) (*Email, error) {
	address, err := mail.ParseAddress(c.To)
	switch {
	case err != nil || address.Address != c.To:
		return nil, errors.New("the mailbox of support must be an e-mail address")
	case c.Template == "":
		return nil, errors.New("tickets by e-mail need a template")
	case c.Sender == nil:
		return nil, errors.New("tickets by e-mail need somebody who sends them")
	}
	return &Email{c}, nil
}

// Open sends the ticket and returns the reference of the e-mail. Set again for
// every attempt but the first.
func (e *Email) Open(ctx context.Context, t Ticket, again bool) (id string, err error) {
	if err := e.Sender.Send(ctx, e.To, e.Template, map[string]string{"title": t.Title(), "ticket": t.Body(e.ShowNINO)}, t.Key, again); err != nil {
		return "", err
	}
	return t.Key, nil
}
