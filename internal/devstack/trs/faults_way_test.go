package trs_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// TestBrokenConnections: nothing, or not all that was promised.
func TestBrokenConnections(t *testing.T) {
	a := newAsker(t, trs.Config{})
	a.play(trs.Play{Fault: "dropped"})
	if got, err := a.question(trs.AtTRN); !errors.Is(err, io.ErrUnexpectedEOF) || got.status != http.StatusOK {
		t.Errorf("dropped: %d %v", got.status, err)
	}
	a.play(trs.Play{Fault: "refused", Every: true})
	if _, err := a.question(trs.AtTRN); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("refused: %v", err)
	}
}

// TestSlow: nothing comes, or half, until the client gives up; and the stand-in
// then does too.
func TestSlow(t *testing.T) {
	a := newAsker(t, trs.Config{Stall: time.Hour})
	for _, fault := range []string{"slow", "slow-body"} {
		a.play(trs.Play{Fault: fault})
		ctx, cancel := context.WithCancel(t.Context())
		r := a.request(http.MethodGet, "/v3/persons/1000001", "").WithContext(ctx)
		if fault == "slow" {
			time.AfterFunc(20*time.Millisecond, cancel)
			if got, err := a.ask(r); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %d %v", fault, got.status, err)
			}
			continue
		}
		response, err := a.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		half := make([]byte, 10)
		if _, err := io.ReadFull(response.Body, half); err != nil || half[0] != '{' {
			t.Errorf("%s: %q %v", fault, half, err)
		}
		cancel()
		if _, err := io.ReadAll(response.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", fault, err)
		}
		_ = response.Body.Close()
	}
}

// TestRedirect: whoever follows gets the right answer, so that it is found out.
func TestRedirect(t *testing.T) {
	a := newAsker(t, trs.Config{})
	a.play(trs.Play{Fault: "redirect", Every: true})
	got, err := a.question(trs.AtPerson)
	if err != nil || got.status != http.StatusTemporaryRedirect {
		t.Fatalf("%d %v", got.status, err)
	}
	if followed := a.get(got.header.Get("Location")); followed.status != http.StatusOK || followed.body["trn"] != "1000001" {
		t.Errorf("%d %s", followed.status, followed.text)
	}
	a.api.StopFaults()
	a.play(trs.Play{Fault: "redirect-host"})
	if got := a.get("/v3/trns/1000001"); got.status != http.StatusFound || got.header.Get("Location") != "https://elsewhere.example/v3/trns/1000001" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

// TestMergedFaults: where each leads.
func TestMergedFaults(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for name, want := range map[string]string{
		"merged-loop": "/v3/persons/1000001", "merged-endless": "/v3/persons/1000002", "merged-host": "https://elsewhere.example/v3/persons/1000000",
		"merged-path": "/v3/trn-requests/1000000", "merged-malformed": "/v3/persons/not-a-trn", "merged-nowhere": "",
	} {
		for _, at := range []trs.Endpoint{trs.AtPerson, trs.AtTRN} {
			a.play(trs.Play{Fault: name, Endpoint: at})
			got, err := a.question(at)
			want := want
			if at == trs.AtTRN {
				want = strings.Replace(want, "/v3/persons/", "/v3/trns/", 1)
			}
			if err != nil || got.status != http.StatusPermanentRedirect || got.header.Get("Location") != want || got.text != "" {
				t.Errorf("%s at %s: %d %q %v", name, at, got.status, got.header.Get("Location"), err)
			}
		}
	}
}

// TestShapes: what each does to a record of a list, or to the one asked for.
func TestShapes(t *testing.T) {
	a := newAsker(t, trs.Config{})
	spoiled := func(name string, at trs.Endpoint) map[string]any {
		t.Helper()
		a.play(trs.Play{Fault: name, Endpoint: at})
		got, err := a.question(at)
		if err != nil || got.status != http.StatusOK || got.body == nil {
			t.Fatalf("%s: %d %v", name, got.status, err)
		}
		return got.body
	}
	one := func(name string) map[string]any { return spoiled(name, trs.AtPerson) }
	first := func(name string) map[string]any {
		return spoiled(name, trs.AtFind)["results"].([]any)[0].(map[string]any)
	}
	in := func(o map[string]any, members ...string) any {
		var value any = o
		for _, member := range members {
			value = value.(map[string]any)[member]
		}
		return value
	}
	alert := func(o map[string]any) map[string]any { return o["alerts"].([]any)[0].(map[string]any) }
	nulls, enums, missing := one("nulls"), one("unknown-enums"), one("names-missing")
	for _, row := range []struct {
		why       string
		got, want any
	}{
		{"a new member", in(one("unknown-members"), "induction", "addedLater", "why"), []any{1.0, nil, "x"}},
		{"in lists too", in(alert(first("unknown-members")), "alertType", "addedLater", "why"), []any{1.0, nil, "x"}},
		{"a new induction status", in(enums, "induction", "status"), "AddedLater"},
		{"a new QTLS status", enums["qtlsStatus"], "AddedLater"},
		{"no email address", nulls["emailAddress"], nil},
		{"no QTS", nulls["qts"], nil},
		{"null, but there", len(nulls), len(enums)},
		{"no names", []any{missing["firstName"], missing["lastName"]}, []any{nil, nil}},
		{"no blocks", one("blocks-missing")["alerts"], nil},
		{"a number", first("trn-number")["trn"], 1234567.0},
		{"no TRN", one("trn-missing")["trn"], nil},
		{"six digits", one("trn-malformed")["trn"], "123456"},
		{"somebody else", one("other-person")["trn"], "0000001"},
		{"another day", first("other-birth-date")["dateOfBirth"], "1901-01-01"},
		{"a time", one("birth-date-malformed")["dateOfBirth"], "1985-04-12T00:00:00"},
		{"no list", spoiled("results-null", trs.AtFind)["results"], nil},
		{"an empty list", []any{len(spoiled("results-cut", trs.AtBatch)["results"].([]any)), spoiled("results-cut", trs.AtFind)["total"]}, []any{0, 1.0}},
		{"another question", in(spoiled("other-query", trs.AtFind), "query", "lastName"), "Nobody"},
		{"strangers", spoiled("strangers", trs.AtFind)["total"], 1001.0},
		{"a stranger", first("strangers")["trn"], "0000001"},
	} {
		if diff := cmp.Diff(row.want, row.got); diff != "" {
			t.Errorf("%s: %s", row.why, diff)
		}
	}
}
