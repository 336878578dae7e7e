package findtrn

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Refusal is why a PUT was not taken. Find takes every status but 204 for a
// failure and shows its user an error page, whatever the answer says: it is for
// the people who look after both services. It holds nothing of the request.
type Refusal struct {
	Status int               // 400, 401, 404, 413, 415 or 429
	Detail string            // what is wrong with the request as a whole; "" with a 401
	Errors map[string]string // of a 400: what is wrong with a property, by its name in the JSON
}

// Error says it all in a line.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("the PUT of Find a lost TRN was refused with %d %s", r.Status, http.StatusText(r.Status))
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	if len(r.Errors) > 0 {
		text += fmt.Sprintf(": %q", r.Errors)
	}
	return text
}

// Answer writes the refusal: a problem document (RFC 9457) with the member
// "errors" where properties are wrong; a 401 has no body.
func (r *Refusal) Answer(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(r.Status)
		return
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1") // by then there are perSecond more
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(r.Status)
	json.NewEncoder(w).Encode(struct {
		Title  string            `json:"title"`
		Status int               `json:"status"`
		Detail string            `json:"detail,omitempty"`
		Errors map[string]string `json:"errors,omitempty"`
	}{http.StatusText(r.Status), r.Status, r.Detail, r.Errors}) // a client that went away is not our error
}

func refused(status int, detail string) error { return &Refusal{Status: status, Detail: detail} }
