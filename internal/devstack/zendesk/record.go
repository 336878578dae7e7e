package zendesk

import (
	"maps"
	"slices"
)

// Record is what was asked of the stand-in since it began or since Reset. It
// holds nothing of the tickets.
type Record struct {
	// Hits counts requests per endpoint, the refused ones included; "elsewhere"
	// is where there is none.
	Hits map[Endpoint]int

	// Repeated counts requests to create that were answered from their key.
	Repeated int

	// Violations are the requests refused, in order.
	Violations []Violation
}

// Violation is a request that was refused.
type Violation struct {
	Endpoint Endpoint
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
		out.Hits = map[Endpoint]int{}
	}
	out.Violations = slices.Clone(s.record.Violations)
	return out
}

// Reset empties the record. Tickets, tokens, keys and faults stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = Record{}
}

// count puts a request on record.
func (s *Server) count(at Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Hits == nil {
		s.record.Hits = map[Endpoint]int{}
	}
	s.record.Hits[at]++
}
