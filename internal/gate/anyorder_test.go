package gate

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestAnyOrder: whatever people do, in any order and in any number of tabs, and
// whatever fails meanwhile, nobody reaches the service whose journey is not done,
// nothing is our own fault, and once all is well again everybody gets there by
// doing what each page asks for (threats T17, T43, T47).
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := &walk{browser: newHouse(t).browser(), pick: rand.New(rand.NewPCG(seed, 0))}
			for range 60 {
				w.step()
				w.check()
			}
			w.arrive()
		})
	}
}

// walk is somebody who does anything.
type walk struct {
	*browser
	pick    *rand.Rand
	states  []string // of trips to One Login, back or not
	cookies []string // they had once
	at      string   // the page they are on
	did     []string
}

func one[T any](w *walk, of ...T) T { return of[w.pick.IntN(len(of))] }

func (w *walk) note(format string, args ...any) { w.did = append(w.did, fmt.Sprintf(format, args...)) }

func (w *walk) step() {
	if w.last != nil && w.pick.IntN(2) == 0 {
		w.onward()
		return
	}
	switch w.pick.IntN(12) {
	case 0:
		w.open(one(w, "/records", "/records?page=2", "/teaching-record/sign-in?return_to=/a", "/teaching-record/sign-in"))
	case 1:
		w.open("/teaching-record/" + string(one(w, journey.VerifyIdentity, journey.NotVerified, askNINO, askTRN,
			journey.CheckAnswers, journey.SupportRequested, journey.Connected, journey.Done, "sign-out", "callback")))
	case 2, 3:
		step := one(w, journey.NotVerified, askNINO, askTRN, journey.CheckAnswers, journey.SupportRequested, journey.Connected)
		have, number := one(w, "yes", "no", "unknown", ""), one(w, "QQ123456C", "QQ654321A", "7300001", "7300002", "nonsense")
		w.answer(step, "have", have, "number", number)
	case 4, 5, 6:
		if len(w.states) > 0 {
			what := one(w, "code=c", "code=c", "code=c", "error=access_denied", "error=busy", "error=signed-out-there")
			state := one(w, w.states...)
			w.open("/teaching-record/callback?state=" + state + "&" + what)
		}
	case 7: // another tab signs out
		if w.pick.IntN(4) == 0 {
			w.note("sign out")
			w.send(httptest.NewRequest(http.MethodPost, "/teaching-record/sign-out", nil))
		}
	case 8: // a request that left before the new cookie came
		if len(w.cookies) > 0 {
			w.note("an old cookie")
			w.cookie = one(w, w.cookies...)
		}
	case 9:
		if w.pick.IntN(4) == 0 {
			w.note("the visit expires")
			must(w.t, w.store.Delete(w.t.Context(), w.cookie))
		}
	case 10:
		finds := w.pick.IntN(3) == 0
		w.register.finds = func(journey.Stated) bool { return finds }
		w.register.err = one(w, nil, nil, errDown)
		w.register.live = w.pick.IntN(4) > 0
		w.Limiter = limiter(w.pick.IntN(3) > 0)
		w.note("the register: finds %v, %v, limiter %v", finds, w.register.err, w.Limiter)
	case 11:
		w.oneLogin.identity = one(w, journey.Arrival{Subject: subject, Verification: journey.Verified, Identity: person},
			journey.Arrival{Subject: subject, Verification: journey.Refused})
	}
	w.cookies = append(w.cookies, w.cookie)
}

// open goes to an address and on, as far as redirects lead and no further than a
// browser would.
func (w *walk) open(path string) {
	for hops := 0; ; hops++ {
		w.note("open %s", path)
		w.get(path)
		w.at = path
		to, _ := url.Parse(w.last.Header.Get("Location"))
		switch {
		case w.last.StatusCode != http.StatusSeeOther:
			return
		case to.Host == "one-login.example":
			if state := to.Query().Get("state"); state != "" {
				w.states = append(w.states, state)
			}
			return
		case hops == 10:
			w.t.Fatalf("round in circles:\n%s", strings.Join(w.did, "\n"))
		}
		path = to.RequestURI()
	}
}

func (w *walk) check() {
	w.t.Helper()
	if w.last == nil {
		return
	}
	if w.last.StatusCode == http.StatusInternalServerError {
		w.t.Fatalf("%s\nafter\n%s", w.log, strings.Join(w.did, "\n"))
	}
	if w.text != "the service" {
		return
	}
	w.text = ""
	s, found, err := w.store.Load(w.t.Context(), w.cookie)
	must(w.t, err)
	if !found || !s.Arrived() || s.Record.TRN != trn || s.Subject != subject {
		w.t.Fatalf("the service was reached, found %v, at %s, after\n%s", found, journey.Next(s, w.Policy), strings.Join(w.did, "\n"))
	}
}

// onward does what the page they are on asks for, or follows the link there.
func (w *walk) onward() {
	to, _ := url.Parse(w.last.Header.Get("Location"))
	at := journey.Step(strings.TrimPrefix(w.at, "/teaching-record/"))
	switch {
	case to.Host == "one-login.example":
		w.open("/teaching-record/callback?code=c&state=" + to.Query().Get("state"))
	case w.last.StatusCode != http.StatusOK || journeyPages[at].show == nil:
		if strings.Contains(w.text, "keep you signed in") {
			w.cookie = "" // as that page advises
		}
		w.open("/records?page=3")
	case at == askNINO:
		w.answer(at, "have", "yes", "number", "QQ123456C")
	case at == askTRN:
		w.answer(at, "have", "yes", "number", trn)
	default:
		w.answer(at)
	}
}

// answer submits a page of ours and goes on.
func (w *walk) answer(step journey.Step, fields ...string) {
	w.note("post %s %v", step, fields)
	if w.post(step, fields...); w.last.StatusCode == http.StatusSeeOther {
		to, _ := url.Parse(w.last.Header.Get("Location"))
		w.open(to.RequestURI())
	}
}

// arrive goes on until they are there, all being well.
func (w *walk) arrive() {
	w.register.finds, w.register.err, w.register.live, w.Limiter = nil, nil, true, limiter(true)
	w.oneLogin.identity = journey.Arrival{Subject: subject, Verification: journey.Verified, Identity: person}
	w.note("all is well")
	w.open("/records?page=3")
	for range 20 {
		if w.text == "the service" {
			w.check()
			return
		}
		w.onward()
	}
	w.t.Fatalf("never arrives:\n%s", strings.Join(w.did, "\n"))
}
