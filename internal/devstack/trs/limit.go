package trs

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Limit is how many requests of a key are answered in a fixed window, which
// begins with the first request after the end of the one before. Requests without
// the key do not count.
type Limit struct {
	Requests int           // default 1000
	Window   time.Duration // default 1 minute

	// RetryAfter: say when the window ends. Which headers the real one sends is
	// not documented, so a client must do with and without.
	RetryAfter bool
}

// window is one fixed window.
type window struct {
	ends time.Time
	used int
}

// overLimit counts a request. It reports whether it is one too many, and how
// long the window still is.
func (s *Server) overLimit() (left time.Duration, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Now()
	if !now.Before(s.window.ends) {
		s.window = window{ends: now.Add(s.config.Limit.Window)}
	}
	s.window.used++
	if over = s.window.used > s.config.Limit.Requests; over {
		s.record.Throttled++
	}
	return s.window.ends.Sub(now), over
}

// throttle answers a request that is one too many.
func (s *Server) throttle(w http.ResponseWriter, left time.Duration) {
	if s.config.Limit.RetryAfter {
		w.Header().Set("Retry-After", strconv.Itoa(int((left+time.Second-1)/time.Second)))
	}
	writeQuota(w, s.config.Limit)
}

func writeQuota(w http.ResponseWriter, limit Limit) {
	writeJSON(w, http.StatusTooManyRequests, problemJSON, object{
		"title": "API calls quota exceeded", "status": http.StatusTooManyRequests,
		"detail": fmt.Sprintf("The limit is %d requests in %s.", limit.Requests, limit.Window),
	})
}
