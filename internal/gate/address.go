package gate

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// longestReturn bounds a return address; a longer one is replaced by "/".
const longestReturn = 8 << 10

// localPath is the address to come back to after sign-in: a path and query of
// this service. Whatever is not plainly that becomes "/".
//
// What a browser makes of an address is not what Go makes of it ("/\evil",
// "//evil", "/\t/evil"), so the check is by allowed form, and [Gate.url] puts
// our own origin in front of the result besides: "https://us//evil" is us.
func (g *Gate) localPath(address string) string {
	if len(address) > longestReturn || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") {
		return "/"
	}
	for i := range len(address) {
		// Control bytes, space, backslash and anything outside ASCII are
		// never in an escaped address.
		if c := address[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return "/"
		}
	}
	u, err := url.ParseRequestURI(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil || g.below(u.Path) {
		return "/"
	}
	return address
}

// below reports whether path is one of our own.
func (g *Gate) below(path string) bool {
	rest, ok := strings.CutPrefix(path, g.PathPrefix)
	return ok && (rest == "" || rest[0] == '/')
}

// asked is the path and query the browser asked for, fit to be a return address.
func (g *Gate) asked(r *http.Request) string { return g.localPath(g.Asked(r).RequestURI()) }

// url makes an absolute address of a path and query of this service. It is
// built from the configuration, never from the request: One Login comes back
// to the configured origin, so the cookie must be set there too.
func (g *Gate) url(path string) string {
	return g.ServiceURL.Scheme + "://" + g.ServiceURL.Host + path
}

// step is the path of a step's page.
func (g *Gate) step(s journey.Step) string { return g.PathPrefix + "/" + string(s) }

// signInURL starts a sign-in that comes back to the given local path.
func (g *Gate) signInURL(returnTo string) string {
	return g.url(g.step(journey.SignIn) + "?return_to=" + url.QueryEscape(returnTo))
}

// onward is where the journey goes on: its next page or, when it is done, the
// address first asked for.
func (g *Gate) onward(s journey.State) string {
	if next := journey.Next(s, g.Policy); next != journey.Done {
		return g.url(g.step(next))
	}
	return g.url(g.localPath(s.ReturnTo))
}

// redirect sends the browser on with GET. The address is written as it is:
// http.Redirect would clean the path and so change where people asked to go.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}
