package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// rule is one line of a list of rules: whether it is broken, and what is then
// answered.
type rule struct {
	broken bool
	violation
}

// violation is a broken rule: the status here, the status of the real one (""
// where it lets it pass), the name of the error, and the sentence the developer
// reads. No sentence holds anything of the request.
type violation struct {
	status           int
	live, code, text string
}

func (v violation) Error() string { return v.text }

// firstBroken is the first broken rule of the list as an error, or nil.
func firstBroken(rules ...rule) error {
	for _, r := range rules {
		if r.broken {
			return r.violation
		}
	}
	return nil
}

// invalid is a request that is not of the documented shape.
func invalid(text string) violation {
	return violation{http.StatusBadRequest, "400", "ValidationError", text}
}

// unfit is a request of the right shape that cannot be fulfilled.
func unfit(text string) violation {
	return violation{http.StatusBadRequest, "400", "BadRequestError", text}
}

// stricter is a mistake that the real one does not see.
func stricter(text string) violation {
	return violation{http.StatusBadRequest, "", "ValidationError", text}
}

func forbidden(text string) violation {
	return violation{http.StatusForbidden, "403", "AuthError", text}
}

func notFound(text string) violation {
	return violation{http.StatusNotFound, "404", "NoResultFound", text}
}

var (
	productAndVersion = regexp.MustCompile(`^[\w.-]+/\d[\w.+-]*( |$)`)
	libraryAgent      = regexp.MustCompile(`^(Go-http-client|curl|python-requests|Java|node)/`)
)

// longestBody is that of a request, in bytes: an e-mail of 2,000,000 and the rest.
const longestBody = 3 << 20

// readBody reads a JSON object that has no members but those known.
func readBody(r *http.Request, into any, known ...string) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return stricter("Content-Type must be application/json")
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, longestBody+1))
	if err != nil || len(text) > longestBody {
		return invalid("the body could not be read, or is too long")
	}
	return readExactly(text, into, known...)
}

// readExactly reads a JSON object whose members are among those known, each
// spelled like that and each once, and in Go's view of the right type.
func readExactly(text []byte, into any, known ...string) error {
	seen := map[string]bool{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return invalid("the body must be a JSON object")
	}
	for decoder.More() {
		name, err := decoder.Token()
		member, isText := name.(string)
		var value json.RawMessage
		if err != nil || !isText || decoder.Decode(&value) != nil {
			return invalid("the body must be a JSON object")
		}
		if !slices.Contains(known, member) || seen[member] {
			return invalid("additional properties are not allowed: there may be " + strings.Join(known, ", ") + ", each once")
		}
		if bytes.Equal(value, []byte("null")) {
			return invalid(member + " must not be null")
		}
		seen[member] = true
	}
	if json.Unmarshal(text, into) != nil {
		return invalid("a property is of the wrong type, or something follows the JSON object")
	}
	return nil
}

// parameters are the query's, each once but for status. The real one ignores
// those that come again.
func parameters(r *http.Request, known ...string) (map[string][]string, error) {
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if err := firstBroken(
			rule{!slices.Contains(known, name), invalid("the query may have only " + strings.Join(known, ", "))},
			rule{len(query[name]) > 1 && name != "status", stricter("the query parameter " + name + " was given twice")},
			rule{slices.Contains(query[name], ""), stricter("the query parameter " + name + " is empty")},
		); err != nil {
			return nil, err
		}
	}
	if strings.Contains(r.URL.RawQuery, ";") {
		return nil, stricter("the query has a semicolon")
	}
	return query, nil
}

// refuse answers a request that breaks a rule, and puts it on record. An error
// that is no violation is a mistake of the stand-in's own and shows as one.
func (s *Server) refuse(w http.ResponseWriter, at Endpoint, err error) {
	v, ok := errors.AsType[violation](err)
	if !ok {
		v = violation{http.StatusInternalServerError, "500", "Exception", "the stand-in failed: " + err.Error()}
	}
	s.mu.Lock()
	s.record.Violations = append(s.record.Violations, Violation{Endpoint: at, Rule: v.text, Live: v.live})
	s.mu.Unlock()
	s.config.Logger.Warn("notify stand-in refused a request", "endpoint", string(at), "rule", v.text)
	writeError(w, v.status, v.code, v.text)
}
