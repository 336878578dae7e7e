package console

import (
	"net/http"
	"slices"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// helper is GOV.UK Notify, Zendesk or Find a lost TRN as the page shows it, and what
// plays its faults.
type helper struct {
	Name, Path string

	Endpoints  []string // none: a fault has its own place
	Faults     []fault
	Playing    []playing
	Violations []violation // the newest first

	play func(name string, every bool, endpoint string) error
	stop func()
}

// fault is one of a helper's: Note says what else there is to it, At where alone
// it can be played.
type fault struct {
	Name, Does, Note string
	At               []string
}

type playing struct {
	Fault    string
	Every    bool
	Endpoint string
}

type violation struct{ Endpoint, Rule string }

// helpers are all of them, as they are now.
func (c Config) helpers() []helper {
	mail := helper{
		Name: "GOV.UK Notify", Path: "/notify", Endpoints: texts(notify.Endpoints()), stop: c.Notify.StopFaults,
		play: func(name string, every bool, endpoint string) error {
			return c.Notify.Play(notify.Play{Fault: name, Every: every, Endpoint: notify.Endpoint(endpoint)})
		},
	}
	for _, f := range notify.Faults() {
		note := ""
		if f.Lost {
			note = "the e-mail is not accepted"
		}
		mail.Faults = append(mail.Faults, fault{f.Name, f.Does, note, texts(f.At)})
	}
	for _, p := range c.Notify.Playing() {
		mail.Playing = append(mail.Playing, playing{p.Fault, p.Every, string(p.Endpoint)})
	}
	for _, v := range slices.Backward(c.Notify.Record().Violations) {
		mail.Violations = append(mail.Violations, violation{string(v.Endpoint), v.Rule})
	}

	desk := helper{
		Name: "Zendesk", Path: "/zendesk", Endpoints: texts(zendesk.Endpoints()), stop: c.Zendesk.StopFaults,
		play: func(name string, every bool, endpoint string) error {
			return c.Zendesk.Play(zendesk.Play{Fault: name, Every: every, Endpoint: zendesk.Endpoint(endpoint)})
		},
	}
	for _, f := range zendesk.Faults() {
		note := ""
		if f.Tolerable {
			note = "everything must still work"
		}
		desk.Faults = append(desk.Faults, fault{f.Name, f.Does, note, texts(f.At)})
	}
	for _, p := range c.Zendesk.Playing() {
		desk.Playing = append(desk.Playing, playing{p.Fault, p.Every, string(p.Endpoint)})
	}
	for _, v := range slices.Backward(c.Zendesk.Record().Violations) {
		desk.Violations = append(desk.Violations, violation{string(v.Endpoint), v.Rule})
	}
	return []helper{mail, desk, c.finder()}
}

// finder is Find a lost TRN, as it is now.
func (c Config) finder() helper {
	finder := helper{
		Name: "Find a lost TRN", Path: "/find", stop: c.Find.StopFaults,
		play: func(name string, every bool, _ string) error {
			return c.Find.Play(find.Play{Fault: name, Every: every})
		},
	}
	for _, f := range find.Faults() {
		note := ""
		if f.Tolerable {
			note = "everything must still work"
		}
		finder.Faults = append(finder.Faults, fault{Name: f.Name, Does: f.Does, Note: note})
	}
	for _, p := range c.Find.Playing() {
		finder.Playing = append(finder.Playing, playing{Fault: p.Fault, Every: p.Every})
	}
	for _, v := range slices.Backward(c.Find.Record().Violations) {
		finder.Violations = append(finder.Violations, violation{v.Endpoint, v.Rule})
	}
	return finder
}

func texts[T ~string](all []T) (texts []string) {
	for _, one := range all {
		texts = append(texts, string(one))
	}
	return texts
}

// helping serves the in-boxes, and plays the faults.
func (c Config) helping(mux *http.ServeMux) {
	mux.HandleFunc("GET /inbox", c.Notify.ServeInbox)
	mux.Handle("/tickets/", http.StripPrefix("/tickets", c.Zendesk.Inbox()))
	for _, h := range c.helpers() {
		mux.HandleFunc("POST "+h.Path+"/faults", func(w http.ResponseWriter, r *http.Request) {
			every, ok := times(w, r)
			if !ok {
				return
			}
			change(func(r *http.Request) error {
				return h.play(r.PostFormValue("fault"), every, r.PostFormValue("endpoint"))
			})(w, r)
		})
		mux.HandleFunc("POST "+h.Path+"/faults/stop", change(func(*http.Request) error { h.stop(); return nil }))
	}
	mux.HandleFunc("POST /find/late", change(func(r *http.Request) error { c.Find.Late(r.Context()); return nil }))
}
