package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/gate"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/onelogin"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// build makes the parts and hands them to the gate. After an error nothing is
// left open; after success, close ends everything.
func (s settings) build(logger *slog.Logger) (g *gate.Gate, close func() error, err error) {
	var open closers
	defer func() {
		if err != nil {
			open.close()
		}
	}()

	redis, err := sharedRedis(s.redis, logger)
	if err != nil {
		return nil, nil, err
	}
	open = append(open, redis.release)

	state, err := store.New(store.Config{
		Client: redis.client, Secrets: s.secrets,
		IdleLimit: s.idle, AbsoluteLimit: s.absolute, CacheAge: s.cache,
		LookupLimit: s.lookups, LookupWindow: s.lookupWindow, Logger: logger,
	})
	if err != nil {
		return nil, nil, err
	}
	open = append(open, state.Close)

	issuer, didURL, identityIssuer, account := s.issuer, s.didURL, s.identityIssuer, ""
	if s.environment != "" {
		issuer, didURL, identityIssuer, account, _ = onelogin.Environment(s.environment)
	}
	oneLogin, err := onelogin.New(onelogin.Config{
		Issuer: issuer, DIDURL: didURL, IdentityIssuer: identityIssuer,
		ClientID: s.clientID, Keys: s.oneLoginKeys,
		RedirectURI:           s.serviceURL.String() + s.pathPrefix + "/callback",
		PostLogoutRedirectURI: s.serviceURL.String() + s.pathPrefix + "/signed-out",
		UserAgent:             "caddy-teaching-record/" + version() + " (+" + s.serviceURL.String() + ")",
		HTTP:                  &http.Client{}, Logger: logger,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("one_login: %w", err)
	}

	people, err := register.Open(s.people, register.Config{Logger: logger})
	if err != nil {
		return nil, nil, fmt.Errorf("register embedded: %w", err)
	}

	signer, err := assertion.New(assertion.Config{
		ServiceURL: s.serviceURL.String(), Audience: s.audience, PrivateKeys: s.assertionKeys,
		Bind: s.bind, PlainHeaders: s.plainHeaders,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("assertion: %w", err)
	}

	set, err := pages.New(pages.Config{
		ServiceName: s.serviceName, ServiceURL: s.serviceURL.String(), PathPrefix: s.pathPrefix,
		SupportEmail: s.supportEmail, AccountURL: account, Branding: s.branding, Languages: s.languages,
		FormAction: formAction(issuer),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("pages: %w", err)
	}

	g, err = gate.New(gate.Config{
		ServiceURL: s.serviceURL, PathPrefix: s.pathPrefix, Issuer: issuer,
		Visits: state, Flows: state, Links: state, Limiter: state,
		OneLogin: oneLogin, Register: people, Signer: signer, Pages: set, Claims: s.claims,
		ClientKeys: http.HandlerFunc(oneLogin.ServeJWKS),
		Checks: []gate.Check{
			{Name: "redis", Ready: state.Ready},
			{Name: "one_login", Ready: oneLogin.Ready},
			{Name: "register", Ready: people.Ready},
		},
		Idle: s.idle, Absolute: s.absolute,
		Public: isPublic(s.public), Asked: asked, RequestID: requestID, Identified: identified,
		Logger: logger, Now: time.Now,
	})
	return g, open.close, err
}

// redisClients are shared over configuration reloads, by address: a reload
// keeps the connections, and with an embedded Redis everybody's visit.
var redisClients = caddy.NewUsagePool()

// sharedClient is one entry of redisClients.
type sharedClient struct {
	client  redis.UniversalClient
	release func() error
	stop    func() error
}

// Destruct is called by the pool when nobody uses the client any longer.
func (c *sharedClient) Destruct() error { return c.stop() }

func sharedRedis(address string, logger *slog.Logger) (*sharedClient, error) {
	shared, _, err := redisClients.LoadOrNew(address, func() (caddy.Destructor, error) {
		client, stop, err := store.Connect(address, logger)
		if err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		return &sharedClient{client: client, stop: stop}, nil
	})
	if err != nil {
		return nil, err
	}
	c := *shared.(*sharedClient)
	c.release = func() error {
		_, err := redisClients.Delete(address)
		return err
	}
	return &c, nil
}
