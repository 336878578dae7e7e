package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
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

// apply makes a request for a TRN that needs an operator, and gives its id.
func (o *office) apply(subject, nino string) (id string) {
	o.t.Helper()
	about, err := journey.Apply(prunella, "prunella@people.example", nino)
	if err != nil {
		o.t.Fatal(err)
	}
	status, err := o.allocator.Ask(o.t.Context(), journey.State{Subject: subject, Email: "prunella@people.example", Identity: prunella}, about)
	if status != journey.Pending || err != nil {
		o.t.Fatal(status, err)
	}
	for _, a := range answered[[]application](o.t)(o.get("/teaching-record/requests")) {
		if a.Subject == subject {
			return a.ID
		}
	}
	o.t.Fatal("the request is not listed")
	return ""
}

// TestRequests: an operator sees whose request it is and which records may be
// theirs, and the decision reaches the person.
func TestRequests(t *testing.T) {
	o := openOffice(t)
	if status, body := o.get("/teaching-record/requests"); status != http.StatusOK || body != "[]\n" {
		t.Errorf("none: %d %s", status, body)
	}
	hers := o.apply(ada, "QQ123456C")
	status, body := o.get("/teaching-record/requests")
	all := answered[[]application](t)(status, body)
	if age := time.Since(all[0].Since); age < 0 || age > time.Minute {
		t.Errorf("asked %s ago", age)
	}
	all[0].Since = time.Time{}
	want := application{ID: hers, Subject: ada, Name: "Prunella May Wintergreen", BirthDate: "1984-03-02", Maybe: []candidate{{"1234567", "Prunella Wintergreen"}}}
	if diff := cmp.Diff([]application{want}, all); diff != "" {
		t.Error(diff)
	}
	for _, needless := range []string{"QQ123456C", "prunella@"} {
		if strings.Contains(body, needless) {
			t.Errorf("%s in %s", needless, body)
		}
	}

	for _, row := range []struct{ path, body, want string }{
		{"requests/resolve", `{"id":"0b4f4d8e-0000-5000-8000-000000000000","trn":"","by":"kim"}`, "404 no-request"},
		{"requests/reject", `{"id":"0b4f4d8e-0000-5000-8000-000000000000","by":"kim"}`, "404 no-request"},
		{"requests/resolve", `{"id":"` + hers + `","trn":"7654321","by":"kim"}`, "404 no-record"},
		{"requests/resolve", `{"id":"` + hers + `","trn":"765","by":"kim"}`, "400 word"},
	} {
		if got := o.refused(o.post(row.path, row.body)); got != row.want {
			t.Errorf("%s %s: %s, want %s", row.path, row.body, got, row.want)
		}
	}
	o.run()
	for range 2 { // to decide the same again is well
		if got := answered[decision](t)(o.post("requests/resolve", `{"id":"`+hers+`","trn":"1234567","by":"kim"}`)); got != (decision{hers, "1234567"}) {
			t.Errorf("resolved: %v", got)
		}
	}
	await(t, "the link", func() bool { return o.linked(ada).TRN == "1234567" })
	if got := o.refused(o.post("requests/reject", `{"id":"`+hers+`","by":"kim"}`)); got != "409 decided" {
		t.Error(got)
	}

	his := o.apply(ben, "QQ123457C")
	if got := answered[decision](t)(o.post("requests/resolve", `{"id":"`+his+`","trn":"","by":"kim"}`)); got != (decision{his, "9000000"}) {
		t.Errorf("a new record: %v", got)
	}
	await(t, "the link to the new record", func() bool { return o.linked(ben).TRN == "9000000" })

	theirs := o.apply("urn:fdc:gov.uk:2022:somebody", "QQ123458C")
	if got := answered[decision](t)(o.post("requests/reject", `{"id":"`+theirs+`","by":"kim"}`)); got != (decision{ID: theirs}) {
		t.Errorf("rejected: %v", got)
	}
	await(t, "a ticket for who was rejected", func() bool {
		reference, _, err := o.help.Standing(t.Context(), "urn:fdc:gov.uk:2022:somebody")
		return reference != "" && err == nil
	})
	if diff := cmp.Diff([]string{
		"requests/resolve kim localhost:8080 0b4f4d8e-0000-5000-8000-000000000000 no-request",
		"requests/reject kim localhost:8080 0b4f4d8e-0000-5000-8000-000000000000 no-request",
		"requests/resolve kim localhost:8080 " + hers + " no-record",
		"requests/resolve kim localhost:8080 " + hers + " word",
		"requests/resolve kim localhost:8080 " + hers + " done",
		"requests/resolve kim localhost:8080 " + hers + " done",
		"requests/reject kim localhost:8080 " + hers + " decided",
		"requests/resolve kim localhost:8080 " + his + " done",
		"requests/reject kim localhost:8080 " + theirs + " done",
	}, o.audits()); diff != "" {
		t.Error(diff)
	}
}

