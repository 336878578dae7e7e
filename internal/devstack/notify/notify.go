// Package notify is a stand-in for GOV.UK Notify's REST API that is stricter
// than the real one: whatever the documentation asks of a client is enforced, and
// so is what the real one lets pass to the client's own harm. On request it plays
// every fault a client must survive. It sends nothing: e-mails go to an in-box.
//
// It was written from the documentation alone and shares no code with the
// client, so that two readings of the rules check each other.
//
//	notify.go     Config, New, the routes, what every request passes
//	token.go      who asks: the JSON Web Token
//	send.go       POST /v2/notifications/email
//	read.go       GET /v2/notifications and /v2/notifications/{id}
//	template.go   GET /v2/template/{id}, its preview, and how one is filled in
//	inbox.go      the e-mails, for the console and tests, and what becomes of them
//	page.go       the in-box as a page
//	reply.go      an answer, and the shape of errors
//	rules.go      a rule, and a violation
//	record.go     what was asked of it, for tests
//	faults.go     how a fault is played
//	faults_*.go   all of them: answers (instead of the right one), shapes (what
//	              can be wrong with a right one)
package notify

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Config says what templates there are and who may use them.
type Config struct {
	APIKey    string     // of the one client, "{name}-{service id}-{secret}". Required.
	Templates []Template // all there are. Required.
	ReplyTo   []string   // ids of the service's reply-to addresses; default: none

	Stall  time.Duration    // how long the "slow" faults keep a request waiting; default 30 s
	Now    func() time.Time // default: time.Now
	Logger *slog.Logger     // gets a line per refused request, without personal data; default: none
}

// Template is one for e-mail.
type Template struct {
	ID      string // a UUID, in lower case
	Name    string
	Subject string
	Body    string
}

// Server is the stand-in.
type Server struct {
	config          Config
	service, secret string
	mux             *http.ServeMux

	mu       sync.Mutex
	messages []*message // the oldest first
	playing  []Play
	record   Record
}

var (
	keyShape = regexp.MustCompile(`^.+-(` + uuidShape + `)-(` + uuidShape + `)$`)
	isUUID   = regexp.MustCompile(`^` + uuidShape + `$`)
)

const uuidShape = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

// New makes a stand-in with an empty in-box.
func New(config Config) (*Server, error) {
	key := keyShape.FindStringSubmatch(config.APIKey)
	if key == nil {
		return nil, errors.New("notify: the API key is a name, the id of a service and a secret, with hyphens between")
	}
	if len(config.Templates) == 0 {
		return nil, errors.New("notify: no template")
	}
	for i, t := range config.Templates {
		if !isUUID.MatchString(t.ID) || t.Name == "" || t.Subject == "" || t.Body == "" {
			return nil, fmt.Errorf("notify: template %d lacks something", i)
		}
	}
	config.Stall = cmp.Or(config.Stall, 30*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	config.Templates, config.ReplyTo = slices.Clone(config.Templates), slices.Clone(config.ReplyTo)

	s := &Server{config: config, service: key[1], secret: key[2], mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /v2/notifications/email", s.endpoint(AtSend, s.sendEmail))
	s.mux.HandleFunc("GET /v2/notifications", s.endpoint(AtList, s.list))
	s.mux.HandleFunc("GET /v2/notifications/{id}", s.endpoint(AtMessage, s.one))
	s.mux.HandleFunc("GET /v2/template/{id}", s.endpoint(AtTemplate, s.template))
	s.mux.HandleFunc("POST /v2/template/{id}/preview", s.endpoint(AtPreview, s.preview))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.count(elsewhere, r)
		s.refuse(w, elsewhere, violation{http.StatusNotFound, "404", "NotFound", "there is no such endpoint, or not with this method"})
	})
	s.mux.Handle(movedTo+"/", http.StripPrefix(movedTo, s.mux))
	return s, nil
}

// ServeHTTP answers as GOV.UK Notify would, or more strictly.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Endpoint is one of the things that can be asked.
type Endpoint string

// The endpoints; "" in a Play is any of them.
const (
	AtSend     Endpoint = "send"     // POST /v2/notifications/email
	AtList     Endpoint = "list"     // GET /v2/notifications
	AtMessage  Endpoint = "message"  // GET /v2/notifications/{id}
	AtTemplate Endpoint = "template" // GET /v2/template/{id}
	AtPreview  Endpoint = "preview"  // POST /v2/template/{id}/preview

	anywhere  Endpoint = ""
	elsewhere Endpoint = "elsewhere"
)

// Endpoints are where a fault can be asked for.
func Endpoints() []Endpoint { return []Endpoint{AtSend, AtList, AtMessage, AtTemplate, AtPreview} }

// endpoint wraps a question: who asks, and how, is checked first; then comes the
// answer; and faults come between it and the caller.
func (s *Server) endpoint(at Endpoint, serve func(*http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.count(at, r)
		err := s.admit(r)
		var answer reply
		if err == nil {
			answer, err = serve(r)
		}
		if err != nil {
			s.refuse(w, at, err)
			return
		}
		s.send(w, r, at, answer)
	}
}

// admit is the rules of every request. The real one looks at no User-Agent.
func (s *Server) admit(r *http.Request) error {
	agent := r.UserAgent()
	if err := firstBroken(
		rule{r.Method == http.MethodHead, violation{http.StatusMethodNotAllowed, "405", "MethodNotAllowed", "HEAD is no method of this endpoint"}},
		rule{!productAndVersion.MatchString(agent), stricter("the User-Agent must be a product with its version")},
		rule{libraryAgent.MatchString(agent), stricter("the User-Agent must be the service's own, not a library's")},
		rule{r.Header.Get("Cookie") != "", stricter("a call carries no cookies")},
		rule{r.Method == http.MethodGet && r.ContentLength != 0, stricter("a GET has no body")},
	); err != nil {
		return err
	}
	return s.checkToken(r)
}
