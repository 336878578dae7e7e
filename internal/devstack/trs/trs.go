// Package trs is a stand-in for API V3 of the Teaching Record System (TRS,
// github.com/DFE-Digital/teaching-record-system) that is stricter than the real
// one: whatever the documentation asks of a client is enforced, and so is what
// the real one lets pass to the client's own harm. On request it plays every
// fault a client must survive.
//
// It was written from the documentation alone and shares no code with the
// client, so that two readings of the rules check each other.
//
//	trs.go        Config, New, the routes, what every request passes
//	people.go     the records, read from a people file
//	actions.go    what support staff do to them: merge, deactivate, reactivate
//	find.go       GET /v3/persons and POST /v3/persons/find
//	one.go        GET /v3/persons/{trn} and GET /v3/trns/{trn}
//	requests.go   POST and GET /v3/trn-requests, and what becomes of them
//	requests_*.go their rules (what is refused), match (who may have a record
//	              already) and actions (what support staff decide)
//	shape.go      a record as the API shows it
//	names.go      how last names are split and compared
//	reply.go      an answer, and the shapes of errors
//	rules.go      a rule, and a violation
//	limit.go      so many requests a minute
//	record.go     what was asked of it, for tests
//	faults.go     how a fault is played
//	faults_*.go   all of them: answers (instead of the right one), shapes (what
//	              can be wrong with a right one), merged (with a redirect),
//	              requests (for TRNs)
package trs

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Version is the one version of the API that is spoken here.
const Version = "20260612"

// Config says whose records there are and who may ask for them.
type Config struct {
	People []byte // a people file, as docs/people-file.md describes it. Required.
	APIKey string // of the one client. Required.

	Limit  Limit
	Stall  time.Duration    // how long the "slow" faults keep a request waiting; default 30 s
	Now    func() time.Time // default: time.Now
	Logger *slog.Logger     // gets a line per refused request, without personal data; default: none
}

// Server is the stand-in.
type Server struct {
	config Config
	mux    *http.ServeMux

	mu      sync.Mutex
	people  map[string]*person // by TRN
	asked   asked              // for TRNs
	window  window
	playing []Play
	record  Record
	atOnce  int             // requests being served
	callers map[string]bool // remote addresses seen
}

// New makes a stand-in with its own copy of the records.
func New(config Config) (*Server, error) {
	if config.APIKey == "" {
		return nil, errors.New("trs: no API key")
	}
	people, err := readPeople(config.People)
	if err != nil {
		return nil, err
	}
	config.Limit.Requests = cmp.Or(config.Limit.Requests, 1000)
	config.Limit.Window = cmp.Or(config.Limit.Window, time.Minute)
	config.Stall = cmp.Or(config.Stall, 30*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))

	s := &Server{config: config, people: people}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /v3/persons", s.endpoint(AtFind, s.find))
	s.mux.HandleFunc("POST /v3/persons/find", s.endpoint(AtBatch, s.batch))
	s.mux.HandleFunc("GET /v3/persons/{trn}", s.endpoint(AtPerson, s.one))
	s.mux.HandleFunc("GET /v3/trns/{trn}", s.endpoint(AtTRN, s.live))
	s.mux.HandleFunc("POST /v3/trn-requests", s.endpoint(AtCreate, s.create))
	s.mux.HandleFunc("GET /v3/trn-requests", s.endpoint(AtRequest, s.readRequest))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		defer s.count(elsewhere, r)()
		s.refuse(w, elsewhere, violation{http.StatusNotFound, "404", "there is no such endpoint, or not with this method", ""})
	})
	s.mux.Handle(movedTo+"/", http.StripPrefix(movedTo, s.mux))
	return s, nil
}

// ServeHTTP answers as the Teaching Record System would, or more strictly.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Endpoint is one of the questions that can be asked.
type Endpoint string

// The endpoints; "" in a Play is any of them.
const (
	AtFind    Endpoint = "find"               // GET /v3/persons
	AtBatch   Endpoint = "batch"              // POST /v3/persons/find
	AtPerson  Endpoint = "person"             // GET /v3/persons/{trn}
	AtTRN     Endpoint = "trn"                // GET /v3/trns/{trn}
	AtCreate  Endpoint = "trn-request-create" // POST /v3/trn-requests
	AtRequest Endpoint = "trn-request"        // GET /v3/trn-requests

	anywhere  Endpoint = ""
	elsewhere Endpoint = "elsewhere"
)

// endpoint wraps a question: who asks, and how, is checked first; then comes the
// answer; and faults come between it and the caller.
func (s *Server) endpoint(at Endpoint, serve func(*http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer s.count(at, r)()
		if err := s.admit(r); err != nil {
			s.refuse(w, at, err)
			return
		}
		if left, over := s.overLimit(); over {
			s.throttle(w, left)
			return
		}
		answer, err := serve(r)
		if err != nil {
			s.refuse(w, at, err)
			return
		}
		s.send(w, r, at, answer)
	}
}

// admit is the rules of every request. The real one serves a request without a
// version as it was in January 2024, and looks at no User-Agent.
func (s *Server) admit(r *http.Request) error {
	agent, versions := r.UserAgent(), r.Header.Values("X-Api-Version")
	return firstBroken(
		rule{r.Method == http.MethodHead, http.StatusMethodNotAllowed, "405", "HEAD is no method of this endpoint"},
		rule{len(versions) == 0, http.StatusNotFound, "", "the version must be pinned: X-Api-Version is missing"},
		rule{len(versions) != 1 || versions[0] != Version, http.StatusNotFound, "404", "X-Api-Version must be " + Version + ", the only one here"},
		rule{agent == "", http.StatusBadRequest, "", "a call needs a User-Agent"},
		rule{!productAndVersion.MatchString(agent), http.StatusBadRequest, "", "the User-Agent must be a product with its version"},
		rule{libraryAgent.MatchString(agent), http.StatusBadRequest, "", "the User-Agent must be the service's own, not a library's"},
		rule{r.Header.Get("Cookie") != "", http.StatusBadRequest, "", "a call carries no cookies"},
		rule{r.Method == http.MethodGet && r.ContentLength != 0, http.StatusBadRequest, "", "a GET has no body"},
		rule{!s.hasKey(r), http.StatusUnauthorized, "401", "the API key is missing, unknown, or not in a Bearer Authorization"},
	)
}

func (s *Server) hasKey(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, key, _ := strings.Cut(values[0], " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(key), []byte(s.config.APIKey)) == 1
}
