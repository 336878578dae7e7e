package find

import (
	"maps"
	"slices"
)

// Record is what was asked of the stand-in, and what the service answered, since
// it began or since Reset. It holds nothing of the people.
type Record struct {
	// Hits counts requests per endpoint, the refused ones included: identity,
	// questions, elsewhere.
	Hits map[string]int

	// PUTs are the statuses of the calls to the service, in order; 0 is none, in
	// time or at all.
	PUTs []int

	// SessionIDs are those of the forms that were accepted, in order; "" is none.
	SessionIDs []string

	// Violations are the requests refused, in order.
	Violations []Violation
}

// Violation is a request that was refused.
type Violation struct {
	Endpoint string
	Rule     string // the sentence that names the rule
	Live     string // the HTTP status of the real one; "" where it is less strict
}

// Record is a copy of the record so far.
func (s *Server) Record() Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.record
	out.Hits = maps.Clone(s.record.Hits)
	if out.Hits == nil {
		out.Hits = map[string]int{}
	}
	out.PUTs = slices.Clone(s.record.PUTs)
	out.SessionIDs = slices.Clone(s.record.SessionIDs)
	out.Violations = slices.Clone(s.record.Violations)
	return out
}

// Reset empties the record. People on their way, faults and what waits for Late
// stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = Record{}
}

func (s *Server) count(endpoint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Hits == nil {
		s.record.Hits = map[string]int{}
	}
	s.record.Hits[endpoint]++
}
