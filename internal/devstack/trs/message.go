package trs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// domain is the canonical one of the API, which need not be where it is.
	domain = "https://teaching-record-system.example"

	// signatureLife is how long a signature is good for.
	signatureLife = 5 * time.Minute

	// timeLayout is RFC 3339 with seven fractional digits, in UTC.
	timeLayout = "2006-01-02T15:04:05.0000000Z07:00"
)

// components are what a signature covers, in this order.
var components = []string{"@target-uri", "content-digest", "content-length", "ce-id", "ce-type", "ce-time"}

// message is an event as it is delivered once: a CloudEvent in binary mode, signed
// as RFC 9421 says. Forgeries spoil it, before it is signed or after.
type message struct {
	header map[string]string // names in lower case, as they are sent
	body   []byte

	// signed are the components that are no fields of header. A field that is
	// here too is signed with this value and sent with the other.
	signed map[string]string

	covered []string // the components
	label   string
	params  []param
	key     *ecdsa.PrivateKey
	asDER   bool // the signature is not r||s
}

// param is a parameter of a signature. The value is as it is written.
type param struct{ name, value string }

// compose makes a message of the event, to be signed.
func (s *Server) compose(e event) *message {
	s.mu.Lock()
	key := s.keys[len(s.keys)-1]
	s.mu.Unlock()
	created := s.config.Now()
	return &message{
		header: map[string]string{
			"ce-specversion": "1.0", "ce-id": e.id, "ce-source": domain, "ce-type": e.kind,
			"ce-time":        e.at.UTC().Format(timeLayout),
			"ce-dataschema":  domain + "/swagger/v3_" + Version + ".json",
			"content-digest": digest(e.body),
		},
		body:    e.body,
		signed:  map[string]string{"@target-uri": s.config.Webhook, "content-length": strconv.Itoa(len(e.body))},
		covered: components,
		label:   "sig1",
		params: []param{
			{"created", strconv.FormatInt(created.Unix(), 10)},
			{"expires", strconv.FormatInt(created.Add(signatureLife).Unix(), 10)},
			{"nonce", quoted(randomHex())},
			{"alg", quoted("ecdsa-p384-sha384")},
			{"keyid", quoted(key.id)},
			{"tag", quoted("trs-webhooks")},
		},
		key: key.private,
	}
}

// digest is the value of Content-Digest (RFC 9530); digest512 is one that may be
// there too.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=" + binary(sum[:])
}

func digest512(body []byte) string {
	sum := sha512.Sum512(body)
	return "sha-512=" + binary(sum[:])
}

// binary and quoted are a byte sequence and a string as structured fields have
// them (RFC 9651). No string here has anything to escape.
func binary(b []byte) string    { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }
func quoted(text string) string { return `"` + text + `"` }

// sign adds a signature to those there are (RFC 9421, sections 2.5 and 3.3.5).
func (m *message) sign() {
	var base, list strings.Builder
	for i, name := range m.covered {
		value, special := m.signed[name]
		if !special {
			value = m.header[name]
		}
		fmt.Fprintf(&base, "%q: %s\n", name, value)
		if i > 0 {
			list.WriteString(" ")
		}
		list.WriteString(quoted(name))
	}
	params := "(" + list.String() + ")"
	for _, p := range m.params {
		params += ";" + p.name + "=" + p.value
	}
	fmt.Fprintf(&base, "%q: %s", "@signature-params", params)

	hash := sha512.Sum384([]byte(base.String()))
	m.add("signature-input", m.label+"="+params)
	m.add("signature", m.label+"="+binary(m.signHash(hash[:])))
}

func (m *message) signHash(hash []byte) []byte {
	if m.asDER {
		signature, err := ecdsa.SignASN1(rand.Reader, m.key, hash)
		if err != nil {
			panic(err) // a key of ours
		}
		return signature
	}
	r, s, err := ecdsa.Sign(rand.Reader, m.key, hash)
	if err != nil {
		panic(err)
	}
	raw := make([]byte, 96)
	r.FillBytes(raw[:48])
	s.FillBytes(raw[48:])
	return raw
}

// add appends an item to a field that is a list or a dictionary.
func (m *message) add(field, item string) {
	if before := m.header[field]; before != "" {
		item = before + ", " + item
	}
	m.header[field] = item
}

// set gives a parameter another value, as it is written.
func (m *message) set(name, value string) {
	for i := range m.params {
		if m.params[i].name == name {
			m.params[i].value = value
		}
	}
}

// drop leaves a parameter out.
func (m *message) drop(name string) {
	m.params = slices.DeleteFunc(m.params, func(p param) bool { return p.name == name })
}

// beside is the same message to be signed once more, with another key.
func (m *message) beside(label string, key *ecdsa.PrivateKey) *message {
	other := *m // the fields, and so the signatures, they have in common
	other.label, other.key = label, key
	other.signed, other.params = maps.Clone(m.signed), slices.Clone(m.params)
	return &other
}

// mirror makes of the one signature the other that is as valid.
func (m *message) mirror() {
	text := strings.Trim(strings.TrimPrefix(m.header["signature"], m.label+"="), ":")
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err) // a signature of ours
	}
	s := new(big.Int).SetBytes(raw[48:])
	s.Sub(m.key.Params().N, s).FillBytes(raw[48:])
	m.header = maps.Clone(m.header) // of what was sent
	m.header["signature"] = m.label + "=" + binary(raw)
}

// sent is an event, and the message with which the subscriber accepted it.
type sent struct {
	event   event
	message *message
}

// post sends a message. The body of the answer is cut after 64 KB.
func (s *Server) post(m *message) (status int, body string, err error) {
	r, err := http.NewRequestWithContext(s.stopped, http.MethodPost, s.config.Webhook, bytes.NewReader(m.body))
	if err != nil {
		return 0, "", err
	}
	for name, value := range m.header {
		r.Header[name] = []string{value}
	}
	r.Header.Set("User-Agent", "TeachingRecordSystem")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	answer, err := s.config.HTTP.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, string(text), err
}
