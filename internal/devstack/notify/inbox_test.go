package notify_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
)

// TestSent: the answer to an e-mail, and what is in the in-box.
func TestSent(t *testing.T) {
	a := newAsker(t, notify.Config{})
	got := a.post("/v2/notifications/email", swap(email, `"Rosa"`, `"R*sa [here](https://evil.example/x?y) O'Neil-Lane"`))
	id, _ := got.body["id"].(string)
	name := `R\*sa \[here\]\(\) O'Neil-Lane`
	want := map[string]any{
		"id": id, "reference": "ref-1", "scheduled_for": nil, "uri": a.base + "/v2/notifications/" + id,
		"content": map[string]any{"subject": "Your code, " + name, "body": "Dear " + name + "\n\nIt is 1000001.",
			"from_email": "stand.in@notifications.service.gov.uk", "one_click_unsubscribe_url": nil},
		"template":          map[string]any{"id": template, "version": 1.0, "uri": a.base + "/v2/template/" + template},
		"sanitised_content": map[string]any{"name": map[string]any{"unsanitised": "R*sa [here](https://evil.example/x?y) O'Neil-Lane", "sanitised": name}},
	}
	if diff := cmp.Diff(want, got.body); got.status != http.StatusCreated || diff != "" {
		t.Errorf("%d %s", got.status, diff)
	}
	message := notify.Message{ID: id, To: "rosa@people.example", Template: "A code", Subject: "Your code, " + name, Body: "Dear " + name + "\n\nIt is 1000001.",
		Reference: "ref-1", At: a.clock.Now(), Status: notify.Created}
	if diff := cmp.Diff([]notify.Message{message}, a.api.Inbox()); diff != "" {
		t.Error(diff)
	}
	plain := a.post("/v2/notifications/email", swap(email, `"Rosa"`, `"yes"`)) // a condition that holds
	content := plain.body["content"].(map[string]any)
	if content["body"] != "Dear yes\n\nIt is 1000001.\nThat is for yes." || len(plain.body["sanitised_content"].(map[string]any)) != 0 {
		t.Error(plain.text)
	}
	unsafe := a.post("/v2/notifications/email", swap(swap(email, `"Rosa"`, `"[x](https://evil.example)"`), `,"sanitise_content_for":["name"]`, ""))
	if !strings.Contains(unsafe.text, "Dear [x](https://evil.example)") {
		t.Error(unsafe.text)
	}
}

