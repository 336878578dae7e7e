// Package find is a stand-in for Find a lost TRN
// (github.com/DFE-Digital/find-a-lost-trn) that is stricter than the real one:
// whatever its documentation and its code ask of the service that sends people
// there is enforced, and so is what the real one lets pass to their harm. A form
// that breaks a rule is refused with a page that names the rule. On request it
// plays every way in which the trip can end.
//
// It was written from the documentation alone and shares no code with the
// service, so that two readings of the rules check each other.
//
//	find.go       Config, New, the routes
//	identity.go   POST /identity: the rules of the form
//	signature.go  how the form is read and signed
//	questions.go  /questions: what people are asked, and what their answers lead to
//	put.go        the call that tells the service what was found
//	faults.go     how a fault is played, and all of them
//	rules.go      a rule, a violation, and the page that explains it
//	record.go     what was asked of it and how it was answered, for tests
package find

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Config says whose people are sent here, and who is known here.
type Config struct {
	// APIBase is the origin of the service's API, such as
	// "http://localhost:8080". The real one discards a path. Required.
	APIBase   string
	APIKey    string // presented to the service's API. Required.
	SharedKey string // signs the form. Required.

	Clients []Client // the services registered; at least one

	// Find is the person with this e-mail address. Required.
	Find func(email string) (Person, bool)

	// OtherTRN is somebody else's, for the faults; default "0000001".
	OtherTRN string

	Now    func() time.Time // default: time.Now
	HTTP   *http.Client     // makes the PUT; default: a plain one; never waits longer than 5 s, follows no redirects
	Logger *slog.Logger     // gets a line per refused form and failed PUT, without personal data; default: none
}

// Client is one registered service.
type Client struct {
	ID           string
	RedirectURLs []string // compared exactly, but for a query that names the journey
}

// Person is what somebody would answer here, and the record that leads to.
type Person struct {
	FirstName, LastName string
	BirthDate           string // YYYY-MM-DD
	NINO                string // "" for none
	TRN                 string // "" when no record is theirs
}

// Limits of the real one.
const (
	sessionLife = 2 * time.Hour   // since the last page
	patience    = 5 * time.Second // with the service's API
)

// Server is the stand-in.
type Server struct {
	config Config
	mux    *http.ServeMux

	mu      sync.Mutex
	visits  map[string]*visit // by the key in the address of the questions
	used    map[string]bool   // journey ids whose answers were submitted
	late    []plan            // what waits for Late
	playing []Play
	record  Record
}

// New makes a stand-in.
func New(config Config) (*Server, error) {
	base, err := url.Parse(config.APIBase)
	switch {
	case err != nil || base.Host == "" || base.Path != "" && base.Path != "/":
		return nil, errors.New("find: the API base must be an origin")
	case config.APIKey == "" || config.SharedKey == "" || config.Find == nil:
		return nil, errors.New("find: an API key, a shared key and people are needed")
	case len(config.Clients) == 0:
		return nil, errors.New("find: no client is registered")
	}
	for _, client := range config.Clients {
		if client.ID == "" || len(client.RedirectURLs) == 0 {
			return nil, errors.New("find: a client needs an id and a redirect URL")
		}
	}
	config.APIBase = (&url.URL{Scheme: base.Scheme, Host: base.Host}).String()
	config.OtherTRN = cmp.Or(config.OtherTRN, "0000001")
	if config.Now == nil {
		config.Now = time.Now
	}
	client := http.Client{}
	if config.HTTP != nil {
		client = *config.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Timeout == 0 || client.Timeout > patience {
		client.Timeout = patience
	}
	config.HTTP = &client
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))

	s := &Server{config: config, mux: http.NewServeMux(), visits: map[string]*visit{}, used: map[string]bool{}}
	s.mux.HandleFunc("POST /identity", s.endpoint("identity", s.identity))
	s.mux.HandleFunc("GET /questions", s.endpoint("questions", s.questions))
	s.mux.HandleFunc("POST /questions", s.endpoint("questions", s.answers))
	s.mux.HandleFunc("/", s.endpoint("elsewhere", func(http.ResponseWriter, *http.Request) error {
		return violation{"404", "there is no such page, or not with this method"}
	}))
	return s, nil
}

// ServeHTTP answers as Find a lost TRN would, or more strictly.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// endpoint wraps a page. Its error is a violation, or a mistake of ours.
func (s *Server) endpoint(name string, serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.count(name)
		if err := serve(w, r); err != nil {
			s.refuse(w, name, err)
		}
	}
}
