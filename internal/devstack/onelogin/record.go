package onelogin

import (
	"maps"
	"slices"
)

// Record is what was asked of the stand-in since it began or since Reset.
type Record struct {
	// Hits counts requests per endpoint: discovery, jwks, did, authorize,
	// token, userinfo, logout, account, elsewhere.
	Hits map[string]int

	// UserAgents are the distinct User-Agents of direct calls, in the order
	// they were first seen. More than one means it is not constant.
	UserAgents []string

	// Vectors are the "vtr" of the authorisation requests accepted, in order,
	// such as "Cl.Cm.P2".
	Vectors []string

	// Violations are the requests refused, in order.
	Violations []Violation
}

// Violation is a request that was refused.
type Violation struct {
	Endpoint string
	Rule     string // the sentence that names the rule
	Live     string // the OAuth error code or HTTP status of the real provider; "" where it is less strict
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
	out.UserAgents = slices.Clone(s.record.UserAgents)
	out.Vectors = slices.Clone(s.record.Vectors)
	out.Violations = slices.Clone(s.record.Violations)
	return out
}

// Reset empties the record. Sessions, codes and faults stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = Record{}
}

func (s *Server) count(endpoint, agent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Hits == nil {
		s.record.Hits = map[string]int{}
	}
	s.record.Hits[endpoint]++
	if agent != "" && !slices.Contains(s.record.UserAgents, agent) {
		s.record.UserAgents = append(s.record.UserAgents, agent)
	}
}
