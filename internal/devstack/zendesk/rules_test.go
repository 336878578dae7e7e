package zendesk_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// TestRequestRules: what every request must be, each rule broken by itself.
func TestRequestRules(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	readOnly, _ := a.must(a.ask(a.request(http.MethodPost, "/oauth/tokens", strings.Replace(grantRequest, " tickets:write", "", 1)))).body["access_token"].(string)
	for _, row := range []struct {
		why    string
		edit   func(*http.Request)
		status int
		live   string
		code   string
		rule   string // in the words of the refusal
	}{
		{"no User-Agent", header("User-Agent", ""), 400, "", "BadRequest", "needs a User-Agent"},
		{"no product", header("User-Agent", "asker"), 400, "", "BadRequest", "a product"},
		{"a library's", header("User-Agent", "Go-http-client/1.1"), 400, "", "BadRequest", "a library's"},
		{"a cookie", header("Cookie", "a=b"), 400, "", "BadRequest", "cookies"},
		{"no Accept", header("Accept"), 406, "", "NotAcceptable", "Accept"},
		{"a form", header("Content-Type", "application/x-www-form-urlencoded"), 415, "", "UnsupportedMediaType", "application/json"},
		{"no token", header("Authorization"), 401, "401", "invalid_token", "missing"},
		{"another token", header("Authorization", "Bearer another"), 401, "401", "invalid_token", "unknown"},
		{"another scheme", header("Authorization", "Basic "+a.token), 401, "401", "invalid_token", "Bearer"},
		{"two tokens", header("Authorization", "Bearer "+a.token, "Bearer "+a.token), 401, "401", "invalid_token", "Bearer"},
		{"a token that may not write", header("Authorization", "Bearer "+readOnly), 403, "403", "Forbidden", "tickets:write"},
		{"no key", header("Idempotency-Key"), 400, "", "BadRequest", "required"},
		{"two keys", header("Idempotency-Key", key, key), 400, "", "BadRequest", "required"},
		{"a long key", header("Idempotency-Key", strings.Repeat("k", 256)), 400, "400", "BadRequest", "255"},
		{"a key that is no UUID", header("Idempotency-Key", "7K2M-9QXA"), 400, "", "BadRequest", "UUID"},
		{"a query", func(r *http.Request) { r.URL.RawQuery = "async=true" }, 400, "", "BadRequest", "no query"},
	} {
		a.refused(row.why, a.create(aTicket, row.edit), row.status, row.live, row.code, row.rule)
	}
	a.refused("a GET with a key", a.get("/api/v2/tickets?external_id=7K2M-9QXA", header("Idempotency-Key", key)), 400, "", "BadRequest", "for creating only")
	if got := a.must(a.ask(a.request(http.MethodHead, "/api/v2/tickets?external_id=7K2M-9QXA", ""))); got.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: %d", got.status)
	}
	a.api.Reset()
	a.refused("a GET with a body", a.must(a.ask(a.request(http.MethodGet, "/api/v2/tickets?external_id=7K2M-9QXA", "{}"))), 400, "", "BadRequest", "no body")
	a.refused("no external_id", a.get("/api/v2/tickets"), 400, "", "BadRequest", "one external_id")
	a.refused("two", a.get("/api/v2/tickets?external_id=a&external_id=b"), 400, "", "BadRequest", "one external_id")
	a.refused("something else", a.get("/api/v2/tickets?external_id=a&page=2"), 400, "", "BadRequest", "only external_id")
	a.refused("no number", a.get("/api/v2/tickets/7K2M-9QXA"), 400, "400", "BadRequest", "a number")
	a.refused("a query at one ticket", a.get("/api/v2/tickets/40001?include=users"), 400, "", "BadRequest", "no query")
	a.refused("elsewhere", a.get("/api/v2/users"), 404, "404", "InvalidEndpoint", "no such endpoint")
	if len(a.api.Tickets()) != 0 {
		t.Error("a refused ticket was opened")
	}
}

// refused checks a refusal and empties the record.
func (a *asker) refused(why string, got answer, status int, live, code, rule string) {
	a.t.Helper()
	violations := a.api.Record().Violations
	a.api.Reset()
	if got.status != status || got.body["error"] != code || len(violations) != 1 || violations[0].Live != live || !strings.Contains(violations[0].Rule, rule) {
		a.t.Errorf("%s: %d %s, %+v", why, got.status, got.text, violations)
	}
}

// TestTokenRules: what a request for a token must be.
func TestTokenRules(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	ask := func(body string, edits ...func(*http.Request)) answer {
		return a.must(a.ask(a.request(http.MethodPost, "/oauth/tokens", body, edits...)))
	}
	for _, row := range []struct {
		why, old, new string
		status        int
		live          string
		code          string
	}{
		{"another grant", "client_credentials", "password", 400, "400", "unsupported_grant_type"},
		{"another client", "teaching-record", "another", 401, "401", "invalid_client"},
		{"another secret", clientSecret, "another", 401, "401", "invalid_client"},
		{"no scope", "tickets:read tickets:write", "", 400, "", "invalid_scope"},
		{"too much", "tickets:write", "write", 400, "", "invalid_scope"},
		{"a scope that is none", "tickets:write", "tickets:open", 400, "400", "invalid_scope"},
		{"another member", `"scope"`, `"scopes"`, 400, "", "BadRequest"},
		{"something after it", `"}`, `"}{}`, 400, "", "BadRequest"},
	} {
		a.refused(row.why, ask(strings.Replace(grantRequest, row.old, row.new, 1)), row.status, row.live, row.code, "")
	}
	a.refused("Basic", ask(grantRequest, func(r *http.Request) { r.SetBasicAuth(clientID, clientSecret) }), 400, "", "invalid_request", "in the body")
	got := ask(grantRequest)
	delete(got.body, "access_token")
	if diff := cmp.Diff(map[string]any{"token_type": "bearer", "scope": "tickets:read tickets:write", "expires_in": 1800.0}, got.body); diff != "" {
		t.Error(diff)
	}
}

