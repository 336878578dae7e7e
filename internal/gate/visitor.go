package gate

import (
	"context"
	"net/http"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// visitIDLength is the length of a visit id: 256 bits, base64url.
const visitIDLength = 43

// visitID is the value of our cookie, "" when there is none. Where a browser
// sends several, the first wins, as it does in a browser's own order.
func (g *Gate) visitID(r *http.Request) string {
	c, err := r.Cookie(g.cookie)
	if err != nil || len(c.Value) != visitIDLength {
		return ""
	}
	return c.Value
}

// visit is the visit a request belongs to, as it is now. One of another service
// is none.
func (g *Gate) visit(ctx context.Context, id string) (s journey.State, found bool, err error) {
	if id == "" {
		return journey.State{}, false, nil
	}
	s, found, err = g.Visits.Load(ctx, id)
	if s.Service != g.service {
		return journey.State{}, false, err
	}
	return s, found, err
}

// setCookie points the browser at a visit. Lax, because the browser must send
// it when One Login sends it back. It ends with the browser's session; the
// limits of the visit are kept in Redis.
func (g *Gate) setCookie(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: id, Path: "/", HttpOnly: true,
		Secure: g.ServiceURL.Scheme == "https", SameSite: http.SameSiteLaxMode})
}

// dropCookie makes the browser forget the visit.
func (g *Gate) dropCookie(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Path: "/", HttpOnly: true, MaxAge: -1,
		Secure: g.ServiceURL.Scheme == "https", SameSite: http.SameSiteLaxMode})
}
