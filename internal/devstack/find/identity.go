package find

import (
	"crypto/rand"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// documented are the parameters of the form, and whether each must be there.
var documented = map[string]bool{
	"client_id": true, "client_title": true, "client_url": true, "email": true, "journey_id": true, "previous_url": true, "redirect_url": true,
	"session_id": false,
	"sig":        true,
}

const (
	longestForm    = 64 << 10 // bytes of body that are read at all
	longestContext = 1536     // bytes of values: more does not fit the real one's cookie for sure
	longestEmail   = 254
)

var lowerUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// identity takes somebody over from a service.
func (s *Server) identity(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, longestForm))
	if err != nil {
		return err
	}
	f := readForm(string(body))
	if err := firstBroken(s.asRails(r, f)...); err != nil {
		return err
	}
	if err := firstBroken(s.stricter(f)...); err != nil {
		return err
	}
	if faults := s.take(atTheDoor); len(faults) > 0 {
		faults[0].door(w)
		return nil
	}
	key := rand.Text()
	v := &visit{form: f.values, until: s.config.Now().Add(sessionLife)}
	if person, known := s.config.Find(f.values["email"]); known {
		v.person, v.known = person, true
	}
	s.mu.Lock()
	s.visits[key] = v
	s.record.SessionIDs = append(s.record.SessionIDs, f.values["session_id"])
	s.mu.Unlock()
	http.Redirect(w, r, "/questions?visit="+key, http.StatusFound)
	return nil
}

// asRails is what fails at the real one, too.
func (s *Server) asRails(r *http.Request, f form) []rule {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return []rule{
		{media != "application/x-www-form-urlencoded", "500", "the form is posted as application/x-www-form-urlencoded"},
		{r.URL.RawQuery != "", "500", "the form is posted to an address without a query, which would count as parameters"},
		{f.unreadable, "400", "the form is percent-encoded UTF-8"},
		{f.nested, "500", "the names of parameters have no brackets, which make lists of them"},
		{f.values["sig"] == "", "500", "sig is missing"},
		{!f.verifies(s.config.SharedKey), "500", "sig must be the signature of all other parameters with the shared key"},
	}
}

// stricter is what the real one lets pass, and what goes wrong there later.
func (s *Server) stricter(f form) []rule {
	rules := []rule{{f.repeated, "", "each parameter is sent once"}}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		value := f.values[name]
		_, known := documented[name]
		rules = append(rules,
			rule{!known, "", "the form has the documented parameters only"},
			rule{known && value == "", "", name + " is empty: what is not there is not sent"},
			rule{known && strings.ContainsFunc(value, unicode.IsControl), "", name + " has a control character"},
		)
		if name != "sig" {
			size += len(value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		_, sent := f.values[name]
		rules = append(rules, rule{documented[name] && !sent, "", name + " is missing"})
	}
	for _, name := range []string{"client_url", "previous_url", "redirect_url"} {
		rules = append(rules, rule{!absolute(f.values[name]), "", name + " must be an absolute https URL (http on this machine)"})
	}
	s.mu.Lock()
	used := s.used[f.values["journey_id"]]
	s.mu.Unlock()
	back, query, queried := strings.Cut(f.values["redirect_url"], "?")
	client, email := s.client(f.values["client_id"]), f.values["email"]
	return append(rules,
		rule{strings.Count(email, "@") != 1 || len(email) > longestEmail, "", "email must be an e-mail address"},
		rule{!lowerUUID.MatchString(f.values["journey_id"]), "", "journey_id must be a UUID in lower case: it becomes part of a path"},
		rule{used, "", "journey_id was used before: each departure has a fresh one"},
		rule{client.ID == "", "", "client_id is not registered"},
		rule{!slices.Contains(client.RedirectURLs, back), "", "redirect_url must equal a registered one exactly, but for a query"},
		rule{queried && !strings.Contains(query, f.values["journey_id"]), "", "the query of redirect_url must name the journey: it is followed as it is"},
		rule{size >= longestContext, "", "the values must have less than 1,536 bytes together: they are kept in a cookie"},
	)
}

// client is the registered one with this id, or one without.
func (s *Server) client(id string) Client {
	for _, client := range s.config.Clients {
		if client.ID == id {
			return client
		}
	}
	return Client{}
}

// absolute reports whether address is an https URL, or an http one of this machine.
func absolute(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(address, "#") {
		return false
	}
	host := u.Hostname()
	here := host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}