// TestMove: what an e-mail can become, and what the API then says.
func TestMove(t *testing.T) {
	a := newAsker(t, notify.Config{})
	every := []notify.Status{notify.Created, notify.Sending, notify.Delivered, notify.PermanentFailure, notify.TemporaryFailure, notify.TechnicalFailure}
	ways := map[string]bool{"created sending": true, "created technical-failure": true, "sending delivered": true, "sending permanent-failure": true, "sending temporary-failure": true, "sending technical-failure": true}
	for _, from := range every {
		for _, to := range every {
			id := a.send("ref-1")
			if from != notify.Created {
				_, _ = a.api.Move(id, notify.Sending), a.api.Move(id, from) // the second does nothing to one that is sending
			}
			if got := a.get("/v2/notifications/" + id); got.body["status"] != string(from) {
				t.Fatalf("%s: %s", from, got.text)
			}
			if err := a.api.Move(id, to); (err == nil) != ways[string(from+" "+to)] || err != nil && err != notify.ErrNoWay {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
	if err := a.api.Move(nobodys, notify.Sending); err != notify.ErrNoMessage {
		t.Error(err)
	}
	id := a.send("ref-2")
	a.clock.advance(time.Second)
	_ = a.api.Move(id, notify.Sending)
	a.clock.advance(time.Minute)
	_ = a.api.Move(id, notify.Delivered)
	got := a.get("/v2/notifications/" + id).body
	want := map[string]any{"id": id, "reference": "ref-2", "email_address": "rosa@people.example", "type": "email", "status": "delivered",
		"created_at": "2026-09-01T12:00:00.000000Z", "sent_at": "2026-09-01T12:00:01.000000Z", "completed_at": "2026-09-01T12:01:01.000000Z"}
	for member, value := range want {
		if got[member] != value {
			t.Errorf("%s: %v", member, got[member])
		}
	}
	if line, has := got["line_1"]; !has || line != nil {
		t.Error("line_1 is not null")
	}
}

// TestList: by reference, the newest first, page by page, for seven days.
func TestList(t *testing.T) {
	a := newAsker(t, notify.Config{})
	old := a.send("ref-1")
	other := a.send("ref-2")
	a.clock.advance(time.Hour)
	young := a.send("ref-1")
	_ = a.api.Move(old, notify.Sending)
	ids := func(query url.Values) []string { all, _ := a.find(query); return all }
	for _, row := range []struct {
		query url.Values
		want  []string
	}{
		{url.Values{"reference": {"ref-1"}}, []string{young, old}},
		{url.Values{"reference": {"ref-2"}}, []string{other}},
		{url.Values{"reference": {"ref"}}, nil},
		{url.Values{"reference": {"ref-1"}, "status": {"sending"}}, []string{old}},
		{url.Values{"reference": {"ref-1"}, "status": {"sending", "created"}}, []string{young, old}},
		{url.Values{"reference": {"ref-1"}, "older_than": {young}}, []string{old}},
		{url.Values{"reference": {"ref-1"}, "older_than": {old}}, nil},
		{url.Values{"reference": {"ref-1"}, "older_than": {nobodys}}, nil},
	} {
		if diff := cmp.Diff(row.want, ids(row.query)); diff != "" {
			t.Errorf("%v: %s", row.query, diff)
		}
	}
	a.clock.advance(7*24*time.Hour - time.Hour)
	if diff := cmp.Diff([]string{young}, ids(url.Values{"reference": {"ref-1"}})); diff != "" {
		t.Error(diff)
	}
	if got := a.get("/v2/notifications/" + old); got.status != http.StatusNotFound {
		t.Errorf("after seven days: %d", got.status)
	}
	for range 260 {
		a.send("many")
	}
	first, next := a.find(url.Values{"reference": {"many"}})
	parsed, err := url.Parse(next)
	if err != nil || len(first) != 250 || parsed.Query().Get("older_than") != first[249] {
		t.Fatalf("%d, then %q", len(first), next)
	}
	second, end := a.find(parsed.Query())
	all := slices.Concat(first, second)
	slices.Sort(all)
	if len(second) != 10 || end != "" || len(slices.Compact(all)) != 260 {
		t.Errorf("%d, then %q", len(second), end)
	}
	if a.api.Clear(); len(a.api.Inbox()) != 0 || len(ids(url.Values{"reference": {"many"}})) != 0 {
		t.Error("not cleared")
	}
}

// TestTemplate: as the API shows it, and filled in without being sent.
func TestTemplate(t *testing.T) {
	a := newAsker(t, notify.Config{})
	got := a.get("/v2/template/" + template).body
	members := []string{"body", "created_at", "created_by", "id", "letter_contact_block", "name", "subject", "type", "updated_at", "version"}
	if diff := cmp.Diff(members, slices.Sorted(maps.Keys(got))); diff != "" || got["type"] != "email" || got["subject"] != "Your code, ((name))" || got["version"] != 1.0 {
		t.Errorf("%s %v", diff, got)
	}
	preview := "/v2/template/" + template + "/preview"
	got = a.post(preview, `{"personalisation":{"name":"Rosa","code":"<1>"}}`).body
	if got["subject"] != "Your code, Rosa" || got["body"] != "Dear Rosa\n\nIt is <1>." || got["html"] != "<p>Dear Rosa\n\nIt is &lt;1&gt;.</p>" || got["type"] != "email" {
		t.Errorf("%v", got)
	}
	if len(a.api.Inbox()) != 0 {
		t.Error("a preview was sent")
	}
	for body, rule := range map[string]string{`{}`: "missing", `{"personalisation":{"name":"Rosa"}}`: "missing", `{"personalisation":{},"x":1}`: "additional"} {
		if _, message := a.post(preview, body).rule(); !strings.Contains(message, rule) {
			t.Errorf("%s: %s", body, message)
		}
	}
}

// TestPage: the in-box shows text as text, and what is a link as one.
func TestPage(t *testing.T) {
	a := newAsker(t, notify.Config{})
	page := func() string {
		w := httptest.NewRecorder()
		a.api.ServeInbox(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		return w.Body.String()
	}
	if !strings.Contains(page(), "None yet.") {
		t.Error("an empty in-box is not called so")
	}
	a.send("ref-old")
	code := `Open https://teaching.example.gov.uk/a?b=1&c=2. <script>alert(1)</script> javascript:alert(1)`
	name := `Rosa [x](https://evil.example)`
	a.post("/v2/notifications/email", swap(swap(email, `1000001`, code), `"Rosa"`, fmt.Sprintf("%q", name)))
	got := page()
	for _, want := range []string{
		`<a href="https://teaching.example.gov.uk/a?b=1&amp;c=2">https://teaching.example.gov.uk/a?b=1&amp;c=2</a>. &lt;script&gt;`, `Dear Rosa [x]()`,
		`Your code, Rosa [x]()</h2>`, `rosa@people.example`, `<code>ref-1</code>`, `1 September 2026, 12:00:00 UTC, created`, `A code`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "evil") || strings.Contains(got, "<script") || strings.Count(got, "<a ") != 1 || strings.Index(got, "ref-1") > strings.Index(got, "ref-old") {
		t.Error(got)
	}
}
