package gate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// readyTimeout bounds all checks of /readyz together.
const readyTimeout = 5 * time.Second

// handler answers a request for an address of ours; id is the visit's, "" when
// the browser has none. It returns errors; fail makes answers of them.
type handler func(w http.ResponseWriter, r *http.Request, id string) error

// endpoint is one address of ours. HEAD is answered as GET.
type endpoint struct {
	get, post handler
}

// ownEndpoints are our addresses below the path prefix; assets are beside them.
func (g *Gate) ownEndpoints() map[string]endpoint {
	own := map[string]endpoint{
		string(journey.SignIn):         {get: g.signIn},
		string(journey.VerifyIdentity): {get: g.verifyIdentity},
		"callback":                     {get: g.callback},
		"sign-out":                     {get: g.signOutPage, post: g.signOut},
		"signed-out":                   {get: g.signedOut},
		"cookies":                      {get: g.static(g.cookiesPage())},
		"accessibility":                {get: g.static(pages.Accessibility{})},
		"one-login-jwks.json":          {get: plain(g.ClientKeys)},
		"jwks.json":                    {get: plain(http.HandlerFunc(g.Signer.ServeKeys))},
		"healthz":                      {get: alive},
		"readyz":                       {get: g.ready},
	}
	for step, page := range journeyPages {
		own[string(step)] = g.servePage(step, page)
	}
	if g.Policy.Find {
		own[string(journey.FindALostTRN)] = endpoint{get: g.toFind, post: g.servePage(journey.FindALostTRN, page{nil, takeFind}).post}
		own["find-a-lost-trn/callback"] = endpoint{get: g.fromFind}
	}
	if g.Webhooks != nil {
		own["webhooks/trs"] = endpoint{post: g.registerEvent}
	}
	return own
}

// ownPath is the path below our prefix a request is for. It is taken from the
// address the browser asked for: that is what our links and One Login use,
// whatever the server rewrites around us.
func (g *Gate) ownPath(r *http.Request) (path string, ours bool) {
	asked := g.Asked(r).Path
	if !g.below(asked) {
		return "", false
	}
	return strings.TrimPrefix(strings.TrimPrefix(asked, g.PathPrefix), "/"), true
}

// serveOwn serves one of our own addresses.
func (g *Gate) serveOwn(w http.ResponseWriter, r *http.Request, id, path string) {
	if strings.HasPrefix(path, "assets/") {
		g.Pages.Assets().ServeHTTP(w, r)
		return
	}
	if err := g.answerOwn(w, r, id, path); err != nil {
		g.fail(w, r, err)
	}
}

func (g *Gate) answerOwn(w http.ResponseWriter, r *http.Request, id, path string) error {
	e, found := g.endpoints[path]
	if !found {
		return problem{status: http.StatusNotFound, page: "not-found", cause: errors.New("no such page of ours")}
	}
	serve := map[string]handler{http.MethodGet: e.get, http.MethodHead: e.get, http.MethodPost: e.post}
	maps.DeleteFunc(serve, func(_ string, h handler) bool { return h == nil })
	h := serve[r.Method]
	if h == nil {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(serve)), ", "))
		return problem{status: http.StatusMethodNotAllowed, page: "not-found", cause: errors.New("method not allowed here")}
	}
	// The answers to a POST change what we keep, so other sites must not make
	// a browser send one. Fetch metadata or Origin tell; no tokens in forms.
	if err := g.crossOrigin.Check(r); err != nil {
		return problem{status: http.StatusForbidden, page: "forbidden", cause: err}
	}
	return h(w, r, id)
}

// static is a page that is the same for everybody.
func (g *Gate) static(v pages.View) handler {
	return func(w http.ResponseWriter, r *http.Request, _ string) error {
		return g.Pages.Write(w, http.StatusOK, g.frame(r), v)
	}
}

// plain serves what needs no visit.
func plain(h http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request, _ string) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// alive answers /healthz: the process serves requests.
func alive(w http.ResponseWriter, r *http.Request, _ string) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err := io.WriteString(w, `{"status":"ok"}`+"\n")
	return err
}

// ready answers /readyz: each part by name, 503 when any is not ready.
func (g *Gate) ready(w http.ResponseWriter, r *http.Request, _ string) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	status, parts := http.StatusOK, map[string]string{}
	for _, check := range g.Checks {
		parts[check.Name] = "ok"
		if err := check.Ready(ctx); err != nil {
			status, parts[check.Name] = http.StatusServiceUnavailable, "not ready"
			g.Logger.WarnContext(ctx, "not ready", "part", check.Name, "error", err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(parts)
}

// cookiesPage tells of the one cookie there is.
func (g *Gate) cookiesPage() pages.View {
	return pages.Cookies{Cookies: []pages.Cookie{{Name: g.cookie, Purpose: "visit", Idle: g.Idle, Absolute: g.Absolute}}}
}
