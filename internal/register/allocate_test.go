package register

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// replica is a register on the folder's file and on the ledger.
func (f *folder) replica(ledger Ledger, change ...func(*Config)) *Embedded {
	f.t.Helper()
	c := Config{Logger: slog.New(slog.NewTextHandler(&f.logs, nil)), Now: func() time.Time { return f.now }, Ledger: ledger}
	for _, do := range change {
		do(&c)
	}
	e, err := Open(f.path, c)
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// ask is a request of somebody with the names, of one day, without a number.
func ask(id, firstName, lastName string) journey.TRNRequest {
	return journey.TRNRequest{ID: id, Subject: "urn:" + id, Application: journey.Application{
		FirstName: firstName, LastName: lastName, BirthDate: "1985-04-12", Email: id + "@people.example",
	}}
}

func completed(trn string) journey.Allocation {
	return journey.Allocation{Status: journey.Completed, TRN: trn}
}

var pending, rejected = journey.Allocation{Status: journey.Pending}, journey.Allocation{Status: journey.Rejected}

// must is the answer of a question that has one.
func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return value
	}
}

// TestRequestTRN goes through what can be asked and decided, step by step, and in
// the end asks how every request stands.
func TestRequestTRN(t *testing.T) {
	f := newFolder(t)
	f.write(strings.Replace(marie("Carter"), `"people": [`, `"people": [{"trn": "9000001", "lastName": "Taken", "dateOfBirth": null, "status": "Merged"},`, 1))
	e := f.replica(&shelf{}, func(c *Config) { c.TRNs = Range{"9000000", "9000003"} })
	ctx := t.Context()
	numbered := func(r journey.TRNRequest, nino string) journey.TRNRequest { r.NINO = nino; return r }
	for _, step := range []struct {
		what string
		do   func() (journey.Allocation, error)
		want journey.Allocation // if there is no error
		err  error
	}{
		{"nobody like her", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("new", "Zoe", "Lane")) }, completed("9000000"), nil},
		{"asked twice", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("new", "Zoe", "Lane")) }, completed("9000000"), nil},
		{"asked for another", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("new", "Ann", "Other")) }, completed("9000000"), nil},
		{"Marie by her number", func() (journey.Allocation, error) {
			return e.RequestTRN(ctx, numbered(ask("marie", "Mary", "Other"), "QQ123456C"))
		}, completed("7654321"), nil},
		{"Marie without", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("maybe", "Marie", "Carter")) }, pending, nil},
		{"asked again, with her number", func() (journey.Allocation, error) {
			return e.RequestTRN(ctx, numbered(ask("maybe", "Marie", "Carter"), "QQ123456C"))
		}, pending, nil},
		{"resolved with a record that is not", func() (journey.Allocation, error) { return e.Resolve(ctx, "maybe", "7654320") }, journey.Allocation{}, ErrNoRecord},
		{"resolved with one that was", func() (journey.Allocation, error) { return e.Resolve(ctx, "maybe", "9000001") }, journey.Allocation{}, ErrNoRecord},
		{"resolved", func() (journey.Allocation, error) { return e.Resolve(ctx, "maybe", "7654321") }, completed("7654321"), nil},
		{"resolved twice", func() (journey.Allocation, error) { return e.Resolve(ctx, "maybe", "7654321") }, completed("7654321"), nil},
		{"resolved otherwise", func() (journey.Allocation, error) { return e.Resolve(ctx, "maybe", "9000000") }, journey.Allocation{}, ErrDecided},
		{"then with a new one", func() (journey.Allocation, error) { return e.Resolve(ctx, "maybe", "") }, journey.Allocation{}, ErrDecided},
		{"then rejected", func() (journey.Allocation, error) { return completed("7654321"), e.Reject(ctx, "maybe") }, journey.Allocation{}, ErrDecided},
		{"Zoe with another One Login", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("again", "Zoe", "Lane")) }, pending, nil},
		{"resolved with her new record", func() (journey.Allocation, error) { return e.Resolve(ctx, "again", "9000000") }, completed("9000000"), nil},
		{"a namesake", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("namesake", "Zoe", "Lane")) }, pending, nil},
		{"resolved with a new record", func() (journey.Allocation, error) { return e.Resolve(ctx, "namesake", "") }, completed("9000002"), nil},
		{"resolved so twice", func() (journey.Allocation, error) { return e.Resolve(ctx, "namesake", "") }, completed("9000002"), nil},
		{"resolved so by number", func() (journey.Allocation, error) { return e.Resolve(ctx, "namesake", "9000002") }, completed("9000002"), nil},
		{"another namesake", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("third", "Zoe", "Lane")) }, pending, nil},
		{"rejected", func() (journey.Allocation, error) { return rejected, e.Reject(ctx, "third") }, rejected, nil},
		{"rejected twice", func() (journey.Allocation, error) { return rejected, e.Reject(ctx, "third") }, rejected, nil},
		{"asked after that", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("third", "Zoe", "Lane")) }, rejected, nil},
		{"resolved after that", func() (journey.Allocation, error) { return e.Resolve(ctx, "third", "") }, journey.Allocation{}, ErrDecided},
		{"the last number", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("last", "Ann", "Last")) }, completed("9000003"), nil},
		{"one more", func() (journey.Allocation, error) { return e.RequestTRN(ctx, ask("none", "Bo", "None")) }, journey.Allocation{}, ErrUsedUp},
		{"nobody's", func() (journey.Allocation, error) { return e.Resolve(ctx, "none", "") }, journey.Allocation{}, journey.ErrNoRequest},
		{"nobody's rejected", func() (journey.Allocation, error) { return journey.Allocation{}, e.Reject(ctx, "none") }, journey.Allocation{}, journey.ErrNoRequest},
	} {
		got, err := step.do()
		if !errors.Is(err, step.err) || err == nil && got != step.want {
			t.Errorf("%s: %v, %v", step.what, got, err)
		}
	}
	for id, want := range map[string]journey.Allocation{
		"new": completed("9000000"), "marie": completed("7654321"), "maybe": completed("7654321"), "again": completed("9000000"),
		"namesake": completed("9000002"), "third": rejected, "last": completed("9000003"),
	} {
		if got, err := e.TRNRequest(ctx, id); err != nil || got != want {
			t.Errorf("%s stands as %v, %v", id, got, err)
		}
	}
	if got, err := e.TRNRequest(ctx, "none"); !errors.Is(err, journey.ErrNoRequest) || got != (journey.Allocation{}) {
		t.Errorf("a request that could not be answered is kept: %v, %v", got, err)
	}
}

