package caddymodule

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/findtrn"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/onelogin"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
)

// settings is the configuration made ready: placeholders expanded, defaults
// filled in, every value of its own type and checked. It holds every secret
// there is: never print it.
type settings struct {
	serviceName  string
	serviceURL   *url.URL // scheme and host only
	pathPrefix   string   // "/teaching-record": no slash at the end
	public       caddyhttp.MatchPath
	supportEmail string

	issuer         string
	didURL         string
	identityIssuer string
	accountURL     string // "" where One Login is none of GOV.UK's own
	clientID       string
	oneLoginKeys   []*rsa.PrivateKey // the first signs

	redis   string   // a URL, or "embedded"
	secrets [][]byte // the first seals

	// Either the path of the embedded register's file, or the Teaching Record
	// System's address and our key there.
	people         string
	trsURL, trsKey string
	trsWebhook     bool

	allocate                     bool
	find                         *findtrn.Config
	notify                       notify.Config // without an APIKey: there is none
	trnTemplate, supportTemplate string
	replyTo                      string
	supportMailbox               string
	zendesk                      *support.ZendeskConfig

	audience      string
	assertionKeys []*ecdsa.PrivateKey // the first signs
	bind          assertion.Bind
	claims        []string
	plainHeaders  bool

	idle, absolute, cache time.Duration
	lookups               int
	lookupWindow          time.Duration
	languages             []string
	branding              string // "generic" or "govuk"
}

// The limits of some settings.
const (
	leastIdle   = time.Minute
	leastWindow = time.Minute
	mostCache   = 10 * time.Second
)

// The words that some settings are limited to.
var (
	environments = []string{"integration", "production"}
	bindings     = []string{string(assertion.ToRequest), string(assertion.ToSession)}
	claims       = []string{"email", "name", "birthdate", "record"}
	languages    = []string{"en"}
	brandings    = []string{"generic", "govuk"}
)

// resolve turns the configuration into settings, without touching the network.
// Its error holds every mistake there is, a sentence on a line each.
func (c Config) resolve(repl *caddy.Replacer) (settings, error) {
	r := &resolver{repl: repl}
	var s settings

	s.serviceName = r.required("service_name", c.ServiceName)
	s.serviceURL = r.serviceURL(c.ServiceURL)
	s.pathPrefix = r.pathPrefix(c.PathPrefix)
	s.public = r.public(c.Public, s.pathPrefix)
	s.supportEmail = r.email("support_email", c.SupportEmail)

	r.oneLogin(c.OneLogin, &s)

	s.redis = r.redis(c.Redis, s.serviceURL)
	s.secrets = r.secrets(c.Secrets)
	r.register(c.Register, &s)
	s.allocate = c.AllocateTRN
	r.helpers(c, &s)

	r.assertion(c.Assertion, &s)
	r.findALostTRN(c.FindALostTRN, &s)
	r.session(c.Session, &s)
	r.lookupLimit(c.LookupLimit, &s)
	s.languages = r.languages(c.Languages)
	s.branding = r.branding(c.Branding, s.serviceURL)

	return s, errors.Join(r.mistakes...)
}

// resolver collects the mistakes of one configuration. Its methods go on after
// a mistake, so that all are told at once.
type resolver struct {
	repl     *caddy.Replacer
	mistakes []error
}

func (r *resolver) mistake(format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf(format, args...))
}

// text is a value with its placeholders expanded, "" after a mistake.
func (r *resolver) text(setting, value string) string {
	expanded, err := expand(r.repl, value)
	if err != nil {
		r.mistake("%s: %w", setting, err)
	}
	return expanded
}

// required is the text of a setting that must be there.
func (r *resolver) required(setting, value string) string {
	if strings.TrimSpace(value) == "" {
		r.mistake("%s is missing; write: %s", setting, examples[setting])
		return ""
	}
	return r.text(setting, value)
}

// oneOf is one of the words allowed.
func (r *resolver) oneOf(setting, value string, allowed []string) string {
	value, err := expand(r.repl, value)
	if err == nil && !slices.Contains(allowed, value) {
		err = fmt.Errorf("%q is not one of: %s", value, strings.Join(allowed, ", "))
	}
	if err != nil {
		r.mistake("%s: %w", setting, err)
	}
	return value
}

func (r *resolver) email(setting, value string) string {
	value = r.required(setting, value)
	if address, err := mail.ParseAddress(value); value != "" && (err != nil || address.Address != value) {
		r.mistake("%s: %q is not an e-mail address", setting, value)
	}
	return value
}

func (r *resolver) oneLogin(c OneLogin, s *settings) {
	overrides := 0
	for _, o := range []struct {
		setting, value string
		isIssuer       bool
		to             *string
	}{
		{"one_login issuer", c.Issuer, true, &s.issuer},
		{"one_login did_url", c.DIDURL, false, &s.didURL},
		{"one_login identity_issuer", c.IdentityIssuer, true, &s.identityIssuer},
	} {
		if o.value != "" {
			overrides++
			*o.to = r.providerURL(o.setting, o.value, o.isIssuer, s.serviceURL)
		}
	}
	switch {
	case c.Environment != "" && overrides > 0:
		r.mistake("one_login: environment says where One Login is, so leave out issuer, did_url and identity_issuer, or leave out environment")
	case c.Environment != "":
		environment := r.oneOf("one_login environment", c.Environment, environments)
		s.issuer, s.didURL, s.identityIssuer, s.accountURL, _ = onelogin.Environment(environment)
	case overrides == 0:
		r.mistake("one_login environment is missing; write: environment integration")
	case overrides < 3:
		r.mistake("one_login: issuer, did_url and identity_issuer go together; give all three, or environment in their place")
	}
	s.clientID = r.required("one_login client_id", c.ClientID)
	s.oneLoginKeys = privateKeys(r, "one_login private_key", c.PrivateKeys, parseRSAKey)
}

