package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/allocation"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/findtrn"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/gate"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/onelogin"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register/trs"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// parts is what was built: the gate, what begins its background work, what ends
// everything, and what operators work with.
type parts struct {
	gate  *gate.Gate
	begin func()
	close func() error

	operated *operated
}

// build makes the parts and hands them to the gate. Not a word goes over the
// network before begin. After an error nothing is left open.
func (s settings) build(logger *slog.Logger, metrics *prometheus.Registry) (_ parts, err error) {
	var open closers
	defer func() {
		if err != nil {
			open.close()
		}
	}()

	shared, release, err := sharedRedis(s.redis, logger)
	if err != nil {
		return parts{}, err
	}
	open = append(open, release)

	state, err := store.New(store.Config{
		Client: shared.Client, Secrets: s.secrets,
		IdleLimit: s.idle, AbsoluteLimit: s.absolute, CacheAge: s.cache,
		LookupLimit: s.lookups, LookupWindow: s.lookupWindow, Logger: logger,
	})
	if err != nil {
		return parts{}, err
	}
	open = append(open, state.Close)

	oneLogin, err := onelogin.New(onelogin.Config{
		Issuer: s.issuer, DIDURL: s.didURL, IdentityIssuer: s.identityIssuer,
		ClientID: s.clientID, Keys: s.oneLoginKeys,
		RedirectURI:           s.serviceURL.String() + s.pathPrefix + "/callback",
		PostLogoutRedirectURI: s.serviceURL.String() + s.pathPrefix + "/signed-out",
		UserAgent:             s.userAgent(),
		HTTP:                  &http.Client{}, Logger: logger,
	})
	if err != nil {
		return parts{}, fmt.Errorf("one_login: %w", err)
	}

	records, ready, err := s.register(logger, metrics, state)
	if err != nil {
		return parts{}, err
	}

	site := s.serviceURL.String() // whose work it is, if others share the Redis
	work, err := background.New(background.Config{
		Client: shared.Client, Queue: "teaching-record:" + site, Logger: logger,
	})
	if err != nil {
		return parts{}, err
	}
	open = append(open, work.Close)
	mail, err := s.mail(logger)
	if err != nil {
		return parts{}, err
	}
	opener, err := s.opener(mail, logger)
	if err != nil {
		return parts{}, err
	}
	help, err := support.NewDesk(support.DeskConfig{
		Issuer: s.issuer, ServiceURL: s.serviceURL.String(), ServiceName: s.serviceName, Opener: opener,
		Files: store.FilesOf[support.Request](state, store.Tickets).Of(site), Visits: state, Work: work, Logger: logger, Now: time.Now,
	})
	if err != nil {
		return parts{}, err
	}
	work.Add(help.Tasks(), help.Unsettled)
	var trns *allocation.Desk
	if s.allocate {
		c := allocation.Config{
			Issuer: s.issuer, Service: s.serviceURL.String(), Files: store.FilesOf[allocation.Request](state, store.TRNRequests).Of(site),
			Register: records, Links: state, Visits: state, Help: help, Work: work, Logger: logger, Now: time.Now,
		}
		if mail != nil {
			c.Mail = mail
		}
		if trns, err = allocation.New(c); err != nil {
			return parts{}, err
		}
		work.Add(trns.Tasks(), trns.Unsettled)
	}

	signer, err := assertion.New(assertion.Config{
		ServiceURL: s.serviceURL.String(), Audience: s.audience, Keys: s.assertionKeys,
		Bind: s.bind, PlainHeaders: s.plainHeaders,
	})
	if err != nil {
		return parts{}, fmt.Errorf("assertion: %w", err)
	}

	forms := formAction(s.issuer)
	var handover *findtrn.Handover
	if s.find != nil {
		if handover, err = findtrn.New(*s.find); err != nil {
			return parts{}, fmt.Errorf("find_a_lost_trn: %w", err)
		}
		forms = append(forms, handover.Origin())
	}
	set, err := pages.New(pages.Config{
		ServiceName: s.serviceName, ServiceURL: s.serviceURL.String(), PathPrefix: s.pathPrefix,
		SupportEmail: s.supportEmail, AccountURL: s.accountURL, Branding: s.branding, Languages: s.languages,
		FormAction: forms,
	})
	if err != nil {
		return parts{}, fmt.Errorf("pages: %w", err)
	}

	claims := gate.Claims{
		Email: slices.Contains(s.claims, "email"), Name: slices.Contains(s.claims, "name"),
		BirthDate: slices.Contains(s.claims, "birthdate"), Record: slices.Contains(s.claims, "record"),
	}
	told, heard, err := s.webhooks(logger, metrics)
	if err != nil {
		return parts{}, err
	}
	c := gate.Config{
		ServiceURL: s.serviceURL, PathPrefix: s.pathPrefix, Issuer: s.issuer,
		Visits: state, Flows: state, Rounds: state, Links: state, Limiter: state, Everywhere: state, News: state, Help: help,
		OneLogin: oneLogin, Register: records, Signer: signer, Pages: set, Claims: claims,
		Policy:   journey.Policy{Allocate: s.allocate, Find: handover != nil, Writes: mail != nil, Helps: opener != nil},
		Webhooks: told, Heard: heard,
		ClientKeys: http.HandlerFunc(oneLogin.ServeJWKS),
		Checks: []gate.Check{
			{Name: "redis", Ready: state.Ready},
			{Name: "one_login", Ready: oneLogin.Ready},
			{Name: "register", Ready: ready},
		},
		Idle: s.idle, Absolute: s.absolute,
		Public: isPublic(s.public), Asked: asked, RequestID: requestID, Identified: identified,
		Logger: logger, Now: time.Now,
	}
	if trns != nil {
		c.Allocator = trns
	}
	if handover != nil {
		c.Finder, c.Handovers = finder{handover}, store.FilesOf[journey.Handover](state, store.Handovers).Of(site)
	}
	g, err := gate.New(c)
	if err != nil {
		return parts{}, err
	}
	people, _ := records.(*register.Embedded)
	if err := putAside(metrics, s.serviceURL.Host, work); err != nil {
		return parts{}, err
	}
	return parts{gate: g, operated: &operated{
		host: s.serviceURL.Host, issuer: s.issuer, state: state, records: records, people: people,
		allocator: trns, help: help, work: work, logger: logger, now: time.Now,
	}, begin: func() {
		state.Begin()
		work.Begin()
		go s.check(mail, opener, logger)
	}, close: open.close}, nil
}

