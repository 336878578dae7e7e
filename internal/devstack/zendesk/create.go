package zendesk

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

// used is an idempotency key that a ticket was opened with.
type used struct {
	body   [sha256.Size]byte
	answer reply
	at     time.Time
}

// opening is the body of POST /api/v2/tickets, with the properties that make
// sense here. Those of an agent's daily work are refused: the real one takes them.
type opening struct {
	Ticket *struct {
		Subject string `json:"subject"`
		Comment *struct {
			Body   string `json:"body"`
			Public *bool  `json:"public"`
		} `json:"comment"`
		Requester *struct {
			Name  string `json:"name"`
			Email string `json:"email"`
		} `json:"requester"`
		ExternalID   string   `json:"external_id"`
		Tags         []string `json:"tags"`
		CustomFields []Field  `json:"custom_fields"`
		GroupID      *int64   `json:"group_id"`
		BrandID      *int64   `json:"brand_id"`
		TicketFormID *int64   `json:"ticket_form_id"`
		Priority     *string  `json:"priority"`
		Type         *string  `json:"type"`
	} `json:"ticket"`
}

// Field is the value of a custom field.
type Field struct {
	ID    int64  `json:"id"`
	Value string `json:"value"`
}

var (
	externalID = regexp.MustCompile(`^[A-Za-z0-9-]{4,64}$`)
	uuidText   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	tagText    = regexp.MustCompile(`^[a-z0-9_/-]+$`)
)

// longestComment is how many characters a comment can have.
const longestComment = 65_535

// create opens a ticket, or answers again what it answered to this key.
func (s *Server) create(r *http.Request) (reply, error) {
	keys := r.Header.Values("Idempotency-Key")
	if err := firstBroken(
		rule{r.URL.RawQuery != "", http.StatusBadRequest, "", "creating takes no query"},
		rule{len(keys) != 1 || keys[0] == "", http.StatusBadRequest, "", "one Idempotency-Key is required, or a ticket may be opened twice"},
		rule{len(keys) == 1 && len(keys[0]) > 255, http.StatusBadRequest, "400", "an Idempotency-Key has 255 characters at most"},
		rule{len(keys) == 1 && !uuidText.MatchString(keys[0]), http.StatusBadRequest, "", "the Idempotency-Key must be a UUID"},
	); err != nil {
		return reply{}, err
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return reply{}, err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	var body opening
	if err := decode(r, &body); err != nil {
		return reply{}, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	now, sum := s.config.Now(), sha256.Sum256(text)
	if before, ok := s.keys[keys[0]]; ok && now.Sub(before.at) < s.config.KeyLife {
		if before.body != sum {
			return reply{}, violation{http.StatusBadRequest, "400", "IdempotentRequestError", "the Idempotency-Key was used with another body"}
		}
		again := before.answer
		again.lookup = "hit"
		s.record.Repeated++
		return again, nil
	}
	t, err := s.accept(body)
	if err != nil {
		return reply{}, err
	}
	t.ID, t.At, t.Status = int64(len(s.tickets))+firstID, now, StatusNew
	s.tickets = append(s.tickets, t)
	answer := reply{
		status: http.StatusCreated, lookup: "miss", location: fmt.Sprintf("/api/v2/tickets/%d.json", t.ID),
		body: object{"ticket": t.shown(), "audit": object{"id": t.ID * 10, "ticket_id": t.ID}},
	}
	s.keys[keys[0]] = used{sum, answer, now}
	return answer, nil
}

// accept is the rules of a ticket. The real one opens a ticket with little more
// than a comment, and mails a public one to whom it concerns.
func (s *Server) accept(body opening) (*Ticket, error) {
	in := body.Ticket
	if in == nil {
		return nil, violation{http.StatusBadRequest, "400", "InvalidValue", "the body must be an object with ticket"}
	}
	if in.Comment == nil {
		return nil, violation{http.StatusUnprocessableEntity, "422", "RecordInvalid", "a ticket has a comment"}
	}
	repeated := func(tags []string) bool {
		return len(slices.Compact(slices.Sorted(slices.Values(tags)))) != len(tags)
	}
	if err := firstBroken(
		rule{strings.TrimSpace(in.Comment.Body) == "", http.StatusUnprocessableEntity, "422", "a comment has a body"},
		rule{len([]rune(in.Comment.Body)) > longestComment, http.StatusUnprocessableEntity, "422", "the comment is too long"},
		rule{in.Comment.Public == nil || *in.Comment.Public, http.StatusBadRequest, "", "comment.public must be false: a public comment can be mailed to the requester"},
		rule{strings.ContainsAny(in.Comment.Body+in.Subject, "{}"), http.StatusBadRequest, "", "text must not have braces: {{placeholders}} are filled in"},
		rule{strings.TrimSpace(in.Subject) == "" || strings.ContainsAny(in.Subject, "\r\n"), http.StatusBadRequest, "", "a ticket has a subject of one line"},
		rule{len([]rune(in.Subject)) > 255, http.StatusBadRequest, "", "a subject has 255 characters at most"},
		rule{!externalID.MatchString(in.ExternalID), http.StatusBadRequest, "", "external_id is required, of letters, digits and hyphens: the ticket is found by it"},
		rule{in.Requester != nil && !isAddress(in.Requester.Email), http.StatusUnprocessableEntity, "422", "the requester's email is no address"},
		rule{in.Requester != nil && strings.TrimSpace(in.Requester.Name) == "", http.StatusUnprocessableEntity, "422", "a requester has a name"},
		rule{in.Requester != nil && len([]rune(in.Requester.Name)) > 255, http.StatusUnprocessableEntity, "422", "the requester's name is too long"},
		rule{in.Requester != nil && strings.ContainsAny(in.Requester.Name, "\r\n{}"), http.StatusBadRequest, "", "the requester's name has line breaks or braces"},
		rule{slices.ContainsFunc(in.Tags, func(tag string) bool { return !tagText.MatchString(tag) }), http.StatusBadRequest, "", "a tag is of lower-case letters, digits, _, - and /"},
		rule{repeated(in.Tags), http.StatusBadRequest, "", "a tag is given once"},
		rule{in.Priority != nil && !slices.Contains([]string{"urgent", "high", "normal", "low"}, *in.Priority), http.StatusUnprocessableEntity, "422", "there is no such priority"},
		rule{in.Type != nil && !slices.Contains([]string{"problem", "incident", "question", "task"}, *in.Type), http.StatusUnprocessableEntity, "422", "there is no such type"},
		rule{slices.ContainsFunc(in.CustomFields, func(f Field) bool { return !slices.Contains(s.config.Fields, f.ID) }), http.StatusBadRequest, "", "there is no custom field with that id; the real one ignores it"},
	); err != nil {
		return nil, err
	}
	for _, id := range []*int64{in.GroupID, in.BrandID, in.TicketFormID} {
		if id != nil && *id <= 0 {
			return nil, violation{http.StatusUnprocessableEntity, "422", "RecordInvalid", "group_id, brand_id and ticket_form_id are positive numbers"}
		}
	}
	t := &Ticket{Subject: in.Subject, Body: in.Comment.Body, ExternalID: in.ExternalID, Tags: in.Tags, Fields: in.CustomFields}
	if in.Requester != nil {
		t.Requester = Requester{in.Requester.Name, in.Requester.Email}
	}
	t.GroupID, t.BrandID, t.FormID = number(in.GroupID), number(in.BrandID), number(in.TicketFormID)
	return t, nil
}

// number is 0 for one that was not given.
func number(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}

func isAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}
