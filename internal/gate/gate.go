// Package gate is the hall: what happens to each request. On to the service,
// one of our own pages, or away to sign in.
//
//	gate.go      the one pass every request makes, and the parts it needs
//	endpoints.go our own addresses: which handler serves which
//	visitor.go   the cookie and the visit it points at
//	signin.go    leaving for One Login and coming back
//	signout.go   signing out here, then at One Login
//	steps.go     the pages of the journey: what they show and record
//	help.go      the pages from where others go on: the register, or people
//	find.go      to Find a lost TRN and back
//	lookup.go    asking the register, and what its answer means
//	refresh.go   asking again, when a visit begins or something was heard of it
//	events.go    what the register tells us of by itself
//	forward.go   the assertion and the way upstream
//	answer.go    errors become pages or problem documents, in one place
//	address.go   return addresses and the absolute addresses we redirect to
//
// The gate does not know how sign-in, storage, matching or signing work; it
// declares below what it needs of them.
package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// Visits keeps what is known of each browser between its requests. A visit's id
// is the value of our cookie.
type Visits interface {
	// Create keeps a new visit.
	Create(ctx context.Context, s journey.State) (id string, err error)
	// Load reads a visit as it is now.
	Load(ctx context.Context, id string) (s journey.State, found bool, err error)
	// Cached reads a visit as it was at most a stated moment ago, if it was done then.
	Cached(ctx context.Context, id string) (s journey.State, found bool, err error)
	// Change applies f to a visit; f may run more than once.
	Change(ctx context.Context, id string, f func(journey.State) (journey.State, error)) (journey.State, error)
	// Renew changes a visit and gives it a new id; the old one is dead at once.
	Renew(ctx context.Context, id string, f func(journey.State) (journey.State, error)) (newID string, s journey.State, err error)
	// Delete ends a visit.
	Delete(ctx context.Context, id string) error
}

// Flows keeps the trips to One Login that have not come back yet.
type Flows interface {
	KeepFlow(ctx context.Context, f journey.Flow) error
	// TakeFlow reads and deletes: it finds each flow once.
	TakeFlow(ctx context.Context, state string) (f journey.Flow, found bool, err error)
}

// Rounds counts the sign-ins of one browser that follow each other within a
// minute, to notice one that goes round in circles.
type Rounds interface {
	// KeepRound notes that the visit with that id was made by the nth.
	KeepRound(ctx context.Context, id string, n int) error
	// Rounds is the n that was noted, 0 when none was in the last minute.
	Rounds(ctx context.Context, id string) (n int, err error)
}

// Links remembers which teaching record belongs to which One Login subject.
// Subjects mean something only beside their issuer.
type Links interface {
	Link(ctx context.Context, issuer, subject string) (l journey.Link, found bool, err error)
	SetLink(ctx context.Context, issuer, subject string, l journey.Link) error
	// ChangeLink applies f, which may run more than once, to a link.
	ChangeLink(ctx context.Context, issuer, subject string, f func(l journey.Link, found bool) (journey.Link, error)) error
}

// Limiter counts lookups.
type Limiter interface {
	// Attempt counts one more lookup for subject, if it is allowed one.
	Attempt(ctx context.Context, subject string) (allowed bool, err error)
	// GiveBack takes back the count of a lookup that could not be made.
	GiveBack(ctx context.Context, subject string) error
}

// OneLogin signs people in. Its errors carry a [journey.Trouble].
type OneLogin interface {
	// Depart makes the address to send the browser to and the flow to keep.
	Depart(ctx context.Context, purpose journey.Step, locale string) (to string, f journey.Flow, err error)
	// Arrive makes sense of the address the browser came back with.
	Arrive(ctx context.Context, query url.Values, f journey.Flow) (journey.Arrival, error)
	// SignOutURL is where One Login's own session ends.
	SignOutURL(ctx context.Context, idToken, state string) (string, error)
}

// Register is asked for teaching records. An error means it could not be
// asked, never that there is no record.
type Register interface {
	// Find gives the one record that matches, or none.
	Find(ctx context.Context, who journey.Identity, stated journey.Stated) (rec journey.Record, found bool, err error)
	// Record reads a record by its TRN; live tells whether it may still be used.
	// A record that was merged is the one it became part of, with another TRN.
	Record(ctx context.Context, trn string) (rec journey.Record, live bool, err error)
}

