package support

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// zendesk is one with a token and the answers that a test wants.
type zendesk struct {
	*httptest.Server
	log     syncBuffer
	mu      sync.Mutex
	now     time.Time
	tokens  int                         // given out
	life    string                      // expires_in
	asked   []string                    // method and address of each call but those for tokens
	bodies  []string                    // of the same
	headers []http.Header               // of the same
	answers map[string]http.HandlerFunc // by method and path; "POST /oauth/tokens" too
}

const agent = "caddy-teaching-record/0.0 (+https://teaching.example.gov.uk)"

func newZendesk(t *testing.T) *zendesk {
	z := &zendesk{now: time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC), life: "1800"}
	z.answers = map[string]http.HandlerFunc{
		"POST /oauth/tokens": func(w http.ResponseWriter, _ *http.Request) {
			z.tokens++
			fmt.Fprintf(w, `{"access_token":"token-marker-%d","token_type":"bearer","scope":"tickets:read tickets:write","expires_in":%s}`, z.tokens, z.life)
		},
		"POST /api/v2/tickets":       says(http.StatusCreated, `{"ticket":{"id":35436,"external_id":"7K2M-9QXA","added":1},"audit":{}}`),
		"GET /api/v2/tickets":        says(http.StatusOK, `{"tickets":[],"count":0}`),
		"GET /api/v2/tickets/35436":  says(http.StatusOK, `{"ticket":{"id":35436,"status":"open"}}`),
		"GET /api/v2/tickets/..%2Fa": says(http.StatusOK, `{}`),
	}
	z.Server = httptest.NewServer(http.HandlerFunc(z.serve))
	t.Cleanup(z.Close)
	return z
}

func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func (z *zendesk) serve(w http.ResponseWriter, r *http.Request) {
	z.mu.Lock()
	defer z.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	what := r.Method + " " + r.URL.EscapedPath()
	if r.URL.Path != "/oauth/tokens" {
		z.asked, z.bodies, z.headers = append(z.asked, r.Method+" "+r.RequestURI), append(z.bodies, string(body)), append(z.headers, r.Header)
	} else if string(body) != `{"client_id":"a-client","client_secret":"secret-marker","grant_type":"client_credentials","scope":"tickets:read tickets:write"}` || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if answer := z.answers[what]; answer != nil {
		answer(w, r)
		return
	}
	w.WriteHeader(http.StatusTeapot)
}

func (z *zendesk) config() ZendeskConfig {
	return ZendeskConfig{
		URL: z.URL, ClientID: "a-client", ClientSecret: "secret-marker", UserAgent: agent, Logger: slog.New(slog.NewTextHandler(&z.log, nil)),
		Now: func() time.Time { z.mu.Lock(); defer z.mu.Unlock(); return z.now },
	}
}

