// Package onelogin is this service's side of GOV.UK One Login: the OpenID
// Connect relying party.
//
//	relyingparty.go  what it is configured with, and what New refuses
//	depart.go        the way there: the signed authorisation request; signing out
//	arrive.go        the way back: the callback, and what came of it
//	refusals.go      the tables of everything One Login can refuse with
//	calls.go         the direct calls: token (once), userinfo, and their limits
//	idtoken.go       the checks of an ID token, as one list
//	identity.go      the checks of a core identity JWT, as one list; names, birth dates
//	provider.go      the three documents of One Login, read strictly
//	document.go      how long a document is trusted, and when it is fetched again
//	keys.go          our own keys: what signs, what is published
//
// Two journeys go through here: a sign-in asks for the vector Cl.Cm, an identity
// check for Cl.Cm.P2. The package remembers nothing of either: what must be kept
// while the browser is away is the journey.Flow that Depart returns and Arrive is
// given back. It knows no cookies, no sessions and no pages.
//
// Nothing personal is logged or put into an error: no subject, name, address,
// token, code or state, and no description that One Login sends.
package onelogin

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Config is everything a relying party is told. All of it is needed unless a
// field says otherwise.
type Config struct {
	// The three values of one environment, see Environment. They are compared
	// as exact strings; both issuers of the live environments end in a slash.
	Issuer         string // iss of ID tokens; discovery is below it
	DIDURL         string // where the keys of core identity JWTs are listed
	IdentityIssuer string // iss of core identity JWTs

	ClientID string // as registered with One Login

	// Both as registered, byte for byte. Without a query: One Login's simulator
	// would append a second "?".
	RedirectURI           string
	PostLogoutRedirectURI string

	// Keys are RSA keys of 2048 bits or more. The first signs, all are published.
	Keys []*rsa.PrivateKey

	// UserAgent is sent with every direct call, such as
	// "caddy-teaching-record/1.0 (+https://teaching.example.gov.uk)". Without
	// one, One Login answers 403.
	UserAgent string

	HTTP   *http.Client     // default: a plain client; redirects are never followed
	Now    func() time.Time // default: time.Now
	Logger *slog.Logger
}

// RelyingParty signs people in with GOV.UK One Login. It is safe for concurrent
// use and meant to live as long as its configuration.
type RelyingParty struct {
	cfg Config

	signer     jose.Signer
	jwks       []byte
	controller string // the DID every core identity key belongs to

	metadata *document[metadata]
	keys     *document[keySet] // of ID tokens, kid to key
	did      *document[keySet] // of core identity JWTs, kid to key
}

// callTimeout limits one direct call, body included. One Login's own gateway
// gives up after 29 seconds.
const callTimeout = 20 * time.Second

// New checks cfg and prepares a relying party; a configuration whose requests
// One Login's firewall would stop is refused, too. It makes no call: One Login may be
// down when the server starts, or be served by it.
func New(cfg Config) (*RelyingParty, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	client := http.Client{}
	if cfg.HTTP != nil {
		client = *cfg.HTTP
	}
	// A redirect would carry a code, a token or our trust to an address that
	// nobody configured. It counts as a failure, like every answer but 200.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Timeout == 0 || client.Timeout > callTimeout {
		client.Timeout = callTimeout
	}
	cfg.HTTP = &client

	rp := &RelyingParty{cfg: cfg, controller: controllerOf(cfg.DIDURL)}
	var err error
	if rp.signer, rp.jwks, err = prepareKeys(cfg.Keys); err != nil {
		return nil, err
	}
	// The longest request there will be, if the endpoints are where they are today.
	if _, _, err := rp.request(cfg.Issuer+"authorize", journey.VerifyIdentity, "en"); err != nil {
		return nil, fmt.Errorf("prepare requests to One Login: %w", err)
	}
	rp.metadata = newDocument(rp, "discovery document", rp.fetchMetadata)
	rp.keys = newDocument(rp, "key set", rp.fetchKeys)
	rp.did = newDocument(rp, "DID document", rp.fetchDID)
	return rp, nil
}

