package notify

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	pageSize  = 250                // messages of a page
	retention = 7 * 24 * time.Hour // after which reads find nothing
)

// kept are the messages that reads can find, the newest first.
func (s *Server) kept() (all []message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.messages) {
		if s.config.Now().Sub(m.At) < retention {
			all = append(all, *m)
		}
	}
	return all
}

func (s *Server) one(r *http.Request) (reply, error) {
	id := r.PathValue("id")
	if !isUUID.MatchString(id) {
		return reply{}, invalid("notification_id is not a valid UUID")
	}
	if _, err := parameters(r); err != nil {
		return reply{}, err
	}
	all := s.kept()
	i := slices.IndexFunc(all, func(m message) bool { return m.ID == id })
	if i < 0 {
		return reply{}, notFound("no message has the id")
	}
	return reply{status: http.StatusOK, body: all[i].shown(r)}, nil
}

func (s *Server) list(r *http.Request) (reply, error) {
	query, err := parameters(r, "reference", "status", "template_type", "older_than", "include_jobs")
	if err != nil {
		return reply{}, err
	}
	first := func(name string) string { return strings.Join(query[name], "") }
	known := []Status{Created, Sending, Delivered, PermanentFailure, TemporaryFailure, TechnicalFailure}
	if err := firstBroken(
		rule{query["reference"] == nil, stricter("a look-up without a reference finds everybody's e-mails")},
		rule{slices.ContainsFunc(query["status"], func(status string) bool { return !slices.Contains(known, Status(status)) }), invalid("status is not one of an e-mail's")},
		rule{query["template_type"] != nil && first("template_type") != "email", invalid("template_type is not email, the only one here")},
		rule{query["older_than"] != nil && !isUUID.MatchString(first("older_than")), invalid("older_than is not a valid UUID")},
		rule{query["include_jobs"] != nil && first("include_jobs") != "true" && first("include_jobs") != "false", invalid("include_jobs is not a boolean")},
	); err != nil {
		return reply{}, err
	}
	all := s.kept()
	if id := first("older_than"); id != "" {
		i := slices.IndexFunc(all, func(m message) bool { return m.ID == id })
		all = slices.Delete(all, 0, 1+i)
		if i < 0 {
			all = nil
		}
	}
	all = slices.DeleteFunc(all, func(m message) bool {
		return m.Reference != first("reference") || query["status"] != nil && !slices.Contains(query["status"], string(m.Status))
	})
	links := object{"current": here(r, r.URL.RequestURI())}
	if len(all) > pageSize {
		all = all[:pageSize]
		next := url.Values(query)
		next.Set("older_than", all[pageSize-1].ID)
		links["next"] = here(r, "/v2/notifications?"+next.Encode())
	}
	shown := []any{}
	for _, m := range all {
		shown = append(shown, m.shown(r))
	}
	return reply{status: http.StatusOK, body: object{"notifications": shown, "links": links}}, nil
}

// shown is a message as the API shows it.
func (m message) shown(r *http.Request) object {
	body := object{
		"id": m.ID, "reference": m.Reference, "email_address": m.To, "type": "email", "status": string(m.Status), "template": templateOf(r, m.template),
		"subject": m.Subject, "body": m.Body, "created_at": stamp(m.At), "sent_at": stamp(m.sent), "completed_at": stamp(m.completed),
		"created_by_name": nil, "scheduled_for": nil, "one_click_unsubscribe_url": nil,
	}
	for _, name := range []string{"phone_number", "line_1", "line_2", "line_3", "line_4", "line_5", "line_6", "postcode", "postage"} {
		body[name] = nil // of text messages and letters
	}
	return body
}

// stamp is a time as the API writes it, or null.
func stamp(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format("2006-01-02T15:04:05.000000Z")
}