// Everywhere changes visits other than the one being served, on every replica.
// f may run more than once.
type Everywhere interface {
	// ChangeOf applies f to every visit of a subject.
	ChangeOf(ctx context.Context, subject string, f func(journey.State) (journey.State, error)) error
	// ChangeOn applies f to every visit that holds the record with that TRN.
	ChangeOn(ctx context.Context, trn string, f func(journey.State) (journey.State, error)) error
}

// News remembers what was heard, lest it be heard twice or in the wrong order.
type News interface {
	Seen(ctx context.Context, kind, id string) (bool, error)
	// See notes the id for as long as it lives; first: it was not noted before.
	See(ctx context.Context, kind, id string, life time.Duration) (first bool, err error)
	// Latest reports whether nothing later than at was heard of the id, and notes at.
	Latest(ctx context.Context, kind, id string, at time.Time) (bool, error)
}

// Webhooks reads what the register tells us of by itself. An error that is
// journey.ErrForged says that it was not the register, or not to us; one that
// carries a journey.Trouble, that it could not be told.
type Webhooks interface {
	Receive(*http.Request) (journey.Event, error)
}

// Allocator gets a TRN for who has none.
type Allocator interface {
	// Ask asks for it, once, and says how that stands. A status that is none of
	// the journey's means that the register will not take the application.
	Ask(ctx context.Context, s journey.State, a journey.Application) (journey.RequestStatus, error)
	// Standing is how a person's request stands, "" when there is none; since is
	// when they made it, reference that of the request for help that came of it.
	Standing(ctx context.Context, subject string) (status journey.RequestStatus, since time.Time, reference string, err error)
	// Decided has a request looked at, if it is one of ours.
	Decided(ctx context.Context, id string) error
}

// Help is the people who help.
type Help interface {
	// Ask asks them, once, and gives the reference to quote.
	Ask(ctx context.Context, p journey.Plea) (reference string, err error)
	// Standing is the reference of a person's request, "" when there is none.
	// solved: they have dealt with it.
	Standing(ctx context.Context, subject string) (reference string, solved bool, err error)
	// Settle ends a person's request, if there is one: they have their record.
	Settle(ctx context.Context, subject string) error
}

// Finder is Find a lost TRN, which finds out TRNs from what people remember.
type Finder interface {
	// Depart makes the form that takes a browser there.
	Depart(journeyID, email, sessionID, previousURL string) (to string, fields []pages.Field, err error)
	// ReadClaim reads what it says it found. An error may know its own answer.
	ReadClaim(*http.Request) (journeyID string, c journey.Claim, err error)
}

// Handovers keeps the trips to Find a lost TRN.
type Handovers interface {
	Read(ctx context.Context, id string) (h journey.Handover, found bool, err error)
	Change(ctx context.Context, id string, f func(h journey.Handover, found bool) (journey.Handover, error)) (journey.Handover, error)
}

// Check is one part of /readyz.
type Check struct {
	Name  string
	Ready func(context.Context) error
}

// Next hands the request on to the service.
type Next func(http.ResponseWriter, *http.Request) error

// Config is everything the gate is made of. All fields are required unless
// they say otherwise.
type Config struct {
	ServiceURL *url.URL // public origin, the only source of absolute addresses
	PathPrefix string   // our own pages live below it, such as "/teaching-record"
	Issuer     string   // One Login's, to which subjects belong

	Visits     Visits
	Flows      Flows
	Rounds     Rounds
	Links      Links
	Limiter    Limiter
	Everywhere Everywhere
	News       News
	Help       Help
	Allocator  Allocator // required where Policy.Allocate is set
	Finder     Finder    // required where Policy.Find is set
	Handovers  Handovers // likewise
	OneLogin   OneLogin
	Register   Register
	Signer     *assertion.Signer
	Pages      *pages.Set

	Policy     journey.Policy // what the service lets its teachers do
	Claims     Claims         // what the service asked to be told
	ClientKeys http.Handler   // our keys, for One Login: /one-login-jwks.json
	Checks     []Check        // for /readyz

	Webhooks Webhooks // nil: the register tells us nothing by itself
	// Heard is told of every delivery of a webhook: "taken", "again", "ignored",
	// "refused", "unreadable" or "failed". Optional.
	Heard func(kind journey.EventKind, outcome string)

	Idle, Absolute time.Duration // the limits of a visit, as the cookies page tells them

	// Public reports whether a request needs no sign-in, judged by the path
	// that goes upstream.
	Public func(*http.Request) bool
	// Asked is the address the browser asked for, before the server rewrote it.
	Asked func(*http.Request) *url.URL
	// RequestID names the request in the assertion, the same as in the log.
	RequestID func(*http.Request) string
	// Identified is told who a forwarded request belongs to, so that the
	// server can log and use it. Optional.
	Identified func(r *http.Request, subject, trn string)

	Logger *slog.Logger
	Now    func() time.Time
}

