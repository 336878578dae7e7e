package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

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