func (r *resolver) register(c Register, s *settings) {
	switch {
	case c.TRS != nil && c.Embedded != "":
		r.mistake("register: embedded and trs are there both; keep one")
	case c.TRS != nil:
		if s.trsURL = r.required("register trs url", c.TRS.URL); s.trsURL != "" {
			s.trsURL = r.providerURL("register trs url", s.trsURL, false, s.serviceURL)
		}
		s.trsKey = r.required("register trs api_key", c.TRS.APIKey)
		s.trsWebhook = c.TRS.Webhook
	default:
		s.people = r.required("register", c.Embedded)
	}
}

func (r *resolver) assertion(c Assertion, s *settings) {
	if s.audience = r.text("assertion audience", c.Audience); s.audience == "" && s.serviceURL != nil {
		s.audience = s.serviceURL.Host
	}
	s.assertionKeys = privateKeys(r, "assertion private_key", c.PrivateKeys, parseECKey)
	s.bind = assertion.Bind(r.oneOf("assertion bind", cmp.Or(c.Bind, "request"), bindings))
	s.plainHeaders = c.PlainHeaders
	for _, claim := range c.Claims {
		claim = r.oneOf("assertion claims", claim, claims)
		if slices.Contains(s.claims, claim) {
			r.mistake("assertion claims: %q is there twice; keep one", claim)
		}
		s.claims = append(s.claims, claim)
	}
}

// privateKeys reads the keys of a setting that can be repeated.
func privateKeys[K interface{ Equal(crypto.PrivateKey) bool }](r *resolver, setting string, values []string, parse func(string) (K, error)) []K {
	var keys []K
	r.each(setting, values, func(value string) error {
		key, err := parse(value)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(keys, func(other K) bool { return key.Equal(other) }) {
			return errors.New("is the same key again; each key is given once")
		}
		keys = append(keys, key)
		return nil
	})
	return keys
}

func (r *resolver) secrets(values []string) [][]byte {
	var secrets [][]byte
	r.each("secrets", values, func(value string) error {
		secret, err := parseSecret(value)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(secrets, func(other []byte) bool { return bytes.Equal(other, secret) }) {
			return errors.New("is the same secret again; each secret is given once")
		}
		secrets = append(secrets, secret)
		return nil
	})
	return secrets
}

// each hands the values of a setting to read, one at a time. What read says of
// a value is told with the setting's name, and with the value's number where
// there are several, never with the value.
func (r *resolver) each(setting string, values []string, read func(string) error) {
	if len(values) == 0 {
		r.required(setting, "")
	}
	for i, value := range values {
		name := setting
		if len(values) > 1 {
			name = fmt.Sprintf("%s, number %d", setting, i+1)
		}
		text, err := expand(r.repl, value)
		if err == nil && text == "" {
			err = fmt.Errorf("is empty; write: %s", examples[setting])
		}
		if err == nil {
			err = read(text)
		}
		if err != nil {
			r.mistake("%s: %w", name, err)
		}
	}
}

func (r *resolver) session(c Session, s *settings) {
	s.idle = cmp.Or(time.Duration(c.Idle), 2*time.Hour)
	s.absolute = cmp.Or(time.Duration(c.Absolute), 12*time.Hour)
	s.cache = 2 * time.Second
	if c.Cache != nil {
		s.cache = time.Duration(*c.Cache)
	}
	if s.idle < leastIdle {
		r.mistake("session idle: %s is too short; the least is %s", s.idle, leastIdle)
	}
	if s.absolute < s.idle {
		r.mistake("session absolute: %s is shorter than idle, which is %s", s.absolute, s.idle)
	}
	if s.cache < 0 || s.cache > mostCache {
		r.mistake("session cache: %s is not between 0s and %s", s.cache, mostCache)
	}
}

func (r *resolver) lookupLimit(c LookupLimit, s *settings) {
	s.lookups = cmp.Or(c.Lookups, 5)
	s.lookupWindow = cmp.Or(time.Duration(c.Window), 24*time.Hour)
	if s.lookups < 1 {
		r.mistake("lookup_limit: %d lookups are too few; the least is 1", s.lookups)
	}
	if s.lookupWindow < leastWindow {
		r.mistake("lookup_limit: %s is too short; the least is %s", s.lookupWindow, leastWindow)
	}
}

func (r *resolver) languages(values []string) []string {
	if len(values) == 0 {
		return []string{"en"}
	}
	for i, language := range values {
		switch {
		case language == "cy":
			r.mistake("languages: this version has no Welsh yet, only English: en")
		case !slices.Contains(languages, language):
			r.mistake("languages: %q is not one of the languages of this version, which has English only: en", language)
		case slices.Contains(values[:i], language):
			r.mistake("languages: %q is there twice; keep one", language)
		}
	}
	return values
}
