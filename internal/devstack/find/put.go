package find

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// object is a JSON object.
type object = map[string]any

// plan is what follows the answers. Faults change it.
type plan struct {
	journey string
	key     string   // "" sends none
	bodies  []object // a PUT of each, in order
	late    bool     // they wait for Late
	end     string   // the page people are left on, as end.html has them; "" sends them back
}

// Late makes the PUTs that wait since their browsers are back, and returns their
// statuses, 0 for none.
func (s *Server) Late(ctx context.Context) (statuses []int) {
	s.mu.Lock()
	waiting := s.late
	s.late = nil
	s.mu.Unlock()
	for _, p := range waiting {
		statuses = append(statuses, s.tell(ctx, p)...)
	}
	return statuses
}

// tell makes the PUTs of a plan, each once whatever comes of it.
func (s *Server) tell(ctx context.Context, p plan) (statuses []int) {
	for _, body := range p.bodies {
		status := s.put(ctx, p.journey, p.key, body)
		if status != http.StatusNoContent {
			s.config.Logger.Warn("find stand-in: the service did not take what was found", "status", status)
		}
		statuses = append(statuses, status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record.PUTs = append(s.record.PUTs, statuses...)
	return statuses
}

// put tells the service what was found. The status is 0 when there was no answer
// in time.
func (s *Server) put(ctx context.Context, journey, key string, body object) (status int) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings, and what faults add
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.config.APIBase+"/api/find-trn/user/"+journey, bytes.NewReader(text))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "*/*")
	r.Header.Set("User-Agent", "Faraday v2.14.0")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := s.config.HTTP.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)) // so that the connection can be used again
	return response.StatusCode
}