// Ready reports whether One Login's three documents are at hand, fetching those
// that are missing. Copies that could not be refreshed count: sign-in works with
// them.
func (rp *RelyingParty) Ready(ctx context.Context) error {
	_, metadata := rp.metadata.get(ctx)
	_, keys := rp.keys.get(ctx)
	_, did := rp.did.get(ctx)
	return errors.Join(metadata, keys, did)
}

// environments are One Login's two, by the name the Caddyfile gives them. The
// production identity issuer is not in One Login's documentation; it is what the
// public clients of production expect.
var environments = map[string]struct{ issuer, didURL, identityIssuer, home string }{
	"integration": {
		issuer:         "https://oidc.integration.account.gov.uk/",
		didURL:         "https://identity.integration.account.gov.uk/.well-known/did.json",
		identityIssuer: "https://identity.integration.account.gov.uk/",
		home:           "https://home.integration.account.gov.uk/",
	},
	"production": {
		issuer:         "https://oidc.account.gov.uk/",
		didURL:         "https://identity.account.gov.uk/.well-known/did.json",
		identityIssuer: "https://identity.account.gov.uk/",
		home:           "https://home.account.gov.uk/",
	},
}

// Environment names the addresses of "integration" or "production"; ok is false
// for any other name. Home is where a person manages their GOV.UK One Login.
func Environment(name string) (issuer, didURL, identityIssuer, home string, ok bool) {
	e, ok := environments[name]
	return e.issuer, e.didURL, e.identityIssuer, e.home, ok
}

func (cfg Config) validate() error {
	for _, required := range []struct{ name, value string }{
		{"client id", cfg.ClientID},
		{"user agent", strings.TrimSpace(cfg.UserAgent)},
		{"issuer", cfg.Issuer},
		{"DID URL", cfg.DIDURL},
		{"identity issuer", cfg.IdentityIssuer},
		{"redirect URI", cfg.RedirectURI},
		{"post-logout redirect URI", cfg.PostLogoutRedirectURI},
	} {
		if required.value == "" {
			return fmt.Errorf("the One Login %s is missing", required.name)
		}
	}
	if cfg.Logger == nil {
		return errors.New("the One Login logger is missing")
	}
	for _, address := range []struct{ name, value string }{
		{"issuer", cfg.Issuer},
		{"DID URL", cfg.DIDURL},
		{"identity issuer", cfg.IdentityIssuer},
		{"redirect URI", cfg.RedirectURI},
		{"post-logout redirect URI", cfg.PostLogoutRedirectURI},
	} {
		if err := checkAddress(address.value, true); err != nil {
			return fmt.Errorf("the One Login %s %q %w", address.name, address.value, err)
		}
	}
	return cfg.validateEnvironment()
}

// validateEnvironment refuses a mixture of environments: keys of integration must
// never vouch for anybody in production, nor production be used for development.
func (cfg Config) validateEnvironment() error {
	for _, e := range environments {
		ours := []bool{cfg.Issuer == e.issuer, cfg.DIDURL == e.didURL, cfg.IdentityIssuer == e.identityIssuer}
		if slices.Contains(ours, true) && slices.Contains(ours, false) {
			return errors.New("the One Login issuer, DID URL and identity issuer must be of one environment")
		}
	}
	if cfg.Issuer == environments["production"].issuer &&
		(!strings.HasPrefix(cfg.RedirectURI, "https:") || !strings.HasPrefix(cfg.PostLogoutRedirectURI, "https:")) {
		return errors.New("the production environment of One Login needs https redirect URIs")
	}
	return nil
}

// checkAddress accepts absolute https URLs and, where plain is set, http ones of
// this machine: that is how stand-ins and One Login's simulator run.
func checkAddress(address string, plain bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return errors.New("is not an absolute URL")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(address, "#"):
		return errors.New("must not have a query or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && plain && loopback(u.Hostname()):
		return nil
	}
	return errors.New("must begin with https:// (http:// only on this machine)")
}

// loopback reports whether host names this machine, without asking DNS.
func loopback(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// controllerOf is the DID that did:web gives the host of a DID document: the part
// of every key id before its "#". A port's colon is escaped (did:web, section 3.2).
// This direction is safe; a URL is never made from a DID.
func controllerOf(didURL string) string {
	u, err := url.Parse(didURL)
	if err != nil {
		return ""
	}
	return "did:web:" + strings.ReplaceAll(u.Host, ":", "%3A")
}
