package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func init() {
	caddy.RegisterModule(adminAPI{})
}

// adminAPI is what operators look at and change, in Caddy's own admin API: never
// on a listener of a site. Caddy sees to hosts and origins; GET changes nothing,
// and POST takes only what a form of a strange page cannot send.
//
// Everything is JSON, errors are problem documents (RFC 9457). Where more than one
// service runs, the query says which: ?service=<host of its service_url>.
type adminAPI struct {
	sites func() []*operated
}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api." + appName, New: func() caddy.Module { return &adminAPI{runningSites} }}
}

// runningSites are those of the configuration that runs, asked for each time. Caddy
// makes its admin API before the rest of a configuration, and keeps the new one
// also when the rest then fails to start and the old configuration goes on.
func runningSites() (sites []*operated) {
	a, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil
	}
	for _, parts := range a.(*App).sites {
		sites = append(sites, parts.operated)
	}
	return sites
}

// adminPath begins the paths of all endpoints.
const adminPath = "/teaching-record/"

// Routes are the two patterns that have everything below adminPath come here, so
// that Caddy's router redirects nowhere.
func (a *adminAPI) Routes() []caddy.AdminRoute {
	serve := caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		a.serve(w, r)
		return nil
	})
	return []caddy.AdminRoute{{Pattern: strings.TrimSuffix(adminPath, "/"), Handler: serve}, {Pattern: adminPath, Handler: serve}}
}

// endpoint is one path of the API: how it is asked, with which words, and what
// does it. Each word must be there; a change also says who makes it, by "by".
type endpoint struct {
	method string
	words  []string
	do     func(*operated, context.Context, words) (any, error)
}

// words are what is asked of an endpoint: its query, or the JSON object posted.
type words map[string]string

// endpoints are all there are, by their paths below adminPath.
var endpoints = map[string]endpoint{
	"links":            {http.MethodGet, []string{"subject"}, (*operated).link},
	"links/connect":    {http.MethodPost, []string{"subject", "trn"}, (*operated).connect},
	"links/disconnect": {http.MethodPost, []string{"subject"}, (*operated).disconnect},
	"visits":           {http.MethodGet, []string{"subject"}, (*operated).visits},
	"visits/revoke":    {http.MethodPost, []string{"subject"}, (*operated).revoke},
	"requests":         {http.MethodGet, nil, (*operated).requests},
	"requests/resolve": {http.MethodPost, []string{"id", "trn"}, (*operated).resolve},
	"requests/reject":  {http.MethodPost, []string{"id"}, (*operated).reject},
	"tickets":          {http.MethodGet, nil, (*operated).tickets},
	"work":             {http.MethodGet, nil, (*operated).putAside},
	"work/retry":       {http.MethodPost, []string{"kind", "name"}, (*operated).retry},
}

