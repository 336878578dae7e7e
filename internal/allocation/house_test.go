package allocation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	issuer    = "https://one-login.example/"
	service   = "https://service.example"
	subject   = "urn:fdc:gov.uk:2022:subject-marker"
	trn       = "7300001"
	otherTRN  = "7300002"
	reference = "7K2M-9QXA"
)

var (
	errDown = errors.New("down")
	person  = journey.State{Subject: subject, Email: "prunella@people.example", Identity: journey.Identity{
		Names: []journey.Name{{Given: []string{"Prunella"}, Family: []string{"Wintergreen"}}}, BirthDates: []string{"1984-03-02"},
	}, Lookups: []journey.Lookup{{With: journey.WithNINO, Outcome: journey.NoRecord}}}
	application = journey.Application{FirstName: "Prunella", LastName: "Wintergreen", BirthDate: "1984-03-02", Email: "prunella@people.example", NINO: "QQ123456C"}

	completed = journey.Allocation{Status: journey.Completed, TRN: trn}
	rejected  = journey.Allocation{Status: journey.Rejected}
)

// house is a desk, and everything it needs, on a clock that only the test moves.
type house struct {
	*Desk
	t      *testing.T
	log    bytes.Buffer
	logger *slog.Logger // one for all replicas, whose lines share the buffer

	begin    time.Time
	mu       sync.Mutex
	now      time.Time
	files    map[string][]byte // by id
	links    map[string]journey.Link
	news     []string // what browsers were told while there was a link, or none
	pleas    []journey.Plea
	helpDown error
	register registry
	post     mailbox
	queue    queue
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), files: map[string][]byte{}, links: map[string]journey.Link{}}
	h.begin = h.now
	h.logger = slog.New(slog.NewTextHandler(&h.log, nil))
	h.register = registry{h: h, known: map[string]*journey.Allocation{}, says: completed}
	h.post.h = h
	h.queue = queue{h: h, due: map[string]time.Time{}, failed: map[string]int{}, aside: map[string]error{}}
	h.Desk = h.replica(nil)
	return h
}

// replica is another desk of the same service.
func (h *house) replica(change func(*Config)) *Desk {
	h.t.Helper()
	c := Config{Issuer: issuer, Service: service, Files: documents{h}, Register: &h.register, Links: links{h}, Visits: h, Help: help{h},
		Mail: &h.post, Work: &h.queue, Logger: h.logger, Now: h.Now}
	if change != nil {
		change(&c)
	}
	d, err := New(c)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func (h *house) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

// asks is what the person does.
func (h *house) asks(want journey.RequestStatus) {
	h.t.Helper()
	status, err := h.Ask(h.t.Context(), person, application)
	if err != nil || status != want {
		h.t.Fatalf("asked, and it is %q: %v, want %q", status, err, want)
	}
}

// stands is what the person reads when they come back.
func (h *house) stands(want journey.RequestStatus, reference string) {
	h.t.Helper()
	status, since, ref, err := h.Standing(h.t.Context(), subject)
	if err != nil || status != want || ref != reference {
		h.t.Errorf("it stands %q, %q: %v, want %q, %q", status, ref, err, want, reference)
	}
	if (status != "") != since.Equal(h.begin) {
		h.t.Errorf("it stands %q since %s", status, since)
	}
}

// ends is what must have come of everything.
func (h *house) ends(requests, linked, emails, pleas int) {
	h.t.Helper()
	got := []int{len(h.register.known), len(h.links), len(h.post.sent), len(h.pleas)}
	if want := []int{requests, linked, emails, pleas}; !slices.Equal(got, want) {
		h.t.Errorf("requests, links, e-mails, requests for help: %v, want %v\n%s", got, want, h.log.String())
	}
}

// known is what is kept of the request.
func (h *house) known() Request {
	h.t.Helper()
	r, found, err := documents{h}.Read(h.t.Context(), h.id(subject))
	if err != nil || !found {
		h.t.Fatalf("nothing is known of the request: %v", err)
	}
	return r
}

// documents are kept as text, as a store keeps them.
type documents struct{ *house }

func (f documents) Read(_ context.Context, id string) (r Request, found bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, found := f.files[id]
	if found {
		err = json.Unmarshal(text, &r)
	}
	return r, found, err
}

func (f documents) Change(ctx context.Context, id string, change func(Request, bool) (Request, error)) (Request, error) {
	for {
		r, found, err := f.Read(ctx, id)
		if err != nil {
			return r, err
		}
		before, _ := json.Marshal(r)
		next, err := change(r, found)
		if err != nil {
			return Request{}, err
		}
		after, err := json.Marshal(next)
		if err != nil {
			return Request{}, err
		}
		if ctx.Err() != nil {
			return Request{}, ctx.Err()
		}
		f.mu.Lock()
		same := !found && f.files[id] == nil || bytes.Equal(f.files[id], before)
		if same {
			f.files[id] = after
		}
		f.mu.Unlock()
		if same {
			return next, nil
		}
	}
}

func (f documents) Each(ctx context.Context, do func(string, Request) error) error {
	f.mu.Lock()
	ids := slices.Sorted(maps.Keys(f.files))
	f.mu.Unlock()
	for _, id := range ids {
		r, _, err := f.Read(ctx, id)
		if err := errors.Join(err, do(id, r)); err != nil {
			return err
		}
	}
	return nil
}

type links struct{ *house }

func (l links) Link(_ context.Context, of, subject string) (journey.Link, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	link, found := l.links[of+" "+subject]
	return link, found, nil
}

func (l links) SetLink(_ context.Context, of, subject string, link journey.Link) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.links[of+" "+subject] = link
	return nil
}

