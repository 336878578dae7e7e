package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
)

const ben = "urn:fdc:gov.uk:2022:b3RoZXJwZXJzb24"

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !so() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 30 seconds", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestConnect: a subject is connected as the operator says, everything that knew
// otherwise hears of it, and what One Login verified is kept.
func TestConnect(t *testing.T) {
	o := openOffice(t)
	ctx, at := t.Context(), time.Date(2026, 11, 4, 9, 32, 0, 0, time.UTC)
	o.now = func() time.Time { return at }
	mine, others := o.signIn(ada, time.Now()), o.signIn(ben, time.Now())
	reference, err := o.help.Ask(ctx, journey.Plea{Subject: ada, Email: "prunella@people.example", Identity: prunella})
	if err != nil {
		t.Fatal(err)
	}
	stale := func(id string) string {
		t.Helper()
		s, found, err := o.state.Load(ctx, id)
		if !found || err != nil {
			t.Fatal(found, err)
		}
		return s.Stale
	}

	// Nobody has a record yet.
	if got := o.refused(o.get("/teaching-record/links?subject=" + ada)); got != "404 not-connected" {
		t.Error(got)
	}
	want := connection{ada, "1234567", "operator", at}
	if got := answered[connection](t)(o.post("links/connect", `{"subject":"`+ada+`","trn":"RP12/34567","by":"kim"}`)); got != want {
		t.Errorf("connected: %v", got)
	}
	if got := answered[connection](t)(o.get("/teaching-record/links?subject=" + ada)); got != want {
		t.Errorf("shown: %v", got)
	}
	first := stale(mine)
	if first == "" || stale(others) != "" {
		t.Errorf("stale: hers %q, of another %q", first, stale(others))
	}
	if standing, _, err := o.help.Standing(ctx, ada); standing != "" || err != nil {
		t.Errorf("the ticket %s is still %q, %v", reference, standing, err)
	}

	// Again, from a link that the person made.
	if err := o.state.SetLink(ctx, o.issuer, ada, journey.Link{TRN: "7654321", How: "nino", Identity: prunella}); err != nil {
		t.Fatal(err)
	}
	answered[connection](t)(o.post("links/connect", `{"subject":"`+ada+`","trn":"1234567","by":"kim"}`))
	if diff := cmp.Diff(journey.Link{TRN: "1234567", How: "operator", At: at, Identity: prunella, Heard: at}, o.linked(ada)); diff != "" {
		t.Error(diff)
	}
	if second := stale(mine); second == first {
		t.Error("the second news passes for the first")
	}
	if diff := cmp.Diff([]string{"links/connect kim localhost:8080 " + ada + " done", "links/connect kim localhost:8080 " + ada + " done"}, o.audits()); diff != "" {
		t.Error(diff)
	}
}

// TestHungUp: what an operator began is done, also when they do not wait for it.
func TestHungUp(t *testing.T) {
	o := openOffice(t)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := httptest.NewRequestWithContext(gone, http.MethodPost, adminPath+"links/connect", strings.NewReader(`{"subject":"`+ada+`","trn":"1234567","by":"kim"}`))
	r.Header.Set("Content-Type", "application/json")
	o.api.serve(httptest.NewRecorder(), r)
	if trn := o.linked(ada).TRN; trn != "1234567" {
		t.Errorf("connected to %q; %s", trn, o.log)
	}
}

// TestConnectRefused: a record that is not live is nobody's.
func TestConnectRefused(t *testing.T) {
	o := openOffice(t)
	for _, row := range []struct{ trn, want, detail string }{
		{"7777777", "404 no-record", "no live record has the TRN 7777777"},
		{"7654321", "404 no-record", "no live record has the TRN 7654321"}, // merged, in a register that cannot say into what
		{"123456", "400 word", ""},
		{"0000000", "400 word", ""},
		{"", "400 word", ""},
		{strings.Repeat("1", 31), "400 word", ""},
	} {
		status, body := o.post("links/connect", `{"subject":"`+ada+`","trn":"`+row.trn+`","by":"kim"}`)
		if got := o.refused(status, body); got != row.want || !strings.Contains(body, row.detail) {
			t.Errorf("%s: %s, %s", row.trn, got, body)
		}
	}
	o.records = failing{kept: "1234567"}
	status, body := o.post("links/connect", `{"subject":"`+ada+`","trn":"7654321","by":"kim"}`)
	if got := o.refused(status, body); got != "409 merged" || !strings.Contains(body, "the record 7654321 was merged into 1234567") {
		t.Errorf("%s: %s", got, body)
	}
	if o.linked(ada).TRN != "" {
		t.Error("connected")
	}
	if all := o.audits(); len(all) != 6 || all[5] != "links/connect kim localhost:8080 "+ada+" merged" || strings.Contains(o.log.String(), "1234567") {
		t.Errorf("audited: %q", all)
	}
}

