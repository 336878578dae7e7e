package trs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Forgery is a delivery out of the ordinary. Where its sentence names no other
// event, it tells the opposite of what was told last of anybody's One Login (who
// was connected to a record is not, and the other way round), so that it shows
// when it is believed.
type Forgery struct {
	Name string
	Does string // the sentence that says what is out of the ordinary
	Want Outcome

	sequel bool                    // there must be a delivery before it
	event  func(*Server) event     // what it tells; nil: the opposite
	before func(*Server, *message) // what is done to it before it is signed; nil: nothing
	after  func(*Server, *message) // and after
}

// Outcome is what must come of a forgery.
type Outcome string

// The outcomes.
const (
	Refused  Outcome = "refused"  // not answered with 2xx, and nothing changes
	Ignored  Outcome = "ignored"  // answered with 2xx, and nothing changes
	Believed Outcome = "believed" // answered with 2xx, and it is so from now on
)

// ErrNothingSent says that nothing was delivered that could come again.
var ErrNothingSent = errors.New("nothing has been delivered that could come again")

// Forgeries are all forgeries there are.
func Forgeries() []Forgery { return slices.Clone(forgeries()) }

var forgeries = sync.OnceValue(func() []Forgery {
	return slices.Concat(alteredForgeries(), timeForgeries(), keyForgeries(), partForgeries(), oddities())
})

// Forge sends a forgery now, once, and gives the subscriber's answer; of its body
// the first 64 KB. The error says that there was no answer.
func (s *Server) Forge(name string) (status int, body string, err error) {
	all := forgeries()
	i := slices.IndexFunc(all, func(f Forgery) bool { return f.Name == name })
	if i < 0 {
		return 0, "", fmt.Errorf("no forgery is called %q", name)
	}
	f := all[i]
	s.mu.Lock()
	none := f.sequel && len(s.sent) == 0
	s.mu.Unlock()
	switch {
	case s.config.Webhook == "":
		return 0, "", ErrNoSubscriber
	case none:
		return 0, "", ErrNothingSent
	}
	opposite := s.opposite()
	e := s.newEvent(oneLoginUserUpdated, opposite.payload())
	if f.event != nil {
		e = f.event(s)
	}
	m := s.compose(e)
	if f.before != nil {
		f.before(s, m)
	}
	m.sign()
	if f.after != nil {
		f.after(s, m)
	}
	status, body, err = s.post(m)

	s.mu.Lock()
	defer s.mu.Unlock()
	d := &Delivery{ID: m.header["ce-id"], Type: m.header["ce-type"], Forgery: f.Name, Statuses: []int{status}, State: Dropped}
	if accepted(status) {
		d.State = Delivered
	}
	if f.Want == Believed {
		s.told = opposite
	}
	s.deliveries = append(s.deliveries, d)
	return status, body, err
}

// opposite is what would be wrong to believe. Before anybody was told of, it is
// that somebody unknown is connected to some record.
func (s *Server) opposite() connection {
	s.mu.Lock()
	c := s.told
	s.mu.Unlock()
	c.subject = cmp.Or(c.subject, "urn:fdc:gov.uk:2022:nobody")
	c.connected = !c.connected
	if c.trn == "" {
		c.trn = s.another("")
	}
	return c
}

