// Package trs puts the questions of a register to the Teaching Record System
// (TRS, github.com/DFE-Digital/teaching-record-system), over its API V3.
//
//	trs.go      this map; what is configured, and what New refuses
//	find.go     whose record is it: searches, checks, and the rule over both
//	record.go   one record by its TRN: is it live, what does it say
//	requests.go a TRN for who has none: asking for it, and how that stands
//	answers.go  what each answer of the API means, and the shapes of the good ones
//	manners.go  how it is asked: limits, retries, and leaving it alone when it fails
//
// What TRS tells by itself comes as webhooks:
//
//	webhook.go    what a delivery must be, and what each type of it tells
//	signature.go  who signed it, over what, and when (RFC 9421)
//	hookkeys.go   the keys TRS signs with, and how long they are believed
//
// The API has no question "whose record is this?". It is composed of a search by
// last name and date of birth, a check of the National Insurance number for each
// record that is plausible, and our own rule for names (package register), so
// that both registers find the same people.
//
// An error means that the register could not be asked, never that there is no
// record; it carries journey.NoRegister. Two that requests for TRNs can end with
// are answers, and do not: journey.ErrNoRequest and ErrRefusedApplication.
//
// Addresses hold dates of birth and
// numbers, and the API repeats them in what it answers: neither is ever logged
// or put into an error.
package trs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

// apiVersion is the minor version whose shapes this package reads. Without it
// the API serves that of 2024.
const apiVersion = "20260612"

// Config is what a client needs. Every field is required unless it says otherwise.
type Config struct {
	URL       string // base of the API, such as https://preprod.teacher-qualifications-api.education.gov.uk
	APIKey    string // with the role GetPerson, and CreateTrn where TRNs are asked for
	UserAgent string // product and version

	// Details says whether the record's QTS, EYTS, induction and alerts are
	// wanted. Without them a linked record costs the cheapest call there is.
	Details bool

	// Asked is told of every call: the endpoint, how it ended ("ok", "not-found",
	// "merged", "deactivated", "refused", "busy", "failed") and how long the
	// teacher waited for it. Optional.
	Asked func(endpoint, outcome string, took time.Duration)

	HTTP   *http.Client     // default: a plain one; redirects are never followed
	Now    func() time.Time // default: time.Now
	Logger *slog.Logger
}

// Client asks the Teaching Record System. It is safe for concurrent use.
type Client struct {
	Config
	rule    register.Rule
	flights singleflight.Group

	limit   *rate.Limiter
	places  chan struct{} // one for each call under way
	breaker *gobreaker.CircuitBreaker[answer]
	hold    hold
}

// New checks c and makes a client. It makes no call: TRS may be down when we start.
func New(c Config) (*Client, error) {
	if err := checkAddress("the URL of the Teaching Record System", c.URL, exampleURL); err != nil {
		return nil, err
	}
	if c.APIKey == "" || strings.TrimSpace(c.UserAgent) == "" || c.Logger == nil {
		return nil, errors.New("the Teaching Record System needs an API key, a user agent and a logger")
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	// Where a merged record went is read from the answer, and the checks are made
	// again there: the API's redirect drops them.
	c.HTTP = staying(c.HTTP)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Asked == nil {
		c.Asked = func(string, string, time.Duration) {}
	}
	return &Client{
		Config: c, rule: register.NewRule(),
		limit:   rate.NewLimiter(perSecond, burst),
		places:  make(chan struct{}, atOnce),
		breaker: newBreaker(c.Logger),
	}, nil
}

// Ready reports whether the API answers, without asking for anybody.
func (c *Client) Ready(ctx context.Context) error {
	a, err := c.ask(ctx, "trns", "/v3/trns/0000000", nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusNotFound && a.status != http.StatusNoContent {
		return c.unexpected(ctx, "trns", a)
	}
	return nil
}

// failed is an error of a question that could not be asked.
func failed(what string, err error) error {
	return fmt.Errorf("teaching record system: %s: %w: %w", what, err, journey.NoRegister)
}

const exampleURL = "https://preprod.teacher-qualifications-api.education.gov.uk"

// checkAddress refuses what is not a plain address, or could be read on its way.
// Its errors do not repeat the address: there may be a password in it.
func checkAddress(what, address, example string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New(what + " must be an address, such as " + example)
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return errors.New(what + " must be https; http is for loopback addresses only")
	}
	return nil
}

// staying is a client like c that follows no redirects.
func staying(c *http.Client) *http.Client {
	client := http.Client{}
	if c != nil {
		client = *c
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// loopback reports whether host names this machine, without asking DNS.
func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
