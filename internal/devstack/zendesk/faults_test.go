package zendesk_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// TestFaultsArePlayed: each, wherever it can be, changes what comes, once, and
// nowhere else.
func TestFaultsArePlayed(t *testing.T) {
	a := newAsker(t, zendesk.Config{Stall: 10 * time.Millisecond})
	a.create(aTicket)
	right := map[zendesk.Endpoint]answer{}
	for _, at := range zendesk.Endpoints() {
		right[at], _ = a.question(at)
	}
	// Tokens differ each time.
	same := func(at zendesk.Endpoint, got answer) bool {
		if at == zendesk.AtToken && got.body["access_token"] != nil && len(got.body["access_token"].(string)) == 26 {
			got.text = strings.Replace(got.text, got.body["access_token"].(string), right[at].body["access_token"].(string), 1)
		}
		return got.status == right[at].status && got.text == right[at].text
	}
	names := map[string]bool{}
	for _, f := range zendesk.Faults() {
		if names[f.Name] || f.Does == "" {
			t.Errorf("%s: twice, or says nothing", f.Name)
		}
		names[f.Name] = true
		for _, at := range zendesk.Endpoints() {
			if f.At != nil && !slices.Contains(f.At, at) {
				if a.api.Play(zendesk.Play{Fault: f.Name, Endpoint: at}) == nil {
					t.Errorf("%s can be asked for at %s", f.Name, at)
				}
				a.play(zendesk.Play{Fault: f.Name})
				if got, err := a.question(at); err != nil || !same(at, got) || len(a.api.Playing()) != 1 {
					t.Errorf("%s is played at %s", f.Name, at)
				}
				a.api.StopFaults()
				continue
			}
			again := strings.HasSuffix(f.Name, "refused") // else net/http hides it: it asks again on a new connection
			a.play(zendesk.Play{Fault: f.Name, Endpoint: at, Every: again})
			got, err := a.question(at)
			if again {
				a.api.StopFaults()
			}
			late := f.Name == "created-slow" || f.Name == "slow-body" // later, but right
			if left := a.api.Playing(); len(left) != 0 || (err == nil && same(at, got)) != late {
				t.Errorf("%s at %s: %d %.200s; left: %v", f.Name, at, got.status, got.text, left)
			}
			if got, err := a.question(at); err != nil || !same(at, got) {
				t.Errorf("after %s at %s: %d %v", f.Name, at, got.status, err)
			}
		}
	}
	if violations := a.api.Record().Violations; len(violations) != 0 {
		t.Errorf("%+v", violations)
	}
}

// TestDoneOrNot: whether there is a ticket after each fault of creating one.
func TestDoneOrNot(t *testing.T) {
	done := []string{"created-500", "created-504", "created-refused", "created-slow", "slow-body", "dropped"}
	bodies := []string{"empty", "garbage", "null", "empty-object", "nested", "array", "cut-off", "followed", "oversized",
		"unknown-members", "ticket-null", "id-missing", "id-text", "id-zero"}
	for _, f := range zendesk.Faults() {
		if f.At != nil && !slices.Contains(f.At, zendesk.AtCreate) {
			continue
		}
		a := newAsker(t, zendesk.Config{Stall: time.Millisecond})
		a.play(zendesk.Play{Fault: f.Name, Endpoint: zendesk.AtCreate, Every: strings.HasSuffix(f.Name, "refused")})
		_, _ = a.question(zendesk.AtCreate) // what comes is looked at elsewhere
		want := 0
		if slices.Contains(done, f.Name) || slices.Contains(bodies, f.Name) {
			want = 1
		}
		if got := len(a.api.Tickets()); got != want {
			t.Errorf("%s: %d tickets, want %d", f.Name, got, want)
		}
	}
}

// TestFaultStatuses: the status, what says when to come again, and what stands
// in the body.
func TestFaultStatuses(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	for name, row := range map[string]struct {
		status            int
		retry, type_, has string
	}{
		"400":                      {400, "", "application/json", `"InvalidValue"`},
		"key-of-another-body":      {400, "", "application/json", `"IdempotentRequestError"`},
		"401":                      {401, "", "application/json", `"invalid_token"`},
		"401-text":                 {401, "", "application/json", `"Couldn't authenticate you"`},
		"403":                      {403, "", "application/json", `"Forbidden"`},
		"403-firewall":             {403, "", "text/html", "<h1>"},
		"404":                      {404, "", "application/json", `"error":{`},
		"404-page":                 {404, "", "text/html", "<h1>"},
		"409":                      {409, "", "application/json", `"Conflict"`},
		"422":                      {422, "", "application/json", `"RecordInvalid"`},
		"422-text":                 {422, "", "text/plain", "suspended"},
		"429":                      {429, "", "application/json", "APIRateLimitExceeded"},
		"429-retry-after":          {429, "20", "application/json", ""},
		"429-retry-after-years":    {429, "946080000", "application/json", ""},
		"429-retry-after-nonsense": {429, "-soon", "application/json", ""},
		"500":                      {500, "", "application/json", "InternalError"},
		"502":                      {502, "", "text/html", "<h1>"},
		"503":                      {503, "", "text/plain", "unavailable"},
		"503-retry-after":          {503, "120", "text/html", "<h1>"},
		"html":                     {200, "", "text/html", "<h1>"},
		"no-content":               {204, "", "", ""},
		"redirect":                 {307, "", "", ""},
		"redirect-host":            {307, "", "", ""},
	} {
		a.play(zendesk.Play{Fault: name, Endpoint: zendesk.AtCreate})
		got := a.must(a.question(zendesk.AtCreate))
		if got.status != row.status || got.header.Get("Retry-After") != row.retry || !strings.HasPrefix(got.header.Get("Content-Type"), row.type_) || !strings.Contains(got.text, row.has) {
			t.Errorf("%s: %d %v %.100s", name, got.status, got.header, got.text)
		}
	}
	// Whoever follows is found out: the ticket is opened.
	a.play(zendesk.Play{Fault: "redirect", Every: true})
	got := a.must(a.question(zendesk.AtCreate))
	followed := a.must(a.ask(a.request(http.MethodPost, got.header.Get("Location"), aTicket, header("Idempotency-Key", key))))
	if followed.status != http.StatusCreated || len(a.api.Tickets()) != 1 {
		t.Errorf("%d %s", followed.status, followed.text)
	}
}

