package trs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// object is a JSON object.
type object = map[string]any

const (
	plainJSON   = "application/json; charset=utf-8"
	problemJSON = "application/problem+json; charset=utf-8"
)

// reply is an answer that has not been sent.
type reply struct {
	status   int
	location string // of a 308
	body     object // nil: none
	undo     func() // takes back what was done; nil: nothing was
}

// The error codes of the real one that occur here.
const (
	codeNotFound    = 10001
	codeRequestUsed = 10029
	codeNoRequest   = 10031
	codeDeactivated = 10058
)

// problem is an error as RFC 7807 has it. Its detail says again what was asked,
// which is why no client may log it.
func problem(status, code int, title string, asked ...string) reply {
	var detail []string
	for i := 0; i < len(asked); i += 2 {
		detail = append(detail, fmt.Sprintf("%s: '%s'", asked[i], asked[i+1]))
	}
	return reply{status: status, body: object{"title": title, "status": status, "detail": strings.Join(detail, "\n"), "errorCode": code}}
}

// send sends the answer, or what the faults make of it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, at Endpoint, answer reply) {
	faults := s.take(at, answer)
	for _, fault := range faults {
		if fault.Untaken && answer.undo != nil {
			answer.undo()
		}
		if fault.answer != nil && fault.answer(s, w, r) {
			return
		}
	}
	if answer.body == nil {
		if answer.location != "" {
			w.Header().Set("Location", answer.location)
		}
		w.WriteHeader(answer.status)
		return
	}
	body := plain(answer.body)
	for _, fault := range faults {
		if fault.edit != nil {
			fault.edit(body)
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // it was JSON before
	}
	for _, fault := range faults {
		if fault.text != nil {
			text = []byte(fault.text(string(text)))
		}
	}
	contentType := plainJSON
	if answer.status >= http.StatusBadRequest {
		contentType = problemJSON
	}
	w.Header().Set("Content-Type", contentType)
	for _, fault := range faults {
		if fault.body != nil && fault.body(s, w, r, text) {
			return
		}
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(text) // fails only when the caller has gone
}

// plain is the object as its JSON, so that faults can edit any member.
func plain(in object) (out object) {
	text, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		panic(err) // strings, numbers and lists alone always marshal
	}
	return out
}

func writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails only when the caller has gone
}