// alteredForgeries were changed on the way, or sent on to somebody else.
func alteredForgeries() []Forgery {
	honest := func(m *message) []byte { return append(slices.Clone(m.body[:len(m.body)-1]), ' ') } // as long as the other
	return []Forgery{
		{Name: "replay", Does: "The delivery before the last one, or the only one, comes again, byte for byte.", Want: Refused, sequel: true,
			after: func(s *Server, m *message) { *m = s.before() }},
		{Name: "replay-mirrored", Does: "The same, with the second signature that anybody can make of a valid one: r and n−s.", Want: Refused, sequel: true,
			after: func(s *Server, m *message) { *m = s.before(); m.mirror() }},
		{Name: "body-altered", Does: "The body is not that of the digest.", Want: Refused,
			before: func(_ *Server, m *message) { m.header["content-digest"] = digest(honest(m)) }},
		{Name: "body-and-digest-altered", Does: "Body and digest were changed together, and not signed again.", Want: Refused,
			before: func(_ *Server, m *message) { m.signed["content-digest"] = digest(honest(m)) }},
		{Name: "length-altered", Does: "Another content-length was signed.", Want: Refused, before: signedWith("content-length", "3")},
		{Name: "id-altered", Does: "Another ce-id was signed.", Want: Refused, before: signedWith("ce-id", uuid.Nil.String())},
		{Name: "type-altered", Does: "Another ce-type was signed.", Want: Refused, before: signedWith("ce-type", ping)},
		{Name: "time-altered", Does: "Another ce-time was signed.", Want: Refused, before: signedWith("ce-time", "2026-01-01T00:00:00.0000000Z")},
		{Name: "target-other", Does: "It was signed for another address.", Want: Refused, before: signedWith("@target-uri", elsewhereURL+"/webhooks")},
		{Name: "digest-missing", Does: "The digest was signed, and is not sent.", Want: Refused,
			after: func(_ *Server, m *message) { delete(m.header, "content-digest") }},
	}
}

// before is the delivery before the last one, or the only one.
func (s *Server) before() message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.sent[0].message
}

// signedWith signs a component with another value than is sent.
func signedWith(name, value string) func(*Server, *message) {
	return func(_ *Server, m *message) { m.signed[name] = value }
}

// timeForgeries are signed well, but not for now.
func timeForgeries() []Forgery {
	good := func(created, expires time.Duration) func(*Server, *message) {
		return func(s *Server, m *message) {
			now := s.config.Now()
			m.set("created", strconv.FormatInt(now.Add(created).Unix(), 10))
			m.set("expires", strconv.FormatInt(now.Add(expires).Unix(), 10))
		}
	}
	return []Forgery{
		{Name: "expired", Does: "The signature was made twenty minutes ago and expired after five.", Want: Refused, before: good(-20*time.Minute, -15*time.Minute)},
		{Name: "expired-young", Does: "The signature was made two minutes ago and expired after one.", Want: Refused, before: good(-2*time.Minute, -time.Minute)},
		{Name: "aged", Does: "The signature was made yesterday, and is good for a year.", Want: Refused, before: good(-24*time.Hour, 365*24*time.Hour)},
		{Name: "in-future", Does: "The signature will be made in an hour.", Want: Refused, before: good(time.Hour, time.Hour+signatureLife)},
		{Name: "expires-later", Does: "The signature is good for an hour, as can be configured.", Want: Believed, before: good(0, time.Hour)},
	}
}

// keyForgeries are signed by somebody else, or not as they say.
func keyForgeries() []Forgery {
	stranger := func(s *Server) signingKey { return newSigningKey(s.config.Now()) }
	return []Forgery{
		{Name: "key-unknown", Does: "The key is not listed.", Want: Refused, before: func(s *Server, m *message) {
			key := stranger(s)
			m.key = key.private
			m.set("keyid", quoted(key.id))
		}},
		{Name: "key-other", Does: "The id is that of a key that is listed; the key is another.", Want: Refused,
			before: func(s *Server, m *message) { m.key = stranger(s).private }},
		{Name: "alg-other", Does: "The algorithm has another name, ecdsa-p256-sha256.", Want: Refused,
			before: func(_ *Server, m *message) { m.set("alg", quoted("ecdsa-p256-sha256")) }},
		{Name: "signature-der", Does: "The signature is in DER, not r and s of 48 bytes each.", Want: Refused,
			before: func(_ *Server, m *message) { m.asDER = true }},
		{Name: "tag-other", Does: "The tag is that of another application.", Want: Refused,
			before: func(_ *Server, m *message) { m.set("tag", quoted("another")) }},
		{Name: "tag-twice", Does: "A second signature has the tag too, of a key that is not listed: nothing says which to heed.", Want: Refused,
			after: func(s *Server, m *message) { m.beside("sig2", stranger(s).private).sign() }},
	}
}

