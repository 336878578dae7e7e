package zendesk

import (
	_ "embed"
	"net/http"
	"slices"
	"strconv"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
)

//go:embed inbox.html
var inboxPage string

var inboxTemplate = page.Parse(inboxPage)

// Inbox shows the tickets to people, and lets them solve one. It can be served
// below any path that ends with a slash.
//
//	GET  /       the tickets, the newest first
//	POST /solve  id=<number>
func (s *Server) Inbox() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		tickets := s.Tickets()
		slices.Reverse(tickets)
		page.Write(w, http.StatusOK, inboxTemplate, map[string]any{"Tickets": tickets, "Solved": StatusSolved})
	})
	mux.HandleFunc("POST /solve", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PostFormValue("id"), 10, 64)
		if err == nil {
			err = s.Solve(id)
		}
		if err != nil {
			http.Error(w, "there is no such ticket", http.StatusBadRequest)
			return
		}
		// Not http.Redirect: it would make it a path from the root, where the
		// in-box may not be.
		w.Header().Set("Location", "./")
		w.WriteHeader(http.StatusSeeOther)
	})
	return http.NewCrossOriginProtection().Handler(mux)
}