// records are looked up, and TRNs given out.
type records interface {
	gate.Register
	allocation.Register
}

// register is where records are, and whether they can be asked for now.
func (s settings) register(logger *slog.Logger, metrics *prometheus.Registry, state *store.Store) (records, func(context.Context) error, error) {
	if s.trsURL == "" {
		people, err := register.Open(s.people, register.Config{
			Logger: logger, Now: time.Now, Ledger: ledger{store.FilesOf[json.RawMessage](state, store.Ledger)},
		})
		if err != nil {
			return nil, nil, fmt.Errorf("register embedded: %w", err)
		}
		return people, func(context.Context) error { return nil }, nil // it is in memory
	}
	asked, err := registerCalls(metrics)
	if err != nil {
		return nil, nil, err
	}
	client, err := trs.New(trs.Config{
		URL: s.trsURL, APIKey: s.trsKey, UserAgent: s.userAgent(), Details: slices.Contains(s.claims, "record"),
		Asked: asked, Logger: logger,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("register trs: %w", err)
	}
	return client, client.Ready, nil
}

// webhooks are what the register tells us by itself, if it is to, and who counts it.
func (s settings) webhooks(logger *slog.Logger, metrics *prometheus.Registry) (gate.Webhooks, func(journey.EventKind, string), error) {
	if !s.trsWebhook {
		return nil, nil, nil
	}
	heard, err := registerEvents(metrics)
	if err != nil {
		return nil, nil, err
	}
	told, err := trs.NewWebhooks(trs.WebhookConfig{
		Address: s.serviceURL.String() + s.pathPrefix + "/webhooks/trs",
		TRS:     s.trsURL, UserAgent: s.userAgent(), HTTP: &http.Client{}, Now: time.Now, Logger: logger,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("register trs webhook: %w", err)
	}
	return told, heard, nil
}

// userAgent is what we call ourselves wherever we call.
func (s settings) userAgent() string {
	return "caddy-teaching-record/" + version() + " (+" + s.serviceURL.String() + ")"
}

// redisClients are shared over configuration reloads, by address: a reload
// keeps the connections and, with an embedded Redis, everybody's visit.
var redisClients = caddy.NewUsagePool()

// sharedClient lets the pool close a client that nobody uses any longer.
type sharedClient struct{ *store.Redis }

func (c sharedClient) Destruct() error { return c.Close() }

// silence keeps the Redis client from writing to standard error past Caddy's
// log: whatever fails is an error of the call that needed it, and is told there.
var silence = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func sharedRedis(address string, logger *slog.Logger) (client *store.Redis, release func() error, err error) {
	silence()
	shared, _, err := redisClients.LoadOrNew(address, func() (caddy.Destructor, error) {
		opened, err := store.Connect(address, logger)
		return sharedClient{opened}, err
	})
	if err != nil {
		return nil, nil, err
	}
	return shared.(sharedClient).Redis, func() error {
		_, err := redisClients.Delete(address)
		return err
	}, nil
}

// formAction is where else a form of ours may lead: One Login redirects on to
// other hosts of its own, and browsers hold every hop against the policy.
func formAction(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	if strings.HasSuffix(u.Hostname(), ".account.gov.uk") {
		return []string{"https://*.account.gov.uk"}
	}
	return []string{u.Scheme + "://" + u.Host}
}

// version is this module's, as Go knows it in the binary that runs. One Login
// wants a product with a version, so a build from a work tree has one too.
func version() string {
	const path, unreleased = "github.com/caddy-teaching-record/caddy-teaching-record", "0.0.0-devel"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unreleased
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == path && strings.HasPrefix(m.Version, "v") {
			return m.Version[1:]
		}
	}
	return unreleased
}

// closers ends things in the reverse order of their beginning.
type closers []func() error

func (c closers) close() error {
	var errs []error
	for i := len(c) - 1; i >= 0; i-- {
		errs = append(errs, c[i]())
	}
	return errors.Join(errs...)
}
