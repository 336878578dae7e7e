package trs

import (
	"errors"
	"slices"
)

// What can be wrong with a decision, beside ErrNoRecord and ErrNotActive.
var (
	ErrNoRequest  = errors.New("there is no request with this id")
	ErrNotPending = errors.New("the request is not pending")
)

// Requested is a request for a TRN as the console shows it.
type Requested struct {
	ID, Subject, FirstName, LastName, BirthDate string

	Status RequestStatus
	TRN    string   // when completed
	Maybe  []string // TRNs of records that may be the person's, most likely first
}

// Requests are all requests for TRNs, oldest first.
func (s *Server) Requests() (all []Requested) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked.requests {
		all = append(all, Requested{r.RequestID, r.Subject, r.Person.FirstName, r.Person.LastName, r.Person.BirthDate, r.Status, r.TRN, slices.Clone(r.maybe)})
	}
	return all
}

// ResolveRequest completes a pending request, with the record of the TRN or, when
// that is "", with a new one.
func (s *Server) ResolveRequest(id, trn string) error {
	return s.decideRequest(id, func(r *request) error {
		p := s.people[trn]
		switch {
		case trn == "":
			p = s.newRecord(r)
		case p == nil:
			return ErrNoRecord
		case p.Status != Active:
			return ErrNotActive
		}
		r.complete(p)
		// As the real one: the status goes out as a number, and the request's subject
		// is connected to the record from now on.
		told := r.shape()
		told["status"] = requestCompleted
		s.tell(trnRequestCompleted, object{"trnRequest": told})
		if r.Subject != "" {
			s.told = connection{r.Subject, r.email(), p.TRN, true}
			s.tell(oneLoginUserUpdated, s.told.payload())
		}
		return nil
	})
}

// RejectRequest rejects a pending request. Nobody is told.
func (s *Server) RejectRequest(id string) error {
	return s.decideRequest(id, func(r *request) error {
		r.Status = Rejected
		return nil
	})
}

// decideRequest decides a pending request.
func (s *Server) decideRequest(id string, decide func(*request) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := s.requestWith(id); {
	case r == nil:
		return ErrNoRequest
	case r.Status != Pending:
		return ErrNotPending
	default:
		return decide(r)
	}
}

// FurtherChecks says whether support staff look at a request whose person has a
// record with qualified or early years teacher status or alerts, although nobody
// doubts that it is theirs. In the real one it is a list of callers.
func (s *Server) FurtherChecks(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.furtherChecks = on
}
