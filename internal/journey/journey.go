// Package journey is the whole story of a teacher's visit, from "sign in" to
// "done", and the vocabulary the other packages tell it in.
//
//	journey.go      the steps, and Path: what comes next, what lies behind
//	state.go        the facts of one visit
//	person.go       who One Login verified, which record is theirs
//	numbers.go      National Insurance numbers and TRNs as people type them
//	trouble.go      why a sign-in came to nothing
//	event.go        what the register tells us of by itself
//	application.go  asking the register for a TRN
//	plea.go         asking people for help
//	handover.go     a trip to Find a lost TRN
//
// Facts are stored; the step is derived from them and stored nowhere, so edits,
// reloads, parallel tabs and deployments cannot make the two disagree. The
// package knows no HTTP, no HTML, no Redis and no clock.
package journey

import "slices"

// Step is one stop on the journey. Its text is the URL segment, the name of the
// template and the prefix of its words, so that one search finds all of it.
type Step string

// The steps, in the order a teacher can meet them.
const (
	SignIn                  Step = "sign-in"                   // leaves for One Login: who are you?
	VerifyIdentity          Step = "verify-identity"           // leaves for One Login: are you really?
	NotVerified             Step = "not-verified"              // end page: One Login could not tell
	NationalInsuranceNumber Step = "national-insurance-number" // question
	TeacherReferenceNumber  Step = "teacher-reference-number"  // question
	RequestATRN             Step = "request-a-trn"             // has no TRN: what will be sent, to get one
	TRNRequested            Step = "trn-requested"             // holding page: people must decide
	TRNRequestDeclined      Step = "trn-request-declined"      // end page: there will be no TRN
	FindALostTRN            Step = "find-a-lost-trn"           // leaves for Find a lost TRN, if they like
	CheckAnswers            Step = "check-answers"             // no record found: check, then ask for help
	SupportRequested        Step = "support-requested"         // end page with the reference
	Connected               Step = "connected"                 // a record was just found
	Done                    Step = "done"                      // not a page: on to the service
)

// Policy is what a service lets its teachers do.
type Policy struct {
	Allocate bool // who has no TRN may request one
	Find     bool // who does not know their TRN is led to Find a lost TRN, and back
	Writes   bool // who was given one later is written to
	Helps    bool // requests for help reach somebody by themselves
}

// Path walks the journey from its beginning over the facts in s and returns
// the steps passed, ending at the step the person must see now.
func Path(s State, p Policy) []Step {
	path := []Step{SignIn}
	then := func(step Step) []Step { return append(path, step) }

	switch {
	case s.Subject == "":
		return path
	case s.Arrived():
		return then(Done)
	case s.Record.TRN != "":
		return then(Connected)
	// What others are working on, whoever the person is proven to be by now.
	case s.Request == Pending:
		return then(TRNRequested)
	case s.Request == Rejected:
		return then(TRNRequestDeclined)
	case s.Ticket != "":
		return then(SupportRequested)
	}
	if path = then(VerifyIdentity); s.Verification == NotAsked {
		return path
	}
	if s.Verification == Refused {
		return then(NotVerified)
	}
	for _, question := range []struct {
		step   Step
		answer Answer
	}{
		{NationalInsuranceNumber, s.NINO},
		{TeacherReferenceNumber, s.TRN},
	} {
		// Once the lookups are used up nothing more is asked, but what was
		// answered can still be corrected for the people who will read it.
		if s.LookupsUsedUp && !question.answer.Given {
			continue
		}
		if path = then(question.step); !question.answer.settled(s.LookupsUsedUp) {
			return path
		}
	}
	switch {
	case p.Allocate && s.TRN.None:
		if s.CanRequest() {
			return then(RequestATRN)
		}
	case p.Find && !s.LookupsUsedUp:
		// Who has been there may go there again.
		if path = then(FindALostTRN); !s.Finding.Over {
			return path
		}
	}
	return then(CheckAnswers)
}

// Next is the step the person must see now.
func Next(s State, p Policy) Step { path := Path(s, p); return path[len(path)-1] }

// May reports whether the person may look at step now: it lies on their path.
func May(s State, p Policy, step Step) bool { return slices.Contains(Path(s, p), step) }

// Back is the page before step, or "" where there is none to go back to: the
// steps that leave for One Login cannot be re-entered.
func Back(s State, p Policy, step Step) Step {
	path := Path(s, p)
	if i := slices.Index(path, step); i > 0 && path[i-1] != SignIn && path[i-1] != VerifyIdentity {
		return path[i-1]
	}
	return ""
}
