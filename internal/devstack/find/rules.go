package find

import (
	_ "embed"
	"errors"
	"net/http"
	"strconv"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
)

// rule is one line of a list of rules: what would break it, the status of the
// real one ("" where it lets it pass), and the sentence the developer reads. No
// sentence holds anything of the form.
type rule struct {
	broken bool
	live   string
	text   string
}

// violation is a broken rule.
type violation struct {
	live, text string
}

func (v violation) Error() string { return v.text }

// firstBroken is the first broken rule of the list as an error, or nil.
func firstBroken(rules ...rule) error {
	for _, r := range rules {
		if r.broken {
			return violation{r.live, r.text}
		}
	}
	return nil
}

//go:embed refused.html
var refusedPage string

var refused = page.Parse(refusedPage)

// refuse explains a refusal to the developer in front of the browser, and puts it
// on record. The real one says only that there is a problem with the service, and
// nobody comes back. An error that is no violation is a mistake of the stand-in's
// own and shows as one.
func (s *Server) refuse(w http.ResponseWriter, endpoint string, err error) {
	v, ok := errors.AsType[violation](err)
	if !ok {
		v = violation{"500", "the stand-in failed: " + err.Error()}
	}
	s.mu.Lock()
	s.record.Violations = append(s.record.Violations, Violation{Endpoint: endpoint, Rule: v.text, Live: v.live})
	s.mu.Unlock()
	s.config.Logger.Warn("find stand-in refused a request", "endpoint", endpoint, "rule", v.text)

	status := http.StatusBadRequest
	if code, err := strconv.Atoi(v.live); err == nil {
		status = code
	}
	page.Write(w, status, refused, map[string]any{"Endpoint": endpoint, "Rule": v.text, "Live": v.live})
}
