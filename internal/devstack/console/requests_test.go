package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/console"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// staff note what they are asked to do.
type staff struct {
	waiting []console.Request
	err     error
	did     []string
}

func (s *staff) Pending(context.Context) ([]console.Request, error) { return s.waiting, s.err }

func (s *staff) Resolve(_ context.Context, id, trn string) error {
	s.did = append(s.did, "resolve "+id+" "+trn)
	return s.err
}

func (s *staff) Reject(_ context.Context, id string) error {
	s.did = append(s.did, "reject "+id)
	return s.err
}

// TestRequests: what waits, and every decision about it.
func TestRequests(t *testing.T) {
	they := &staff{waiting: []console.Request{{ID: "r-1", Name: "Rosa Lane", BirthDate: "1985-04-12", Maybe: []string{"1000001", "1000002"}}}}
	config := newConfig(t)
	config.Staff = they
	handler := made(t, config)
	_, text := get(handler, "/")
	for _, want := range []string{
		`<th scope="row">Rosa Lane</th><td>1985-04-12</td>`, `action="/requests/resolve"><input type="hidden" name="id" value="r-1">`,
		`name="trn" value="1000001">Rosa Lane is 1000001<`, `name="trn" value="1000002">Rosa Lane is 1000002<`,
		`name="trn" value="">Give Rosa Lane a new TRN<`, `formaction="/requests/reject">Reject Rosa Lane<`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for _, path := range []string{"/requests/resolve", "/requests/reject"} {
		form := url.Values{"id": {"r-1"}, "trn": {"1000002"}}
		if w := post(handler, path, form, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if w := post(handler, path, form, http.Header{"Sec-Fetch-Site": {"cross-site"}}); w.Code != http.StatusForbidden {
			t.Errorf("%s, from elsewhere: %d", path, w.Code)
		}
	}
	if diff := cmp.Diff([]string{"resolve r-1 1000002", "reject r-1"}, they.did); diff != "" {
		t.Error(diff)
	}

	they.waiting = nil
	if _, text := get(handler, "/"); !strings.Contains(text, "None waits for a decision.") {
		t.Error("the page does not say that nothing waits")
	}
	they.err = errors.New("they are at lunch")
	if _, text := get(handler, "/"); !strings.Contains(text, "They cannot be shown: they are at lunch") {
		t.Error("the page does not say what is wrong")
	}
	if w := post(handler, "/requests/reject", nil, nil); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "at lunch") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, text := get(made(t, newConfig(t)), "/"); strings.Contains(text, "Requests for a TRN") {
		t.Error("requests are shown that nobody could decide on")
	}
}

// TestRequestsInTRS: its own staff decide, on what is not decided.
func TestRequestsInTRS(t *testing.T) {
	handler, api := newConsoleWithRecords(t)
	ask := func(id string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/v3/trn-requests", strings.NewReader(
			`{"requestId":"`+id+`","person":{"firstName":"Evadne","lastName":"Larkhampton","dateOfBirth":"1988-03-29"}}`))
		for name, value := range map[string]string{"Authorization": "Bearer a-key-for-tests", "X-Api-Version": trs.Version, "User-Agent": "console-test/1.0", "Content-Type": "application/json"} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		if api.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	status := func() (all []string) {
		for _, r := range api.Requests() {
			all = append(all, r.ID+" "+string(r.Status)+" "+r.TRN)
		}
		return all
	}
	for _, id := range []string{"the-same", "a-new-one", "nobody"} {
		ask(id)
	}
	if _, text := get(handler, "/"); strings.Count(text, ">Evadne Larkhampton is 7383917<") != 3 {
		t.Errorf("the page has not three requests: %v", status())
	}
	for _, do := range []struct{ path, id, trn string }{{"resolve", "the-same", "7383917"}, {"resolve", "a-new-one", ""}, {"reject", "nobody", ""}} {
		if w := post(handler, "/requests/"+do.path, url.Values{"id": {do.id}, "trn": {do.trn}}, nil); w.Code != http.StatusSeeOther {
			t.Errorf("%v: %d %s", do, w.Code, w.Body)
		}
	}
	if got, want := status(), []string{"the-same Completed 7383917", "a-new-one Completed 5000001", "nobody Rejected "}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if w := post(handler, "/requests/reject", url.Values{"id": {"nobody"}}, nil); w.Code != http.StatusBadRequest {
		t.Errorf("rejected again: %d", w.Code)
	}
	if _, text := get(handler, "/"); !strings.Contains(text, "None waits for a decision.") {
		t.Error("decided ones are still shown")
	}
}
