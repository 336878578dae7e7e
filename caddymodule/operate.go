package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/allocation"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/gate"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
)

// operated is what operators work with, of one site.
type operated struct {
	host   string // of service_url
	issuer string // One Login's, to which subjects belong

	state     *store.Store
	records   gate.Register
	people    *register.Embedded // nil: records are in the Teaching Record System
	allocator *allocation.Desk   // nil: no TRNs are asked for
	help      *support.Desk
	work      *background.Background

	logger *slog.Logger
	now    func() time.Time
}

// audit logs a change, or the attempt: who, what, whose, and what came of it.
func (s *operated) audit(ctx context.Context, action string, names []string, asked words, err error) {
	line := []any{"action", action, "by", asked["by"], "service", s.host}
	for _, name := range names {
		if name != "trn" {
			line = append(line, name, asked[name])
		}
	}
	outcome := "done"
	if said := (refusal{}); errors.As(err, &said) {
		outcome = said.code
	} else if err != nil {
		outcome = "failed"
	}
	s.logger.InfoContext(ctx, "audit", append(line, "outcome", outcome)...)
}

// failed logs what failed and could not be the operator's fault.
func (s *operated) failed(ctx context.Context, action string, err error) {
	if err != nil && !errors.As(err, new(refusal)) {
		s.logger.WarnContext(ctx, "admin API: it failed", "action", action, "error", err)
	}
}

// connection says which record a subject is connected to.
type connection struct {
	Subject string    `json:"subject"`
	TRN     string    `json:"trn"`
	How     string    `json:"how"` // by which answer it was found, or who connected it
	At      time.Time `json:"at"`
}

func (s *operated) link(ctx context.Context, asked words) (any, error) {
	link, found, err := s.state.Link(ctx, s.issuer, asked["subject"])
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, refuse(http.StatusNotFound, "not-connected", "%s is not connected to a record", asked["subject"])
	}
	return connection{asked["subject"], link.TRN, link.How, link.At.UTC()}, nil
}

// connect links a subject to a record, and ends what they asked for help with.
func (s *operated) connect(ctx context.Context, asked words) (any, error) {
	subject := asked["subject"]
	trn, err := s.live(ctx, asked["trn"])
	if err != nil {
		return nil, err
	}
	link, _, err := s.relink(ctx, subject, trn)
	if err != nil {
		return nil, err
	}
	return connection{subject, link.TRN, link.How, link.At.UTC()}, s.help.Settle(ctx, subject)
}

// live is a TRN that was typed, if there is a live record with it.
func (s *operated) live(ctx context.Context, typed string) (trn string, err error) {
	if trn, err = journey.ParseTRN(typed); err != nil {
		return "", refuse(http.StatusBadRequest, "word", "trn must be %s", wordForms["trn"].like)
	}
	record, live, err := s.records.Record(ctx, trn)
	switch {
	case err != nil && journey.TroubleIn(err) == "":
		return "", fmt.Errorf("%w: %w", journey.NoRegister, err)
	case err != nil:
		return "", err
	case !live:
		return "", refuse(http.StatusNotFound, "no-record", "no live record has the TRN %s", trn)
	case record.TRN != trn: // whether that is theirs, too, is for the operator to say
		return "", refuse(http.StatusConflict, "merged", "the record %s was merged into %s; if that is theirs, connect them to it", trn, record.TRN)
	}
	return trn, nil
}

// disconnected says which record a subject was connected to, "" for none.
type disconnected struct {
	Subject string `json:"subject"`
	Was     string `json:"was"`
}

// disconnect is all done also where there is no link: an attempt may have removed
// it and come no further.
func (s *operated) disconnect(ctx context.Context, asked words) (any, error) {
	_, was, err := s.relink(ctx, asked["subject"], "")
	return disconnected{asked["subject"], was}, err
}

// relink connects a subject to a record, and keeps what One Login verified of the
// person; or to none. An event of the register from before that is delivered late
// changes nothing any more. The subject's visits ask again whose record is theirs
// before they are next used.
func (s *operated) relink(ctx context.Context, subject, trn string) (now journey.Link, was string, err error) {
	err = s.state.ChangeLink(ctx, s.issuer, subject, func(link journey.Link, _ bool) (journey.Link, error) {
		was = link.TRN
		if link.TRN, link.How, link.At = trn, "operator", s.now(); trn == "" {
			link = journey.Link{}
		}
		link.Heard = s.now()
		now = link
		return link, nil
	})
	if err != nil {
		return now, was, err
	}
	news := uuid.NewString() // no two are the same, or the second could pass for the first
	return now, was, s.state.ChangeOf(ctx, subject, func(v journey.State) (journey.State, error) {
		v.Stale = news
		return v, nil
	})
}

// present says how many visits a subject has: browsers that are signed in.
type present struct {
	Subject string    `json:"subject"`
	Visits  int       `json:"visits"`
	Since   time.Time `json:"since,omitzero"` // the oldest
}

func (s *operated) visits(ctx context.Context, asked words) (any, error) {
	found := present{Subject: asked["subject"]}
	err := s.state.ChangeOf(ctx, found.Subject, func(v journey.State) (journey.State, error) {
		found.Visits++
		if found.Since.IsZero() || v.Created.Before(found.Since) {
			found.Since = v.Created.UTC()
		}
		return v, nil // as it is, so nothing is written
	})
	return found, err
}

// revoked says how many visits were ended.
type revoked struct {
	Subject string `json:"subject"`
	Ended   int    `json:"ended"`
}

func (s *operated) revoke(ctx context.Context, asked words) (any, error) {
	ended, err := s.state.DeleteAll(ctx, asked["subject"])
	return revoked{asked["subject"], ended}, err
}

// ticket is a request for help.
type ticket struct {
	Reference string    `json:"reference"`        // as the teacher has it
	State     string    `json:"state"`            // asked, opened or solved
	Since     time.Time `json:"since"`            // asked for
	Ticket    string    `json:"ticket,omitempty"` // the ticket's id with the people who help, when opened
	Subject   string    `json:"subject"`
}

// tickets reads every key of Redis.
func (s *operated) tickets(ctx context.Context, _ words) (any, error) {
	all, seen := []ticket{}, map[string]bool{}
	err := s.help.Files.Each(ctx, func(name string, r support.Request) error {
		if t := r.Ticket; r.State != support.Settled && !seen[name] {
			all = append(all, ticket{t.Reference, string(r.State), t.Opened.UTC(), r.ID, t.Subject})
			seen[name] = true
		}
		return nil
	})
	slices.SortFunc(all, func(a, b ticket) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Reference, b.Reference)) })
	return all, err
}
