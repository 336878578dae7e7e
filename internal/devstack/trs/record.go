package trs

import (
	"maps"
	"net/http"
	"slices"
)

// Record is what was asked of the stand-in, and what it told its subscriber,
// since it began or since Reset. It holds nothing of the people concerned.
type Record struct {
	// Hits counts requests per endpoint, the refused ones included; "elsewhere"
	// is where there is none.
	Hits map[Endpoint]int

	// Versions and UserAgents are the distinct values seen of X-Api-Version and
	// User-Agent, in the order they were first seen.
	Versions   []string
	UserAgents []string

	// Connections is how many addresses requests came from. A client that keeps
	// its connections has few.
	Connections int

	// MostAtOnce is how many requests were being served at one time, at most.
	MostAtOnce int

	// Throttled counts requests over the limit.
	Throttled int

	// Violations are the requests refused, in order. Being over the limit is none.
	Violations []Violation

	// Deliveries are the events told to the subscriber, in the order in which they
	// happened, and the forgeries.
	Deliveries []Delivery
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
	out.Versions = slices.Clone(s.record.Versions)
	out.UserAgents = slices.Clone(s.record.UserAgents)
	out.Violations = slices.Clone(s.record.Violations)
	for _, d := range s.deliveries {
		copied := *d
		copied.Statuses = slices.Clone(d.Statuses)
		out.Deliveries = append(out.Deliveries, copied)
	}
	return out
}

// Reset empties the record. People, faults and the window of the limit stay, and
// what is being delivered still is.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record, s.callers, s.deliveries = Record{}, nil, nil
}

// count puts a request on record. What it returns is for when it is answered.
func (s *Server) count(at Endpoint, r *http.Request) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Hits == nil {
		s.record.Hits, s.callers = map[Endpoint]int{}, map[string]bool{}
	}
	s.record.Hits[at]++
	s.callers[r.RemoteAddr] = true
	s.record.Connections = len(s.callers)
	s.atOnce++
	s.record.MostAtOnce = max(s.record.MostAtOnce, s.atOnce)
	s.record.Versions = withNew(s.record.Versions, r.Header.Values("X-Api-Version"))
	s.record.UserAgents = withNew(s.record.UserAgents, r.Header.Values("User-Agent"))
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.atOnce--
	}
}

func withNew(all, some []string) []string {
	for _, value := range some {
		if !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}
