// Package onelogin is a stand-in for GOV.UK One Login that is stricter than the
// real one: whatever the documentation asks of a relying party is enforced, and
// a request that breaks a rule is refused with a page that names the rule. On
// request it plays every fault a relying party must survive.
//
// It was written from the documentation alone and shares no code with the
// relying party, so that two readings of the rules check each other.
//
//	onelogin.go       Config, New, the routes, what every request passes
//	documents.go      discovery, JWKS and DID document
//	keys.go           the provider's keys, and how its tokens are signed
//	authorize.go      /authorize, and the way back to the relying party
//	requestobject.go  the rules of an authorisation request
//	clientkeys.go     the relying party's keys, and the signatures made with them
//	token.go          /token: the rules of the code exchange, and the ID token
//	userinfo.go       /userinfo, and the core identity JWT
//	session.go        the browser's One Login session, the account page, /logout
//	rules.go          a rule, a violation, and the page that explains it
//	record.go         what was asked of it, for tests
//	faults.go         how a fault is played
//	faults_*.go       all of them: answers (the ways in which any direct call can
//	                  fail), documents, authorize, tokens, forgeries (what can be
//	                  wrong with any signed token), identity
//	expiring.go       a map whose entries die
package onelogin

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// Lifetimes of the real provider.
const (
	codeLife         = 5 * time.Minute
	accessTokenLife  = 3 * time.Minute
	idTokenLife      = 2 * time.Minute
	coreIdentityLife = 30 * time.Minute
	sessionLife      = time.Hour        // since the last interaction
	clientKeyLife    = 24 * time.Hour   // how long a relying party's key is trusted without looking again
	longestJWTLife   = 5 * time.Minute  // of request objects and client assertions; recommended there, enforced here
	skew             = 30 * time.Second // allowed on a relying party's clock
	longestJourney   = time.Hour        // on the account page
)

// Config says where the stand-in lives and who may use it.
type Config struct {
	// Issuer is the origin it is served at, with a trailing slash, such as
	// "http://localhost:8082/". Required.
	Issuer string

	// IdentityIssuer is the issuer of core identity JWTs, with a trailing
	// slash; its host names the DID controller. Default: Issuer + "identity/".
	// Serve the same handler at its host: the DID document is there, at
	// /.well-known/did.json.
	IdentityIssuer string

	Clients []Client        // the relying parties registered; at least one
	People  []people.Person // who can sign in; default: people.Everyone()

	Stall  time.Duration    // how long the "slow" faults keep a request waiting; default 35 s, past the real gateway's 29 s
	Now    func() time.Time // default: time.Now
	HTTP   *http.Client     // fetches the clients' JWKS; default: 5 s timeout, as the documentation allows a client
	Logger *slog.Logger     // gets a line per refused request, without personal data; default: none
}

// Client is one registered relying party: pairwise subjects, ES256 ID tokens,
// PKCE enforced, request objects required, the scopes openid, email and phone and
// the vectors "Cl.Cm" and "Cl.Cm.P2" permitted.
type Client struct {
	ID             string
	Name           string   // shown on the account page
	RedirectURIs   []string // compared exactly
	PostLogoutURIs []string // compared exactly

	// JWKSURL is where its RSA keys are fetched, as the real provider does;
	// Keys are its keys where there is no such URL. One of the two.
	JWKSURL string
	Keys    []jose.JSONWebKey
}

// Server is the stand-in.
type Server struct {
	config     Config
	controller string // DID controller, "did:web:<host>"
	mux        *http.ServeMux

	mu          sync.Mutex
	unrelated   jose.JSONWebKey // in the JWKS, of no concern to a relying party
	idKeys      keyring         // sign ID tokens; published in the JWKS
	didKeys     keyring         // sign core identity JWTs; published in the DID document
	record      Record
	playing     []Play
	clientKeys  *expiring[jose.JSONWebKey]
	seen        *expiring[bool] // jti, state and nonce values that may not come again
	journeys    *expiring[request]
	codes       *expiring[grant]
	accessToken *expiring[grant]
	sessions    *expiring[session]
}

