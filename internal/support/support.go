// Package support asks people for help on behalf of a teacher: it says what a
// ticket is, and opens it in Zendesk or sends it to a mailbox.
//
//	support.go  this map; how an attempt can end
//	ticket.go   Ticket: what support staff are told, as text
//	text.go     a value as one line that cannot break the layout
//	zendesk.go  Zendesk: what is configured; Open, State and Check
//	calls.go    how Zendesk is asked, and what each of its answers means
//	token.go    the access token: when it is had, kept and thrown away
//	email.go    Email: the same ticket as an e-mail
//	desk.go     Desk: takes requests for help, and sees each become one ticket
//
// Attempts are made in the background, again and again, by a queue that keeps
// the Ticket. Whatever goes wrong on the way, in the end there is one ticket: the
// same Ticket gives the same bytes, every attempt carries the same key, and a
// repeated attempt looks first whether the ticket is there.
//
// What a ticket holds is personal data, and Zendesk quotes it in what it answers:
// neither is ever logged or put into an error.
package support

import (
	"errors"
	"fmt"
	"time"
)

// ErrRefused says that an attempt was refused for good: asking again changes
// nothing until an operator has looked. Nothing was opened.
var ErrRefused = errors.New("refused")

// Later says that nothing was opened because we ask too much, and when to ask
// again. It is found with errors.As. Every other error but ErrRefused leaves it
// open whether there is a ticket now: the attempt is to be repeated, soon.
type Later struct{ Wait time.Duration }

func (l Later) Error() string { return fmt.Sprintf("too many requests: again in %s", l.Wait) }
