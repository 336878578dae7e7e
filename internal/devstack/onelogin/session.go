package onelogin

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// session is a browser signed in to One Login: at every service at once.
type session struct {
	person   people.Person
	authTime time.Time
}

// sessionCookie has a name of its own, because cookies ignore ports: every
// stand-in and the site itself share the cookies of localhost.
const sessionCookie = "one-login-stand-in-session"

// session finds the browser's session and keeps it alive for another hour.
func (s *Server) session(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	live, ok := s.sessions.get(cookie.Value)
	if ok {
		s.sessions.put(cookie.Value, live, sessionLife)
	}
	return live, ok
}

//go:embed account.html
var accountPage string

var accountTemplate = page.Parse(accountPage)

// account is the page on which a person chooses who they are, or sees who they
// are signed in as when they came by themselves.
func (s *Server) account(w http.ResponseWriter, r *http.Request) error {
	id := r.FormValue("journey")
	s.mu.Lock()
	req, ok := s.journeys.get(id)
	s.mu.Unlock()
	view := map[string]any{"Journey": id, "Known": ok, "People": s.config.People}
	if ok {
		view["Service"], view["Identity"] = req.client.Name, req.identity
	}
	if live, ok := s.session(r); ok {
		view["Person"] = live.person
	}
	page.Write(w, http.StatusOK, accountTemplate, view)
	return nil
}

// choose signs the browser in as the person chosen and ends the journey.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) error {
	id := r.PostFormValue("journey")
	i := slices.IndexFunc(s.config.People, func(p people.Person) bool { return p.Value == r.PostFormValue("person") })
	s.mu.Lock()
	req, ok := s.journeys.get(id)
	s.mu.Unlock()
	if !ok || i < 0 {
		http.Redirect(w, r, "/account?journey="+url.QueryEscape(id), http.StatusSeeOther)
		return nil
	}
	live := session{person: s.config.People[i], authTime: s.config.Now()}
	key := rand.Text()
	s.mu.Lock()
	s.journeys.take(id)
	s.sessions.put(key, live, sessionLife)
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: key, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	s.finish(w, r, req, live)
	return nil
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	s.forget(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// forget ends the browser's session.
func (s *Server) forget(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		s.sessions.take(cookie.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1})
}

// logout ends the session for all services, whatever is wrong with the request,
// and sends the browser back only when nothing is.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	s.forget(w, r)

	query, err := url.ParseQuery(r.URL.RawQuery)
	once, known := true, true
	for field, values := range query {
		once = once && len(values) == 1
		known = known && slices.Contains([]string{"id_token_hint", "post_logout_redirect_uri", "state"}, field)
	}
	if err := firstBroken(
		rule{len(r.URL.RawQuery) > 2048, "403", "the query string must not exceed 2048 bytes"},
		rule{err != nil || !once || !known, "", "the query holds id_token_hint, post_logout_redirect_uri and state, each once, and nothing else"},
		rule{query.Get("id_token_hint") == "", "", "id_token_hint is missing: the user would end on a page of One Login's"},
		rule{!opaque.MatchString(query.Get("state")), "", "state must be 20 to 64 characters of base64url"},
	); err != nil {
		return err
	}
	client, err := s.hintedClient(query.Get("id_token_hint"))
	if err != nil {
		return err
	}
	back := query.Get("post_logout_redirect_uri")
	if !slices.Contains(client.PostLogoutURIs, back) {
		return breaks("invalid_request", "post_logout_redirect_uri must equal a registered one exactly")
	}
	for _, fault := range s.take(AtLogout, eitherJourney) {
		if fault.answer(s, w, r) {
			return nil
		}
	}
	http.Redirect(w, r, back+"?"+url.Values{"state": {query.Get("state")}}.Encode(), http.StatusFound)
	return nil
}

// hintedClient is the client an ID token was issued to. Its expiry does not
// matter here, but only the key that signs now is tried.
func (s *Server) hintedClient(hint string) (*Client, error) {
	jws, err := jose.ParseSignedCompact(hint, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, breaks("invalid_request", "id_token_hint must be an ID token of this provider")
	}
	key := s.signingKey(&s.idKeys)
	payload, err := jws.Verify(key.Public())
	var c claims
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return nil, breaks("invalid_request", "the signature of id_token_hint does not verify with the current key")
	}
	client := s.client(c.text("aud"))
	if client == nil || c.text("nonce") == "" { // an access token or logout token has none
		return nil, breaks("unauthorized_client", "id_token_hint must be an ID token issued to a registered client")
	}
	return client, nil
}
