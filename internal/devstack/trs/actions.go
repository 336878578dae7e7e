package trs

import (
	"cmp"
	"errors"
	"slices"
)

// What can be wrong with an action. They hold no TRN.
var (
	ErrNoRecord  = errors.New("there is no record with this TRN")
	ErrNotActive = errors.New("the record is not active")
	ErrItself    = errors.New("a record cannot be merged into itself")
)

// Listed is a record as the console shows it.
type Listed struct {
	TRN, FirstName, LastName, BirthDate string

	Status   Status
	Retained string // TRN of the record it was merged into
}

// Records are all records, in the order of their TRNs.
func (s *Server) Records() (all []Listed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.people {
		all = append(all, Listed{p.TRN, p.FirstName, p.LastName, p.BirthDate, p.Status, p.retained})
	}
	slices.SortFunc(all, func(a, b Listed) int { return cmp.Compare(a.TRN, b.TRN) })
	return all
}

// Merge makes the record from part of the record to, which stays as it is. Both
// must be active. Merging that one too makes a chain, as in the real one.
func (s *Server) Merge(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	merged, retained := s.people[from], s.people[to]
	switch {
	case merged == nil || retained == nil:
		return ErrNoRecord
	case from == to:
		return ErrItself
	case merged.Status != Active || retained.Status != Active:
		return ErrNotActive
	}
	merged.Status, merged.retained = Merged, to
	return nil
}

// Deactivate takes an active record out of use.
func (s *Server) Deactivate(trn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[trn]
	switch {
	case p == nil:
		return ErrNoRecord
	case p.Status != Active:
		return ErrNotActive
	}
	p.Status = Deactivated
	return nil
}

// Reactivate puts a record back in use, also one that was merged. Whatever was
// merged into it meanwhile still is.
func (s *Server) Reactivate(trn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[trn]
	if p == nil {
		return ErrNoRecord
	}
	p.Status, p.retained = Active, ""
	return nil
}
