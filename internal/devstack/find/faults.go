package find

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
)

// Fault is one way in which the trip can end otherwise.
type Fault struct {
	Name string
	Does string // the sentence that says what happens

	// Tolerable: the service can carry on as if nothing were wrong. With every
	// other fault nobody may be connected to a record when the browser is back.
	Tolerable bool

	// What it does: exactly one of these.
	door   func(http.ResponseWriter) // instead of taking somebody over
	change func(*Server, *plan)      // to what follows the answers
}

// Play asks for a fault.
type Play struct {
	Fault string
	Every bool // every time until StopFaults; otherwise the next time only
}

// Faults are all faults there are, in the order of a trip.
func Faults() []Fault { return slices.Clone(catalogue()) }

var catalogue = sync.OnceValue(func() []Fault {
	return slices.Concat(doorFaults(), claimFaults(), putFaults(), returnFaults())
})

// Play plays a fault from now on. Several are all played.
func (s *Server) Play(play Play) error {
	if _, ok := faultNamed(play.Fault); !ok {
		return fmt.Errorf("no fault is called %q", play.Fault)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = append(s.playing, play)
	return nil
}

// Playing are the faults asked for and not yet played, or played every time.
func (s *Server) Playing() []Play {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.playing)
}

// StopFaults plays no more faults. What waits for Late still does.
func (s *Server) StopFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = nil
}

// Where faults are played.
const (
	atTheDoor    = true
	whenAnswered = false
)

// take is what to play now.
func (s *Server) take(door bool) (now []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = slices.DeleteFunc(s.playing, func(play Play) bool {
		fault, _ := faultNamed(play.Fault)
		if (fault.door != nil) != door {
			return false
		}
		now = append(now, fault)
		return !play.Every
	})
	return now
}

func faultNamed(name string) (Fault, bool) {
	all := catalogue()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}

// doorFaults: nobody is taken over, and nobody comes back.
func doorFaults() []Fault {
	show := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			page.Write(w, status, endTemplate, map[string]any{"End": "problem"})
		}
	}
	return []Fault{
		{Name: "closed", Does: "Find takes nobody over from services: a page says that there is a problem.", door: show(http.StatusInternalServerError)},
		{Name: "not-public", Does: "Find is not open to the public: the browser asks for a password.", door: func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Application"`)
			show(http.StatusUnauthorized)(w)
		}},
		{Name: "too-many", Does: "Find has had too many requests from this address.", door: show(http.StatusTooManyRequests)},
	}
}

// claimFaults change what the PUT says.
func claimFaults() []Fault {
	each := func(change func(*Server, object)) func(*Server, *plan) {
		return func(s *Server, p *plan) {
			for _, body := range p.bodies {
				change(s, body)
			}
		}
	}
	return []Fault{
		{Name: "no-trn", Does: "Find finds no record: the PUT has no trn.", change: each(func(_ *Server, b object) { delete(b, "trn") })},
		{Name: "null-trn", Does: "Find finds no record, and says null for it.", change: each(func(_ *Server, b object) { b["trn"] = nil })},
		{Name: "ticket-created", Does: "Find finds no record, and people there are asked to look.", change: each(func(_ *Server, b object) {
			delete(b, "trn")
			b["supportTicketCreated"] = true
		})},
		{Name: "other-trn", Does: "Find finds a record that is somebody else's.", change: each(func(s *Server, b object) { b["trn"] = s.config.OtherTRN })},
		{Name: "old-names", Does: "The PUT has the names that properties had until November 2022.", Tolerable: true, change: each(func(_ *Server, b object) {
			for older, newer := range map[string]string{"firstName": "officialFirstName", "lastName": "officialLastName"} {
				b[older] = b[newer]
				delete(b, newer)
			}
			delete(b, "preferredFirstName")
			delete(b, "preferredLastName")
		})},
		{Name: "preferred-names", Does: "The PUT has a preferred name besides the official one.", Tolerable: true, change: each(func(_ *Server, b object) {
			b["preferredFirstName"], b["preferredLastName"] = "Preferred", "Name"
		})},
		{Name: "new-properties", Does: "The PUT has properties that nobody knows yet.", Tolerable: true, change: each(func(_ *Server, b object) {
			b["matchedOn"] = object{"attributes": []string{"email", "dateOfBirth"}}
		})},
	}
}

// putFaults change which PUTs there are, and when.
func putFaults() []Fault {
	return []Fault{
		{Name: "put-twice", Does: "The same PUT comes twice.", Tolerable: true, change: func(_ *Server, p *plan) { p.bodies = append(p.bodies, p.bodies...) }},
		{Name: "put-changed", Does: "A second PUT follows at once, with the TRN of somebody else.", change: func(s *Server, p *plan) {
			if len(p.bodies) == 0 {
				return
			}
			changed := maps.Clone(p.bodies[len(p.bodies)-1])
			changed["trn"] = s.config.OtherTRN
			p.bodies = append(p.bodies, changed)
		}},
		{Name: "put-missing", Does: "The browser comes back, but no PUT came before.", change: func(_ *Server, p *plan) { p.bodies = nil }},
		{Name: "put-late", Does: "The browser comes back before the PUT, which is made when Late is called.", change: func(_ *Server, p *plan) { p.late = true }},
		{Name: "put-wrong-key", Does: "The PUT has a key that the service does not know.", change: func(_ *Server, p *plan) { p.key = rand.Text() }},
		{Name: "put-no-key", Does: "The PUT has no key.", change: func(_ *Server, p *plan) { p.key = "" }},
		{Name: "put-other-journey", Does: "The PUT is about a journey that the service did not start.", change: func(_ *Server, p *plan) { p.journey = "0b7f3c52-6a4e-4d0b-9a0e-5f0c6d1e2f3a" }},
	}
}

// returnFaults: the browser does not come back, or another does.
func returnFaults() []Fault {
	return []Fault{
		{Name: "no-return", Does: "The PUT is made, but Find does not hear of it in time: nobody comes back.", change: func(_ *Server, p *plan) { p.end = "submitted" }},
		{Name: "ticket", Does: "Find opens a ticket of its own: no PUT, and nobody comes back.", change: func(_ *Server, p *plan) { p.bodies, p.end = nil, "submitted" }},
		{Name: "other-browser", Does: "The page shows where it would lead back, for opening that in another browser.", change: func(_ *Server, p *plan) { p.end = "link" }},
	}
}
