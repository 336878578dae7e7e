// Package assertion owns the headers that tell a service who its teacher is:
// nobody else's survive, and ours cannot be forged.
//
//	assertion.go   the names, and the claims: what is said about a teacher
//	strip.go       what a client may not send: our headers, trailers, cookie
//	signer.go      Stamp: the claims, signed, as a request header
//	bind.go        what an assertion is good for: one request, or one session
//	keys.go        the public keys, as a JSON Web Key Set
//
// The package knows neither Caddy nor the journey. What a service must check
// is in docs/assertion.md, and in code in examples/verify.
package assertion

import (
	"errors"
	"log/slog"
	"time"
)

// The names a service reads.
const (
	// Header carries the assertion, a compact JWS (RFC 7515). It is the only
	// proof; the plain headers below are a convenience.
	Header = "Teaching-Record-Assertion"

	PlainTRN     = "Teaching-Record-Trn"
	PlainSubject = "One-Login-Subject"

	// Type is the JWS header's "typ" (RFC 8725 section 3.11): no other token,
	// ours or GOV.UK One Login's, can pass for an assertion.
	Type = "teaching-record+jwt"
)

// Lifetime is how long an assertion is valid after it is made.
const Lifetime = 60 * time.Second

// Found is the only match there is so far: the teacher and their teaching
// record belong together. A service acts on a TRN only when it reads this.
const Found = "found"

// Claims is what is said about a teacher. Two equal Claims say the same, so
// the struct itself is the key under which a session's assertion is kept: it
// must stay comparable.
type Claims struct {
	Visit    string    // the visit's id, secret; only a hash of it is asserted, as "sid"
	Subject  string    // GOV.UK One Login's "sub"
	Match    string    // Found
	TRN      string    // seven digits
	AuthTime time.Time // when One Login last authenticated the person; zero: not said
	VOT      string    // credential level reached, such as "Cl.Cm"; "": not said

	// Said only to services that ask for it; "" is left out.
	Email     string
	Name      string // as verified by One Login
	BirthDate string // YYYY-MM-DD
	Record    Record // the zero value is left out
}

// Record is what the register says, for services that ask for it.
type Record struct {
	Name      string `json:"name,omitempty"`
	QTS       string `json:"qts,omitempty"`       // date qualified teacher status was awarded, YYYY-MM-DD
	EYTS      string `json:"eyts,omitempty"`      // date early years teacher status was awarded, YYYY-MM-DD
	Induction string `json:"induction,omitempty"` // status, in the register's words
	Alerts    bool   `json:"alerts"`              // whether the record has alerts
}

// LogValue keeps personal data out of the log, even by an oversight.
func (Claims) LogValue() slog.Value { return slog.StringValue("[personal data]") }

// LogValue keeps personal data out of the log, even by an oversight.
func (Record) LogValue() slog.Value { return slog.StringValue("[personal data]") }

// check refuses claims that would mislead a service. The texts carry none of
// the values.
func (c Claims) check() error {
	switch {
	case c.Subject == "":
		return errors.New("no subject")
	case c.Visit == "":
		return errors.New("no visit")
	case c.Match != Found:
		return errors.New("no match")
	case c.TRN == "":
		return errors.New("a match without a TRN")
	}
	return nil
}
