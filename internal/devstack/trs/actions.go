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
	ErrSubject   = errors.New("a One Login needs its subject")
)

// Listed is a record as the console shows it.
type Listed struct {
	TRN, FirstName, LastName, BirthDate string

	Status   Status
	Retained string // TRN of the record it was merged into
	Alert    bool   // whether it has one
}

// Records are all records, in the order of their TRNs.
func (s *Server) Records() (all []Listed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.people {
		all = append(all, Listed{p.TRN, p.FirstName, p.LastName, p.BirthDate, p.Status, p.retained, p.Alerts})
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
	s.tell(personDeactivated, object{"deactivatedPerson": object{"trn": from}, "mergedWithPerson": object{"trn": to}})
	return nil
}

// Deactivate takes an active record out of use.
func (s *Server) Deactivate(trn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.inUse(trn)
	if err != nil {
		return err
	}
	p.Status = Deactivated
	s.tell(personDeactivated, object{"deactivatedPerson": object{"trn": trn}, "mergedWithPerson": nil})
	return nil
}

// Reactivate puts a record back in use, also one that was merged. Whatever was
// merged into it meanwhile still is. No event tells of it.
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

// Link connects a One Login, by its subject, to an active record. E-mail "" is
// none known. The real one tells its subscribers only of what changed; this one
// keeps no connections, and tells every time.
func (s *Server) Link(subject, email, trn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject == "" {
		return ErrSubject
	}
	if _, err := s.inUse(trn); err != nil {
		return err
	}
	s.told = connection{subject, email, trn, true}
	s.tell(oneLoginUserUpdated, s.told.payload())
	return nil
}

// Unlink connects a One Login to no record.
func (s *Server) Unlink(subject, email string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject == "" {
		return ErrSubject
	}
	s.told = connection{subject, email, s.told.trn, false}
	s.tell(oneLoginUserUpdated, s.told.payload())
	return nil
}

// SetAlert gives an active record an alert, or takes it away. Nothing happens
// when that is how it was.
func (s *Server) SetAlert(trn string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.inUse(trn)
	if err != nil || p.Alerts == on {
		return err
	}
	kind := alertDeleted
	if p.Alerts = on; on {
		kind = alertCreated
	}
	s.tell(kind, object{"trn": trn, "alert": p.alert()})
	return nil
}

// inUse is an active record. The caller holds the lock.
func (s *Server) inUse(trn string) (*person, error) {
	p := s.people[trn]
	switch {
	case p == nil:
		return nil, ErrNoRecord
	case p.Status != Active:
		return nil, ErrNotActive
	}
	return p, nil
}

// connection is what a subscriber is told of a One Login.
type connection struct {
	subject, email, trn string
	connected           bool // to the record; otherwise to none, and the record is the one last named
}

func (c connection) payload() object {
	var record any
	if c.connected {
		record = object{"trn": c.trn}
	}
	return object{"oneLoginUser": object{"subject": c.subject, "emailAddress": orNull(c.email)}, "connectedPerson": record}
}
