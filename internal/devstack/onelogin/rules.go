package onelogin

import (
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
)

// rule is one line of a list of rules: what would break it, how the real
// provider answers then, and the sentence the developer reads.
type rule struct {
	broken bool
	live   string
	text   string
}

// violation is a broken rule. Live is an OAuth error code, an HTTP status, or
// "" where the real provider lets it pass.
type violation struct {
	live, text string
}

func (v violation) Error() string { return v.text }

func breaks(live, text string) error { return violation{live, text} }

// firstBroken is the first broken rule of the list as an error, or nil.
func firstBroken(rules ...rule) error {
	for _, r := range rules {
		if r.broken {
			return violation{r.live, r.text}
		}
	}
	return nil
}

var (
	productAndVersion = regexp.MustCompile(`^[\w.-]+/\d[\w.+-]*( |$)`)
	libraryAgent      = regexp.MustCompile(`^(Go-http-client|curl|python-requests|Java|node)/`)
)

//go:embed refused.html
var refusedPage string

var refused = page.Parse(refusedPage)

// refusePage explains a refusal to the developer in front of the browser. The
// real provider often sends the browser back with an error instead, where the
// relying party's own calm page would hide the mistake; hence always a page.
func (s *Server) refusePage(w http.ResponseWriter, endpoint string, err error) {
	v := s.refuse(endpoint, err)
	status := http.StatusBadRequest
	if code, err := strconv.Atoi(v.live); err == nil {
		status = code
	}
	page.Write(w, status, refused, map[string]any{"Endpoint": endpoint, "Rule": v.text, "Live": v.live})
}

// refuseCall answers a direct call as the real provider would: 403 and an OAuth
// error with status 400. The description names the rule.
func (s *Server) refuseCall(w http.ResponseWriter, endpoint string, err error) {
	v := s.refuse(endpoint, err)
	switch v.live {
	case "403":
		http.Error(w, v.text, http.StatusForbidden)
	case "invalid_token":
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+v.text+`"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		if v.live == "" {
			v.live = "invalid_request"
		}
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": v.live, "error_description": v.text})
	}
}

// refuse puts the violation on record. An error that is none is a mistake of
// the stand-in's own and shows as one.
func (s *Server) refuse(endpoint string, err error) violation {
	v, ok := errors.AsType[violation](err)
	if !ok {
		v = violation{"500", "the stand-in failed: " + err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record.Violations = append(s.record.Violations, Violation{Endpoint: endpoint, Rule: v.text, Live: v.live})
	s.config.Logger.Warn("one login stand-in refused a request", "endpoint", endpoint, "rule", v.text)
	return v
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails only when the caller has gone
}
