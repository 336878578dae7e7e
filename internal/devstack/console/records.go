package console

import (
	"errors"
	"net/http"
	"slices"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// records is the part of the console that is there with a TRS stand-in.
type records struct {
	*trs.Server
	Everyone []people.Person
}

func (c records) routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /records/merge", change(func(r *http.Request) error { return c.Merge(r.PostFormValue("from"), r.PostFormValue("to")) }))
	mux.HandleFunc("POST /records/deactivate", change(func(r *http.Request) error { return c.Deactivate(r.PostFormValue("trn")) }))
	mux.HandleFunc("POST /records/reactivate", change(func(r *http.Request) error { return c.Reactivate(r.PostFormValue("trn")) }))
	mux.HandleFunc("POST /records/link", change(func(r *http.Request) error {
		p, err := c.person(r)
		if err != nil {
			return err
		}
		return c.Link(p.Subject(), p.Email, r.PostFormValue("trn"))
	}))
	mux.HandleFunc("POST /records/unlink", change(func(r *http.Request) error {
		p, err := c.person(r)
		if err != nil {
			return err
		}
		return c.Unlink(p.Subject(), p.Email)
	}))
	mux.HandleFunc("POST /records/alert", change(c.alert))
	mux.HandleFunc("POST /records/ping", change(func(*http.Request) error { return c.Ping() }))
	mux.HandleFunc("POST /records/novelty", change(func(*http.Request) error { return c.Novelty() }))
	mux.HandleFunc("POST /records/rotate-key", change(func(*http.Request) error { c.RotateKey(); return nil }))
	mux.HandleFunc("POST /records/forge", change(func(r *http.Request) error {
		_, _, err := c.Forge(r.PostFormValue("name")) // the list of deliveries shows the answer
		return err
	}))
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

// person is whose One Login a change is about.
func (c records) person(r *http.Request) (people.Person, error) {
	value := r.PostFormValue("person")
	i := slices.IndexFunc(c.Everyone, func(p people.Person) bool { return p.Value == value })
	if i < 0 {
		return people.Person{}, errors.New("person must be one of the people")
	}
	return c.Everyone[i], nil
}

func (c records) alert(r *http.Request) error {
	on := r.PostFormValue("on")
	if on != "yes" && on != "no" {
		return errors.New("on must be yes or no")
	}
	return c.SetAlert(r.PostFormValue("trn"), on == "yes")
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
	return []trs.Endpoint{trs.AtFind, trs.AtBatch, trs.AtPerson, trs.AtTRN, trs.AtCreate, trs.AtRequest, trs.AtKeys}
}

// Faults are for the template.
func (c records) Faults() []trs.Fault { return trs.Faults() }

// Forgeries are for the template.
func (c records) Forgeries() []trs.Forgery { return trs.Forgeries() }

// Deliveries are those to the subscriber, the newest first.
func (c records) Deliveries() []trs.Delivery {
	deliveries := c.Record().Deliveries
	slices.Reverse(deliveries)
	return deliveries
}

// Newest are the violations, the newest first.
func (c records) Newest() []trs.Violation {
	violations := c.Record().Violations
	slices.Reverse(violations)
	return violations
}
