package journey

import (
	"errors"
	"time"
)

// Event is something that happened in the register and was told to us by a
// webhook. Deliveries come in any order, and the same event may come again.
type Event struct {
	ID       string    // the event's own, the same each time it is delivered
	Delivery string    // of this delivery: only a replay of it has the same
	At       time.Time // when it happened
	Kind     EventKind

	Subject string // of LinkChanged: whose link
	TRN     string // of LinkChanged: the record it leads to now, "" for none; of a record's events: which record
	Request string // of RequestCompleted: the id of the request for a TRN
}

// EventKind says what happened.
type EventKind string

// The events that concern us.
const (
	NothingNew       EventKind = ""                  // a ping, or a kind we know nothing of
	LinkChanged      EventKind = "link-changed"      // a subject was connected to a record, to another, or to none
	RecordChanged    EventKind = "record-changed"    // what the record says, such as its alerts
	RecordEnded      EventKind = "record-ended"      // deactivated, perhaps merged into another
	RequestCompleted EventKind = "request-completed" // a request for a TRN was answered with one
)

// ErrForged says that an event was not told by the register, or not to us, or
// not now.
var ErrForged = errors.New("not signed by the register for us")
