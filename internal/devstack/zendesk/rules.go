package zendesk

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
)

// rule is one line of a list of rules: what would break it, the status here, the
// status of the real one ("" where it lets it pass), and the sentence the
// developer reads. No sentence holds anything of the request.
type rule struct {
	broken bool
	status int
	live   string
	text   string
}

// violation is a broken rule, with the name of the error.
type violation struct {
	status     int
	live, code string
	text       string
}

func (v violation) Error() string { return v.text }

// codes are the names of errors that go with a status.
var codes = map[int]string{
	http.StatusBadRequest: "BadRequest", http.StatusUnprocessableEntity: "RecordInvalid", http.StatusNotAcceptable: "NotAcceptable",
	http.StatusMethodNotAllowed: "MethodNotAllowed", http.StatusUnsupportedMediaType: "UnsupportedMediaType",
}

// firstBroken is the first broken rule of the list as an error, or nil.
func firstBroken(rules ...rule) error {
	for _, r := range rules {
		if r.broken {
			return violation{r.status, r.live, codes[r.status], r.text}
		}
	}
	return nil
}

// stricter is a mistake that the real one does not see.
func stricter(text string) error {
	return violation{http.StatusBadRequest, "", codes[http.StatusBadRequest], text}
}

var (
	productAndVersion = regexp.MustCompile(`^[\w.-]+/\d[\w.+-]*( |$)`)
	libraryAgent      = regexp.MustCompile(`^(Go-http-client|curl|python-requests|Java|node)/`)
)

// decode reads a body that is exactly one object of known members. The real one
// ignores those it does not know.
func decode(r *http.Request, into any) error {
	reader := json.NewDecoder(r.Body)
	reader.DisallowUnknownFields()
	if reader.Decode(into) != nil {
		return stricter("the body must be one JSON object of the documented members")
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		return stricter("something follows the object of the body")
	}
	return nil
}

// refuse answers a request that breaks a rule, and puts it on record. An error
// that is no violation is a mistake of the stand-in's own and shows as one.
func (s *Server) refuse(w http.ResponseWriter, at Endpoint, err error) {
	v, ok := errors.AsType[violation](err)
	if !ok {
		v = violation{http.StatusInternalServerError, "500", "InternalError", "the stand-in failed: " + err.Error()}
	}
	s.mu.Lock()
	s.record.Violations = append(s.record.Violations, Violation{Endpoint: at, Rule: v.text, Live: v.live})
	s.mu.Unlock()
	s.config.Logger.Warn("zendesk stand-in refused a request", "endpoint", string(at), "rule", v.text)

	body := object{"error": v.code, "description": v.text}
	if at == AtToken || v.status == http.StatusUnauthorized {
		body = object{"error": v.code, "error_description": v.text}
	}
	writeJSON(w, v.status, body)
}
