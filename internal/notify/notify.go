// Package notify sends e-mail through GOV.UK Notify's REST API.
//
//	notify.go    this map; what is configured, and what New refuses
//	send.go      one e-mail, once: the look-up before a repeat, and the call
//	check.go     is the template what we would fill in?
//	call.go      one call: the token, the limits, and what an answer means
//
// Notify does not know a repeat when it sees one: two calls with one reference
// are two e-mails. So whoever sends keeps the reference, and says when an earlier
// attempt may have got through.
//
// Errors are of three kinds. ErrRefused: the same again would be refused again,
// and an operator must look. Later: nothing was sent, and may be after a while.
// Any other: nobody knows whether it was sent; try again, saying so. None of them
// holds a person's data, nor a text of Notify's, which may quote an address.
package notify

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

// DefaultURL is where GOV.UK Notify is. It has no test environment: the kind of
// key decides who gets e-mail.
const DefaultURL = "https://api.notifications.service.gov.uk"

// Config is what a client needs.
type Config struct {
	// APIKey is the key as Notify shows it once: "{name}-{service id}-{secret}",
	// the last two UUIDs. Required.
	APIKey string

	URL       string           // base of the API; default: DefaultURL
	UserAgent string           // product and version. Required.
	HTTP      *http.Client     // default: a plain one; redirects are never followed
	Now       func() time.Time // default: time.Now. Notify wants it right to 30 s.
	Logger    *slog.Logger     // Required.
}

// Client sends e-mail. It is safe for concurrent use.
type Client struct {
	Config
	service string // issuer of our tokens
	signer  jose.Signer
}

// New checks c and makes a client. It makes no call: Notify may be down when we
// start. See Check.
func New(c Config) (*Client, error) {
	c.URL = cmp.Or(c.URL, DefaultURL)
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL of GOV.UK Notify must be an address, such as " + DefaultURL)
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return nil, errors.New("the URL of GOV.UK Notify must be https; http is for loopback addresses only")
	case strings.TrimSpace(c.UserAgent) == "" || c.Logger == nil:
		return nil, errors.New("GOV.UK Notify needs a user agent and a logger")
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	service, secret, err := parseKey(c.APIKey)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("sign for GOV.UK Notify: %w", err)
	}
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.HTTP = &client
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{Config: c, service: service, signer: signer}, nil
}

// parseKey takes an API key apart from its end, because its name may have
// hyphens of its own. The secret is used as it is written.
func parseKey(key string) (service, secret string, err error) {
	const id = 36 // a UUID with its hyphens
	if split := len(key) - id - 1 - id; split > 1 && key[split-1] == '-' && key[split+id] == '-' {
		service, secret = key[split:split+id], key[split+id+1:]
	}
	if uuid.Validate(service) != nil || uuid.Validate(secret) != nil {
		return "", "", errors.New("the API key of GOV.UK Notify must be as Notify shows it: its name, the id of the service and a secret, with hyphens between")
	}
	return service, secret, nil
}

// loopback reports whether host names this machine, without asking DNS.
func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// ErrRefused says that the same again would be refused again: an operator must
// look. The text beside it says what to check.
var ErrRefused = errors.New("an operator must look")

// Later says that nothing was sent, because too much was. To be found with
// errors.As.
type Later struct {
	Wait time.Duration // before the next attempt
}

// Error says how long.
func (l Later) Error() string {
	return "GOV.UK Notify has had too many requests: again in " + l.Wait.String()
}
