package notify_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
)

// TestAdmit: the rules of every request, each broken by itself.
func TestAdmit(t *testing.T) {
	a := newAsker(t, notify.Config{})
	set := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) {
			if r.Header.Del(name); values != nil {
				r.Header[name] = values
			}
		}
	}
	now := a.clock.Now()
	good := token(header, claims(now), secret)
	bearer := func(token string) func(*http.Request) { return set("Authorization", "Bearer "+token) }
	seconds := func(off int) func(*http.Request) {
		return bearer(token(header, claims(now.Add(time.Duration(off)*time.Second)), secret))
	}
	for _, row := range []struct {
		why    string
		edit   func(*http.Request)
		status int
		live   string
		rule   string // in the words of the refusal
	}{
		{"nothing", set("X"), 200, "", ""},
		{"no User-Agent", set("User-Agent", ""), 400, "", "a product"},
		{"no version", set("User-Agent", "asker"), 400, "", "a product"},
		{"a library's", set("User-Agent", "Go-http-client/1.1"), 400, "", "a library's"},
		{"a cookie", set("Cookie", "a=b"), 400, "", "cookies"},
		{"no token", set("Authorization"), 403, "403", "one Authorization"},
		{"two tokens", set("Authorization", "Bearer "+good, "Bearer "+good), 403, "403", "one Authorization"},
		{"another scheme", set("Authorization", "Basic "+good), 403, "403", "Bearer"},
		{"the key itself", bearer("a-key-" + service + "-" + secret), 403, "403", "Bearer and a JSON Web Token"},
		{"two parts", bearer(good[:strings.LastIndexByte(good, '.')]), 403, "403", "JSON Web Token"},
		{"padding", bearer(good + "="), 403, "403", "base64url"},
		{"no type", bearer(token(`{"alg":"HS256"}`, claims(now), secret)), 403, "403", "header must be"},
		{"no algorithm", bearer(token(`{"typ":"JWT"}`, claims(now), secret)), 403, "403", "header must be"},
		{"alg none", bearer(token(`{"typ":"JWT","alg":"none"}`, claims(now), secret)), 403, "403", "header must be"},
		{"another algorithm", bearer(token(`{"typ":"JWT","alg":"HS512"}`, claims(now), secret)), 403, "403", "header must be"},
		{"a kid", bearer(token(`{"typ":"JWT","alg":"HS256","kid":"1"}`, claims(now), secret)), 403, "403", "header must be"},
		{"an exp", bearer(token(header, fmt.Sprintf(`{"iss":"%s","iat":%d,"exp":%d}`, service, now.Unix(), now.Unix()+30), secret)), 403, "403", "claims must be"},
		{"no iat", bearer(token(header, `{"iss":"`+service+`"}`, secret)), 403, "403", "clock"},
		{"an iat of text", bearer(token(header, fmt.Sprintf(`{"iss":"%s","iat":"%d"}`, service, now.Unix()), secret)), 403, "403", "claims must be"},
		{"an iat of milliseconds", bearer(token(header, fmt.Sprintf(`{"iss":"%s","iat":%d}`, service, now.UnixMilli()), secret)), 403, "403", "clock"},
		{"another issuer", bearer(token(header, strings.Replace(claims(now), service, nobodys, 1), secret)), 403, "403", "service not found"},
		{"another secret", bearer(token(header, claims(now), nobodys)), 403, "403", "API key not found"},
		{"a signature of nothing", bearer(good[:strings.LastIndexByte(good, '.')+1]), 403, "403", "API key not found"},
		{"30 s early", seconds(-30), 200, "", ""},
		{"30 s late", seconds(30), 200, "", ""},
		{"31 s early", seconds(-31), 403, "403", "within 30 seconds"},
		{"31 s late", seconds(31), 403, "403", "within 30 seconds"},
	} {
		a.api.Reset()
		a.refused(row.why, a.get("/v2/template/"+template, row.edit), notify.AtTemplate, row.status, row.live, row.rule)
	}
	for method, status := range map[string]int{http.MethodHead: 405, http.MethodPut: 404} {
		if got, err := a.ask(a.request(method, "/v2/template/"+template, "")); err != nil || got.status != status {
			t.Errorf("%s: %d %v", method, got.status, err)
		}
	}
	if got, err := a.ask(a.request(http.MethodGet, "/v2/template/"+template, "{}")); err != nil || got.status != http.StatusBadRequest {
		t.Errorf("GET with a body: %d %v", got.status, err)
	}
	if got := a.get("/v2/templates"); got.status != http.StatusNotFound {
		t.Errorf("elsewhere: %d", got.status)
	}
}