// TestTokenLife: a token is good until it expires or is revoked.
func TestTokenLife(t *testing.T) {
	a := newAsker(t, zendesk.Config{TokenLife: time.Minute})
	status := func() int { got, _ := a.question(zendesk.AtFind); return got.status }
	got := []int{status()}
	a.clock.advance(time.Minute - time.Second)
	got = append(got, status())
	a.clock.advance(time.Second)
	got = append(got, status())
	a.token, _ = a.must(a.question(zendesk.AtToken)).body["access_token"].(string)
	got = append(got, status())
	a.api.RevokeTokens()
	got = append(got, status())
	if diff := cmp.Diff([]int{200, 200, 401, 200, 401}, got); diff != "" {
		t.Error(diff)
	}
}

// TestTicketRules: what a ticket must be.
func TestTicketRules(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	for _, row := range []struct {
		why, old, new string
		status        int
		live          string
	}{
		{"no ticket", `"ticket":{"subject":"A subject"`, `"ticket":null,"more":{"subject":""`, 400, ""},
		{"null", aTicket, `{"ticket":null}`, 400, "400"},
		{"no comment", `"comment":{"body":"Line 1\nLine 2","public":false},`, ``, 422, "422"},
		{"an empty comment", `Line 1\nLine 2`, ` \n`, 422, "422"},
		{"a long comment", `Line 1`, strings.Repeat("x", 65_536), 422, "422"},
		{"a public comment", `"public":false`, `"public":true`, 400, ""},
		{"one that is public by default", `,"public":false`, ``, 400, ""},
		{"a placeholder", `Line 1`, `{{ticket.requester.email}}`, 400, ""},
		{"no subject", `A subject`, ``, 400, ""},
		{"a subject of two lines", `A subject`, `A\nsubject`, 400, ""},
		{"a long subject", `A subject`, strings.Repeat("x", 256), 400, ""},
		{"no external id", `"external_id":"7K2M-9QXA",`, ``, 400, ""},
		{"an external id with more", `7K2M-9QXA`, `7K2M 9QXA`, 400, ""},
		{"no address", `rosa@people.example`, `rosa`, 422, "422"},
		{"a name in the address", `rosa@people.example`, `Rosa <rosa@people.example>`, 422, "422"},
		{"no name", `Rosa Carter`, ` `, 422, "422"},
		{"a long name", `Rosa Carter`, strings.Repeat("x", 256), 422, "422"},
		{"a name of two lines", `Rosa Carter`, `Rosa\nCarter`, 400, ""},
		{"a tag of two words", `teaching_record`, `teaching record`, 400, ""},
		{"a tag twice", `"teaching_record"`, `"a","a"`, 400, ""},
		{"a field that is none", `4419328659089`, `1`, 400, ""},
		{"a field by its name", `"id":4419328659089`, `"id":"enquiry"`, 400, ""},
		{"a group that is none", `"group_id":1`, `"group_id":0`, 422, "422"},
		{"a priority that is none", `"group_id":1`, `"priority":"soon"`, 422, "422"},
		{"a type that is none", `"group_id":1`, `"type":"help"`, 422, "422"},
		{"an agent's property", `"group_id":1`, `"assignee_id":1`, 400, ""},
		{"another spelling", `"external_id"`, `"externalId"`, 400, ""},
		{"no JSON", aTicket, `ticket=1`, 400, ""},
		{"too much", `Line 1`, strings.Repeat("x", 2<<20), 400, ""},
	} {
		code := map[int]string{400: "BadRequest", 422: "RecordInvalid"}[row.status]
		if row.why == "null" {
			code = "InvalidValue"
		}
		a.refused(row.why, a.create(strings.Replace(aTicket, row.old, row.new, 1)), row.status, row.live, code, "")
	}
	if len(a.api.Tickets()) != 0 {
		t.Error("a refused ticket was opened")
	}
}

// TestLogs: whatever is asked, the log has a rule and nothing of the request.
func TestLogs(t *testing.T) {
	var log bytes.Buffer
	a := newAsker(t, zendesk.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	a.create(strings.Replace(aTicket, "false", "true", 1))
	a.create(strings.Replace(aTicket, "rosa@people", "Rosa rosa@people", 1))
	a.create(`{"Rosa": "Rosa"`)
	a.get("/api/v2/tickets?Rosa=7K2M-9QXA")
	a.get("/api/v2/tickets/Rosa")
	a.get("/Rosa")
	for _, secret := range []string{"Rosa", "rosa", "7K2M", "Line 1", key, a.token, clientSecret} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
	if lines := strings.Count(log.String(), "zendesk stand-in refused a request"); lines != 6 {
		t.Errorf("%d lines: %s", lines, log.String())
	}
}