// wordForms are what words look like. All but the TRN stand in the log, where by its
// form none can be a TRN, an e-mail address or a person's name. An empty TRN is
// for the endpoint to understand.
var wordForms = map[string]struct {
	form *regexp.Regexp
	like string
}{
	"by":      {regexp.MustCompile(`^[^\pC\pZ]\PC{0,99}$`), "who makes the change, such as kim.operator"},
	"subject": {regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:._~=-]{11,254}$`), "a GOV.UK One Login subject, such as urn:fdc:gov.uk:2022:Zk3cFq7Y2xW9"},
	"trn":     {regexp.MustCompile(`^.{0,30}$`), "a TRN, such as 1234567"},
	"id":      {regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), "the id of a request, as the list of requests has it"},
	"kind":    {regexp.MustCompile(`^[a-z]+(-[a-z]+)*:[a-z]+$`), "a kind of work, as the list of work has it"},
	"name":    {regexp.MustCompile(`^[A-Za-z0-9._:-]{8,255}$`), "the name of a piece of work, as the list of work has it"},
}

// refusal is an answer to an operator who can do better.
type refusal struct {
	status int
	code   string // one word, for the log and for programs
	detail string // a sentence; it may name a TRN, and so is never logged
}

func (r refusal) Error() string { return r.code }

func refuse(status int, code, format string, args ...any) error {
	return refusal{status, code, fmt.Sprintf(format, args...)}
}

// serve is the one place that makes answers, of errors too.
func (a *adminAPI) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	answer, err := a.answer(w, r)
	if err == nil {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer) // who went away does not read it
		return
	}
	said := refusal{http.StatusInternalServerError, "failed", "it failed; Caddy's log says why"}
	switch journey.TroubleIn(err) {
	case journey.NoStore:
		said = refusal{http.StatusServiceUnavailable, "store-no-answer", "Redis did not answer; do it again, because it may be half done"}
	case journey.NoRegister:
		said = refusal{http.StatusServiceUnavailable, "register-no-answer", "the register did not answer; do it again"}
	default:
		errors.As(err, &said)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(said.status)
	json.NewEncoder(w).Encode(problem{"about:blank", http.StatusText(said.status), said.status, said.code, said.detail})
}

// problem is a problem document (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (a *adminAPI) answer(w http.ResponseWriter, r *http.Request) (any, error) {
	// As it was sent: what is escaped or spelled otherwise is another path.
	action := strings.TrimPrefix(r.URL.EscapedPath(), adminPath)
	asked, known := endpoints[action]
	if !known {
		return nil, refuse(http.StatusNotFound, "no-such-path", "there is nothing at this path")
	}
	if r.Method != asked.method {
		w.Header().Set("Allow", asked.method)
		return nil, refuse(http.StatusMethodNotAllowed, "method", "this takes %s only", asked.method)
	}
	query, err := once(r.URL)
	if err != nil {
		return nil, err
	}
	s, err := choose(a.sites(), query["service"])
	if err != nil {
		return nil, err
	}
	delete(query, "service")

	if asked.method == http.MethodGet {
		if err := check(query, asked.words); err != nil {
			return nil, err
		}
		answer, err := asked.do(s, r.Context(), query)
		s.failed(r.Context(), action, err)
		return answer, err
	}
	if err := check(query, nil); err != nil {
		return nil, err
	}
	posted, err := body(w, r)
	if err != nil {
		return nil, err
	}
	if err := check(posted, append([]string{"by"}, asked.words...)); err != nil {
		return nil, err
	}
	// What was begun is done, also for somebody who hangs up.
	ctx := context.WithoutCancel(r.Context())
	answer, err := asked.do(s, ctx, posted)
	s.failed(ctx, action, err)
	s.audit(ctx, action, asked.words, posted, err)
	return answer, err
}

// once reads a query in which no word is there twice.
func once(u *url.URL) (words, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "query", "the query cannot be read")
	}
	all := words{}
	for word, values := range query {
		if len(values) != 1 {
			return nil, refuse(http.StatusBadRequest, "query", "%q is there twice", word)
		}
		all[word] = values[0]
	}
	return all, nil
}

// mostBody is how long a change may be, in bytes. All its words are short.
const mostBody = 4 << 10

// body reads what was posted. A page of somebody else's can have a browser post a
// form or plain text here without asking, and JSON only with leave.
func body(w http.ResponseWriter, r *http.Request) (posted words, err error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, refuse(http.StatusUnsupportedMediaType, "content-type", "this takes Content-Type: application/json only")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "too-large", "this takes %d bytes at most", mostBody)
	}
	if err != nil || json.Unmarshal(text, &posted) != nil {
		return nil, refuse(http.StatusBadRequest, "json", "this takes a JSON object whose members are all text")
	}
	return posted, nil
}

// check has every word there in its form, and no other.
func check(all words, want []string) error {
	for word := range all {
		if !slices.Contains(want, word) {
			return refuse(http.StatusBadRequest, "word", "unknown word %q; its words are: %s", word, strings.Join(want, ", "))
		}
	}
	for _, word := range want {
		value, there := all[word]
		if !there || !wordForms[word].form.MatchString(value) {
			return refuse(http.StatusBadRequest, "word", "%s must be %s", word, wordForms[word].like)
		}
	}
	return nil
}

// choose finds the site of a service. Only where there is more than one must
// it be named.
func choose(sites []*operated, host string) (*operated, error) {
	var hosts []string
	for _, s := range sites {
		if !slices.Contains(hosts, s.host) {
			hosts = append(hosts, s.host)
		}
	}
	slices.Sort(hosts)
	switch {
	case len(hosts) == 0:
		return nil, refuse(http.StatusServiceUnavailable, "no-service", "no site with teaching_record runs in this Caddy")
	case host == "" && len(hosts) > 1:
		return nil, refuse(http.StatusBadRequest, "which-service", "more than one service runs here; say which by service: %s", strings.Join(hosts, ", "))
	case host == "":
		return sites[0], nil
	}
	// Where several sites have one service, each of them will do.
	if i := slices.IndexFunc(sites, func(s *operated) bool { return s.host == host }); i >= 0 {
		return sites[i], nil
	}
	return nil, refuse(http.StatusNotFound, "no-such-service", "no such service runs here; those that do: %s", strings.Join(hosts, ", "))
}

// Interface guard
var _ caddy.AdminRouter = (*adminAPI)(nil)