// TestPlay: once or every time, at one endpoint or any.
func TestPlay(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	for _, play := range []zendesk.Play{{Fault: "no-such"}, {Fault: "500", Endpoint: "nowhere"}, {Fault: "list-null", Endpoint: zendesk.AtCreate}} {
		if a.api.Play(play) == nil {
			t.Errorf("%+v is played", play)
		}
	}
	statuses := func(asked ...zendesk.Endpoint) (all []int) {
		for _, at := range asked {
			got, _ := a.question(at)
			all = append(all, got.status)
		}
		return all
	}
	a.play(zendesk.Play{Fault: "500", Endpoint: zendesk.AtFind})
	got := statuses(zendesk.AtCreate, zendesk.AtFind, zendesk.AtFind)
	a.play(zendesk.Play{Fault: "502"})
	got = append(got, statuses(zendesk.AtToken, zendesk.AtToken)...)
	a.play(zendesk.Play{Fault: "503", Every: true})
	if diff := cmp.Diff([]zendesk.Play{{Fault: "503", Every: true}}, a.api.Playing()); diff != "" {
		t.Error(diff)
	}
	got = append(got, statuses(zendesk.AtShow, zendesk.AtFind)...)
	a.api.StopFaults()
	got = append(got, statuses(zendesk.AtShow)...)
	if diff := cmp.Diff([]int{201, 500, 200, 502, 200, 503, 503, 200}, got); diff != "" {
		t.Error(diff)
	}
	// One that spoils a right answer waits for one.
	a.play(zendesk.Play{Fault: "id-zero", Endpoint: zendesk.AtShow})
	if got := a.get("/api/v2/tickets/9"); got.status != http.StatusNotFound || len(a.api.Playing()) != 1 {
		t.Errorf("%d, playing %v", got.status, a.api.Playing())
	}
}

// TestShapes: what each does.
func TestShapes(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	a.create(aTicket)
	spoiled := func(name string, at zendesk.Endpoint) map[string]any {
		t.Helper()
		a.play(zendesk.Play{Fault: name, Endpoint: at})
		return a.must(a.question(at)).body
	}
	ticket := func(name string, at zendesk.Endpoint) map[string]any {
		body := spoiled(name, at)
		if list, ok := body["tickets"].([]any); ok {
			return list[0].(map[string]any)
		}
		return body["ticket"].(map[string]any)
	}
	for _, row := range []struct {
		why       string
		got, want any
	}{
		{"more at create", ticket("unknown-members", zendesk.AtCreate)["added_later"] != nil, true},
		{"more in a list", ticket("unknown-members", zendesk.AtFind)["added_later"] != nil, true},
		{"more at a token", spoiled("unknown-members", zendesk.AtToken)["added_later"] != nil, true},
		{"no ticket", spoiled("ticket-null", zendesk.AtShow)["ticket"], nil},
		{"no id", ticket("id-missing", zendesk.AtFind)["id"], nil},
		{"text", ticket("id-text", zendesk.AtCreate)["id"], "40001"},
		{"0", ticket("id-zero", zendesk.AtCreate)["id"], 0.0},
		{"another in a list", ticket("other-ticket", zendesk.AtFind)["external_id"], "STRA-NGER"},
		{"another alone", ticket("other-ticket", zendesk.AtShow)["id"], 7.0},
		{"no status", ticket("status-missing", zendesk.AtShow)["status"], nil},
		{"a new status", ticket("status-unknown", zendesk.AtShow)["status"], "added_later"},
		{"null", spoiled("list-null", zendesk.AtFind)["tickets"], nil},
		{"an empty list", len(spoiled("list-behind", zendesk.AtFind)["tickets"].([]any)), 0},
		{"no token", spoiled("token-missing", zendesk.AtToken)["access_token"], nil},
		{"two lines", spoiled("token-lines", zendesk.AtToken)["access_token"], "a\r\nb"},
		{"worthless", spoiled("token-worthless", zendesk.AtToken)["access_token"], "worthless"},
		{"no expiry", spoiled("expiry-missing", zendesk.AtToken)["expires_in"], nil},
		{"expired", spoiled("expiry-past", zendesk.AtToken)["expires_in"], -60.0},
		{"years", spoiled("expiry-years", zendesk.AtToken)["expires_in"], 31_536_000_000.0},
		{"text for a life", spoiled("expiry-text", zendesk.AtToken)["expires_in"], "soon"},
	} {
		if diff := cmp.Diff(row.want, row.got); diff != "" {
			t.Errorf("%s: %s", row.why, diff)
		}
	}
	if _, has := spoiled("list-missing", zendesk.AtFind)["tickets"]; has {
		t.Error("list-missing has a list")
	}
}
