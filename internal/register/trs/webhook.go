package trs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// WebhookConfig is what reading webhooks needs. Every field is required unless
// it says otherwise.
type WebhookConfig struct {
	// Address is where TRS sends them, exactly as it is registered there, such as
	// https://teaching.example.gov.uk/teaching-record/webhooks/trs. It is signed,
	// and is never taken from a request: a delivery to somebody else is no use here.
	Address string

	TRS       string // base of the API; the keys are at /webhook-jwks below it
	UserAgent string // product and version

	HTTP   *http.Client     // default: a plain one; redirects are never followed
	Now    func() time.Time // default: time.Now
	Logger *slog.Logger
}

// Webhooks reads what TRS tells by itself. It is safe for concurrent use.
type Webhooks struct {
	WebhookConfig
	keys *hookKeys
}

// NewWebhooks checks c. It makes no call: the keys are fetched when first needed.
func NewWebhooks(c WebhookConfig) (*Webhooks, error) {
	const example = "https://teaching.example.gov.uk/teaching-record/webhooks/trs"
	err := errors.Join(
		checkAddress("the address of the webhooks", c.Address, example),
		checkAddress("the URL of the Teaching Record System", c.TRS, exampleURL))
	if err == nil && (strings.TrimSpace(c.UserAgent) == "" || c.Logger == nil) {
		err = errors.New("the webhooks of the Teaching Record System need a user agent and a logger")
	}
	if err != nil {
		return nil, err
	}
	c.TRS = strings.TrimSuffix(c.TRS, "/")
	c.HTTP = staying(c.HTTP)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Webhooks{WebhookConfig: c, keys: &hookKeys{WebhookConfig: c}}, nil
}

const (
	maxDelivery = 64 << 10 // of a body, in bytes; real ones stay below 2 kB
	maxEventID  = 200      // TRS sends UUIDs
	maxSubject  = 255      // what TRS keeps of one
	maxRequest  = 100      // what POST /v3/trn-requests takes
)

// Receive verifies a delivery and says what it tells. Its errors say nothing of
// what was delivered. They are, by what the sender should be told:
//
//	journey.ErrForged    the signature, the digest, the time or the key is wrong
//	journey.NoRegister   the keys could not be fetched: TRS should deliver again
//	any other            TRS signed it, and it cannot be read
//
// Event.Delivery is made of what was signed, not of the signature: of each ECDSA
// signature (r, s) anybody can make a second valid one, (r, n-s). To refuse a
// replay it must be remembered for five and a half minutes: a signature is
// believed for five, and TRS's clock may be half a minute fast.
func (w *Webhooks) Receive(r *http.Request) (journey.Event, error) {
	signed, err := w.verify(r)
	if err != nil {
		return journey.Event{}, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDelivery+1))
	switch {
	case len(body) > maxDelivery:
		return journey.Event{}, unreadable("the body is too large")
	case err != nil:
		return journey.Event{}, unreadable("the body ended early")
	}
	if err := intact(r.Header, body); err != nil {
		return journey.Event{}, err
	}
	e, err := read(r.Header, body)
	if err != nil {
		return journey.Event{}, err
	}
	sum := sha256.Sum256([]byte(signed))
	e.Delivery = hex.EncodeToString(sum[:])
	return e, nil
}

// read reads a CloudEvent in binary mode (CloudEvents 1.0, HTTP binding, 3.1).
func read(h http.Header, body []byte) (journey.Event, error) {
	version, _ := field(h, "ce-specversion")
	id, _ := field(h, "ce-id")
	kind, _ := field(h, "ce-type")
	when, _ := field(h, "ce-time")
	at, err := time.Parse(time.RFC3339, when) // takes any number of digits after the second
	switch {
	case version != "1.0":
		return journey.Event{}, unreadable("not a CloudEvent 1.0")
	case id == "" || len(id) > maxEventID:
		return journey.Event{}, unreadable("no ce-id of a sensible length")
	case err != nil:
		return journey.Event{}, unreadable("ce-time is no time")
	}
	e := journey.Event{ID: id, At: at}
	tell, known := tales[kind]
	if !known {
		return e, nil
	}
	contentType, _ := field(h, "Content-Type")
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		return journey.Event{}, unreadable("not JSON by its Content-Type")
	}
	var p payload
	if json.Unmarshal(body, &p) != nil || !tell(p, &e) { // the decoder's own error could quote a value
		return journey.Event{}, unreadable("a payload that is not the JSON expected")
	}
	return e, nil
}

// tales are the types that concern us. A tale puts what the payload tells into
// the event, or says that it lacks what it must have.
var tales = map[string]func(payload, *journey.Event) bool{
	"one_login_user.updated": payload.linkChanged,
	"person.deactivated":     payload.recordEnded,
	"alert.created":          payload.recordChanged,
	"alert.updated":          payload.recordChanged,
	"alert.deleted":          payload.recordChanged,
	"trn_request.completed":  payload.requestCompleted,
}

// payload is what is read of all types; no two use the same property.
type payload struct {
	User struct {
		Subject string `json:"subject"`
	} `json:"oneLoginUser"`
	Connected json.RawMessage `json:"connectedPerson"`

	Deactivated hasTRN `json:"deactivatedPerson"`

	hasTRN // of alerts

	Request struct {
		ID     string          `json:"requestId"`
		Status json.RawMessage `json:"status"`
	} `json:"trnRequest"`
}

type hasTRN struct {
	TRN string `json:"trn"`
}

func (p payload) linkChanged(e *journey.Event) bool {
	e.Kind, e.Subject = journey.LinkChanged, p.User.Subject
	if e.Subject == "" || len(e.Subject) > maxSubject {
		return false
	}
	// TRS writes null for a link that was removed. A payload that says nothing of
	// a link must not remove one.
	if string(p.Connected) == "null" {
		return true
	}
	var to hasTRN
	if json.Unmarshal(p.Connected, &to) != nil {
		return false
	}
	e.TRN = to.TRN
	return sevenDigits.MatchString(e.TRN)
}

// recordEnded leaves out what the record was merged into: whether that is the
// person's is found out by the checks of a lookup.
func (p payload) recordEnded(e *journey.Event) bool {
	e.Kind, e.TRN = journey.RecordEnded, p.Deactivated.TRN
	return sevenDigits.MatchString(e.TRN)
}

func (p payload) recordChanged(e *journey.Event) bool {
	e.Kind, e.TRN = journey.RecordChanged, p.TRN
	return sevenDigits.MatchString(e.TRN)
}

// requestCompleted reads a status that TRS documents as a word and sends as the
// number of that word (Pending 0, Completed 1, Rejected 2, Dormant 3).
func (p payload) requestCompleted(e *journey.Event) bool {
	if status := string(p.Request.Status); status != "1" && !strings.EqualFold(status, `"Completed"`) {
		return true // nothing new: we keep asking anyway
	}
	e.Kind, e.Request = journey.RequestCompleted, p.Request.ID
	return e.Request != "" && len(e.Request) <= maxRequest
}

// forged is the error of a delivery that is not to be believed.
func forged(why string) error {
	return fmt.Errorf("webhook of the teaching record system: %s: %w", why, journey.ErrForged)
}

// unreadable is the error of one that TRS signed, but that says nothing we know.
func unreadable(why string) error {
	return errors.New("webhook of the teaching record system: " + why)
}
