package zendesk

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Ticket is a ticket as an agent sees it.
type Ticket struct {
	ID         int64
	Subject    string
	Body       string // of the first comment, which is private
	ExternalID string
	Requester  Requester
	Tags       []string
	Fields     []Field

	GroupID, BrandID, FormID int64 // 0: not given

	Status Status
	At     time.Time
}

// Requester is for whom a ticket was opened; empty when that was not said.
type Requester struct{ Name, Email string }

// Status is how far the work on a ticket is.
type Status string

// The statuses that occur here.
const (
	StatusNew    Status = "new"
	StatusSolved Status = "solved"
)

// firstID is not 1, so that a number is not taken for a count.
const firstID = 40_001

// Tickets are copies of all tickets, in the order they were opened.
func (s *Server) Tickets() []Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Ticket{}
	for _, t := range s.tickets {
		one := *t
		one.Tags, one.Fields = slices.Clone(t.Tags), slices.Clone(t.Fields)
		all = append(all, one)
	}
	return all
}

// Solve ends the work on a ticket, as an agent does.
func (s *Server) Solve(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.ticket(id)
	if !ok {
		return fmt.Errorf("there is no ticket %d", id)
	}
	t.Status = StatusSolved
	return nil
}

// Delete removes a ticket, as an agent can.
func (s *Server) Delete(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.tickets, func(t *Ticket) bool { return t.ID == id })
	if i < 0 {
		return fmt.Errorf("there is no ticket %d", id)
	}
	s.tickets = slices.Delete(s.tickets, i, i+1)
	return nil
}

// ticket is the ticket with that number. The caller holds the lock.
func (s *Server) ticket(id int64) (*Ticket, bool) {
	i := slices.IndexFunc(s.tickets, func(t *Ticket) bool { return t.ID == id })
	if i < 0 {
		return nil, false
	}
	return s.tickets[i], true
}

// find lists the tickets with an external id. Several can have the same.
func (s *Server) find(r *http.Request) (reply, error) {
	query := r.URL.Query()
	id := query.Get("external_id")
	if err := firstBroken(
		rule{len(query["external_id"]) != 1 || id == "", http.StatusBadRequest, "", "the list is asked for by one external_id; the real one would list everything"},
		rule{len(query) != 1, http.StatusBadRequest, "", "the query may have only external_id"},
	); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []any{}
	for _, t := range s.tickets {
		if t.ExternalID == id && s.config.Now().Sub(t.At) >= s.config.Lag {
			found = append(found, t.shown())
		}
	}
	return reply{status: http.StatusOK, body: object{"tickets": found, "count": len(found), "next_page": nil, "previous_page": nil}}, nil
}

// show is one ticket.
func (s *Server) show(r *http.Request) (reply, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if broken := firstBroken(
		rule{err != nil || id <= 0, http.StatusBadRequest, "400", "the id of a ticket is a number"},
		rule{r.URL.RawQuery != "", http.StatusBadRequest, "", "showing takes no query"},
	); broken != nil {
		return reply{}, broken
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.ticket(id)
	if !ok {
		return reply{status: http.StatusNotFound, body: object{"error": "RecordNotFound", "description": "Not found"}}, nil
	}
	return reply{status: http.StatusOK, body: object{"ticket": t.shown()}}, nil
}

// shown is the ticket as the API shows it.
func (t *Ticket) shown() object {
	fields := []any{}
	for _, f := range t.Fields {
		fields = append(fields, object{"id": f.ID, "value": f.Value})
	}
	at := t.At.UTC().Format(time.RFC3339)
	return object{
		"id": t.ID, "url": fmt.Sprintf("https://stand-in.example/api/v2/tickets/%d.json", t.ID), "external_id": t.ExternalID,
		"subject": t.Subject, "raw_subject": t.Subject, "description": t.Body, "status": string(t.Status), "priority": nil, "type": nil,
		"is_public": false, "tags": append([]string{}, t.Tags...), "custom_fields": fields,
		"group_id": orNull(t.GroupID), "brand_id": orNull(t.BrandID), "ticket_form_id": orNull(t.FormID),
		"created_at": at, "updated_at": at,
	}
}

func orNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
