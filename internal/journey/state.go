package journey

import "time"

// State is every fact gathered in one visit. It is what the visit in Redis
// holds; the zero value is a stranger.
type State struct {
	// Service is whose visit it is: services may share a Redis and its secrets,
	// and a sign-in to one of them is none to another.
	Service string

	// Browser ties the flows that leave for One Login to the browser they left
	// from. It is random, made with the visit, and survives the renewals of
	// the visit's id, so that a tab that left before another tab came back is
	// still recognised.
	Browser string

	// Created is when this browser signed in; it starts the absolute limit of
	// the session. Zero before sign-in.
	Created time.Time

	// From the sign-in with One Login.
	Subject  string    // One Login's "sub", opaque; "" before sign-in
	Email    string    // verified by One Login; it can change at every sign-in
	IDToken  string    // kept as id_token_hint for signing out
	AuthTime time.Time // when One Login last authenticated the person
	VOT      string    // credential level reached, such as "Cl.Cm"

	// From the identity check.
	Verification Verification
	Identity     Identity

	// What the teacher told us, normalised.
	NINO Answer
	TRN  Answer

	// What came of Find a lost TRN.
	Finding Finding

	// Session is what the service called its own session, for analytics at Find a
	// lost TRN; "" when it did not say.
	Session string

	// LookupsUsedUp: the limit of lookups for this subject is reached. Lookups are
	// those that came to nothing, for the people who help.
	LookupsUsedUp bool
	Lookups       []Lookup

	// Request is how a request for a TRN stands, "" when there is none, made at
	// RequestedAt. Unfit: the register would not take one, so people must decide.
	Request     RequestStatus
	RequestedAt time.Time
	Unfit       bool

	// Ticket is the reference of the request for help, "" when there is none.
	// Solved: the people who help have dealt with it.
	Ticket string
	Solved bool

	// Record is the teaching record that is theirs, the zero value until a
	// match. Renewed: the visit has had a new id since, so that whoever knew the
	// old one is not let through with it. Confirmed: they have read that it was
	// found, or it was linked before this visit.
	Record    Record
	Renewed   bool
	Confirmed bool

	// Stale: something was heard that concerns the record, so that it must be
	// asked for again before this visit is used. It names what was heard, "" for
	// nothing.
	Stale string

	// ReturnTo is the local path and query first asked for.
	ReturnTo string
}

// Verification is what One Login's identity check said.
type Verification string

// The outcomes of the identity check.
const (
	NotAsked Verification = ""
	Verified Verification = "verified"
	Refused  Verification = "refused"
)

// Answer is a question's answer. "Not asked", "I have none" and a value are
// three things.
type Answer struct {
	Given  bool   // the question was answered
	Value  string // normalised; "" when given means "I have none" or "I do not know"
	Looked bool   // the register was asked with it and found no record
	None   bool   // "I have none", where "I do not know" is another answer
}

// settled reports whether the question needs no more attention. A lookup that
// failed to run leaves the answer unsettled: "could not ask" is never "not found".
func (a Answer) settled(lookupsUsedUp bool) bool {
	return a.Given && (a.Value == "" || a.Looked || lookupsUsedUp)
}

// Arrived reports whether the journey is done: there is a record, and the person
// knows.
func (s State) Arrived() bool { return s.Subject != "" && s.Record.TRN != "" && s.Confirmed }

// CanRequest reports whether the register would take a request for a TRN.
func (s State) CanRequest() bool {
	_, err := Apply(s.Identity, s.Email, s.NINO.Value)
	return err == nil && !s.Unfit
}

// Stated is what the teacher says of themselves, as the register is asked.
type Stated struct {
	NINO string // normalised, "" when not stated
	TRN  string // seven digits, "" when not stated
}

// Stated collects the answers given so far.
func (s State) Stated() Stated { return Stated{NINO: s.NINO.Value, TRN: s.TRN.Value} }

// Flow is one trip to One Login and back: what must be remembered while the
// browser is away. It is taken once and expires by itself, because not every
// trip comes back.
type Flow struct {
	State    string // the key: OAuth "state", opaque, base64url
	Purpose  Step   // SignIn or VerifyIdentity
	Nonce    string
	Verifier string // PKCE code verifier (RFC 7636)
	Browser  string // State.Browser of the visit that left
	Round    int    // how many sign-ins this browser just made in vain, plus one
	ReturnTo string // local path and query to end at
	Session  string // see State.Session
}

// Arrival is what One Login said when the browser came back, all of it checked.
type Arrival struct {
	Subject  string
	Email    string
	IDToken  string
	AuthTime time.Time
	VOT      string

	// Of an identity check only. ReturnCodes are opaque letters, advisory.
	Verification Verification
	Identity     Identity
	ReturnCodes  []string
}

// Link ties a One Login subject to a teaching record, for good.
type Link struct {
	TRN      string // "" says that it was taken away
	How      string // "nino", "trn", …: by which answer the record was found
	At       time.Time
	Identity Identity // verified names and birth dates at the time

	Heard time.Time // when the register did the last that we heard of it
}

// Life is how long a link is remembered: for as long as an event from before it
// was taken away may come, 0 for good.
func (l Link) Life() time.Duration {
	if l.TRN == "" {
		return 4 * 24 * time.Hour
	}
	return 0
}