// TestRequestsElsewhere: of the Teaching Record System's requests nothing is
// decided here, and where nobody asks for TRNs there are none.
func TestRequestsElsewhere(t *testing.T) {
	o := openOffice(t, func(c *Config) {
		c.Register = Register{TRS: &TRS{URL: "http://localhost:1", APIKey: "key"}}
	})
	for _, got := range []string{
		o.refused(o.get("/teaching-record/requests")),
		o.refused(o.post("requests/resolve", `{"id":"0b4f4d8e-0000-5000-8000-000000000000","trn":"","by":"kim"}`)),
		o.refused(o.post("requests/reject", `{"id":"0b4f4d8e-0000-5000-8000-000000000000","by":"kim"}`)),
	} {
		if got != "409 decided-elsewhere" {
			t.Error(got)
		}
	}
	matching := openOffice(t, func(c *Config) { c.AllocateTRN = false })
	if status, body := matching.get("/teaching-record/requests"); status != http.StatusOK || body != "[]\n" {
		t.Errorf("%d %s", status, body)
	}

	// Those from before allocate_trn was taken out can still be decided.
	const id = "0b4f4d8e-0000-5000-8000-000000000000"
	about := try(journey.Apply(prunella, "", ""))
	if a, err := matching.people.RequestTRN(t.Context(), journey.TRNRequest{ID: id, Subject: ada, Application: about}); a.Status != journey.Pending || err != nil {
		t.Fatal(a.Status, err)
	}
	if got := answered[decision](t)(matching.post("requests/reject", `{"id":"`+id+`","by":"kim"}`)); got != (decision{ID: id}) {
		t.Errorf("rejected: %v", got)
	}
}

// TestRegisterChanges: the records that may be the person's can all have gone by
// the time somebody looks, and so can the TRNs.
func TestRegisterChanges(t *testing.T) {
	o := openOffice(t)
	id := o.apply(ada, "")
	people := t.TempDir() + "/people.json"
	write(t, people, `{"people": [{"trn": "9000000", "firstName": "Kit", "dateOfBirth": null}]}`)
	o.people = try(register.Open(people, register.Config{
		Logger: o.logger, Now: time.Now, TRNs: register.Range{First: "9000000", Last: "9000000"},
		Ledger: ledger{store.FilesOf[json.RawMessage](o.state, store.Ledger)},
	}))
	if status, body := o.get("/teaching-record/requests"); status != http.StatusOK || !strings.Contains(body, `"maybe":[]`) {
		t.Errorf("%d %s", status, body)
	}
	if got := o.refused(o.post("requests/resolve", `{"id":"`+id+`","trn":"","by":"kim"}`)); got != "409 used-up" {
		t.Error(got)
	}
}

// TestWork: what was put aside is listed, and tried again when an operator says so.
func TestWork(t *testing.T) {
	o := openOffice(t)
	if status, body := o.get("/teaching-record/work"); status != http.StatusOK || body != "[]\n" {
		t.Errorf("none: %d %s", status, body)
	}
	mended := make(chan struct{})
	done := make(chan string, 1)
	o.work.Add(map[string]background.Work{"email:send": func(_ context.Context, name string) error {
		select {
		case <-mended:
			done <- name
			return nil
		default:
			return background.ErrHopeless
		}
	}}, func(context.Context, func(kind, name string) error) error { return nil })
	o.run()
	const name = "0b4f4d8e-0000-5000-8000-000000000000"
	if err := o.work.Look(t.Context(), "email:send", name, 0); err != nil {
		t.Fatal(err)
	}
	list := func() []aside {
		t.Helper()
		return answered[[]aside](t)(o.get("/teaching-record/work"))
	}
	await(t, "the work is put aside", func() bool { return len(list()) == 1 })
	if got := list()[0]; got.Kind != "email:send" || got.Name != name || time.Since(got.Failed) > time.Minute || !strings.Contains(got.Error, background.ErrHopeless.Error()) {
		t.Errorf("put aside: %+v", got)
	}
	for _, body := range []string{
		`{"kind":"email:send","name":"0b4f4d8e-0000-5000-8000-000000000001","by":"kim"}`,
		`{"kind":"ticket:open","name":"` + name + `","by":"kim"}`,
	} {
		if got := o.refused(o.post("work/retry", body)); got != "404 no-work" {
			t.Errorf("%s: %s", body, got)
		}
	}
	close(mended)
	if got := answered[piece](t)(o.post("work/retry", `{"kind":"email:send","name":"`+name+`","by":"kim"}`)); got != (piece{"email:send", name}) {
		t.Errorf("again: %v", got)
	}
	await(t, "the work is done", func() bool { return len(list()) == 0 && len(done) == 1 })
	if got := <-done; got != name {
		t.Errorf("done: %s", got)
	}
	if all := o.audits(); len(all) != 3 || all[2] != "work/retry kim localhost:8080 email:send "+name+" done" {
		t.Errorf("audited: %q", all)
	}
}
