package assertion

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"
)

// Config says how assertions are made.
type Config struct {
	// ServiceURL is the public origin of the service, such as
	// https://teaching.example.gov.uk. It is the issuer, and the beginning of
	// every "htu": neither is ever taken from a request. Required.
	ServiceURL string

	// Audience names the service, one name for each. Required.
	Audience string

	// Keys are EC keys on P-256, each given once. The first signs; the public
	// halves of all are published. Required: one.
	Keys []*ecdsa.PrivateKey

	// Bind is what an assertion is good for. Default: ToRequest.
	Bind Bind

	// PlainHeaders adds PlainTRN and PlainSubject. They prove nothing: whoever
	// reaches the service past us can set them.
	PlainHeaders bool

	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Signer stamps requests with assertions. It is safe for concurrent use.
type Signer struct {
	origin   string
	audience string
	bind     Bind
	plain    bool
	now      func() time.Time

	key    *ecdsa.PrivateKey
	header string // the JWS header, encoded, with the dot that follows
	keys   published
	kept   *lru.Cache[Claims, minted] // ToSession only
}

// New returns a Signer, or says what is wrong with c.
func New(c Config) (*Signer, error) {
	if err := parseOrigin(c.ServiceURL); err != nil {
		return nil, err
	}
	if c.Audience == "" {
		return nil, errors.New("an audience is required")
	}
	if len(c.Keys) == 0 {
		return nil, errors.New("a private key is required: an EC key on P-256")
	}
	s := &Signer{origin: c.ServiceURL, audience: c.Audience, bind: c.Bind, plain: c.PlainHeaders, now: c.Now}
	if s.now == nil {
		s.now = time.Now
	}

	switch s.bind {
	case "":
		s.bind = ToRequest
	case ToRequest:
	case ToSession:
		var err error
		if s.kept, err = lru.New[Claims, minted](keepMost); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("bind %q: want %q or %q", c.Bind, ToRequest, ToSession)
	}

	var public []jose.JSONWebKey
	for i, key := range c.Keys {
		jwk, err := publicKey(key)
		if err != nil {
			return nil, fmt.Errorf("private key %d: %w", i+1, err)
		}
		if slices.ContainsFunc(public, func(k jose.JSONWebKey) bool { return k.KeyID == jwk.KeyID }) {
			return nil, fmt.Errorf("private key %d is given twice", i+1)
		}
		public = append(public, jwk)
	}
	s.key = c.Keys[0]
	head, err := json.Marshal(map[string]string{"alg": string(jose.ES256), "typ": Type, "kid": public[0].KeyID})
	if err != nil {
		return nil, err
	}
	s.header = base64.RawURLEncoding.EncodeToString(head) + "."
	s.keys, err = publish(public)
	return s, err
}

// Stamp sets the assertion, and the plain headers where they are on, on a
// request that is about to go upstream: nothing may change its method or path
// afterwards. requestID is the id the audit log uses too; not used ToSession.
//
// On an error nothing was set, and the request must not be forwarded. No error
// carries personal data.
func (s *Signer) Stamp(r *http.Request, c Claims, requestID string) error {
	token, err := s.token(r, c, requestID)
	if err != nil {
		return fmt.Errorf("make assertion: %w", err)
	}
	r.Header[Header] = []string{token}
	if s.plain {
		r.Header[PlainTRN] = []string{c.TRN}
		r.Header[PlainSubject] = []string{c.Subject}
	}
	return nil
}

// Unstamp takes away what Stamp set, from a request that may go elsewhere.
func Unstamp(r *http.Request) { stripFamily(r.Header) }

func (s *Signer) token(r *http.Request, c Claims, requestID string) (string, error) {
	now := s.now()
	if !c.AuthTime.IsZero() {
		c.AuthTime = time.Unix(c.AuthTime.Unix(), 0).UTC() // c is a key: one instant, one value
	}
	if s.bind == ToSession {
		if m, ok := s.kept.Get(c); ok && now.Sub(m.at) < keep {
			return m.token, nil
		}
	}
	p, err := s.payload(c, now)
	if err != nil {
		return "", err
	}
	if s.bind == ToRequest {
		if requestID == "" {
			return "", errors.New("no request id")
		}
		if p.Method, p.URI, err = target(s.origin, r); err != nil {
			return "", err
		}
		p.RequestID = requestID
	}
	token, err := s.sign(p)
	switch {
	case err != nil:
		return "", err
	case len(token) > largest:
		return "", errors.New("it would be longer than services read")
	case s.bind == ToSession:
		s.kept.Add(c, minted{token, now})
	}
	return token, nil
}

// payload is the claim set on the wire: closed, and described for others in
// docs/assertion.schema.json. What is not known is left out, never null or "".
type payload struct {
	Issuer    string  `json:"iss"`
	Audience  string  `json:"aud"`
	Subject   string  `json:"sub"`
	Match     string  `json:"match"`
	TRN       string  `json:"trn"`
	IssuedAt  int64   `json:"iat"`
	NotBefore int64   `json:"nbf"`
	Expires   int64   `json:"exp"`
	ID        string  `json:"jti"`
	Session   string  `json:"sid"`
	AuthTime  int64   `json:"auth_time,omitempty"`
	VOT       string  `json:"vot,omitempty"`
	Method    string  `json:"htm,omitempty"`
	URI       string  `json:"htu,omitempty"`
	RequestID string  `json:"rid,omitempty"`
	Email     string  `json:"email,omitempty"`
	Name      string  `json:"name,omitempty"`
	BirthDate string  `json:"birthdate,omitempty"`
	Record    *Record `json:"record,omitempty"`
}

func (s *Signer) payload(c Claims, now time.Time) (payload, error) {
	if err := c.check(); err != nil {
		return payload{}, err
	}
	p := payload{
		Issuer: s.origin, Audience: s.audience,
		Subject: c.Subject, Match: c.Match, TRN: c.TRN,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(Lifetime).Unix(),
		ID:      rand.Text(), // 128 bits or more
		Session: sessionID(c.Visit),
		VOT:     c.VOT,
		Email:   c.Email, Name: c.Name, BirthDate: c.BirthDate,
	}
	if !c.AuthTime.IsZero() {
		p.AuthTime = c.AuthTime.Unix()
	}
	if c.Record != (Record{}) {
		p.Record = &c.Record
	}
	return p, nil
}

// sessionID names a visit to the service without giving away its id, which is
// the cookie, nor the hash of it under which the visit is stored.
func sessionID(visit string) string {
	sum := sha256.Sum256([]byte("teaching-record sid " + visit))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sign makes the compact JWS (RFC 7515 section 7.1) of p with ES256 (RFC 7518
// section 3.4): the signature is r and s, 32 bytes each.
func (s *Signer) sign(p payload) (string, error) {
	claims, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	token := make([]byte, 0, len(s.header)+(len(claims)+64)*4/3+4)
	token = append(token, s.header...)
	token = base64.RawURLEncoding.AppendEncode(token, claims)

	digest := sha256.Sum256(token)
	r, v, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	v.FillBytes(signature[32:])
	token = append(token, '.')
	return string(base64.RawURLEncoding.AppendEncode(token, signature[:])), nil
}