// staff links the person, "" for unlinks.
func (h *house) staff(trn string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.links, issuer+" "+subject); trn != "" {
		h.links[issuer+" "+subject] = journey.Link{TRN: trn, How: "register"}
	}
}

// ChangeOf notes what a browser finds that asks again at once.
func (h *house) ChangeOf(_ context.Context, of string, f func(journey.State) (journey.State, error)) error {
	s, err := f(journey.State{Subject: of})
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && s.Stale != "" {
		h.news = append(h.news, h.links[issuer+" "+of].TRN)
	}
	return err
}

// help gives the same reference for as long as there is one.
type help struct{ *house }

func (p help) Ask(_ context.Context, plea journey.Plea) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.helpDown != nil {
		return "", p.helpDown
	}
	p.pleas = append(p.pleas, plea)
	return reference, nil
}

// registry is a register that makes one request of an id.
type registry struct {
	h     *house
	known map[string]*journey.Allocation
	asked []time.Time // when it was asked anything
	posts int         // how often for a TRN

	says   journey.Allocation // of a new request
	denies bool               // that the record is theirs
	down   error              // instead of any answer; after that if lost
	lost   bool

	after func() // it has made a request, and before the answer arrives
}

func (r *registry) RequestTRN(_ context.Context, asked journey.TRNRequest) (journey.Allocation, error) {
	if r.after != nil {
		defer r.after()
	}
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	r.asked, r.posts = append(r.asked, r.h.now), r.posts+1
	if r.down != nil && !r.lost {
		return journey.Allocation{}, r.down
	}
	if r.known[asked.ID] == nil {
		if asked.NINO == "refused" {
			return journey.Allocation{}, journey.ErrRefusedApplication
		}
		says := r.says
		r.known[asked.ID] = &says
	}
	return *r.known[asked.ID], r.down
}

func (r *registry) Find(_ context.Context, _ journey.Identity, stated journey.Stated) (journey.Record, bool, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	return journey.Record{TRN: stated.TRN}, !r.denies, r.down
}

func (r *registry) TRNRequest(_ context.Context, id string) (journey.Allocation, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	r.asked = append(r.asked, r.h.now)
	switch {
	case r.down != nil:
		return journey.Allocation{}, r.down
	case r.known[id] == nil:
		return journey.Allocation{}, journey.ErrNoRequest
	}
	return *r.known[id], nil
}

// decides is what staff of the register do.
func (r *registry) decides(a journey.Allocation) {
	for _, known := range r.known {
		*known = a
	}
}

// mailbox has the e-mails that went out. Each may only tell what is so.
type mailbox struct {
	h        *house
	sent     []string // TRNs
	attempts []string // when, and whether again
	err      error
	during   func()
}

func (m *mailbox) TRNAllocated(_ context.Context, r Request, again bool) error {
	if m.during != nil {
		m.during()
	}
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	m.attempts = append(m.attempts, fmt.Sprint(m.h.now.Format("15:04:05 "), again))
	if m.err != nil {
		return m.err
	}
	if link := m.h.links[issuer+" "+r.Subject]; link.TRN != r.TRN || r.Email != person.Email || r.FirstName != application.FirstName {
		m.h.t.Errorf("an e-mail tells of a TRN that is not linked, or tells somebody else")
	}
	m.sent = append(m.sent, r.TRN)
	return nil
}

// queue has work done as package background does, on the clock of the house.
type queue struct {
	h      *house
	due    map[string]time.Time // by kind and name
	failed map[string]int
	aside  map[string]error
	down   error
}

func (q *queue) Look(_ context.Context, kind, name string, after time.Duration) error {
	q.h.mu.Lock()
	defer q.h.mu.Unlock()
	if q.down != nil {
		return q.down
	}
	key := kind + " " + name
	_, waits := q.due[key]
	if after == 0 || !waits && q.aside[key] == nil {
		q.due[key] = q.h.now.Add(after)
		delete(q.aside, key)
	}
	return nil
}

// sweep is what happens when a replica starts, and every few minutes.
func (h *house) sweep() {
	h.t.Helper()
	err := h.Unsettled(h.t.Context(), func(kind, name string) error {
		if _, waits := h.queue.due[kind+" "+name]; waits || h.queue.aside[kind+" "+name] != nil {
			return nil
		}
		return h.queue.Look(h.t.Context(), kind, name, 0)
	})
	if err != nil {
		h.t.Error(err)
	}
}

// pass lets time pass, with all work done when it is due, and a sweep whenever
// something was.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	for end := h.now.Add(d); ; h.sweep() {
		next := ""
		for key, at := range h.queue.due {
			if !at.After(end) && (next == "" || at.Before(h.queue.due[next])) {
				next = key
			}
		}
		if next == "" {
			h.now = end
			return
		}
		if at := h.queue.due[next]; at.After(h.now) {
			h.now = at
		}
		delete(h.queue.due, next)
		var kind, name string
		fmt.Sscan(next, &kind, &name)
		err := h.Tasks()[kind](h.t.Context(), name)
		_, woken := h.queue.due[next]
		switch wait := (background.NotYet{}); {
		case err == nil || woken:
			delete(h.queue.failed, next)
		case errors.As(err, &wait):
			if wait.In <= 0 {
				h.t.Fatalf("%s is to be looked at again in %s", kind, wait.In)
			}
			h.queue.due[next] = h.now.Add(wait.In)
		case errors.Is(err, background.ErrHopeless):
			h.queue.aside[next] = err
		default:
			h.queue.due[next] = h.now.Add(min(10*time.Second<<min(h.queue.failed[next], 20), time.Hour))
			h.queue.failed[next]++
		}
	}
}
