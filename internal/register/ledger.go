package register

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Ledger keeps what an embedded register gives out. It survives restarts and is
// shared by replicas, and what is in it is personal data.
type Ledger interface {
	// Update puts what f makes of the text kept under the name in its place, and
	// nothing else can happen to it meanwhile. There is nil when there is none
	// yet. f may run more than once; its error leaves all as it was and is
	// returned, perhaps wrapped.
	Update(ctx context.Context, name string, f func(old []byte) ([]byte, error)) error

	// Read returns the text kept under the name, nil when there is none.
	Read(ctx context.Context, name string) ([]byte, error)
}

// bookName is the name under which the book is kept.
const bookName = "trn-requests"

// book is everything that an embedded register was asked for and gave out. It is
// kept in one text, read and written as a whole, so that a number is taken and
// the request answered in one step. That is well for some thousands of requests;
// a register that allocates more belongs in a database.
type book struct{ Requests []*entry }

// entry is a request for a TRN and how it stands. Once it is answered, no more of
// it is kept than the answer and, when that is a new record, the record.
type entry struct {
	journey.TRNRequest
	journey.Allocation
	At  time.Time // when it was asked
	New bool      // the TRN was given out: the request is the record
}

// openBook reads a book. The error does not quote it.
func openBook(text []byte) (b book, err error) {
	if len(text) > 0 && json.Unmarshal(text, &b) != nil || slices.Contains(b.Requests, nil) {
		return book{}, errors.New("embedded register: the ledger has something that is no list of requests")
	}
	return b, nil
}

// read is the book as it is kept now; empty without a ledger.
func (e *Embedded) read(ctx context.Context) (book, error) {
	if e.ledger == nil {
		return book{}, nil
	}
	text, err := e.ledger.Read(ctx, bookName)
	if err != nil {
		return book{}, fmt.Errorf("embedded register: the ledger cannot be read: %w", err)
	}
	return openBook(text)
}

// change does something to the book. It may be done more than once, each time to
// the book as it then is, and counts only if there is no error.
func (e *Embedded) change(ctx context.Context, do func(*book) error) error {
	if e.ledger == nil {
		return errors.New("embedded register: it gives nobody a TRN")
	}
	return e.ledger.Update(ctx, bookName, func(old []byte) ([]byte, error) {
		b, err := openBook(old)
		if err != nil {
			return nil, err
		}
		if err := do(&b); err != nil {
			return nil, err
		}
		return json.Marshal(b)
	})
}

// request is the request with the id, nil when there is none.
func (b book) request(id string) *entry {
	if i := slices.IndexFunc(b.Requests, func(e *entry) bool { return e.ID == id }); i >= 0 {
		return b.Requests[i]
	}
	return nil
}

// people are those who were given a TRN. If the file has a record with it by
// now, that counts: so an operator can move people there, correct and retire them.
func (b book) people(file *people) *people {
	var all []*person
	for _, e := range b.Requests {
		if _, moved := file.byTRN[e.TRN]; e.New && !moved {
			all = append(all, &person{
				TRN: e.TRN, FirstName: e.FirstName, MiddleName: e.MiddleName, LastName: e.LastName,
				BirthDate: e.BirthDate, NINO: e.NINO, Email: e.Email, Status: active,
			})
		}
	}
	return newPeople(all, file.nicknames)
}

// connect answers the request with a record that there is.
func (e *entry) connect(trn string) {
	e.TRNRequest = journey.TRNRequest{ID: e.ID}
	e.Allocation = journey.Allocation{Status: journey.Completed, TRN: trn}
}

// reject answers the request with no record.
func (e *entry) reject() {
	e.TRNRequest = journey.TRNRequest{ID: e.ID}
	e.Allocation = journey.Allocation{Status: journey.Rejected}
}

// give answers the request with a new record. It and the number are kept in one
// step: no number is taken for nothing, and none twice.
func (e *entry) give(trn string) {
	e.Subject, e.New = "", true
	e.Allocation = journey.Allocation{Status: journey.Completed, TRN: trn}
}

// free is a TRN of the range that neither the file has nor any request was
// answered with.
func (b book) free(within Range, file *people) (string, error) {
	taken := map[string]bool{}
	for _, e := range b.Requests {
		taken[e.TRN] = true
	}
	first, _ := strconv.Atoi(within.First) // seven digits, as Open saw
	last, _ := strconv.Atoi(within.Last)
	for n := first; n <= last; n++ {
		trn := fmt.Sprintf("%07d", n)
		if _, has := file.byTRN[trn]; !has && !taken[trn] {
			return trn, nil
		}
	}
	return "", ErrUsedUp
}
