package trs

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// Fault is one way in which the API, or the way to it, can fail.
type Fault struct {
	Name string
	Does string // the sentence that says what happens

	// At is where it can be played; nil is anywhere. The keys are asked for in the
	// background, so a fault is played there only when the Play says so.
	At []Endpoint

	// Tolerable: the client can carry on as if nothing were wrong. Every other
	// fault must end in "could not ask", never in "there is no such person" and
	// never in a record.
	Tolerable bool

	// Untaken: a request for a TRN is not made, although it was sent. With all
	// other faults it is made, and only its answer is spoilt.
	Untaken bool

	// What it does: exactly one of these.
	answer func(*Server, http.ResponseWriter, *http.Request) bool         // before the right answer; true: instead of it
	edit   func(object)                                                   // to the body of a right answer, 200
	text   func(string) string                                            // to the text of any body
	body   func(*Server, http.ResponseWriter, *http.Request, []byte) bool // to the way any body is sent; true: it was
}

// Play asks for a fault.
type Play struct {
	Fault    string
	Every    bool     // every time until StopFaults; otherwise the next time only
	Endpoint Endpoint // only there; "" for wherever the fault can be played but AtKeys
}

// Faults are all faults there are.
func Faults() []Fault { return slices.Clone(catalogue()) }

var catalogue = sync.OnceValue(func() []Fault {
	return slices.Concat(statusFaults(), wayFaults(), bodyFaults(), shapeFaults(), mergedFaults(), requestFaults(), keyFaults())
})

// Play plays a fault from now on. Several at one endpoint are all played.
func (s *Server) Play(play Play) error {
	fault, ok := faultNamed(play.Fault)
	if !ok {
		return fmt.Errorf("no fault is called %q", play.Fault)
	}
	if !slices.Contains([]Endpoint{anywhere, AtFind, AtBatch, AtPerson, AtTRN, AtCreate, AtRequest, AtKeys}, play.Endpoint) {
		return fmt.Errorf("no endpoint is called %q", play.Endpoint)
	}
	if play.Endpoint != anywhere && !fault.playableAt(play.Endpoint) {
		return fmt.Errorf("%s cannot be played at %s", fault.Name, play.Endpoint)
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

// StopFaults plays no more faults.
func (s *Server) StopFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = nil
}

// take is what to play with this answer. Faults wait for one they can spoil.
func (s *Server) take(at Endpoint, answer reply) (now []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = slices.DeleteFunc(s.playing, func(play Play) bool {
		fault, _ := faultNamed(play.Fault)
		switch {
		case play.Endpoint != anywhere && play.Endpoint != at, play.Endpoint == anywhere && at == AtKeys, !fault.playableAt(at),
			fault.edit != nil && answer.status != http.StatusOK,
			(fault.text != nil || fault.body != nil) && answer.body == nil:
			return false
		}
		now = append(now, fault)
		return !play.Every
	})
	return now
}

func (f Fault) playableAt(at Endpoint) bool { return f.At == nil || slices.Contains(f.At, at) }

func faultNamed(name string) (Fault, bool) {
	all := catalogue()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}
