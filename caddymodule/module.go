// Package caddymodule is the front door: the only package that knows Caddy.
//
//	module.go        the handler: its life under Caddy, and each request
//	app.go           what begins when Caddy starts
//	parts.go         the parts list: everything the gate is made of
//	config.go        the directive in its JSON form; its comments are the manual
//	caddyfile.go     the directive in the Caddyfile
//	words.go         how its words are read: each once, and nothing left over
//	globaloption.go  the global option: variables that must not be empty
//	settings.go      defaults filled in, every value checked, mistakes told
//	placeholders.go  {env.NAME} and {file./path}, expanded once
//	addresses.go     addresses and paths: the origin, One Login, Redis, public
//	keys.go          keys and secrets
//	logging.go       lines of the log without stack traces
//	admin.go         Caddy's admin API: its paths, and who may ask what how
//	operate.go       what operators look at and change: links, visits, tickets
//	decide.go        what they decide: requests for TRNs, work put aside
//	command.go       the same as commands: caddy teaching-record
//	tell.go          what the commands print
package caddymodule

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler signs teachers in with GOV.UK One Login, matches them to their
// teaching record on pages of its own, and forwards their requests with a
// signed assertion of who they are and which record is theirs.
//
// It must come before whatever proxies to the service, and after anything that
// edits request headers or paths; the Caddyfile directive orders itself so.
// These placeholders are set on requests that are forwarded for a teacher:
//
// Placeholder | Description
// ------------|------------
// `{http.auth.user.id}` | GOV.UK One Login's subject
// `{http.auth.user.trn}` | The teacher reference number
type Handler struct {
	Config

	parts // none before Provision built them
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.teaching_record", New: func() caddy.Module { return new(Handler) }}
}

// Provision reads the settings and builds the parts. It uses no network: Redis
// and One Login may come up later than we do.
func (h *Handler) Provision(ctx caddy.Context) error {
	settings, err := h.resolve(caddy.NewReplacer())
	if err != nil {
		return err
	}
	app, err := app(ctx)
	if err != nil {
		return err
	}
	if h.parts, err = settings.build(slog.New(plainLines{ctx.Slogger().Handler()}), ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	app.sites = append(app.sites, h.parts)
	return nil
}

// Cleanup lets go of what Provision built, as far as it got.
func (h *Handler) Cleanup() error {
	if h.close == nil {
		return nil
	}
	return h.close()
}

// ServeHTTP hands the request to the gate.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.gate.ServeHTTP(w, r, next.ServeHTTP)
}

// asked is the address the browser asked for, before rewrites around us.
func asked(r *http.Request) *url.URL {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.URL
	}
	return r.URL
}

// requestID is Caddy's own id of the request, which its access log shows too.
// A client's idea of an id is not taken over.
func requestID(r *http.Request) string {
	id, _ := replacer(r).GetString("http.request.uuid")
	return id
}

// identified tells Caddy, and so its access log and the directives after us,
// who a request belongs to.
func identified(r *http.Request, subject, trn string) {
	repl := replacer(r)
	repl.Set("http.auth.user.id", subject)
	repl.Set("http.auth.user.trn", trn)
}

func replacer(r *http.Request) *caddy.Replacer {
	return r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
}

// isPublic makes the rule for paths that need no sign-in. Caddy's matcher reads
// a path cleaned and without regard to case, and the service may read it in
// other ways again: what looks different to different readers is never public.
func isPublic(patterns caddyhttp.MatchPath) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return len(patterns) > 0 && plainPath(r.URL) && patterns.Match(r)
	}
}

// plainPath reports whether every reader of u's path sees the same path. Gone
// are the ends of a path ("?", "#", control characters), parameters (";"), second
// layers of escapes, escaped slashes and backslashes, bytes that are not UTF-8,
// double slashes, and dot segments, also those with spaces and more dots that
// Windows takes for them.
func plainPath(u *url.URL) bool {
	if strings.ContainsAny(u.Path, `?#;%\`) || strings.ContainsFunc(u.Path, unicode.IsControl) ||
		!utf8.ValidString(u.Path) || strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return false
	}
	path, rooted := strings.CutPrefix(u.Path, "/")
	if !rooted || path == "" {
		return rooted
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path, "/"), "/") {
		if strings.Trim(segment, ". ") == "" {
			return false
		}
	}
	return true
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)
