package console

import (
	"context"
	"net/http"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// Staff decide on requests for a TRN, where somebody may have a record already.
type Staff interface {
	Pending(context.Context) ([]Request, error)
	// Resolve answers a request with the record of a TRN, or, when that is "", with
	// a new one.
	Resolve(ctx context.Context, id, trn string) error
	Reject(ctx context.Context, id string) error
}

// Request is a request for a TRN that is not decided.
type Request struct {
	ID        string
	Name      string
	BirthDate string
	Maybe     []string // TRNs of records that may be the person's, most likely first
}

// staffOfTRS are those of the Teaching Record System.
type staffOfTRS struct{ *trs.Server }

// Pending are the requests that are not decided.
func (s staffOfTRS) Pending(context.Context) (all []Request, _ error) {
	for _, r := range s.Requests() {
		if r.Status == trs.Pending {
			all = append(all, Request{r.ID, r.FirstName + " " + r.LastName, r.BirthDate, r.Maybe})
		}
	}
	return all, nil
}

// Resolve answers a request.
func (s staffOfTRS) Resolve(_ context.Context, id, trn string) error {
	return s.ResolveRequest(id, trn)
}

// Reject answers a request with no record.
func (s staffOfTRS) Reject(_ context.Context, id string) error { return s.RejectRequest(id) }

// staffLimit is how long staff may take: the page waits for them.
const staffLimit = 10 * time.Second

func (c Config) decisions(mux *http.ServeMux) {
	mux.HandleFunc("POST /requests/resolve", change(func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), staffLimit)
		defer cancel()
		return c.Staff.Resolve(ctx, r.PostFormValue("id"), r.PostFormValue("trn"))
	}))
	mux.HandleFunc("POST /requests/reject", change(func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), staffLimit)
		defer cancel()
		return c.Staff.Reject(ctx, r.PostFormValue("id"))
	}))
}

// pending is for the template: the requests, or why they cannot be had.
type pending struct {
	Requests []Request
	Error    error
}

func (c Config) pending(r *http.Request) pending {
	ctx, cancel := context.WithTimeout(r.Context(), staffLimit)
	defer cancel()
	all, err := c.Staff.Pending(ctx)
	return pending{all, err}
}
