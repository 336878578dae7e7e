package notify

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

	// At is where it can be played; nil is anywhere.
	At []Endpoint

	// Lost: an e-mail sent meanwhile is not accepted. With any other fault it
	// is, however bad the answer looks.
	Lost bool

	// Means is what a client must conclude.
	Means Meaning

	// What it does: exactly one of these.
	answer func(*Server, http.ResponseWriter, *http.Request) bool         // before the right answer; true: instead of it
	edit   func(object)                                                   // to the body of the right answer
	text   func(string) string                                            // to its text
	body   func(*Server, http.ResponseWriter, *http.Request, int, []byte) // to the way it is sent
}

// Meaning is what an answer tells a client that reads it well.
type Meaning string

// The meanings.
const (
	Unknown Meaning = ""        // nothing: the e-mail may have been accepted or not
	Fine    Meaning = "fine"    // as if nothing were wrong
	Refused Meaning = "refused" // the same again would be refused again
	Later   Meaning = "later"   // not now
)

// Play asks for a fault.
type Play struct {
	Fault    string
	Every    bool     // every time until StopFaults; otherwise the next time only
	Endpoint Endpoint // only there; "" for wherever the fault can be played
}

// Faults are all faults there are.
func Faults() []Fault { return slices.Clone(catalogue()) }

var catalogue = sync.OnceValue(func() []Fault {
	return slices.Concat(refusalFaults(), outageFaults(), wayFaults(), bodyFaults(), shapeFaults())
})

// Play plays a fault from now on. Several at one endpoint are all played.
func (s *Server) Play(play Play) error {
	fault, ok := faultNamed(play.Fault)
	if !ok {
		return fmt.Errorf("no fault is called %q", play.Fault)
	}
	if play.Endpoint != anywhere && !slices.Contains(Endpoints(), play.Endpoint) {
		return fmt.Errorf("no endpoint is called %q", play.Endpoint)
	}
	if play.Endpoint != anywhere && !fault.PlayableAt(play.Endpoint) {
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

// take is what to play with an answer to a good request. What a bad one is told
// is never spoiled.
func (s *Server) take(at Endpoint) (now []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = slices.DeleteFunc(s.playing, func(play Play) bool {
		fault, _ := faultNamed(play.Fault)
		if play.Endpoint != anywhere && play.Endpoint != at || !fault.PlayableAt(at) {
			return false
		}
		now = append(now, fault)
		return !play.Every
	})
	return now
}

// PlayableAt reports whether the fault can be played at an endpoint.
func (f Fault) PlayableAt(at Endpoint) bool { return f.At == nil || slices.Contains(f.At, at) }

func faultNamed(name string) (Fault, bool) {
	all := catalogue()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}
