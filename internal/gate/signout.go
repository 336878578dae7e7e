package gate

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// signOutPage asks before signing out, unless the person just followed a link
// of this very site to get here: then they have said so already. Another
// site's link or image never signs anybody out.
func (g *Gate) signOutPage(w http.ResponseWriter, r *http.Request, id string) error {
	h := r.Header
	if h.Get("Sec-Fetch-Site") == "same-origin" && h.Get("Sec-Fetch-User") == "?1" && h.Get("Sec-Purpose") == "" {
		return g.signOut(w, r, id)
	}
	return g.Pages.Write(w, http.StatusOK, g.frame(r), pages.SignOut{})
}

// signOut ends our session first, then sends the browser to end One Login's.
// If One Login cannot be reached for its address, ours is over all the same.
func (g *Gate) signOut(w http.ResponseWriter, r *http.Request, id string) error {
	s, found, err := g.visit(r.Context(), id)
	if err != nil {
		return err
	}
	if err := g.endVisit(w, r.Context(), id); err != nil {
		return err
	}
	to := g.url(g.PathPrefix + "/signed-out")
	if found && s.IDToken != "" {
		there, err := g.OneLogin.SignOutURL(r.Context(), s.IDToken, rand.Text())
		if err != nil {
			g.Logger.WarnContext(r.Context(), "signed out here, but not at One Login", "error", err)
		} else {
			to = there
		}
	}
	g.Logger.InfoContext(r.Context(), "signed out")
	redirect(w, to)
	return nil
}

// signedOut is where One Login sends the browser when its session is over. Who
// is signed in all the same, by an old tab or a link, is not told otherwise.
func (g *Gate) signedOut(w http.ResponseWriter, r *http.Request, id string) error {
	if s, found, err := g.visit(r.Context(), id); err == nil && found {
		redirect(w, g.onward(s))
		return nil
	}
	return g.Pages.Write(w, http.StatusOK, g.frame(r), pages.SignedOut{})
}

// endVisit ends the visit and makes the browser forget it.
func (g *Gate) endVisit(w http.ResponseWriter, ctx context.Context, id string) error {
	if id != "" {
		if err := g.Visits.Delete(ctx, id); err != nil {
			return err
		}
	}
	g.dropCookie(w)
	return nil
}
