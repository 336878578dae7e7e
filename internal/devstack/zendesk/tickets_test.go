package zendesk_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// TestTickets: opened, found, shown, solved and deleted.
func TestTickets(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	got := a.create(aTicket)
	if got.status != http.StatusCreated || got.header.Get("Location") != "/api/v2/tickets/40001.json" || got.header.Get("X-Idempotency-Lookup") != "miss" {
		t.Errorf("%d %v %s", got.status, got.header, got.text)
	}
	ticket := zendesk.Ticket{
		ID: 40001, Subject: "A subject", Body: "Line 1\nLine 2", ExternalID: "7K2M-9QXA", Requester: zendesk.Requester{Name: "Rosa Carter", Email: "rosa@people.example"},
		Tags: []string{"teaching_record"}, Fields: []zendesk.Field{{ID: 4419328659089, Value: "from_us"}}, GroupID: 1, FormID: 2, BrandID: 3,
		Status: zendesk.StatusNew, At: a.clock.Now(),
	}
	if diff := cmp.Diff([]zendesk.Ticket{ticket}, a.api.Tickets()); diff != "" {
		t.Error(diff)
	}
	shown := got.body["ticket"].(map[string]any)
	for member, want := range map[string]any{"id": 40001.0, "external_id": "7K2M-9QXA", "status": "new", "is_public": false, "description": "Line 1\nLine 2", "created_at": "2026-11-04T12:00:00Z"} {
		if shown[member] != want {
			t.Errorf("%s is %v", member, shown[member])
		}
	}
	if diff := cmp.Diff(any([]any{shown}), a.get("/api/v2/tickets?external_id=7K2M-9QXA").body["tickets"]); diff != "" {
		t.Error(diff)
	}
	if got := a.get("/api/v2/tickets?external_id=other-one"); got.status != http.StatusOK || len(got.body["tickets"].([]any)) != 0 {
		t.Errorf("%d %s", got.status, got.text)
	}
	if err := a.api.Solve(40001); err != nil {
		t.Error(err)
	}
	if got := a.get("/api/v2/tickets/40001"); got.body["ticket"].(map[string]any)["status"] != "solved" {
		t.Error(got.text)
	}
	if err := a.api.Delete(40001); err != nil {
		t.Error(err)
	}
	if got := a.get("/api/v2/tickets/40001"); got.status != http.StatusNotFound || got.body["error"] != "RecordNotFound" {
		t.Errorf("%d %s", got.status, got.text)
	}
	if a.api.Solve(40001) == nil || a.api.Delete(40001) == nil {
		t.Error("a ticket that is not there was changed")
	}
}

// TestKeys: one ticket for a key as long as it is remembered, whatever the clock
// says of the list.
func TestKeys(t *testing.T) {
	a := newAsker(t, zendesk.Config{TokenLife: 24 * time.Hour})
	first := a.create(aTicket)
	a.clock.advance(2*time.Hour - time.Second)
	again := a.create(aTicket)
	if again.status != http.StatusCreated || again.header.Get("X-Idempotency-Lookup") != "hit" || again.text != first.text || len(a.api.Tickets()) != 1 {
		t.Errorf("%d %v %s", again.status, again.header, again.text)
	}
	a.refused("another body", a.create(strings.Replace(aTicket, "A subject", "Another", 1)), 400, "400", "IdempotentRequestError", "another body")
	a.create(strings.Replace(aTicket, "Rosa", "", 1), header("Idempotency-Key", otherKey), header("Authorization")) // refused: no key is remembered
	if got := a.create(aTicket, header("Idempotency-Key", otherKey)); got.header.Get("X-Idempotency-Lookup") != "miss" || len(a.api.Tickets()) != 2 {
		t.Errorf("%d %v %s", got.status, got.header, got.text)
	}
	a.clock.advance(time.Second)
	if got := a.create(aTicket); got.header.Get("X-Idempotency-Lookup") != "miss" || len(a.api.Tickets()) != 3 {
		t.Errorf("%d %v %s", got.status, got.header, got.text)
	}
	if record := a.api.Record(); record.Hits[zendesk.AtCreate] != 3 || record.Repeated != 0 { // since the refusal
		t.Errorf("%+v", record)
	}
	a.create(aTicket)
	if record := a.api.Record(); record.Repeated != 1 {
		t.Errorf("%+v", record)
	}
}

// TestLag: the list is behind, the ticket itself is not.
func TestLag(t *testing.T) {
	a := newAsker(t, zendesk.Config{Lag: time.Minute})
	a.create(aTicket)
	found := func() int {
		return len(a.get("/api/v2/tickets?external_id=7K2M-9QXA").body["tickets"].([]any))
	}
	got := []int{found()}
	a.clock.advance(time.Minute - time.Second)
	got = append(got, found())
	a.clock.advance(time.Second)
	got = append(got, found())
	if diff := cmp.Diff([]int{0, 0, 1}, got); diff != "" {
		t.Error(diff)
	}
}

// TestInbox: tickets as they are, whatever is in them, and the button.
func TestInbox(t *testing.T) {
	a := newAsker(t, zendesk.Config{})
	a.create(strings.Replace(aTicket, "Line 2", "<script>alert(1)</script>", 1))
	server := httptest.NewServer(http.StripPrefix("/tickets", a.api.Inbox()))
	defer server.Close()
	look := func() string {
		t.Helper()
		return a.must(a.ask(a.request(http.MethodGet, "", "", func(r *http.Request) { r.URL, _ = url.Parse(server.URL + "/tickets/") }))).text
	}
	before := look()
	for _, text := range []string{"40001: A subject", "7K2M-9QXA", "Rosa Carter, rosa@people.example", "teaching_record", "4419328659089: from_us", "Line 1\n&lt;script&gt;", `action="solve"`, "Solve 40001"} {
		if !strings.Contains(before, text) {
			t.Errorf("the page has no %q: %s", text, before)
		}
	}
	post := func(id string, edits ...func(*http.Request)) answer {
		edits = append(edits, header("Content-Type", "application/x-www-form-urlencoded"), func(r *http.Request) { r.URL, _ = url.Parse(server.URL + "/tickets/solve") })
		return a.must(a.ask(a.request(http.MethodPost, "/", "id="+id, edits...)))
	}
	if got := post("40001", header("Sec-Fetch-Site", "cross-site")); got.status != http.StatusForbidden {
		t.Errorf("from another site: %d", got.status)
	}
	for _, id := range []string{"1", "Rosa", ""} {
		if got := post(id); got.status != http.StatusBadRequest || strings.Contains(got.text, "Rosa") {
			t.Errorf("%q: %d %s", id, got.status, got.text)
		}
	}
	if got := post("40001"); got.status != http.StatusSeeOther || got.header.Get("Location") != "./" {
		t.Errorf("%d %v", got.status, got.header)
	}
	if after := look(); strings.Contains(after, "Solve 40001") || !strings.Contains(after, "solved") || a.api.Tickets()[0].Status != zendesk.StatusSolved {
		t.Error(after)
	}
}

// TestNew: no stand-in is made that lets everybody in.
func TestNew(t *testing.T) {
	for _, c := range []zendesk.Config{{}, {ClientID: clientID}, {ClientSecret: clientSecret}} {
		if _, err := zendesk.New(c); err == nil {
			t.Errorf("%+v", c)
		}
	}
}