// Gate serves one site.
type Gate struct {
	Config
	cookie      string
	service     string        // names this service, at this One Login, in its visits
	slowest     time.Duration // slowestForm
	crossOrigin *http.CrossOriginProtection
	refreshing  singleflight.Group // by visit id
	endpoints   map[string]endpoint
}

// New checks the parts and makes a gate of them.
func New(c Config) (*Gate, error) {
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"ServiceURL", c.ServiceURL == nil}, {"PathPrefix", c.PathPrefix == ""}, {"Issuer", c.Issuer == ""},
		{"Visits", c.Visits == nil}, {"Flows", c.Flows == nil}, {"Rounds", c.Rounds == nil}, {"Links", c.Links == nil}, {"Limiter", c.Limiter == nil},
		{"Everywhere", c.Everywhere == nil}, {"News", c.News == nil},
		{"Help", c.Help == nil}, {"Allocator", c.Policy.Allocate && c.Allocator == nil},
		{"Finder", c.Policy.Find && c.Finder == nil}, {"Handovers", c.Policy.Find && c.Handovers == nil},
		{"OneLogin", c.OneLogin == nil}, {"Register", c.Register == nil}, {"Signer", c.Signer == nil}, {"Pages", c.Pages == nil},
		{"ClientKeys", c.ClientKeys == nil}, {"Public", c.Public == nil}, {"Asked", c.Asked == nil}, {"RequestID", c.RequestID == nil},
		{"Logger", c.Logger == nil}, {"Now", c.Now == nil},
	} {
		if part.missing {
			return nil, fmt.Errorf("the gate needs a %s", part.name)
		}
	}
	g := &Gate{Config: c, service: c.ServiceURL.String() + " " + c.Issuer, slowest: slowestForm, crossOrigin: http.NewCrossOriginProtection()}
	if g.Heard == nil {
		g.Heard = func(journey.EventKind, string) {}
	}
	if g.cookie = "__Host-teaching-record"; c.ServiceURL.Scheme != "https" {
		g.cookie = "teaching-record" // browsers refuse the prefix without https
	}
	// Behind another proxy the Host header may not be what the browser wrote.
	if err := g.crossOrigin.AddTrustedOrigin(g.url("")); err != nil {
		return nil, fmt.Errorf("service address: %w", err)
	}
	g.endpoints = g.ownEndpoints()
	return g, nil
}

// ServeHTTP is the one pass every request makes.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, next Next) error {
	// The id of the visit is read before the cookie is taken from the request.
	id := g.visitID(r)

	// Nothing that looks like ours may come from a client, on any route.
	assertion.Strip(r)
	assertion.HideCookie(r.Header, g.cookie)

	if g.isClaim(r) { // below our prefix too, if that is /api
		if err := g.claimed(w, r); err != nil {
			g.fail(w, r, err)
		}
		return nil
	}
	if path, ours := g.ownPath(r); ours {
		own := *r // read as the browser asked for it, the query too
		own.URL = g.Asked(r)
		g.serveOwn(w, &own, id, path)
		return nil
	}
	if !assertion.HasPath(r) {
		g.fail(w, r, problem{http.StatusBadRequest, "not-found", errors.New("the request has no path")})
		return nil
	}
	if g.Public(r) {
		return next(w, r)
	}
	s, found, err := g.Visits.Cached(r.Context(), id)
	if err != nil {
		g.fail(w, r, err)
		return nil
	}
	found = found && s.Service == g.service
	// A visit that may not pass yet is brought up to date by sign-in: it could get
	// a new id, and the service may let caches keep its answers, cookies and all.
	if found && s.Stale != "" && s.Arrived() {
		if id, s, found, err = g.refresh(w, r, id, s); err != nil {
			g.fail(w, r, err)
			return nil
		}
	}
	if !found || !s.Arrived() {
		g.askToSignIn(w, r)
		return nil
	}
	return g.forward(w, r, id, s, next)
}
