package notify

import (
	"maps"
	"net/http"
	"slices"
)

// Record is what was asked of the stand-in since it began or since Reset. It
// holds nothing of the people written to.
type Record struct {
	// Hits counts requests per endpoint, the refused ones included; "elsewhere"
	// is where there is none.
	Hits map[Endpoint]int

	// UserAgents are the distinct values seen, in the order they were first seen.
	UserAgents []string

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
	out := Record{Hits: maps.Clone(s.record.Hits), UserAgents: slices.Clone(s.record.UserAgents), Violations: slices.Clone(s.record.Violations)}
	if out.Hits == nil {
		out.Hits = map[Endpoint]int{}
	}
	return out
}

// Reset empties the record. The in-box and the faults stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = Record{}
}

// count puts a request on record.
func (s *Server) count(at Endpoint, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Hits == nil {
		s.record.Hits = map[Endpoint]int{}
	}
	s.record.Hits[at]++
	if agent := r.UserAgent(); !slices.Contains(s.record.UserAgents, agent) {
		s.record.UserAgents = append(s.record.UserAgents, agent)
	}
}
