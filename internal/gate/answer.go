package gate

import (
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// problem is an error whose page is known where it happens.
type problem struct {
	status int
	page   string // the page that says so
	cause  error  // for the log only
}

func (p problem) Error() string { return p.cause.Error() }
func (p problem) Unwrap() error { return p.cause }

var errNoVisit = errors.New("the visit has ended")

// returnError carries where a fresh start should end.
type returnError struct {
	error
	to string
}

func (r returnError) Unwrap() error { return r.error }

func returning(to string, err error) error { return returnError{err, to} }

// againError carries the page of ours where a fresh start is.
type againError struct {
	error
	step string
}

func (a againError) Unwrap() error { return a.error }

// troubles gives each trouble its status; its page has its name. retryAfter, in
// seconds, where trying again by itself makes sense to a machine.
var troubles = map[journey.Trouble]struct {
	status     int
	retryAfter int
}{
	journey.StartAgain:     {http.StatusBadRequest, 0},
	journey.NoCookie:       {http.StatusBadRequest, 0},
	journey.SignInLoop:     {http.StatusForbidden, 0},
	journey.NotSignedIn:    {http.StatusForbidden, 0},
	journey.SwitchedOff:    {http.StatusServiceUnavailable, 0},
	journey.Busy:           {http.StatusServiceUnavailable, 120},
	journey.SignedOutThere: {http.StatusForbidden, 0},
	journey.SignInProblem:  {http.StatusBadGateway, 0},
	journey.Unreachable:    {http.StatusServiceUnavailable, 30},
	journey.NoRegister:     {http.StatusServiceUnavailable, 30},
	journey.NoStore:        {http.StatusServiceUnavailable, 5},
}

// fail is the one place where an error becomes an answer: a page for a person,
// a problem document for a machine, and a line in the log. It needs no visit
// and no store, since either may be what failed. Nothing of the cause is shown.
func (g *Gate) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem{status: http.StatusInternalServerError, page: "problem"}
	retryAfter := 0
	if trouble := journey.TroubleIn(err); trouble != "" {
		t := troubles[trouble]
		p.status, p.page, retryAfter = t.status, string(trouble), t.retryAfter
	} else {
		errors.As(err, &p)
	}
	// What somebody should be woken for is our own fault, at Error. Outages of
	// what we depend on are told by those parts, and by /readyz.
	level := slog.LevelInfo
	switch {
	case r.Context().Err() != nil: // the browser went away, and what we were doing for it ended
		level = slog.LevelDebug
	case p.status == http.StatusInternalServerError:
		level = slog.LevelError
	case p.status > http.StatusInternalServerError:
		level = slog.LevelWarn
	}
	g.Logger.Log(r.Context(), level, "request refused", "status", p.status, "page", p.page, "error", err, "uuid", g.RequestID(r))

	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	returnTo := "/"
	if back := (returnError{}); errors.As(err, &back) {
		returnTo = g.localPath(back.to)
	} else if _, ours := g.ownPath(r); !ours {
		returnTo = g.asked(r)
	}
	if wantsPage(r) {
		view := pages.Problem{Kind: p.page, Again: g.signInURL(returnTo)}
		if to := (againError{}); errors.As(err, &to) {
			view.Again = to.step
		}
		if err := g.Pages.Write(w, p.status, g.frame(r), view); err != nil {
			g.Logger.ErrorContext(r.Context(), "page not written", "page", p.page, "error", err, "uuid", g.RequestID(r))
		}
		return
	}
	writeProblem(w, p.status, map[string]any{"title": http.StatusText(p.status), "status": p.status, "type": "about:blank", "code": p.page})
}

// askToSignIn answers a request nobody is signed in for: a navigation is sent
// to sign in and comes back to the same address; anything else is told.
func (g *Gate) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if navigation(r) {
		redirect(w, g.signInURL(g.asked(r)))
		return
	}
	signIn := g.signInURL("/")
	// RFC 9110 section 15.5.2 wants a challenge with every 401.
	w.Header().Set("WWW-Authenticate", `Cookie form-action="`+signIn+`", cookie-name="`+g.cookie+`"`)
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		// A form posted after the session ended: a person is looking.
		view := pages.Problem{Kind: "session-ended", Again: signIn}
		if err := g.Pages.Write(w, http.StatusUnauthorized, g.frame(r), view); err != nil {
			g.Logger.ErrorContext(r.Context(), "page not written", "page", view.Kind, "error", err, "uuid", g.RequestID(r))
		}
		return
	}
	writeProblem(w, http.StatusUnauthorized, map[string]any{"type": "about:blank", "title": "Sign in needed", "status": http.StatusUnauthorized,
		"detail": "Nobody is signed in to this service in this browser. Send the person to sign_in.", "sign_in": signIn})
}

// navigation reports whether a browser is about to show what we answer. Fetch
// metadata says so plainly; without it the headers a script would send decide.
func navigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return acceptsHTML(r) && r.Header.Get("X-Requested-With") == ""
}

// wantsPage reports whether a person will read the answer, whatever the method.
func wantsPage(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return acceptsHTML(r)
}

// acceptsHTML reports whether the Accept header names HTML.
func acceptsHTML(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			if t, _, _ := mime.ParseMediaType(part); t == "text/html" || t == "application/xhtml+xml" {
				return true
			}
		}
	}
	return false
}

// writeProblem writes a problem document (RFC 9457).
func writeProblem(w http.ResponseWriter, status int, members map[string]any) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(members) // a client that went away is not our error
}

// write shows a page of the journey.
func (g *Gate) write(w http.ResponseWriter, r *http.Request, status int, step journey.Step, s journey.State, v pages.View) error {
	f := g.frame(r)
	f.SignedIn = s.Subject != ""
	if back := journey.Back(s, g.Policy, step); back != "" {
		f.Back = g.step(back)
	}
	trn, isTRN := v.(pages.TeacherReferenceNumber)
	if _, isNINO := v.(pages.NationalInsuranceNumber); isNINO || isTRN && trn.Asked {
		f.Back = g.step(step) // the second screen of a question goes back to its first
	}
	return g.Pages.Write(w, status, f, v)
}

// frame is what surrounds a page when nothing is known of the person.
func (g *Gate) frame(*http.Request) pages.Frame { return pages.Frame{Lang: "en"} }
