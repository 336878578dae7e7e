// Package verify checks the signed assertion that tells a service which
// teacher a request comes from. It is for services behind caddy-teaching-record
// that are written in Go: put Verifier.Handler around yours, and read
// FromContext.
//
//	verify.go    what a service configures, and the checks, as a list
//	handler.go   the checks as net/http middleware
//	keys.go      the public keys: fetched, kept for five minutes, replaced
package verify

import (
	"crypto/ecdsa"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Header carries the assertion.
const Header = "Teaching-Record-Assertion"

const (
	tokenType = "teaching-record+jwt"
	leeway    = 5 * time.Second // between the clocks of Caddy's machine and this one
	longest   = 32 << 10        // of an assertion, in bytes; ours stay far below
)

// Bind is what an assertion is good for. It must be the same as the module's
// "bind" in the Caddyfile.
type Bind string

// The two kinds.
const (
	Request Bind = "request" // one method and path; the default
	Session Bind = "session" // the whole session
)

// Config says whose assertions are accepted.
type Config struct {
	// Issuer is the module's service_url, such as
	// https://teaching.example.gov.uk. Required.
	Issuer string

	// Audience is the module's audience: this service's name. Required.
	Audience string

	// JWKSURL is where the public keys are:
	// <service_url>/teaching-record/jwks.json. It is the only place they are
	// ever fetched from, redirects are not followed.
	JWKSURL string

	// Keys are the public keys themselves, for a service without a way to
	// JWKSURL. Exactly one of the two is required.
	Keys []*ecdsa.PublicKey

	// Bind must match the module's. An assertion that is bound to a request is
	// good for no other with Session either. Default: Request.
	Bind Bind

	// HTTP fetches the keys. Default: a client with a timeout of 5 s.
	HTTP *http.Client

	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Claims is what the module says of the teacher. Optional claims are zero when
// the service did not ask for them, or nothing is known.
type Claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`   // GOV.UK One Login's, opaque; the same person is the same subject
	Match    string `json:"match"` // "found": TRN is theirs
	TRN      string `json:"trn"`   // seven digits; only ever set with Match "found"

	IssuedAt  int64  `json:"iat"` // seconds since 1970, like all times here
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	ID        string `json:"jti"` // random; with Request never the same twice
	SessionID string `json:"sid"` // the same for all requests of one session
	AuthTime  int64  `json:"auth_time"`
	VOT       string `json:"vot"` // credential level reached, such as "Cl.Cm"

	Method    string `json:"htm"`
	URI       string `json:"htu"`
	RequestID string `json:"rid"` // the same as in the module's logs

	Email     string  `json:"email"`
	Name      string  `json:"name"`
	BirthDate string  `json:"birthdate"` // YYYY-MM-DD
	Record    *Record `json:"record"`
}

// Record is what the register says of the teacher. Dates are YYYY-MM-DD.
type Record struct {
	Name      string `json:"name"`
	QTS       string `json:"qts"`
	EYTS      string `json:"eyts"`
	Induction string `json:"induction"`
	Alerts    bool   `json:"alerts"`
}

// Verifier checks assertions. It is safe for concurrent use.
type Verifier struct {
	issuer   string
	audience string
	bind     Bind
	now      func() time.Time
	keys     *keySet
}

// New returns a Verifier, or says what is wrong with c. It does not use the
// network yet.
func New(c Config) (*Verifier, error) {
	switch {
	case !isURL(c.Issuer) || strings.Count(c.Issuer, "/") != 2:
		return nil, errors.New("verify: Issuer is required: an origin such as https://teaching.example.gov.uk, with nothing after it")
	case c.Audience == "":
		return nil, errors.New("verify: Audience is required")
	case (c.JWKSURL == "") == (len(c.Keys) == 0):
		return nil, errors.New("verify: exactly one of JWKSURL and Keys is required")
	case c.JWKSURL != "" && !isURL(c.JWKSURL):
		return nil, errors.New("verify: JWKSURL must be an https or http URL")
	case c.Bind != "" && c.Bind != Request && c.Bind != Session:
		return nil, errors.New("verify: Bind must be Request or Session")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Bind == "" {
		c.Bind = Request
	}
	keys, err := newKeySet(c)
	if err != nil {
		return nil, err
	}
	return &Verifier{issuer: c.Issuer, audience: c.Audience, bind: c.Bind, now: c.Now, keys: keys}, nil
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// Verify returns what r's assertion says, after every check there is. The
// errors are fixed sentences: nothing a client sent is in them.
func (v *Verifier) Verify(r *http.Request) (*Claims, error) {
	// No assertion is not "nobody": it is a request that came past the module.
	tokens := r.Header.Values(Header)
	if len(tokens) != 1 || tokens[0] == "" {
		return nil, errors.New("there must be exactly one assertion")
	}
	if len(tokens[0]) > longest {
		return nil, errors.New("the assertion is too long")
	}
	// The algorithm is ours to choose, not the token's (RFC 8725 section 3.1).
	token, err := jwt.ParseSigned(tokens[0], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, errors.New("the assertion is not a JWT signed with ES256")
	}
	head := token.Headers[0]
	key, err := v.keys.find(r.Context(), head.KeyID)
	if err != nil {
		return nil, err
	}
	var c Claims
	if err := token.Claims(key, &c); err != nil {
		return nil, errors.New("the assertion's signature or claims are wrong")
	}

	now := v.now()
	switch {
	case head.ExtraHeaders[jose.HeaderType] != tokenType: // RFC 8725 section 3.11
		return nil, errors.New("the token is not a teaching record assertion")
	case c.Issuer != v.issuer:
		return nil, errors.New("the assertion is from another issuer")
	case c.Audience != v.audience:
		return nil, errors.New("the assertion is for another service")
	case c.Expires == 0 || !now.Before(time.Unix(c.Expires, 0).Add(leeway)):
		return nil, errors.New("the assertion has expired")
	case now.Before(time.Unix(c.NotBefore, 0).Add(-leeway)):
		return nil, errors.New("the assertion is not valid yet")
	case c.Subject == "":
		return nil, errors.New("the assertion has no subject")
	case (c.Match == "found") != (c.TRN != ""):
		return nil, errors.New("the assertion's match and TRN contradict each other")
	case v.bind == Session && c.Method == "" && c.URI == "":
		return &c, nil
	case c.Method != r.Method || c.URI != v.issuer+rawPath(r):
		return nil, errors.New("the assertion is for another request")
	}
	return &c, nil
}

// rawPath is the path as it stands in the request line, before any decoding,
// cleaning or routing.
func rawPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return path
}
