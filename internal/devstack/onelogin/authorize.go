package onelogin

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// grant is what a code, and later an access token, stands for.
type grant struct {
	request
	person   people.Person
	authTime time.Time // when the person last chose themselves on the account page
	sid      string    // this authorize round, not the browser session
}

// authorize starts a journey: straight back where the browser has a session,
// else over the account page. The page has an address of its own, so that a
// refresh does not repeat the request.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	req, err := s.readRequest(r)
	if err != nil {
		return err
	}
	vector := "Cl.Cm"
	if req.identity {
		vector = "Cl.Cm.P2"
	}
	s.mu.Lock()
	s.record.Vectors = append(s.record.Vectors, vector)
	s.mu.Unlock()

	for _, fault := range s.take(AtAuthorize, req.journey()) {
		if fault.answer != nil && fault.answer(s, w, r) {
			return nil
		}
		if fault.query == nil {
			continue
		}
		query := url.Values{"state": {req.state}}
		fault.query(query)
		s.comeBack(w, r, req, query)
		return nil
	}
	if live, ok := s.session(r); ok {
		s.finish(w, r, req, live)
		return nil
	}
	id := rand.Text()
	s.mu.Lock()
	s.journeys.put(id, req, longestJourney)
	s.mu.Unlock()
	http.Redirect(w, r, "/account?journey="+id, http.StatusSeeOther)
	return nil
}

// finish ends the journey of a person who is signed in. An identity check that
// fails is a success as far as OAuth goes, if return codes were asked for.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, req request, live session) {
	if req.identity && !live.person.Verified && !slices.Contains(req.asked, returnCodeClaim) {
		query := url.Values{"state": {req.state}}
		oauthError("access_denied", genericDenial)(query)
		s.comeBack(w, r, req, query)
		return
	}
	g := grant{request: req, person: live.person, authTime: live.authTime, sid: rand.Text()}
	for _, fault := range s.take(AtCode, req.journey()) {
		fault.grant(s, &g)
	}
	code := rand.Text()
	s.mu.Lock()
	s.codes.put(code, g, codeLife)
	s.mu.Unlock()
	s.comeBack(w, r, req, url.Values{"code": {code}, "state": {req.state}})
}

func (s *Server) comeBack(w http.ResponseWriter, r *http.Request, req request, query url.Values) {
	faults := s.take(AtCallback, req.journey())
	for _, fault := range faults {
		if fault.query != nil {
			fault.query(query)
		}
	}
	callback := req.redirectURI + "?" + query.Encode()
	for _, fault := range faults {
		if fault.before != nil {
			fault.before(s, r, callback)
		}
	}
	http.Redirect(w, r, callback, http.StatusFound)
}

// Descriptions of access_denied: they alone tell its two meanings apart.
const (
	genericDenial = "The resource owner or authorization server denied the request"
	sessionDenial = "Access denied for security reasons, a new authentication request may be successful"
)

// oauthError makes the query of a callback an error, with state as it is.
func oauthError(code, description string) func(url.Values) {
	return func(query url.Values) {
		query.Del("code")
		query.Set("error", code)
		query.Set("error_description", description)
	}
}
