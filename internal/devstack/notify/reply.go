package notify

import (
	"encoding/json"
	"net/http"
)

// object is a JSON object.
type object = map[string]any

const plainJSON = "application/json"

// reply is an answer that has not been sent.
type reply struct {
	status int
	body   object
	accept func() // of an e-mail: puts it into the in-box; otherwise nil
}

// send sends the answer, or what the faults make of it. An e-mail is accepted
// before that, as in the real one: whatever then happens to the answer, it was.
func (s *Server) send(w http.ResponseWriter, r *http.Request, at Endpoint, answer reply) {
	faults := s.take(at)
	lost := false
	for _, fault := range faults {
		lost = lost || fault.Lost
	}
	if answer.accept != nil && !lost {
		answer.accept()
	}
	for _, fault := range faults {
		if fault.answer != nil && fault.answer(s, w, r) {
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
	for _, fault := range faults {
		if fault.body != nil {
			fault.body(s, w, r, answer.status, text)
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

// writeError answers with an error as the real one shapes it.
func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", plainJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"status_code": status, "errors": []object{{"error": code, "message": message}}}) // fails only when the caller has gone
}