// TestDisconnect: done again it is done whole, because the first may have come no
// further than the link.
func TestDisconnect(t *testing.T) {
	o := openOffice(t)
	visit := o.signIn(ada, time.Now())
	if err := o.state.SetLink(t.Context(), o.issuer, ada, journey.Link{TRN: "1234567", How: "nino", Identity: prunella}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []disconnected{{ada, "1234567"}, {ada, ""}} {
		if got := answered[disconnected](t)(o.post("links/disconnect", `{"subject":"`+ada+`","by":"kim"}`)); got != want {
			t.Errorf("%d: %v", i, got)
		}
		s, err := o.state.Change(t.Context(), visit, func(s journey.State) (journey.State, error) { return s, nil })
		if err != nil || s.Stale == "" || o.linked(ada).TRN != "" {
			t.Errorf("%d: stale %q, linked to %q, %v", i, s.Stale, o.linked(ada).TRN, err)
		}
		o.state.Change(t.Context(), visit, func(s journey.State) (journey.State, error) { s.Stale = ""; return s, nil })
	}
	o.state.ChangeLink(t.Context(), o.issuer, ada, func(l journey.Link, found bool) (journey.Link, error) {
		if age := time.Since(l.Heard); !found || l.TRN != "" || age < 0 || age > time.Minute { // by which the gate knows what is late
			t.Errorf("an event from before would connect them again: %v, %s ago", found, age)
		}
		if diff := cmp.Diff(journey.Link{Heard: l.Heard}, l); diff != "" {
			t.Error("more is kept than when:", diff)
		}
		return l, nil
	})
	if got := len(o.audits()); got != 2 {
		t.Errorf("%d audit lines", got)
	}
}

// TestVisits are counted without being touched, and ended.
func TestVisits(t *testing.T) {
	o := openOffice(t)
	now := time.Now().UTC().Truncate(time.Second)
	show := func() present {
		t.Helper()
		return answered[present](t)(o.get("/teaching-record/visits?subject=" + ada))
	}
	if got := show(); got != (present{Subject: ada}) {
		t.Errorf("nobody: %v", got)
	}
	visits := []string{o.signIn(ada, now), o.signIn(ada, now.Add(-time.Hour)), o.signIn(ada, now.Add(-time.Minute))}
	other := o.signIn(ben, now)
	if got := show(); got != (present{ada, 3, now.Add(-time.Hour)}) {
		t.Errorf("three: %v", got)
	}
	if status, body := o.get("/teaching-record/visits?subject=" + ada); strings.Contains(body, visits[0]) {
		t.Errorf("an id: %d %s", status, body)
	}
	if got := answered[revoked](t)(o.post("visits/revoke", `{"subject":"`+ada+`","by":"kim"}`)); got != (revoked{ada, 3}) {
		t.Errorf("revoked: %v", got)
	}
	if got := show(); got != (present{Subject: ada}) {
		t.Errorf("afterwards: %v", got)
	}
	if _, found, _ := o.state.Load(t.Context(), other); !found {
		t.Error("another's visit was ended too")
	}
	if diff := cmp.Diff([]string{"visits/revoke kim localhost:8080 " + ada + " done"}, o.audits()); diff != "" {
		t.Error(diff)
	}
}

// twice is a Redis whose keys come twice, as they may.
type twice struct{ support.Files }

func (f twice) Each(ctx context.Context, do func(name string, r support.Request) error) error {
	return errors.Join(f.Files.Each(ctx, do), f.Files.Each(ctx, do))
}

// TestTickets are those of the service that are not settled.
func TestTickets(t *testing.T) {
	o := openOffice(t)
	ctx, at := t.Context(), time.Date(2026, 11, 4, 9, 32, 0, 0, time.UTC)
	if status, body := o.get("/teaching-record/tickets"); status != http.StatusOK || body != "[]\n" {
		t.Errorf("none: %d %s", status, body)
	}
	o.help.Now = func() time.Time { at = at.Add(time.Minute); return at }
	var references []string
	for _, subject := range []string{ada, ben, "urn:fdc:gov.uk:2022:somebody"} {
		reference, err := o.help.Ask(ctx, journey.Plea{Subject: subject, Email: "prunella@people.example", Identity: prunella})
		if err != nil {
			t.Fatal(err)
		}
		references = append(references, reference)
	}
	if err := o.help.Settle(ctx, "urn:fdc:gov.uk:2022:somebody"); err != nil {
		t.Fatal(err)
	}
	elsewhere := store.FilesOf[support.Request](o.state, store.Tickets).Of("https://elsewhere.example")
	elsewhere.Change(ctx, "of another service", func(support.Request, bool) (support.Request, error) {
		return support.Request{State: support.Asked, Ticket: support.Ticket{Reference: "elsewhere"}}, nil
	})
	o.help.Files.Change(ctx, "opened", func(support.Request, bool) (support.Request, error) {
		return support.Request{State: support.Opened, ID: "35", Ticket: support.Ticket{
			Reference: "AAAA-AAAA", Opened: at.Add(-time.Hour), Plea: journey.Plea{Subject: "urn:fdc:gov.uk:2022:opened"}}}, nil
	})
	o.help.Files = twice{o.help.Files}
	status, body := o.get("/teaching-record/tickets")
	want := []ticket{
		{"AAAA-AAAA", "opened", at.Add(-time.Hour), "35", "urn:fdc:gov.uk:2022:opened"},
		{references[0], "asked", at.Add(-2 * time.Minute), "", ada},
		{references[1], "asked", at.Add(-time.Minute), "", ben},
	}
	if diff := cmp.Diff(want, answered[[]ticket](t)(status, body)); diff != "" {
		t.Error(diff)
	}
	for _, private := range []string{"prunella", "Wintergreen", "1984"} {
		if strings.Contains(body, private) {
			t.Errorf("%s in %s", private, body)
		}
	}
}
