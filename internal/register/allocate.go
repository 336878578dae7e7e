package register

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// What can be wrong with an operator's decision, beside journey.ErrNoRequest.
var (
	ErrDecided  = errors.New("the request was decided otherwise")
	ErrNoRecord = errors.New("no active record has this TRN")
)

// ErrUsedUp says that no TRN is left to give out.
var ErrUsedUp = errors.New("embedded register: all TRNs of the range were given out")

// Request is a request for a TRN that people must decide.
type Request struct {
	journey.TRNRequest
	At    time.Time        // when it was asked
	Maybe []journey.Record // records that may be the person's, most likely first
}

// RequestTRN asks for a TRN. Who certainly has a record gets that one's, who may
// have one waits until people have looked, and everybody else gets a new TRN,
// with a record, at once. The id makes one request: asked again, the answer is how
// that one stands, whatever else is said.
//
// The error is journey.ErrRefusedApplication when it could not be a record.
func (e *Embedded) RequestTRN(ctx context.Context, r journey.TRNRequest) (journey.Allocation, error) {
	if _, err := date(r.BirthDate); err != nil || r.ID == "" || r.FirstName == "" || r.LastName == "" {
		return journey.Allocation{}, journey.ErrRefusedApplication
	}
	return e.decide(ctx, func(b *book) (*entry, error) {
		if known := b.request(r.ID); known != nil {
			return known, nil
		}
		asked := &entry{TRNRequest: r, Allocation: journey.Allocation{Status: journey.Pending}, At: e.now().UTC()}
		b.Requests = append(b.Requests, asked)
		file := e.current()
		theirs, maybe := newApplicant(r.Application, "", e.nicknames).match(file, b.people(file))
		switch {
		case theirs != nil:
			asked.connect(theirs.TRN)
		case len(maybe) == 0:
			trn, err := b.free(e.trns, file)
			asked.give(trn)
			return asked, err
		}
		return asked, nil
	})
}

// TRNRequest tells how the request with the id stands. The error is
// journey.ErrNoRequest when there is none.
func (e *Embedded) TRNRequest(ctx context.Context, id string) (journey.Allocation, error) {
	b, err := e.read(ctx)
	if err != nil {
		return journey.Allocation{}, err
	}
	asked := b.request(id)
	if asked == nil {
		return journey.Allocation{}, journey.ErrNoRequest
	}
	return asked.Allocation, nil
}

// Requests are those that people must decide, oldest first.
func (e *Embedded) Requests(ctx context.Context) ([]Request, error) {
	b, err := e.read(ctx)
	if err != nil {
		return nil, err
	}
	file := e.current()
	given := b.people(file)
	var pending []Request
	for _, asked := range b.Requests {
		if asked.Status != journey.Pending {
			continue
		}
		r := Request{TRNRequest: asked.TRNRequest, At: asked.At}
		_, maybe := newApplicant(asked.Application, "", e.nicknames).match(file, given)
		for _, s := range maybe {
			r.Maybe = append(r.Maybe, s.record())
		}
		pending = append(pending, r)
	}
	return pending, nil
}

// Resolve is an operator's decision that the request is answered with the record
// of the TRN, or, when that is "", with a new one. Decided so before, it stands.
//
// Errors are journey.ErrNoRequest, ErrNoRecord, and ErrDecided when the decision
// was another.
func (e *Embedded) Resolve(ctx context.Context, id, trn string) (journey.Allocation, error) {
	return e.decide(ctx, func(b *book) (*entry, error) {
		asked := b.request(id)
		switch {
		case asked == nil:
			return nil, journey.ErrNoRequest
		case asked.Status == journey.Completed && (trn == asked.TRN || trn == "" && asked.New):
			return asked, nil
		case asked.Status != journey.Pending:
			return nil, ErrDecided
		}
		file := e.current()
		if trn == "" {
			trn, err := b.free(e.trns, file)
			asked.give(trn)
			return asked, err
		}
		p, ok := file.byTRN[trn]
		if !ok {
			p, ok = b.people(file).byTRN[trn]
		}
		if !ok || p.Status != active {
			return nil, ErrNoRecord
		}
		asked.connect(trn)
		return asked, nil
	})
}

// Reject is an operator's decision that the request gets no TRN. Its errors are
// those of Resolve.
func (e *Embedded) Reject(ctx context.Context, id string) error {
	_, err := e.decide(ctx, func(b *book) (*entry, error) {
		asked := b.request(id)
		switch {
		case asked == nil:
			return nil, journey.ErrNoRequest
		case asked.Status == journey.Completed:
			return nil, ErrDecided
		}
		asked.reject()
		return asked, nil
	})
	return err
}

// decide changes the book and returns how the request then stands that do returns.
func (e *Embedded) decide(ctx context.Context, do func(*book) (*entry, error)) (journey.Allocation, error) {
	var stands journey.Allocation
	err := e.change(ctx, func(b *book) error {
		asked, err := do(b)
		if err == nil {
			stands = asked.Allocation
		}
		return err
	})
	if err != nil {
		return journey.Allocation{}, err
	}
	return stands, nil
}
