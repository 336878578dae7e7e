// Package trs is a stand-in for API V3 of the Teaching Record System (TRS,
// github.com/DFE-Digital/teaching-record-system) that is stricter than the real
// one: whatever the documentation asks of a client is enforced, and so is what
// the real one lets pass to the client's own harm. It tells a subscriber what
// happens to the records, by webhooks signed as the real one signs them. On
// request it plays every fault a client must survive, and sends every forgery.
//
// It was written from the documentation alone and shares no code with the
// client, so that two readings of the rules check each other.
//
//	trs.go        Config, New, the routes, what every request passes
//	people.go     the records, read from a people file
//	actions.go    what support staff do to them: merge, deactivate, reactivate,
//	              connect a One Login, set an alert
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
//	webhooks.go   events, and how the subscriber is told of them
//	message.go    a delivery: its headers and its signature
//	keys.go       the keys of the signatures, and GET /webhook-jwks
//	forgeries.go  Forge, and all forgeries and oddities of deliveries
//	record.go     what was asked of it and what it delivered, for tests
//	faults.go     how a fault is played
//	faults_*.go   all of them: answers (instead of the right one), shapes (what
//	              can be wrong with a right one), merged (with a redirect),
//	              requests (for TRNs), keys
package trs

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
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

	// Webhook is the address of the one subscriber to every event, exactly as it
	// is registered: these very characters are signed. "": nobody is told.
	Webhook string

	// Retries are how long after each failed delivery the next is tried, and by
	// their number when that ends. Default: as the real one, 5 s to 24 h, ten
	// attempts in all. Empty: one attempt.
	Retries []time.Duration

	HTTP *http.Client // delivers; default: HTTP/1.1 only, 30 s, follows no redirect

	Limit  Limit
	Stall  time.Duration    // how long the "slow" faults keep a request waiting; default 30 s
	Now    func() time.Time // default: time.Now
	Logger *slog.Logger     // gets a line per refused request and failed delivery, without personal data; default: none
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

	keys       []signingKey // listed; the last one signs
	told       connection   // what the subscriber was told last of anybody's One Login
	sent       []sent       // the last two deliveries that were accepted, the newest last
	deliveries []*Delivery
	stop       context.CancelFunc
	stopped    context.Context // ends with Close
	background sync.WaitGroup  // the deliveries under way
}

// New makes a stand-in with its own copy of the records and fresh keys.
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

	if address, err := url.Parse(config.Webhook); config.Webhook != "" && (err != nil || address.Host == "" || !slices.Contains([]string{"http", "https"}, address.Scheme)) {
		return nil, errors.New("trs: the address for webhooks is no web address")
	}
	if config.Retries == nil {
		config.Retries = retries
	}
	config.HTTP = cmp.Or(config.HTTP, newDeliverer())

	s := &Server{config: config, people: people, keys: []signingKey{newSigningKey(config.Now()), newSigningKey(config.Now())}}
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /v3/persons", s.endpoint(AtFind, s.find))
	s.mux.HandleFunc("POST /v3/persons/find", s.endpoint(AtBatch, s.batch))
	s.mux.HandleFunc("GET /v3/persons/{trn}", s.endpoint(AtPerson, s.one))
	s.mux.HandleFunc("GET /v3/trns/{trn}", s.endpoint(AtTRN, s.live))
	s.mux.HandleFunc("POST /v3/trn-requests", s.endpoint(AtCreate, s.create))
	s.mux.HandleFunc("GET /v3/trn-requests", s.endpoint(AtRequest, s.readRequest))
	s.mux.HandleFunc("GET /webhook-jwks", s.jwks)
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

// The endpoints; "" in a Play is any of them but AtKeys.
const (
	AtFind    Endpoint = "find"               // GET /v3/persons
	AtBatch   Endpoint = "batch"              // POST /v3/persons/find
	AtPerson  Endpoint = "person"             // GET /v3/persons/{trn}
	AtTRN     Endpoint = "trn"                // GET /v3/trns/{trn}
	AtCreate  Endpoint = "trn-request-create" // POST /v3/trn-requests
	AtRequest Endpoint = "trn-request"        // GET /v3/trn-requests
	AtKeys    Endpoint = "keys"               // GET /webhook-jwks

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

// admit is the rules of every request to the API. The real one serves a request
// without a version as it was in January 2024.
func (s *Server) admit(r *http.Request) error {
	versions := r.Header.Values("X-Api-Version")
	return firstBroken(slices.Concat([]rule{
		{len(versions) == 0, http.StatusNotFound, "", "the version must be pinned: X-Api-Version is missing"},
		{len(versions) != 1 || versions[0] != Version, http.StatusNotFound, "404", "X-Api-Version must be " + Version + ", the only one here"},
	}, manners(r), []rule{
		{!s.hasKey(r), http.StatusUnauthorized, "401", "the API key is missing, unknown, or not in a Bearer Authorization"},
	})...)
}

// manners are the rules of a request to anything. The real one looks at no
// User-Agent.
func manners(r *http.Request) []rule {
	agent := r.UserAgent()
	return []rule{
		{r.Method == http.MethodHead, http.StatusMethodNotAllowed, "405", "HEAD is no method of this endpoint"},
		{agent == "", http.StatusBadRequest, "", "a call needs a User-Agent"},
		{!productAndVersion.MatchString(agent), http.StatusBadRequest, "", "the User-Agent must be a product with its version"},
		{libraryAgent.MatchString(agent), http.StatusBadRequest, "", "the User-Agent must be the service's own, not a library's"},
		{r.Header.Get("Cookie") != "", http.StatusBadRequest, "", "a call carries no cookies"},
		{r.Method == http.MethodGet && r.ContentLength != 0, http.StatusBadRequest, "", "a GET has no body"},
	}
}

func (s *Server) hasKey(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, key, _ := strings.Cut(values[0], " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(key), []byte(s.config.APIKey)) == 1
}
