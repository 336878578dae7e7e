package console

import (
	"net/http"
	"slices"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// records is the part of the console that is there with a TRS stand-in.
type records struct{ *trs.Server }

func (c records) routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /records/merge", change(func(r *http.Request) error { return c.Merge(r.PostFormValue("from"), r.PostFormValue("to")) }))
	mux.HandleFunc("POST /records/deactivate", change(func(r *http.Request) error { return c.Deactivate(r.PostFormValue("trn")) }))
	mux.HandleFunc("POST /records/reactivate", change(func(r *http.Request) error { return c.Reactivate(r.PostFormValue("trn")) }))
	mux.HandleFunc("POST /records/faults", c.play)
	mux.HandleFunc("POST /records/faults/stop", change(func(*http.Request) error { c.StopFaults(); return nil }))
}

// change does something and shows the page again, or says why not.
func change(do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (c records) play(w http.ResponseWriter, r *http.Request) {
	every, ok := times(w, r)
	if !ok {
		return
	}
	change(func(r *http.Request) error {
		return c.Play(trs.Play{Fault: r.PostFormValue("fault"), Every: every, Endpoint: trs.Endpoint(r.PostFormValue("endpoint"))})
	})(w, r)
}

// Endpoints are where a fault can be asked for.
func (c records) Endpoints() []trs.Endpoint {
	return []trs.Endpoint{trs.AtFind, trs.AtBatch, trs.AtPerson, trs.AtTRN}
}

// Faults are for the template.
func (c records) Faults() []trs.Fault { return trs.Faults() }

// Newest are the violations, the newest first.
func (c records) Newest() []trs.Violation {
	violations := c.Record().Violations
	slices.Reverse(violations)
	return violations
}