// refused checks what became of a request: the answer, and what is on record.
func (a *asker) refused(why string, got answer, at notify.Endpoint, status int, live, rule string) {
	a.t.Helper()
	violations := a.api.Record().Violations
	name, message := got.rule()
	switch {
	case got.status != status:
		a.t.Errorf("%s: %d %s", why, got.status, got.text)
	case status < 400:
		if len(violations) != 0 {
			a.t.Errorf("%s: %+v", why, violations)
		}
	case len(violations) != 1 || violations[0].Live != live || violations[0].Endpoint != at || !strings.Contains(violations[0].Rule, rule):
		a.t.Errorf("%s: %+v", why, violations)
	case message != violations[0].Rule || name == "" || got.body["status_code"] != float64(status):
		a.t.Errorf("%s: %s", why, got.text)
	}
}

// TestSendRules: the rules of an e-mail, each broken by itself. What is refused
// is not sent.
func TestSendRules(t *testing.T) {
	a := newAsker(t, notify.Config{})
	to := func(address string) string { return swap(email, "rosa@people.example", address) }
	for _, row := range []struct {
		why, body, live, name, rule string
		status                      int
	}{
		{"nothing", email, "", "", "", 201},
		{"no reply-to", swap(email, `"email_reply_to_id":"`+replyTo+`",`, ""), "", "", "", 201},
		{"nothing to sanitise", swap(email, `,"sanitise_content_for":["name"]`, ""), "", "", "", 201},
		{"no object", "[" + email + "]", "400", "ValidationError", "JSON object", 400},
		{"no JSON", email[:20], "400", "ValidationError", "JSON object", 400},
		{"two objects", email + "{}", "400", "ValidationError", "something follows", 400},
		{"an unknown property", swap(email, `{"email`, `{"scheduled_for":"x","email`), "400", "ValidationError", "additional properties", 400},
		{"a property for subscriptions", swap(email, `{"email`, `{"one_click_unsubscribe_url":"https://x.example","email`), "400", "ValidationError", "additional properties", 400},
		{"another spelling", swap(email, `"reference"`, `"Reference"`), "400", "ValidationError", "additional properties", 400},
		{"a property twice", swap(email, `{"email`, `{"reference":"r","email`), "400", "ValidationError", "each once", 400},
		{"null", swap(email, `"ref-1"`, `null`), "400", "ValidationError", "must not be null", 400},
		{"a number", swap(email, `"ref-1"`, `1`), "400", "ValidationError", "wrong type", 400},
		{"a value that is a list", swap(email, `"Rosa"`, `["Rosa"]`), "400", "ValidationError", "wrong type", 400},
		{"no address", swap(email, `"email_address":"rosa@people.example",`, ""), "400", "ValidationError", "required", 400},
		{"no host", to("rosa@"), "400", "ValidationError", "not a valid email", 400},
		{"no dot", to("rosa@people"), "400", "ValidationError", "not a valid email", 400},
		{"a space", to("rosa @people.example"), "400", "ValidationError", "not a valid email", 400},
		{"two addresses", to("rosa@people.example,b@people.example"), "400", "ValidationError", "not a valid email", 400},
		{"a name", to("Rosa <rosa@people.example>"), "400", "ValidationError", "not a valid email", 400},
		{"too short", to("a@b."), "400", "ValidationError", "not a valid email", 400},
		{"250 characters", to(strings.Repeat("a", 250-len("@people.example")) + "@people.example"), "", "", "", 201},
		{"251 characters", to(strings.Repeat("a", 251-len("@people.example")) + "@people.example"), "400", "ValidationError", "not a valid email", 400},
		{"another script", to("rosa@bücher.example"), "", "", "", 201},
		{"no template", swap(email, `"template_id":"`+template+`",`, ""), "400", "ValidationError", "required", 400},
		{"no UUID", swap(email, template, "template"), "400", "ValidationError", "not a valid UUID", 400},
		{"an unknown template", swap(email, template, nobodys), "400", "BadRequestError", "not found", 400},
		{"no reference", swap(email, `"reference":"ref-1",`, ""), "", "ValidationError", "reference", 400},
		{"a reference of 255", swap(email, "ref-1", strings.Repeat("r", 255)), "", "", "", 201},
		{"a reference of 256", swap(email, "ref-1", strings.Repeat("r", 256)), "400", "ValidationError", "too long", 400},
		{"a reference with the address", swap(email, "ref-1", "to-rosa@people.example"), "", "ValidationError", "holds the address or a value", 400},
		{"a reference with a value", swap(email, "ref-1", "trn-1000001"), "", "ValidationError", "holds the address or a value", 400},
		{"a reply-to that is no UUID", swap(email, replyTo, "help@people.example"), "400", "ValidationError", "not a valid UUID", 400},
		{"an empty reply-to", swap(email, replyTo, ""), "400", "ValidationError", "not a valid UUID", 400},
		{"an unknown reply-to", swap(email, replyTo, nobodys), "400", "BadRequestError", "does not exist", 400},
		{"sanitise what is not there", swap(email, `["name"]`, `["name","names"]`), "400", "ValidationError", "not in personalisation", 400},
		{"sanitise twice", swap(email, `["name"]`, `["name","name"]`), "400", "ValidationError", "twice", 400},
		{"a missing value", swap(email, `,"code":"1000001"`, ""), "400", "BadRequestError", "missing personalisation: code", 400},
		{"no values", swap(swap(email, `"personalisation":{"name":"Rosa","code":"1000001"},`, ""), `,"sanitise_content_for":["name"]`, ""), "400", "BadRequestError", "missing personalisation: name", 400},
		{"a value in another spelling", swap(email, `"code"`, `"Code"`), "400", "BadRequestError", "missing personalisation: code", 400},
		{"a value for nothing", swap(email, `"code"`, `"more":"m","code"`), "", "ValidationError", "no placeholder", 400},
		{"2,000,001 bytes", swap(email, `"Rosa"`, `"`+strings.Repeat("R", 2_000_000)+`"`), "400", "BadRequestError", "longer than 2000000", 400},
	} {
		a.api.Reset()
		a.api.Clear()
		got := a.post("/v2/notifications/email", row.body)
		a.refused(row.why, got, notify.AtSend, row.status, row.live, row.rule)
		if name, _ := got.rule(); name != row.name {
			t.Errorf("%s: %s", row.why, name)
		}
		if sent := len(a.api.Inbox()); sent == 1 != (row.status == 201) {
			t.Errorf("%s: %d e-mails", row.why, sent)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		got := a.post("/v2/notifications/email", email, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		if _, message := got.rule(); got.status != http.StatusBadRequest || !strings.Contains(message, "Content-Type") {
			t.Errorf("%q: %s", kind, got.text)
		}
	}
}

// swap replaces what must be there.
func swap(text, old, with string) string {
	if !strings.Contains(text, old) {
		panic("there is no " + old)
	}
	return strings.Replace(text, old, with, 1)
}

// TestReadRules: the rules of reading, each broken by itself.
func TestReadRules(t *testing.T) {
	a := newAsker(t, notify.Config{})
	for _, row := range []struct {
		why, path, live, rule string
		at                    notify.Endpoint
		status                int
	}{
		{"everything", "notifications?reference=r&status=created&status=sending&template_type=email&older_than=" + nobodys + "&include_jobs=true", "", "", notify.AtList, 200},
		{"no reference", "notifications", "", "everybody's", notify.AtList, 400},
		{"an empty reference", "notifications?reference=", "", "is empty", notify.AtList, 400},
		{"two references", "notifications?reference=r&reference=s", "", "twice", notify.AtList, 400},
		{"another parameter", "notifications?reference=r&page=2", "400", "may have only", notify.AtList, 400},
		{"an unknown status", "notifications?reference=r&status=elephant", "400", "status", notify.AtList, 400},
		{"letters", "notifications?reference=r&template_type=letter", "400", "template_type", notify.AtList, 400},
		{"older than what", "notifications?reference=r&older_than=x", "400", "older_than", notify.AtList, 400},
		{"no boolean", "notifications?reference=r&include_jobs=1", "400", "include_jobs", notify.AtList, 400},
		{"no UUID", "notifications/x", "400", "notification_id", notify.AtMessage, 400},
		{"unknown", "notifications/" + nobodys, "404", "no message", notify.AtMessage, 404},
		{"a parameter", "notifications/" + nobodys + "?x=y", "400", "may have only", notify.AtMessage, 400},
		{"no UUID", "template/x", "400", "not a valid UUID", notify.AtTemplate, 400},
		{"upper case", "template/" + strings.ToUpper(template), "400", "not a valid UUID", notify.AtTemplate, 400},
		{"unknown", "template/" + nobodys, "404", "no template", notify.AtTemplate, 404},
		{"a parameter", "template/" + template + "?x=y", "400", "may have only", notify.AtTemplate, 400},
	} {
		a.api.Reset()
		a.refused(row.why, a.get("/v2/"+row.path), row.at, row.status, row.live, row.rule)
	}
}

// TestRecord: what was asked, and nothing of whom.
func TestRecord(t *testing.T) {
	a := newAsker(t, notify.Config{})
	id := a.send("ref-1")
	a.get("/v2/notifications/"+id, func(r *http.Request) { r.Header.Set("User-Agent", "asker/2.0") })
	a.get("/v2/notifications?x=y")
	a.get("/")
	want := notify.Record{
		Hits:       map[notify.Endpoint]int{"send": 1, "message": 1, "list": 1, "elsewhere": 1},
		UserAgents: []string{agent, "asker/2.0"},
		Violations: []notify.Violation{
			{Endpoint: notify.AtList, Rule: "the query may have only reference, status, template_type, older_than, include_jobs", Live: "400"},
			{Endpoint: "elsewhere", Rule: "there is no such endpoint, or not with this method", Live: "404"},
		},
	}
	if diff := cmp.Diff(want, a.api.Record()); diff != "" {
		t.Error(diff)
	}
	a.api.Reset()
	if diff := cmp.Diff(notify.Record{Hits: map[notify.Endpoint]int{}}, a.api.Record()); diff != "" {
		t.Error(diff)
	}
}

// TestLogs: whatever is asked, the log has a rule and nothing of the request.
func TestLogs(t *testing.T) {
	var log bytes.Buffer
	a := newAsker(t, notify.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	a.get("/v2/notifications?Zweig=Zweig")
	a.get("/v2/template/Zweig")
	a.get("/Zweig")
	a.post("/v2/notifications/email", swap(email, "rosa@people.example", "Zweig"))
	a.post("/v2/notifications/email", swap(email, `"code":"1000001"`, `"Zweig":"Zweig"`))
	a.post("/v2/notifications/email", `{"Zweig":"Zweig"}`)
	for _, marker := range []string{"Zweig", "Rosa", secret, service, "eyJ"} {
		if strings.Contains(log.String(), marker) {
			t.Errorf("the log has %q: %s", marker, log.String())
		}
	}
	if lines := strings.Count(log.String(), "notify stand-in refused a request"); lines != 6 {
		t.Errorf("%d lines: %s", lines, log.String())
	}
}

// TestNew: what no stand-in is made of.
func TestNew(t *testing.T) {
	key := "k-" + service + "-" + secret
	good := notify.Template{ID: template, Name: "n", Subject: "s", Body: "b"}
	for why, config := range map[string]notify.Config{
		"no key":                 {Templates: []notify.Template{good}},
		"a key without a name":   {APIKey: service + "-" + secret, Templates: []notify.Template{good}},
		"a key in upper case":    {APIKey: strings.ToUpper(key), Templates: []notify.Template{good}},
		"no template":            {APIKey: key},
		"a template without id":  {APIKey: key, Templates: []notify.Template{{Name: "n", Subject: "s", Body: "b"}}},
		"a template of no words": {APIKey: key, Templates: []notify.Template{good, {ID: template, Name: "n"}}},
	} {
		if _, err := notify.New(config); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", why, err)
		}
	}
}