// partForgeries lack a part of the signature.
func partForgeries() []Forgery {
	all := []Forgery{
		{Name: "unsigned", Does: "There is no signature.", Want: Refused, after: func(_ *Server, m *message) {
			delete(m.header, "signature-input")
			delete(m.header, "signature")
		}},
		{Name: "signature-missing", Does: "What was signed is said, but the signature is missing.", Want: Refused,
			after: func(_ *Server, m *message) { delete(m.header, "signature") }},
		{Name: "input-missing", Does: "There is a signature, but nothing says what was signed.", Want: Refused,
			after: func(_ *Server, m *message) { delete(m.header, "signature-input") }},
	}
	for _, name := range components {
		all = append(all, Forgery{Name: "without-" + strings.TrimPrefix(name, "@"), Does: name + " is not signed.", Want: Refused,
			before: func(_ *Server, m *message) {
				m.covered = slices.DeleteFunc(slices.Clone(m.covered), func(covered string) bool { return covered == name })
			}})
	}
	for _, name := range []string{"created", "expires", "alg", "keyid", "tag"} {
		all = append(all, Forgery{Name: "without-" + name, Does: "The signature does not say its " + name + ".", Want: Refused,
			before: func(_ *Server, m *message) { m.drop(name) }})
	}
	return all
}

// oddities are no forgeries: the real one sends them, or may.
func oddities() []Forgery {
	completed := func(status any) func(*Server) event {
		return func(s *Server) event {
			return s.newEvent(trnRequestCompleted, object{"trnRequest": object{
				"requestId": uuid.NewString(), "oneLoginUserSubject": nil, "status": status, "trn": s.another(""),
				"potentialDuplicate": false, "accessYourTeachingQualificationsLink": nil,
			}})
		}
	}
	return []Forgery{
		{Name: "label-whsig", Does: "The signature’s label is whsig, as in the design document.", Want: Believed,
			before: func(_ *Server, m *message) { m.label = "whsig" }},
		{Name: "beside-another", Does: "A proxy has signed too, with its own key and tag, and comes first.", Want: Believed, before: func(s *Server, m *message) {
			proxy := m.beside("proxy", newSigningKey(s.config.Now()).private)
			proxy.covered = []string{"@target-uri"}
			proxy.set("keyid", quoted("a-key-of-the-proxy"))
			proxy.set("tag", quoted("proxy"))
			proxy.sign()
		}},
		{Name: "several-digests", Does: "There are digests of two algorithms, both right.", Want: Believed, before: func(_ *Server, m *message) {
			m.header["content-digest"] = digest512(m.body) + ", " + m.header["content-digest"]
		}},
		{Name: "again", Does: "The event that was delivered last is delivered again, signed afresh: it is told at least once.", Want: Ignored, sequel: true,
			event: func(s *Server) event { s.mu.Lock(); defer s.mu.Unlock(); return s.sent[len(s.sent)-1].event }},
		{Name: "late", Does: "An event of an hour ago comes only now, after newer ones: the order says nothing.", Want: Ignored, sequel: true, event: func(s *Server) event {
			e := s.newEvent(oneLoginUserUpdated, s.opposite().payload())
			e.at = e.at.Add(-time.Hour)
			return e
		}},
		{Name: "type-unknown", Does: "The event is of a type that no document knows.", Want: Ignored,
			event: func(s *Server) event { return s.newEvent(ofTheFuture, object{"applause": object{}}) }},
		{Name: "request-of-another", Does: "Another application’s request for a TRN was completed: everybody is told. The status is the number 1.", Want: Ignored,
			event: completed(requestCompleted)},
		{Name: "status-text", Does: "The same, with the status as the documents have it: Completed.", Want: Ignored, event: completed("Completed")},
	}
}
