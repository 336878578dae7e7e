package journey

import (
	"errors"
	"slices"
	"strings"
)

// Application is what the register is told of a person who has no TRN and asks
// for one: what GOV.UK One Login verified, and nothing that was only typed but
// the National Insurance number. The Teaching Record System's rules for it are
// those of POST /v3/trn-requests.
type Application struct {
	FirstName  string
	MiddleName string // "" when there is none
	LastName   string
	BirthDate  string // YYYY-MM-DD
	Email      string // "" when the register could not take it
	NINO       string // normalised, "" when not stated
}

// Apply makes the application of a person. First and last name are the first
// given and all family names of the current verified name; what is between is
// the middle name. The error says why the register would refuse it: then people
// must decide, and the person is told so.
func Apply(who Identity, email, nino string) (Application, error) {
	given, family := who.Name().words()
	if len(given) == 0 || len(family) == 0 {
		return Application{}, ErrOneName
	}
	a := Application{
		FirstName: given[0],
		LastName:  strings.Join(family, " "),
		BirthDate: who.BirthDate(),
		Email:     email,
		NINO:      nino,
	}
	switch {
	case tooLong(a.FirstName) || tooLong(a.LastName):
		return Application{}, ErrLongName
	case a.BirthDate == "" || a.BirthDate < earliestBirth: // ISO dates sort as text
		return Application{}, ErrBirthDate
	}
	// Middle names tell people apart less than the rest: those that do not fit
	// are left out, the last first, and never cut.
	for _, middle := range given[1:] {
		longer := strings.TrimSpace(a.MiddleName + " " + middle)
		if tooLong(longer) {
			break
		}
		a.MiddleName = longer
	}
	if tooLong(a.Email) {
		a.Email = ""
	}
	return a, nil
}

// words are the parts of a name that say something.
func (n Name) words() (given, family []string) {
	blank := func(part string) bool { return strings.TrimSpace(part) == "" }
	return slices.DeleteFunc(slices.Clone(n.Given), blank), slices.DeleteFunc(slices.Clone(n.Family), blank)
}

// Why no application can be made.
var (
	ErrOneName   = errors.New("a name of one part: the register wants a first and a last name")
	ErrLongName  = errors.New("a first or last name longer than the register takes")
	ErrBirthDate = errors.New("no date of birth that the register takes")
)

const (
	longestName   = 100          // characters, of each name and of the e-mail address
	earliestBirth = "1940-01-01" // the register refuses what is before
)

func tooLong(text string) bool { return len([]rune(text)) > longestName }

// TRNRequest asks the register for a TRN.
type TRNRequest struct {
	ID      string // ours, a UUID: asked twice with it, the register makes one request
	Subject string // the One Login subject
	Application
}

// Allocation is how a request for a TRN stands.
type Allocation struct {
	Status RequestStatus
	TRN    string // seven digits, when Completed
}

// RequestStatus says whether a request for a TRN was decided.
type RequestStatus string

// The states of a request for a TRN.
const (
	Pending   RequestStatus = "pending"   // people must look at it
	Completed RequestStatus = "completed" // a TRN was given
	Rejected  RequestStatus = "rejected"  // none will be
)

// ErrNoRequest says that the register knows no request with that id.
var ErrNoRequest = errors.New("the register has no such request for a TRN")

// ErrRefusedApplication says that the register will not take the application as
// it is, however often it is asked: people must decide.
var ErrRefusedApplication = errors.New("the register refuses the application for a TRN")
