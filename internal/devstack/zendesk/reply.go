package zendesk

import (
	"encoding/json"
	"net/http"
)

// object is a JSON object.
type object = map[string]any

const (
	plainJSON = "application/json; charset=utf-8"
	plainText = "text/plain; charset=utf-8"
)

// reply is an answer that has not been sent.
type reply struct {
	status   int
	location string // of a new ticket
	lookup   string // of creating: whether the key was known, "hit" or "miss"
	body     object
}

// send sends the answer, or what the faults make of it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, at Endpoint, answer reply) {
	faults := s.take(at, func(f Fault) bool { return f.undone == nil && (f.edit == nil || answer.status < http.StatusBadRequest) })
	for _, fault := range faults {
		if fault.done != nil && fault.done(s, w, r) {
			return
		}
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
	w.Header().Set("Content-Type", plainJSON)
	if answer.location != "" {
		w.Header().Set("Location", answer.location)
	}
	if answer.lookup != "" {
		w.Header().Set("X-Idempotency-Lookup", answer.lookup)
	}
	w.WriteHeader(answer.status)
	for _, fault := range faults {
		if fault.body != nil && fault.body(s, w, r, text) {
			return
		}
	}
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

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", plainJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails only when the caller has gone
}
