package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

// application is a request for a TRN that waits for an operator, with what is
// needed to decide whether one of the records is the person's.
type application struct {
	ID        string      `json:"id"`
	Subject   string      `json:"subject"`
	Since     time.Time   `json:"since"`
	Name      string      `json:"name"`      // verified, as is the birth date
	BirthDate string      `json:"birthDate"` // YYYY-MM-DD
	Maybe     []candidate `json:"maybe"`     // most likely first
}

// candidate is a record that may be the person's.
type candidate struct {
	TRN  string `json:"trn"`
	Name string `json:"name"`
}

// errElsewhere is for registers of which operators here decide nothing.
var errElsewhere = refuse(http.StatusConflict, "decided-elsewhere",
	"the staff of the Teaching Record System decide on requests for a TRN; what they decide arrives here by itself")

func (s *operated) requests(ctx context.Context, _ words) (any, error) {
	if s.people == nil {
		return nil, errElsewhere
	}
	pending, err := s.people.Requests(ctx)
	if err != nil {
		return nil, err
	}
	all := []application{}
	for _, r := range pending {
		a := application{r.ID, r.Subject, r.At, named(r.FirstName, r.MiddleName, r.LastName), r.BirthDate, []candidate{}}
		for _, maybe := range r.Maybe {
			a.Maybe = append(a.Maybe, candidate{maybe.TRN, named(maybe.FirstName, maybe.LastName)})
		}
		all = append(all, a)
	}
	return all, nil
}

// named joins those parts of a name that there are.
func named(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " ")
}

// decision is how a request stands now.
type decision struct {
	ID  string `json:"id"`
	TRN string `json:"trn,omitempty"` // "" when it was rejected
}

// resolve answers a request with a record: an empty TRN is for a new one.
func (s *operated) resolve(ctx context.Context, asked words) (any, error) {
	trn := asked["trn"]
	if trn != "" {
		var err error
		if trn, err = journey.ParseTRN(trn); err != nil {
			return nil, refuse(http.StatusBadRequest, "word", "trn must be %s, or empty for a new record", wordForms["trn"].like)
		}
	}
	return s.decide(ctx, asked["id"], func() (string, error) {
		a, err := s.people.Resolve(ctx, asked["id"], trn)
		return a.TRN, err
	})
}

func (s *operated) reject(ctx context.Context, asked words) (any, error) {
	return s.decide(ctx, asked["id"], func() (string, error) { return "", s.people.Reject(ctx, asked["id"]) })
}

// decide makes a decision and has it looked at, so that the person hears of it.
// To decide the same again is well, so whatever fails can be done again.
func (s *operated) decide(ctx context.Context, id string, do func() (trn string, err error)) (any, error) {
	if s.people == nil {
		return nil, errElsewhere
	}
	trn, err := do()
	switch {
	case errors.Is(err, journey.ErrNoRequest):
		return nil, refuse(http.StatusNotFound, "no-request", "there is no request with this id")
	case errors.Is(err, register.ErrDecided):
		return nil, refuse(http.StatusConflict, "decided", "the request was decided otherwise before")
	case errors.Is(err, register.ErrNoRecord):
		return nil, refuse(http.StatusNotFound, "no-record", "no live record has this TRN")
	case errors.Is(err, register.ErrUsedUp):
		return nil, refuse(http.StatusConflict, "used-up", "no TRN is left to give out")
	case err != nil:
		return nil, err
	}
	if s.allocator != nil {
		err = s.allocator.Decided(ctx, id)
	}
	return decision{id, trn}, err
}

// aside is background work that is not tried again by itself.
type aside struct {
	Kind   string    `json:"kind"`
	Name   string    `json:"name"`
	Failed time.Time `json:"failed"` // last
	Error  string    `json:"error"`
}

func (s *operated) putAside(ctx context.Context, _ words) (any, error) {
	tasks, err := s.work.Aside(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", journey.NoStore, err)
	}
	all := []aside{}
	for _, t := range tasks {
		all = append(all, aside{t.Kind, t.Name, t.Failed.UTC(), t.Error})
	}
	return all, nil
}

// piece names a piece of work.
type piece struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

func (s *operated) retry(ctx context.Context, asked words) (any, error) {
	it := piece{asked["kind"], asked["name"]}
	tasks, err := s.work.Aside(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", journey.NoStore, err)
	}
	if !slices.ContainsFunc(tasks, func(t background.Aside) bool { return t.Kind == it.Kind && t.Name == it.Name }) {
		return nil, refuse(http.StatusNotFound, "no-work", "no such work was put aside")
	}
	return it, s.work.Look(ctx, it.Kind, it.Name, 0)
}