// New makes a stand-in with fresh keys.
func New(config Config) (*Server, error) {
	issuer, err := url.Parse(config.Issuer)
	if err != nil || issuer.Host == "" || issuer.Path != "/" {
		return nil, fmt.Errorf("issuer %q: must be an origin with a trailing slash", config.Issuer)
	}
	config.IdentityIssuer = cmp.Or(config.IdentityIssuer, config.Issuer+"identity/")
	identity, err := url.Parse(config.IdentityIssuer)
	if err != nil || identity.Host == "" {
		return nil, fmt.Errorf("identity issuer %q: must be a URL", config.IdentityIssuer)
	}
	if len(config.Clients) == 0 {
		return nil, errors.New("no client is registered")
	}
	for _, client := range config.Clients {
		if client.ID == "" || len(client.RedirectURIs) == 0 || (client.JWKSURL == "") == (len(client.Keys) == 0) {
			return nil, fmt.Errorf("client %q: needs an id, a redirect URI, and either a JWKS URL or keys", client.ID)
		}
	}
	if config.People == nil {
		config.People = people.Everyone()
	}
	config.Stall = cmp.Or(config.Stall, 35*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	config.HTTP = cmp.Or(config.HTTP, &http.Client{Timeout: 5 * time.Second})
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))

	s := &Server{
		config:      config,
		controller:  "did:web:" + url.QueryEscape(identity.Host), // the port's ":" becomes %3A, as did:web asks
		clientKeys:  newExpiring[jose.JSONWebKey](config.Now),
		seen:        newExpiring[bool](config.Now),
		journeys:    newExpiring[request](config.Now),
		codes:       newExpiring[grant](config.Now),
		accessToken: newExpiring[grant](config.Now),
		sessions:    newExpiring[session](config.Now),
	}
	s.unrelated, s.idKeys, s.didKeys = newKey(), newKeyring(), newKeyring()
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /.well-known/openid-configuration", s.direct("discovery", s.discovery))
	s.mux.HandleFunc("GET /.well-known/jwks.json", s.direct("jwks", s.jwks))
	s.mux.HandleFunc("GET /.well-known/did.json", s.direct("did", s.did))
	s.mux.HandleFunc("POST /token", s.direct("token", s.token))
	s.mux.HandleFunc("GET /userinfo", s.direct("userinfo", s.userinfo))

	s.mux.HandleFunc("GET /authorize", s.browser("authorize", s.authorize))
	s.mux.HandleFunc("GET /logout", s.browser("logout", s.logout))
	s.mux.HandleFunc("GET /{$}", s.browser("account", s.account))
	s.mux.HandleFunc("GET /account", s.browser("account", s.account))
	s.mux.HandleFunc("POST /account", s.browser("account", s.choose))
	s.mux.HandleFunc("POST /account/end", s.browser("account", s.endSession))
	s.mux.HandleFunc("/", s.browser("elsewhere", func(http.ResponseWriter, *http.Request) error {
		return breaks("404", "there is no such endpoint, or not with this method")
	}))
}

// ServeHTTP answers as GOV.UK One Login would, or more strictly.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// DIDURL is where the DID document is.
func (s *Server) DIDURL() string {
	identity, _ := url.Parse(s.config.IdentityIssuer) // New has parsed it
	return (&url.URL{Scheme: identity.Scheme, Host: identity.Host, Path: "/.well-known/did.json"}).String()
}

// handler is an endpoint; its error is a violation, or a mistake of ours.
type handler func(http.ResponseWriter, *http.Request) error

// browser wraps an endpoint that people visit: refusals are pages.
func (s *Server) browser(endpoint string, serve handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.count(endpoint, "")
		if err := serve(w, r); err != nil {
			s.refusePage(w, endpoint, err)
		}
	}
}

// direct wraps an endpoint that only relying parties call: refusals are JSON.
// The real provider answers 403 to a request without a User-Agent; here it must
// also name a product with its version, and not be that of a library.
func (s *Server) direct(endpoint string, serve handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		agent := r.UserAgent()
		s.count(endpoint, agent)
		err := firstBroken(
			rule{agent == "", "403", "a direct call needs a User-Agent"},
			rule{!productAndVersion.MatchString(agent), "403", "the User-Agent must be a product with its version"},
			rule{libraryAgent.MatchString(agent), "403", "the User-Agent must be the service's own, not a library's"},
			rule{r.Header.Get("Cookie") != "", "", "a direct call carries no cookies"},
		)
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			s.refuseCall(w, endpoint, err)
		}
	}
}
