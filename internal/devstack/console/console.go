// Package console is the page from which the demo is walked: it links every
// part, says what each person types and where they end, and plays the faults.
//
//	GET  /             the page
//	GET  /people.json  [{"person", "nino", "trn", "lost", "ends"}]
//	POST /faults       fault=<name>, times=next|every, journey=|sign-in|identity
//	POST /faults/stop
//	POST /requests/resolve  id=<id>, trn=<TRN or nothing>   (requests.go)
//	POST /requests/reject   id=<id>
//	GET  /inbox             the e-mails of GOV.UK Notify    (helpers.go)
//	     /tickets/          the tickets of Zendesk
//	POST /notify/faults     fault=<name>, times=next|every, endpoint=|<endpoint>
//	POST /notify/faults/stop
//	POST /zendesk/faults, /zendesk/faults/stop              likewise
//	POST /find/faults       fault=<name>, times=next|every
//	POST /find/faults/stop
//	POST /find/late         makes the PUTs that wait for it
//
// With a stand-in for the Teaching Record System also (records.go):
//
//	POST /records/merge       from=<TRN>, to=<TRN>
//	POST /records/deactivate  trn=<TRN>
//	POST /records/reactivate  trn=<TRN>
//	POST /records/link        person=<value>, trn=<TRN>
//	POST /records/unlink      person=<value>
//	POST /records/alert       trn=<TRN>, on=yes|no
//	POST /records/ping
//	POST /records/novelty
//	POST /records/rotate-key
//	POST /records/forge       name=<name>
//	POST /records/faults      fault=<name>, times=next|every, endpoint=|<endpoint>
//	POST /records/faults/stop
package console

import (
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// Config says what there is to link. All of it but TRS and Staff is required.
type Config struct {
	Site        string // origin of the site under the module's care, without a trailing slash
	Prefix      string // path_prefix of the module
	OneLoginURL string // issuer of the One Login stand-in
	OneLogin    *onelogin.Server
	Notify      *notify.Server
	Zendesk     *zendesk.Server
	Find        *find.Server
	People      []people.Person
	Allocating  bool        // whether the module gives TRNs: then some people end elsewhere
	TRS         *trs.Server // nil: there is none
	Staff       Staff       // who decides on requests for a TRN; default: the staff of TRS; nil: nobody
}

// New makes the console.
func New(config Config) (http.Handler, error) {
	if config.Site == "" || config.Prefix == "" || config.OneLoginURL == "" || config.OneLogin == nil ||
		config.Notify == nil || config.Zendesk == nil || config.Find == nil || config.People == nil {
		return nil, errors.New("console: the configuration is incomplete")
	}
	if config.TRS != nil && config.Staff == nil {
		config.Staff = staffOfTRS{config.TRS}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", config.home)
	mux.HandleFunc("GET /people.json", config.people)
	mux.HandleFunc("POST /faults", config.play)
	mux.HandleFunc("POST /faults/stop", config.stop)
	config.helping(mux)
	if config.TRS != nil {
		records{config.TRS, config.People}.routes(mux)
	}
	if config.Staff != nil {
		config.decisions(mux)
	}
	return http.NewCrossOriginProtection().Handler(mux), nil
}

//go:embed console.html
var consolePage string

//go:embed records.html
var recordsPart string

//go:embed webhooks.html
var webhooksPart string

//go:embed requests.html
var requestsPart string

//go:embed helpers.html
var helpersPart string

var consoleTemplate = page.Parse(consolePage + recordsPart + webhooksPart + requestsPart + helpersPart)

// stage is the faults of one stage.
type stage struct {
	Name   onelogin.Stage
	Faults []onelogin.Fault
}

func (c Config) home(w http.ResponseWriter, r *http.Request) {
	var stages []stage
	for _, fault := range onelogin.Faults() {
		if len(stages) == 0 || stages[len(stages)-1].Name != fault.Stage {
			stages = append(stages, stage{Name: fault.Stage})
		}
		last := &stages[len(stages)-1]
		last.Faults = append(last.Faults, fault)
	}
	violations := c.OneLogin.Record().Violations
	slices.Reverse(violations)
	data := map[string]any{"Config": c, "Stages": stages, "Playing": c.OneLogin.Playing(), "Violations": violations, "Helpers": c.helpers(), "Told": c.Find.Record().PUTs}
	if c.Staff != nil {
		data["Pending"] = c.pending(r)
	}
	if c.TRS != nil {
		data["TRS"] = records{c.TRS, c.People}
	}
	page.Write(w, http.StatusOK, consoleTemplate, data)
}

// people is for scripts that walk every person's journey.
func (c Config) people(w http.ResponseWriter, _ *http.Request) {
	type entry struct {
		Person string `json:"person"`
		NINO   string `json:"nino"`
		TRN    string `json:"trn"`
		Lost   string `json:"lost"` // what Find a lost TRN finds for who does not know theirs
		Ends   string `json:"ends"`
	}
	entries := []entry{}
	for _, p := range c.People {
		entries = append(entries, entry{p.Value, p.NINO, p.TRN, p.Lost, p.EndsAt(c.Allocating)})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(entries) // fails only when the caller has gone
}

func (c Config) play(w http.ResponseWriter, r *http.Request) {
	every, ok := times(w, r)
	if !ok {
		return
	}
	if err := c.OneLogin.Play(onelogin.Play{
		Fault: r.PostFormValue("fault"), Every: every, Journey: onelogin.Journey(r.PostFormValue("journey")),
	}); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// times reads how often a fault is to be played, or refuses the request.
func times(w http.ResponseWriter, r *http.Request) (every, ok bool) {
	value := r.PostFormValue("times")
	if value != "next" && value != "every" {
		http.Error(w, "times must be next or every", http.StatusBadRequest)
		return false, false
	}
	return value == "every", true
}

func (c Config) stop(w http.ResponseWriter, r *http.Request) {
	c.OneLogin.StopFaults()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
