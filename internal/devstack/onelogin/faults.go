package onelogin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// Fault is one way in which the provider, or the way to it, can fail.
type Fault struct {
	Name  string
	Does  string // the sentence that says what happens
	Stage Stage

	// Journey is the only one it can be played in; "" is either.
	Journey Journey

	// Tolerable: the documentation asks a relying party to carry on as if
	// nothing were wrong. Every other fault must keep the person out.
	Tolerable bool

	// What it does: exactly one of these, one that its stage looks at.
	answer func(*Server, http.ResponseWriter, *http.Request) bool // before the right answer; true: instead of it
	edit   func(http.Header, claims)                              // to a JSON answer
	text   func(string) string                                    // to the text of a JSON answer
	token  func(*Server, *draft)                                  // to a token before it is signed
	query  func(url.Values)                                       // to the query of the callback
	before func(s *Server, r *http.Request, callback string)      // before the browser is sent to the callback
	grant  func(*Server, *grant)                                  // to what a code stands for
}

// Stage is where a fault is played.
type Stage string

// The stages, in the order of a sign-in.
const (
	AtDiscovery Stage = "discovery"
	AtAuthorize Stage = "authorize"
	AtCode      Stage = "code"
	AtCallback  Stage = "callback"
	AtToken     Stage = "token"
	AtIDToken   Stage = "id-token"
	AtJWKS      Stage = "jwks"
	AtUserinfo  Stage = "userinfo"
	AtIdentity  Stage = "identity"
	AtDID       Stage = "did"
	AtLogout    Stage = "logout"
)

// Journey is one of the two rounds of a sign-in.
type Journey string

// The journeys; "" is either.
const (
	eitherJourney   Journey = ""
	SignInJourney   Journey = "sign-in"  // "Cl.Cm"
	IdentityJourney Journey = "identity" // "Cl.Cm.P2"
)

// Play asks for a fault.
type Play struct {
	Fault   string
	Every   bool    // every time until StopFaults; otherwise the next time only
	Journey Journey // only in this journey; "" for either. Documents and logout belong to neither.
}

// Faults are all faults there are, in the order of a sign-in.
func Faults() []Fault { return slices.Clone(catalogue()) }

var catalogue = sync.OnceValue(func() []Fault {
	return slices.Concat(discoveryFaults(), authorizeFaults(), codeFaults(), callbackFaults(), tokenFaults(), idTokenFaults(),
		jwksFaults(), userinfoFaults(), identityFaults(), didFaults(), logoutFaults())
})

// Play plays a fault from now on. Several at one stage are all played.
func (s *Server) Play(play Play) error {
	fault, ok := find(play.Fault)
	if !ok {
		return fmt.Errorf("no fault is called %q", play.Fault)
	}
	if !slices.Contains([]Journey{eitherJourney, SignInJourney, IdentityJourney}, play.Journey) {
		return fmt.Errorf("no journey is called %q", play.Journey)
	}
	if fault.Journey != eitherJourney {
		if play.Journey != eitherJourney && play.Journey != fault.Journey {
			return fmt.Errorf("%s can only be played in the %s journey", fault.Name, fault.Journey)
		}
		play.Journey = fault.Journey
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

// StopFaults plays no more faults. Keys that a fault rotated stay rotated.
func (s *Server) StopFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = nil
}

// take is what to play at a stage now.
func (s *Server) take(stage Stage, journey Journey) (now []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing = slices.DeleteFunc(s.playing, func(play Play) bool {
		fault, _ := find(play.Fault)
		if fault.Stage != stage || (play.Journey != eitherJourney && journey != eitherJourney && play.Journey != journey) {
			return false
		}
		now = append(now, fault)
		return !play.Every
	})
	return now
}

func find(name string) (Fault, bool) {
	all := catalogue()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}
