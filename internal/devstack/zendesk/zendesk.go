// Package zendesk is a stand-in for the Zendesk Tickets API, as far as a service
// uses it that opens tickets for its users. It is stricter than the real one:
// whatever the documentation asks of a client is enforced, and so is what the
// real one lets pass to the client's own harm, above all public comments and
// tickets that could be opened twice. On request it plays every fault a client
// must survive.
//
// It was written from the documentation alone and shares no code with the
// client, so that two readings of the rules check each other.
//
//	zendesk.go  Config, New, the routes, what every request passes
//	token.go    POST /oauth/tokens
//	create.go   POST /api/v2/tickets, and the idempotency key
//	tickets.go  what is in the account; GET /api/v2/tickets?external_id= and …/{id}
//	inbox.go    the same as a page, on which tickets are solved
//	reply.go    an answer, and the shapes of errors
//	rules.go    a rule, and a violation
//	record.go   what was asked of it, for tests
//	faults.go   how a fault is played
//	faults_*.go all of them: undone (instead of doing anything), done (the answer
//	            to what was done is lost), shapes (what can be wrong with a right one)
package zendesk

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says who may open tickets, and how the account is set up.
type Config struct {
	ClientID     string // of the one OAuth client. Required.
	ClientSecret string // Required.

	Fields []int64 // ids of the custom fields there are; a ticket with another is refused

	TokenLife time.Duration // default 30 minutes
	KeyLife   time.Duration // how long an idempotency key is remembered; default 2 h

	// Lag is how long a new ticket is not yet in the list, as in an index that is
	// behind. Default: none.
	Lag time.Duration

	Stall  time.Duration    // how long the "slow" faults keep a request waiting; default 30 s
	Now    func() time.Time // default: time.Now
	Logger *slog.Logger     // gets a line per refused request, without personal data; default: none
}

// Server is the stand-in.
type Server struct {
	config Config
	mux    *http.ServeMux

	mu      sync.Mutex
	tokens  map[string]grant // by access token
	keys    map[string]used  // by idempotency key
	tickets []*Ticket        // in the order they were opened
	playing []Play
	record  Record
}

// New makes a stand-in without tickets.
func New(config Config) (*Server, error) {
	if config.ClientID == "" || config.ClientSecret == "" {
		return nil, errors.New("zendesk: no OAuth client")
	}
	config.TokenLife = cmp.Or(config.TokenLife, 30*time.Minute)
	config.KeyLife = cmp.Or(config.KeyLife, 2*time.Hour)
	config.Stall = cmp.Or(config.Stall, 30*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))

	s := &Server{config: config, tokens: map[string]grant{}, keys: map[string]used{}}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /oauth/tokens", s.endpoint(AtToken, s.token))
	s.mux.HandleFunc("POST /api/v2/tickets", s.endpoint(AtCreate, s.create))
	s.mux.HandleFunc("GET /api/v2/tickets", s.endpoint(AtFind, s.find))
	s.mux.HandleFunc("GET /api/v2/tickets/{id}", s.endpoint(AtShow, s.show))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.count(elsewhere)
		s.refuse(w, elsewhere, violation{http.StatusNotFound, "404", "InvalidEndpoint", "there is no such endpoint, or not with this method"})
	})
	s.mux.Handle(movedTo+"/", http.StripPrefix(movedTo, s.mux))
	return s, nil
}

// ServeHTTP answers as Zendesk would, or more strictly.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Endpoint is one of the things that can be asked for.
type Endpoint string

// The endpoints; "" in a Play is any of them.
const (
	AtToken  Endpoint = "token"  // POST /oauth/tokens
	AtCreate Endpoint = "create" // POST /api/v2/tickets
	AtFind   Endpoint = "find"   // GET /api/v2/tickets?external_id=
	AtShow   Endpoint = "show"   // GET /api/v2/tickets/{id}

	anywhere  Endpoint = ""
	elsewhere Endpoint = "elsewhere"
)

// Endpoints are where a fault can be asked for.
func Endpoints() []Endpoint { return []Endpoint{AtToken, AtCreate, AtFind, AtShow} }

// endpoint wraps what is asked for: who asks, and how, is checked first. Then come
// the faults in whose course nothing is done, then the doing, then those that
// spoil the answer.
func (s *Server) endpoint(at Endpoint, serve func(*http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.count(at)
		// Read whole, or net/http does not notice that the client has gone.
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			s.refuse(w, at, stricter("the body is larger than 1 MB, or broke off"))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		err = s.admit(r)
		if err == nil && at != AtToken {
			err = s.authorise(r, at)
		}
		if err != nil {
			s.refuse(w, at, err)
			return
		}
		for _, fault := range s.take(at, func(f Fault) bool { return f.undone != nil }) {
			if fault.undone(s, w, r) {
				return
			}
		}
		answer, err := serve(r)
		if err != nil {
			s.refuse(w, at, err)
			return
		}
		s.send(w, r, at, answer)
	}
}

// admit is the rules of every request. The real one looks at none of it.
func (s *Server) admit(r *http.Request) error {
	agent := r.UserAgent()
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return firstBroken(
		rule{r.Method == http.MethodHead, http.StatusMethodNotAllowed, "", "HEAD is no method of this endpoint"},
		rule{agent == "", http.StatusBadRequest, "", "a call needs a User-Agent"},
		rule{!productAndVersion.MatchString(agent), http.StatusBadRequest, "", "the User-Agent must be a product with its version"},
		rule{libraryAgent.MatchString(agent), http.StatusBadRequest, "", "the User-Agent must be the service's own, not a library's"},
		rule{r.Header.Get("Cookie") != "", http.StatusBadRequest, "", "a call carries no cookies"},
		rule{r.Header.Get("Accept") != "application/json", http.StatusNotAcceptable, "", "Accept must be application/json"},
		rule{r.Method == http.MethodGet && r.ContentLength != 0, http.StatusBadRequest, "", "a GET has no body"},
		rule{r.Method == http.MethodPost && !strings.EqualFold(strings.TrimSpace(mediaType), "application/json"), http.StatusUnsupportedMediaType, "", "the body must be application/json"},
		rule{r.Method != http.MethodPost && r.Header.Get("Idempotency-Key") != "", http.StatusBadRequest, "", "an Idempotency-Key is for creating only"},
	)
}
