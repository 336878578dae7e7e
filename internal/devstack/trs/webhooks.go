package trs

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// The types of events. That of a request for a TRN is told to everybody, whoever
// made the request.
const (
	oneLoginUserUpdated = "one_login_user.updated"
	personDeactivated   = "person.deactivated"
	alertCreated        = "alert.created"
	alertDeleted        = "alert.deleted"
	trnRequestCompleted = "trn_request.completed"
	ping                = "ping"
	ofTheFuture         = "person.applauded" // no document knows it
)

// requestCompleted is the status of a request for a TRN that was completed, as it
// is in an event: the real one's serialiser writes the number there, and the name
// everywhere else.
const requestCompleted = 1

// retries are the real one's: after the tenth attempt an event is dropped.
var retries = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// ErrNoSubscriber says that there is nobody to tell.
var ErrNoSubscriber = errors.New("nobody is registered for webhooks")

// newDeliverer sends as the real one: HTTP/1.1, at most 30 s. A redirect is an
// answer like any other that is not 2xx.
func newDeliverer() *http.Client {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{Protocols: http1, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// event is something that happened, as its subscriber is told.
type event struct {
	id   string // a UUID
	kind string
	at   time.Time
	body []byte
}

func (s *Server) newEvent(kind string, payload object) event {
	body, err := json.Marshal(payload)
	if err != nil {
		panic(err) // strings, numbers and lists alone always marshal
	}
	return event{uuid.NewString(), kind, s.config.Now(), body}
}

// Delivery is an event on its way to the subscriber. It does not say whom the
// event is about.
type Delivery struct {
	ID       string // of the event: ce-id
	Type     string // of the event: ce-type
	Forgery  string // the name of the forgery; "" for what really happened
	Statuses []int  // the answers so far, one an attempt; 0 is no answer
	State    DeliveryState
}

// DeliveryState says how far a delivery has come.
type DeliveryState string

// The states of a delivery.
const (
	Waiting   DeliveryState = "waiting"   // for an answer, or for the next attempt
	Delivered DeliveryState = "delivered" // answered with 2xx
	Dropped   DeliveryState = "dropped"   // not so, and not tried again
)

// Ping tells the subscriber of nothing.
func (s *Server) Ping() error { return s.announce(ping, object{"pingId": uuid.NewString()}) }

// Novelty tells the subscriber of something of a type that no document knows, as
// types are added.
func (s *Server) Novelty() error { return s.announce(ofTheFuture, object{"applause": object{}}) }

func (s *Server) announce(kind string, payload object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config.Webhook == "" {
		return ErrNoSubscriber
	}
	s.tell(kind, payload)
	return nil
}

// tell has an event delivered in the background, if there is a subscriber. The
// caller holds the lock. The real one looks once a minute for what is to be told,
// and then sends up to twenty in parallel; this one sends each at once. In neither
// does the order say anything.
func (s *Server) tell(kind string, payload object) {
	if s.config.Webhook == "" || s.stopped.Err() != nil {
		return
	}
	e := s.newEvent(kind, payload)
	d := &Delivery{ID: e.id, Type: kind, State: Waiting}
	s.deliveries = append(s.deliveries, d)
	s.background.Go(func() { s.deliver(e, d) })
}

// deliver sends an event until it is accepted or there were enough attempts. Each
// is signed afresh, for a signature is good for five minutes.
func (s *Server) deliver(e event, d *Delivery) {
	for attempt := 0; ; attempt++ {
		m := s.compose(e)
		m.sign()
		status, _, _ := s.post(m) // an error is status 0
		s.mu.Lock()
		d.Statuses = append(d.Statuses, status)
		switch {
		case accepted(status):
			d.State = Delivered
			s.sent = append(s.sent, sent{e, m})
			s.sent = s.sent[max(0, len(s.sent)-2):]
		case attempt == len(s.config.Retries):
			d.State = Dropped
		}
		over := d.State != Waiting
		s.mu.Unlock()
		if !accepted(status) {
			s.config.Logger.Warn("trs stand-in could not deliver", "type", e.kind, "attempt", attempt+1, "status", status)
		}
		if over {
			return
		}
		next := time.NewTimer(s.config.Retries[attempt])
		select {
		case <-next.C:
		case <-s.stopped.Done():
			next.Stop()
			return
		}
	}
}

func accepted(status int) bool { return status/100 == 2 }

// Close ends the deliveries, also those under way, and waits until they have.
// Nobody is told of anything after it.
func (s *Server) Close() {
	s.mu.Lock() // whatever is being told has begun, or will not
	s.stop()
	s.mu.Unlock()
	s.background.Wait()
	s.config.HTTP.CloseIdleConnections()
}