// TestGivenRecords: who was given a TRN is in the register like anybody else.
func TestGivenRecords(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Carter"))
	ledger := &shelf{}
	ctx := t.Context()
	r := ask("zoe", "Zoe", "Lane-Carter")
	r.MiddleName, r.NINO = "Maud", "QQ777777A"
	must[journey.Allocation](t)(f.replica(ledger).RequestTRN(ctx, r))

	e := f.replica(ledger) // another one, or the same after a restart
	who := journey.Identity{Names: []journey.Name{{Given: []string{"Zoe"}, Family: []string{"Lane"}}}, BirthDates: []string{"1985-04-12"}}
	want := journey.Record{TRN: "9000000", FirstName: "Zoe", LastName: "Lane-Carter"}
	for _, stated := range []journey.Stated{{TRN: "9000000"}, {NINO: "QQ777777A"}} {
		if got, found, err := e.Find(ctx, who, stated); got != want || !found || err != nil {
			t.Errorf("%v, %t, %v", got, found, err)
		}
	}
	if got, live, err := e.Record(ctx, "9000000"); got != want || !live || err != nil {
		t.Errorf("%v, %t, %v", got, live, err)
	}
	if got, live, err := e.Record(ctx, "9000001"); got != (journey.Record{}) || live || err != nil {
		t.Errorf("nobody's: %v, %t, %v", got, live, err)
	}
	again := ask("other", "Zo", "Married")
	again.NINO = "QQ777777A"
	if got, err := e.RequestTRN(ctx, again); got != completed("9000000") || err != nil {
		t.Errorf("with another One Login she gets %v, %v", got, err)
	}
	// Two records without doubt are none, also when one is in the file.
	f.write(strings.Replace(marie("Lane"), "QQ123456C", "QQ777777A", 1))
	f.now = f.now.Add(lookAgain)
	who.Names = append(who.Names, journey.Name{Given: []string{"Marie"}, Family: []string{"Lane"}})
	if got, found, err := e.Find(ctx, who, journey.Stated{NINO: "QQ777777A"}); found || err != nil {
		t.Errorf("of two: %v, %v", got, err)
	}
	// Moved to the file, that counts.
	f.write(`{"people": [{"trn": "9000000", "firstName": "Zoe", "lastName": "Moved", "dateOfBirth": "1985-04-12", "nationalInsuranceNumber": "QQ777777A"}]}`)
	f.now = f.now.Add(lookAgain)
	if got, _, err := e.Record(ctx, "9000000"); got.LastName != "Moved" || err != nil {
		t.Errorf("moved: %v, %v", got, err)
	}
	who.Names[0].Family[0] = "Moved"
	if got, found, err := e.Find(ctx, who, journey.Stated{NINO: "QQ777777A"}); got.LastName != "Moved" || !found || err != nil {
		t.Errorf("moved: %v, %t, %v", got, found, err)
	}
	f.write(`{"people": [{"trn": "9000000", "firstName": "Zoe", "lastName": "Lane", "dateOfBirth": "1985-04-12", "status": "Deactivated"}]}`)
	f.now = f.now.Add(lookAgain)
	if _, live, err := e.Record(ctx, "9000000"); live || err != nil {
		t.Errorf("retired: %t, %v", live, err)
	}
	if got, err := e.RequestTRN(ctx, ask("next", "Ann", "Other")); got != completed("9000001") || err != nil {
		t.Errorf("the number of a retired record: %v, %v", got, err)
	}
	// Also one that was in the file when it was the answer, and left since.
	must[journey.Allocation](t)(e.RequestTRN(ctx, ask("gone", "Bo", "Gone")))
	f.write(`{"people": []}`)
	f.now = f.now.Add(lookAgain)
	if got, err := e.RequestTRN(ctx, ask("after", "Di", "After")); got != completed("9000003") || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// TestPendingRequests: what operators see, and that no more is kept than is needed.
func TestPendingRequests(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Carter"))
	ledger := &shelf{}
	e, ctx := f.replica(ledger), t.Context()
	for _, id := range []string{"first", "second", "third"} {
		if got := must[journey.Allocation](t)(e.RequestTRN(ctx, ask(id, "Marie", "Carter"))); got != pending {
			t.Fatal(got)
		}
		f.now = f.now.Add(time.Hour)
	}
	must[journey.Allocation](t)(e.Resolve(ctx, "first", ""))
	if err := e.Reject(ctx, "third"); err != nil {
		t.Error(err)
	}
	got := must[[]Request](t)(e.Requests(ctx))
	want := []Request{{
		TRNRequest: ask("second", "Marie", "Carter"), At: time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC),
		Maybe: []journey.Record{{TRN: "7654321", FirstName: "Marie", LastName: "Carter"}, {TRN: "9000000", FirstName: "Marie", LastName: "Carter"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	must[journey.Allocation](t)(e.Resolve(ctx, "second", "7654321"))
	if text := string(ledger.texts[bookName]); strings.Contains(text, "second@") || strings.Contains(text, "third@") || strings.Contains(text, "urn:") {
		t.Errorf("more is kept than is needed: %s", text)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("asked", "request", want[0])
	if strings.Contains(log.String(), "Marie") {
		t.Errorf("a request can be logged: %s", log.String())
	}
}

// TestReplicas: many requests at once, through two registers on one ledger. Each
// is asked at both. No number goes twice, and no person gets two.
func TestReplicas(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Carter"))
	ledger := &shelf{}
	replicas := []*Embedded{f.replica(ledger), f.replica(ledger)}
	const people = 20
	var answers [2][people]journey.Allocation
	var asking sync.WaitGroup
	for i := range people {
		for j, e := range replicas {
			asking.Go(func() {
				answers[j][i] = must[journey.Allocation](t)(e.RequestTRN(t.Context(), ask(fmt.Sprint("id", i), "Zoe", fmt.Sprint("Lane", i))))
			})
		}
	}
	asking.Wait()
	seen := map[string]bool{}
	for i, got := range answers[0] {
		if got != answers[1][i] || got.Status != journey.Completed || seen[got.TRN] {
			t.Errorf("%d: %v and %v", i, got, answers[1][i])
		}
		seen[got.TRN] = true
	}
	t.Logf("%d answers in %d runs", 2*people, ledger.runs)
}

// TestWrittenMeanwhile: another replica answers somebody else, or the same person,
// between reading and writing.
func TestWrittenMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		what        string
		other       journey.TRNRequest
		want, there journey.Allocation
	}{
		{"another person", ask("other", "Ann", "Other"), completed("9000001"), completed("9000000")},
		{"the same request", ask("zoe", "Zoe", "Lane"), completed("9000000"), completed("9000000")},
		{"the same person", ask("other", "Zoe", "Lane"), pending, completed("9000000")},
	} {
		f := newFolder(t)
		f.write(marie("Carter"))
		ledger := &shelf{}
		e, other := f.replica(ledger), f.replica(ledger)
		var there journey.Allocation
		ledger.meanwhile = func() { there = must[journey.Allocation](t)(other.RequestTRN(t.Context(), tt.other)) }
		got := must[journey.Allocation](t)(e.RequestTRN(t.Context(), ask("zoe", "Zoe", "Lane")))
		if got != tt.want || there != tt.there {
			t.Errorf("%s: %v, and there %v", tt.what, got, there)
		}
	}
}

func TestRequestsRefused(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Carter"))
	ledger := &shelf{}
	e := f.replica(ledger)
	for what, spoil := range map[string]func(*journey.TRNRequest){
		"no id":         func(r *journey.TRNRequest) { r.ID = "" },
		"no first name": func(r *journey.TRNRequest) { r.FirstName = "" },
		"no last name":  func(r *journey.TRNRequest) { r.LastName = "" },
		"no birth date": func(r *journey.TRNRequest) { r.BirthDate = "" },
		"no date":       func(r *journey.TRNRequest) { r.BirthDate = "1985-02-30" },
	} {
		r := ask("zoe", "Zoe", "Secret")
		spoil(&r)
		if got, err := e.RequestTRN(t.Context(), r); !errors.Is(err, journey.ErrRefusedApplication) || got != (journey.Allocation{}) || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	if len(ledger.texts) != 0 {
		t.Error("something was kept")
	}
	if got, err := f.open().RequestTRN(t.Context(), ask("zoe", "Zoe", "Lane")); err == nil || got != (journey.Allocation{}) {
		t.Errorf("without a ledger: %v, %v", got, err)
	}
	if _, err := f.open().TRNRequest(t.Context(), "zoe"); !errors.Is(err, journey.ErrNoRequest) {
		t.Errorf("without a ledger: %v", err)
	}
	for _, trns := range []Range{{First: "9000000"}, {Last: "9000000"}, {"9000001", "9000000"}, {"900000", "9000001"}, {"0000000", "9000001"}, {"9000000", "RP9000001"}} {
		if _, err := Open(f.path, Config{Logger: slog.New(slog.DiscardHandler), Now: time.Now, TRNs: trns}); err == nil || !strings.Contains(err.Error(), "the TRNs to give out") {
			t.Errorf("%v: %v", trns, err)
		}
	}
}
