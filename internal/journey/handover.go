package journey

import "time"

// Claim is what Find a lost TRN says it found: a claim, not a fact. All but the
// TRN is what somebody typed there, and the TRN is of a record that agreed with
// enough of it.
type Claim struct {
	FirstName, LastName string // the official ones

	// Both or neither: "" when they are the official ones.
	PreferredFirstName, PreferredLastName string

	BirthDate     string // YYYY-MM-DD
	TRN           string // seven digits; "" when Find found none
	NINO          string // as ParseNINO has it; "" when not given or not possible
	SupportTicket bool   // people at Find were asked to look for the TRN
}

// Handover is one trip to Find a lost TRN and back. Find tells of the journey and
// not of the browser, so what it tells is bound to a browser here.
type Handover struct {
	Browser string    // State.Browser of the visit that left
	Left    time.Time // when its page was shown
	Told    bool      // Find has said something
	Claim   Claim     // what it said last
	Closed  bool      // the browser came back with it, or another did
}

// Life is how long a handover is remembered: longer than it is open, so that who
// comes late can be told so.
func (Handover) Life() time.Duration { return 24 * time.Hour }

// longestHandover is how long one may be at Find, whose own sessions last so long.
const longestHandover = 2 * time.Hour

// Open reports whether the browser is still expected back.
func (h Handover) Open(now time.Time) bool { return !h.Closed && now.Sub(h.Left) < longestHandover }

// Finding is what came of Find a lost TRN in a visit.
type Finding struct {
	Over bool   // they came back with an answer, or would rather go on without
	TRN  string // what Find said and the register does not confirm, "" for nothing
}
