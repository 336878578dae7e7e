package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// searchLog fails the test for every value of a person that stands in the log,
// and for what helps no operator.
func (s *stack) searchLog() {
	log := s.log.String()
	if i := strings.Index(log, "DATA RACE"); i >= 0 {
		s.t.Error("the race detector found something")
	}
	if strings.Contains(log, `"stacktrace"`) {
		s.t.Error("the log shows our insides")
	}
	lower := strings.ToLower(audited.ReplaceAllString(log, `"audit"`))
	for _, secret := range append(secrets(s.t), s.keys()...) {
		if strings.Contains(lower, strings.ToLower(secret)) {
			s.t.Errorf("the log shows %q", secret)
		}
	}
}

// audited is what the log says on purpose: whose link an operator changed.
var audited = regexp.MustCompile(`"audit",[^\n]*"subject":"[^"]*"`)

// keys are what the stack's own secrets show themselves by.
func (s *stack) keys() (all []string) {
	for _, name := range []string{"TEACHING_RECORD_SECRET", "TRS_API_KEY", "FIND_SHARED_KEY", "FIND_API_KEY", "ONE_LOGIN_PRIVATE_KEY", "ASSERTION_PRIVATE_KEY",
		"NOTIFY_API_KEY", "ZENDESK_CLIENT_SECRET"} {
		secret := s.env[name]
		if lines := strings.Split(secret, "\n"); len(lines) > 2 {
			secret = lines[1] // of a PEM; a log would write its line ends in another way
		}
		if secret != "" {
			all = append(all, secret)
		}
	}
	return all
}

// secrets are all values of the cast, and of the records, that must not stand in
// any log.
func secrets(t testing.TB) []string {
	var all []string
	var file struct {
		People []struct {
			TRN, LastName, DateOfBirth, NationalInsuranceNumber string
		}
	}
	must(t, json.Unmarshal(people.RegisterFile(), &file))
	for _, record := range file.People {
		all = append(all, record.TRN, record.LastName, record.DateOfBirth, record.NationalInsuranceNumber)
	}
	for _, p := range people.Everyone() {
		all = append(all, p.Email, p.BirthDate, p.Subject(), p.TRN, p.NINO, strings.ReplaceAll(p.NINO, " ", ""))
		all = append(all, p.Given...)
		all = append(all, p.Family...)
	}
	var set []string
	for _, secret := range all {
		if secret != "" {
			set = append(set, secret)
		}
	}
	return set
}

// TestWhatCaddyLogs: Caddyfile.example keeps out of Caddy's own log what Caddy
// would write there of a request, its access log included: the assertion, whose
// claims anybody can decode, whenever an answer of the service breaks off; codes,
// states and One Login's tokens in addresses; who it was (threats T22, T58).
func TestWhatCaddyLogs(t *testing.T) {
	t.Parallel()
	var (
		mu   sync.Mutex
		seen = map[string]string{} // what must not be logged, by value
	)
	see := func(value, what string) {
		mu.Lock()
		defer mu.Unlock()
		if value != "" {
			seen[value] = what
		}
	}
	broken := listen(t)
	s := start(t, editing("reverse_proxy {$UPSTREAM}", "log\nreverse_proxy {$UPSTREAM}", "# claims email", "plain_headers on\nclaims email"), func(s *stack) {
		s.env["UPSTREAM"] = broken.Addr().String()
		s.serve(broken, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			see(r.Header.Get("Teaching-Record-Assertion"), "the assertion")
			see(r.Header.Get("Teaching-Record-Trn"), "the TRN")
			see(r.Header.Get("One-Login-Subject"), "the subject")
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("half of it"))
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
	})
	v := s.teacher(t)
	v.http.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		for _, name := range []string{"code", "state", "request", "id_token_hint"} {
			see(req.URL.Query().Get(name), name)
		}
		if req.URL.Path == "/records" && req.Response.Request.URL.Path == "/teaching-record/callback" {
			return http.ErrUseLastResponse // the service's answer would be an error to this client
		}
		return nil
	}
	v.open("/records").choose("known")
	see(v.cookie(), "the cookie")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.site+"/records", nil)
	must(t, err)
	req.Header.Set("Referer", v.url.String())
	resp, err := v.http.Do(req)
	must(t, err)
	if half, err := io.ReadAll(resp.Body); err == nil || string(half) != "half of it" {
		t.Errorf("the service answered %q, %v", half, err)
	}
	resp.Body.Close()
	v.open("/teaching-record/sign-out").press("Sign out")

	if len(seen) < 9 {
		t.Errorf("only %d values to look for: %v", len(seen), seen)
	}
	if !strings.Contains(s.log.String(), "aborting with incomplete response") || !strings.Contains(s.log.String(), "handled request") {
		t.Error("Caddy did not log what this test is about")
	}
	for value, what := range seen {
		if strings.Contains(s.log.String(), value) || strings.Contains(s.log.String(), url.QueryEscape(value)) {
			t.Errorf("the log shows %s", what)
		}
	}
}
