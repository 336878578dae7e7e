package trs

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
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

// violation is a broken rule. Field is what is at fault where the real one names
// it in a validation error.
type violation struct {
	status     int
	live, text string
	field      string
}

func (v violation) Error() string { return v.text }

// firstBroken is the first broken rule of the list as an error, or nil.
func firstBroken(rules ...rule) error {
	for _, r := range rules {
		if r.broken {
			return violation{r.status, r.live, r.text, ""}
		}
	}
	return nil
}

// invalid is a validation error of the real one.
func invalid(field, text string) error {
	return violation{http.StatusBadRequest, "400", text, field}
}

// stricter is a mistake that the real one does not see.
func stricter(text string) error { return violation{http.StatusBadRequest, "", text, ""} }

var (
	productAndVersion = regexp.MustCompile(`^[\w.-]+/\d[\w.+-]*( |$)`)
	libraryAgent      = regexp.MustCompile(`^(Go-http-client|curl|python-requests|Java|node)/`)
	sevenDigits       = regexp.MustCompile(`^[0-9]{7}$`)
)

// parameters are the query's, each once. The real one ignores those it does not
// know and those that come again, and an empty check checks nothing.
func parameters(r *http.Request, known ...string) (map[string]string, error) {
	query := r.URL.Query()
	values := map[string]string{}
	for _, name := range known {
		all := query[name]
		if len(all) > 1 {
			return nil, stricter("the query parameter " + name + " was given twice")
		}
		if len(all) == 1 {
			values[name] = all[0]
		}
		delete(query, name)
	}
	if len(query) > 0 || strings.Contains(r.URL.RawQuery, ";") {
		return nil, stricter("the query may have only " + strings.Join(known, ", ") + ", in that spelling")
	}
	return values, nil
}

// trnOf is the TRN of the path. The real one does not normalise either, and
// finds nobody.
func trnOf(r *http.Request) (string, error) {
	trn := r.PathValue("trn")
	return trn, firstBroken(rule{!sevenDigits.MatchString(trn), http.StatusNotFound, "404", "a TRN is sent as its seven digits"})
}

// refuse answers a request that breaks a rule, and puts it on record. An error
// that is no violation is a mistake of the stand-in's own and shows as one.
func (s *Server) refuse(w http.ResponseWriter, at Endpoint, err error) {
	v, ok := errors.AsType[violation](err)
	if !ok {
		v = violation{http.StatusInternalServerError, "500", "the stand-in failed: " + err.Error(), ""}
	}
	s.mu.Lock()
	s.record.Violations = append(s.record.Violations, Violation{Endpoint: at, Rule: v.text, Live: v.live})
	s.mu.Unlock()
	s.config.Logger.Warn("trs stand-in refused a request", "endpoint", string(at), "rule", v.text)

	if v.status == http.StatusUnauthorized {
		w.WriteHeader(v.status)
		return
	}
	body := object{"title": http.StatusText(v.status), "status": v.status, "rule": v.text}
	if v.field != "" {
		body["title"] = "One or more validation errors occurred."
		body["errors"] = object{v.field: []string{v.text}}
	}
	writeJSON(w, v.status, problemJSON, body)
}
