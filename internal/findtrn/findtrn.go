// Package findtrn is the handover to Find a lost TRN
// (github.com/DFE-Digital/find-a-lost-trn), a service that finds out somebody's
// TRN from what they remember, and back. We are its "authorization server": the
// browser takes a signed form there, Find tells us with a PUT what it found, and
// sends the browser back.
//
//	findtrn.go  this map; what is configured, and what New refuses
//	depart.go   the way there: the form, its signature and its limits
//	claim.go    the way back: what a PUT says, property by property
//	refusal.go  why a PUT was not taken, and the answer that says so
//
// The package remembers nothing and calls nobody. What Find says is a claim:
// whoever reads it asks the register.
//
// Nothing personal and no key is logged or put into an error.
package findtrn

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/time/rate"
)

// Config is what both sides agreed on. Every field is required.
type Config struct {
	// URL is where the form leads: https://find-a-lost-trn.education.gov.uk/identity,
	// or http on this machine. Without a query: Find would sign that, too.
	URL string

	// SharedKey signs the form, as the text it is: Find does not decode what
	// looks like base64 or hex.
	SharedKey string

	// APIKeys are what Find may present with a PUT. More than one is for
	// changing them: Find's own logs may show them.
	APIKeys []string

	ClientID    string // of the service
	ClientTitle string // the service's name, in the header of Find's pages
	ClientURL   string // the service's home page, where that name leads

	// RedirectURL is where Find sends the browser back to, with the journey id as
	// a query that we add: it appends nothing. Without a query of its own.
	RedirectURL string
}

// Handover sends people to Find a lost TRN and reads what it says of them. It is
// safe for concurrent use.
type Handover struct {
	cfg     Config
	origin  string
	callers []caller
}

// caller is one of the keys that Find may present.
type caller struct {
	hash  [sha256.Size]byte
	limit *rate.Limiter
}

const (
	shortestKey  = 16  // characters; that of the specification's example has 24
	longestEmail = 254 // bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets)

	longestSession = 128 // bytes that a link to sign-in may give, whoever wrote it

	// What one key may ask of each replica: far more than the people at Find make
	// of it, and little enough to serve everybody else when the key has leaked.
	// Find does not repeat a PUT: who meets the limit sees an error page there.
	perSecond = 100
	burst     = 2000
)

// New checks cfg and makes a handover. It makes no call.
func New(cfg Config) (*Handover, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("find a lost TRN: %w", err)
	}
	h := &Handover{cfg: cfg}
	u, _ := url.Parse(cfg.URL) // validate has parsed it
	h.origin = u.Scheme + "://" + u.Host
	for _, key := range cfg.APIKeys {
		h.callers = append(h.callers, caller{sha256.Sum256([]byte(key)), rate.NewLimiter(perSecond, burst)})
	}
	// The longest departure there will be, if the page it starts from is about as
	// long as the one it ends at.
	if _, _, err := h.Depart(uuid.Nil.String(), strings.Repeat("e", longestEmail), strings.Repeat("s", longestSession), cfg.RedirectURL); err != nil {
		return nil, fmt.Errorf("prepare the form: %w: shorten the service's name or its addresses", err)
	}
	return h, nil
}

// Origin is where the form leads, for the form-action of a Content Security
// Policy, such as "https://find-a-lost-trn.education.gov.uk". Find's answer to the
// form redirects within it.
func (h *Handover) Origin() string { return h.origin }

func (cfg Config) validate() error {
	for _, text := range []struct{ name, value string }{
		{"URL", cfg.URL},
		{"client id", cfg.ClientID},
		{"client title", cfg.ClientTitle},
		{"client URL", cfg.ClientURL},
		{"redirect URL", cfg.RedirectURL},
	} {
		switch {
		case strings.TrimSpace(text.value) == "":
			return fmt.Errorf("the %s is missing", text.name)
		case !oneLine(text.value):
			return fmt.Errorf("the %s must be one line of text, without control characters", text.name)
		}
	}
	for _, address := range []struct{ name, value string }{
		{"URL", cfg.URL},
		{"client URL", cfg.ClientURL},
		{"redirect URL", cfg.RedirectURL},
	} {
		if err := checkAddress(address.value); err != nil {
			return fmt.Errorf("the %s %w", address.name, err)
		}
	}
	if strings.Contains(cfg.URL, "?") {
		return errors.New("the URL must not have a query: Find would sign it, too")
	}
	if strings.Contains(cfg.RedirectURL, "?") {
		return errors.New("the redirect URL must not have a query: it gets one")
	}
	return cfg.validateKeys()
}

func (cfg Config) validateKeys() error {
	if err := checkKey(cfg.SharedKey); err != nil {
		return fmt.Errorf("the shared key %w", err)
	}
	if len(cfg.APIKeys) == 0 {
		return errors.New("the API key is missing")
	}
	for i, key := range cfg.APIKeys {
		if err := checkKey(key); err != nil {
			return fmt.Errorf("API key %d %w", i+1, err)
		}
		switch {
		case slices.Contains(cfg.APIKeys[:i], key):
			return fmt.Errorf("API key %d is configured twice", i+1)
		case key == cfg.SharedKey:
			// Find's logs show the one it presents; the other must stay a secret.
			return fmt.Errorf("API key %d must not be the shared key", i+1)
		}
	}
	return nil
}

func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("is missing")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("must consist of visible ASCII characters, without spaces and line breaks")
	case len(key) < shortestKey:
		return fmt.Errorf("must have at least %d characters", shortestKey)
	}
	return nil
}

// checkAddress accepts absolute https URLs and http ones of this machine, where
// stand-ins run.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(u.Host, `*;,'"<>`):
		return errors.New("must be an absolute URL")
	case strings.Contains(address, "#"):
		return errors.New("must not have a fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("must begin with https:// (http:// only on this machine)")
}

// loopback reports whether host names this machine, without asking DNS.
func loopback(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// oneLine reports whether text is UTF-8 without control characters and line
// breaks. U+FFFD is what is no UTF-8, here or on the way here.
func oneLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp)
	})
}
