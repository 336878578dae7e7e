package notify

import (
	"errors"
	"slices"
	"time"
)

// Status is how far an e-mail is.
type Status string

// The statuses of an e-mail.
const (
	Created          Status = "created"   // queued
	Sending          Status = "sending"   // with the provider
	Delivered        Status = "delivered" // done
	PermanentFailure Status = "permanent-failure"
	TemporaryFailure Status = "temporary-failure"
	TechnicalFailure Status = "technical-failure"
)

// after says what a status can become. The rest are final.
var after = map[Status][]Status{
	Created: {Sending, TechnicalFailure},
	Sending: {Delivered, PermanentFailure, TemporaryFailure, TechnicalFailure},
}

// Message is an e-mail in the in-box.
type Message struct {
	ID        string
	To        string
	Template  string // its name
	Subject   string // filled in, and sanitised as asked
	Body      string // likewise; Markdown
	Reference string
	At        time.Time // when it was accepted, in UTC
	Status    Status
}

// message is what else the API tells of one.
type message struct {
	Message
	template        string // its id
	sent, completed time.Time
}

// Inbox is every e-mail that was accepted, the oldest first.
func (s *Server) Inbox() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Message, len(s.messages))
	for i, m := range s.messages {
		all[i] = m.Message
	}
	return all
}

// Clear empties the in-box; the API no longer knows what was in it.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = nil
}

// What can be wrong with a move.
var (
	ErrNoMessage = errors.New("no e-mail has this id")
	ErrNoWay     = errors.New("an e-mail of this status does not get that one")
)

// Move gives an e-mail its next status: created, sending, and then delivered or
// a failure.
func (s *Server) Move(id string, to Status) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.messages, func(m *message) bool { return m.ID == id })
	if i < 0 {
		return ErrNoMessage
	}
	m := s.messages[i]
	if !slices.Contains(after[m.Status], to) {
		return ErrNoWay
	}
	if m.Status = to; to == Sending {
		m.sent = s.config.Now()
	} else {
		m.completed = s.config.Now()
	}
	return nil
}

func (s *Server) deliver(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}