func (z *zendesk) client(t *testing.T, change ...func(*ZendeskConfig)) *Zendesk {
	t.Helper()
	c := z.config()
	for _, f := range change {
		f(&c)
	}
	client, err := NewZendesk(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// advance moves the clock.
func (z *zendesk) advance(by time.Duration) { z.mu.Lock(); defer z.mu.Unlock(); z.now = z.now.Add(by) }

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// TestOpenSends: what goes out, to the byte.
func TestOpenSends(t *testing.T) {
	z := newZendesk(t)
	client := z.client(t, func(c *ZendeskConfig) {
		c.Tags, c.GroupID, c.FormID, c.BrandID = []string{"teaching_record"}, 1, 2, 3
		c.Fields = map[string]string{"900": "b", "4419328659089": "a", "31": "c"}
	})
	ticket := Ticket{Reference: "7K2M-9QXA", Key: "a-key", Service: "S", Plea: journey.Plea{Reason: journey.NotFound, Email: "rosa@people.example"}}
	for range 20 { // a map has another order each time
		if id, err := client.Open(t.Context(), ticket, false); id != "35436" || err != nil {
			t.Fatalf("%q %v", id, err)
		}
	}
	text := strings.ReplaceAll(strings.TrimSuffix(ticket.Body(false), "\n"), "\n", `\n`)
	want := `{"ticket":{"subject":"S: no teaching record found (7K2M-9QXA)","comment":{"body":"` + text + `\n","public":false},` +
		`"requester":{"name":"Teacher 7K2M-9QXA","email":"rosa@people.example"},"external_id":"7K2M-9QXA","tags":["teaching_record"],` +
		`"custom_fields":[{"id":31,"value":"c"},{"id":900,"value":"b"},{"id":4419328659089,"value":"a"}],"group_id":1,"ticket_form_id":2,"brand_id":3}}`
	for _, body := range z.bodies {
		if diff := cmp.Diff(want, body); diff != "" {
			t.Fatal(diff)
		}
	}
	if z.tokens != 1 || z.asked[0] != "POST /api/v2/tickets" {
		t.Errorf("%d tokens, %v", z.tokens, z.asked)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer token-marker-1", "Idempotency-Key": "a-key", "Content-Type": "application/json", "Accept": "application/json", "User-Agent": agent,
	} {
		if got := z.headers[0].Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestOpenLeast: what is not known or not configured is left out.
func TestOpenLeast(t *testing.T) {
	z := newZendesk(t)
	if _, err := z.client(t).Open(t.Context(), Ticket{Reference: "7K2M-9QXA", Key: "a-key"}, false); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"requester", "tags", "custom_fields", "group_id", "ticket_form_id", "brand_id", "null"} {
		if strings.Contains(z.bodies[0], member) {
			t.Errorf("%s is sent: %s", member, z.bodies[0])
		}
	}
	if _, err := z.client(t).Open(t.Context(), prunella(), false); err != nil || !strings.Contains(z.bodies[1], `"name":"Prunella May Wintergreen"`) || strings.Contains(z.bodies[1], "QQ") {
		t.Errorf("%v %s", err, z.bodies[1])
	}
	if _, err := z.client(t, func(c *ZendeskConfig) { c.ShowNINO = true }).Open(t.Context(), prunella(), false); err != nil || !strings.Contains(z.bodies[2], "QQ 12 34 56 C") {
		t.Errorf("%v %s", err, z.bodies[2])
	}
	long := prunella()
	long.Identity.Names[0].Given[0] = strings.Repeat("é", 300)
	if _, err := z.client(t).Open(t.Context(), long, false); err != nil || !strings.Contains(z.bodies[3], `"name":"`+strings.Repeat("é", 254)+`…"`) {
		t.Errorf("%v %s", err, z.bodies[3])
	}
	for _, ticket := range []Ticket{{Reference: "7K2M-9QXA"}, {Key: "a-key"}} {
		if _, err := z.client(t).Open(t.Context(), ticket, false); !errors.Is(err, ErrRefused) || len(z.asked) != 4 {
			t.Errorf("%+v: %v", ticket, err)
		}
	}
}

// TestOpenAgain: a repeated attempt looks first.
func TestOpenAgain(t *testing.T) {
	for _, row := range []struct {
		why, list string
		asked     []string
		id        string
	}{
		{"not there", `{"tickets":[]}`, []string{"GET /api/v2/tickets?external_id=7K2M-9QXA", "POST /api/v2/tickets"}, "35436"},
		{"there", `{"tickets":[{"id":7,"external_id":"7K2M-9QXA","status":"solved"}]}`, []string{"GET /api/v2/tickets?external_id=7K2M-9QXA"}, "7"},
		{"twice", `{"tickets":[{"id":7,"external_id":"7K2M-9QXA"},{"id":8,"external_id":"7K2M-9QXA"}]}`, []string{"GET /api/v2/tickets?external_id=7K2M-9QXA"}, "7"},
	} {
		z := newZendesk(t)
		z.answers["GET /api/v2/tickets"] = says(http.StatusOK, row.list)
		id, err := z.client(t).Open(t.Context(), prunella(), true)
		if diff := cmp.Diff(row.asked, z.asked); diff != "" || id != row.id || err != nil {
			t.Errorf("%s: %q %v %s", row.why, id, err, diff)
		}
		if z.headers[0].Get("Idempotency-Key") != "" || z.bodies[0] != "" || z.headers[0].Get("Content-Type") != "" {
			t.Errorf("%s: the list is asked for with a key or a body", row.why)
		}
	}
}

// TestNewZendesk: what is refused, and never quoted where it could be secret.
func TestNewZendesk(t *testing.T) {
	z := newZendesk(t)
	for why, change := range map[string]func(*ZendeskConfig){
		"neither":            func(c *ZendeskConfig) { c.URL = "" },
		"both":               func(c *ZendeskConfig) { c.Subdomain = "example" },
		"a host":             func(c *ZendeskConfig) { c.URL, c.Subdomain = "", "example.zendesk.com" },
		"a foreign host":     func(c *ZendeskConfig) { c.URL, c.Subdomain = "", "evil.example/" },
		"no address":         func(c *ZendeskConfig) { c.URL = "example" },
		"http":               func(c *ZendeskConfig) { c.URL = "http://example.zendesk.com" },
		"a path":             func(c *ZendeskConfig) { c.URL = "https://example.zendesk.com/api/v2" },
		"a query":            func(c *ZendeskConfig) { c.URL = "https://example.zendesk.com?a=b" },
		"a user":             func(c *ZendeskConfig) { c.URL = "https://secret-marker@example.zendesk.com" },
		"no client":          func(c *ZendeskConfig) { c.ClientID = "" },
		"no secret":          func(c *ZendeskConfig) { c.ClientSecret = "" },
		"no user agent":      func(c *ZendeskConfig) { c.UserAgent = " " },
		"no logger":          func(c *ZendeskConfig) { c.Logger = nil },
		"a tag of two words": func(c *ZendeskConfig) { c.Tags = []string{"teaching record"} },
		"a tag in capitals":  func(c *ZendeskConfig) { c.Tags = []string{"TRN"} },
		"a field by name":    func(c *ZendeskConfig) { c.Fields = map[string]string{"enquiry": "a"} },
		"a field below 1":    func(c *ZendeskConfig) { c.Fields = map[string]string{"0": "a"} },
	} {
		c := z.config()
		change(&c)
		if _, err := NewZendesk(c); err == nil || strings.Contains(err.Error(), "secret-marker") {
			t.Errorf("%s: %v", why, err)
		}
	}
	c := z.config()
	c.URL, c.Subdomain, c.Now = "", "example", nil
	if client, err := NewZendesk(c); err != nil || client.URL != "https://example.zendesk.com" || client.Now == nil {
		t.Error(err)
	}
}
