package journey

import "time"

// Plea is what support staff need to help a teacher, and nothing else.
type Plea struct {
	Reason   Reason
	Subject  string   // One Login's "sub"
	Email    string   // verified, "" when there is none
	Identity Identity // verified
	Stated   Stated   // by the teacher
	Found    string   // TRN that another service found and that could not be confirmed, "" when none
	Lookups  []Lookup // in the order they were made
	Language string   // of the pages the teacher read, such as "en"
}

// Reason says why help is needed.
type Reason string

// The reasons.
const (
	NotFound        Reason = "not-found"        // no teaching record by what the teacher gave
	RequestRejected Reason = "request-rejected" // the register will give no TRN
	RequestOverdue  Reason = "request-overdue"  // the register has not decided for long
	CannotRequest   Reason = "cannot-request"   // a name or birth date that the register takes no request for
	NotConfirmed    Reason = "not-confirmed"    // the register answered with a record that does not bear the verified name
)

// Lookup is one question put to the register, and how it ended.
type Lookup struct {
	With    string // the numbers, beside name and date of birth: WithNINO, WithTRN or WithBoth
	Outcome Outcome
	At      time.Time
}

// What a lookup can be made with.
const (
	WithNINO = "nino"
	WithTRN  = "trn"
	WithBoth = "nino and trn"
)

// Outcome is how a lookup ended.
type Outcome string

// The outcomes.
const (
	NoRecord = Outcome("no-record") // without doubt theirs
	NoAnswer = Outcome("no-answer") // the register could not be asked
	NotMade  = Outcome("not-made")  // the limit of lookups was reached
)
