package trs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// TestEvents: what each action tells, and how.
func TestEvents(t *testing.T) {
	const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`
	alert := `{"alert":{"alertId":"` + "[-0-9a-f]{36}" + `","alertType":{"alertCategory":{"alertCategoryId":"[-0-9a-f]{36}","name":"[^"]+"},"alertTypeId":"[-0-9a-f]{36}","name":"[^"]+"},"details":null,"endDate":null,"startDate":"2020-01-01"},"trn":"1000002"}`
	a, v := subscribe(t, nil)
	ids, nonces := map[string]bool{}, map[string]bool{}
	for _, row := range []struct {
		kind, body string
		do         func() error
	}{
		{"one_login_user.updated", `{"connectedPerson":{"trn":"1000001"},"oneLoginUser":{"emailAddress":"rosa@people.example","subject":"urn:a"}}`, func() error { return a.api.Link("urn:a", "rosa@people.example", "1000001") }},
		{"one_login_user.updated", `{"connectedPerson":null,"oneLoginUser":{"emailAddress":null,"subject":"urn:a"}}`, func() error { return a.api.Unlink("urn:a", "") }},
		{"alert.created", alert, func() error { return a.api.SetAlert("1000002", true) }},
		{"alert.deleted", alert, func() error { return a.api.SetAlert("1000002", false) }},
		{"person.deactivated", `{"deactivatedPerson":{"trn":"1000001"},"mergedWithPerson":{"trn":"1000002"}}`, func() error { return a.api.Merge("1000001", "1000002") }},
		{"person.deactivated", `{"deactivatedPerson":{"trn":"1000002"},"mergedWithPerson":null}`, func() error { return a.api.Deactivate("1000002") }},
		{"ping", `{"pingId":"` + uuid + `"}`, a.api.Ping},
		{"person.applauded", `{"applause":{}}`, a.api.Novelty},
	} {
		a.clock.advance(1234567890 * time.Nanosecond)
		at := a.clock.Now()
		if err := row.do(); err != nil {
			t.Fatal(err)
		}
		m := v.last()
		nonce, err := a.verify(m, v.URL+"/hook/%7Etrs?of=them")
		if err != nil {
			t.Errorf("%s: %v", row.kind, err)
		}
		said := input.FindStringSubmatch(m.header.Get("Signature-Input"))
		if want := fmt.Sprint(at.Unix(), at.Unix()+300); len(said) == 0 || said[1] != "sig1" || said[2]+" "+said[3] != want {
			t.Errorf("%s: %v", row.kind, said)
		}
		if !regexp.MustCompile("^" + row.body + "$").MatchString(m.body) {
			t.Errorf("%s: %s", row.kind, m.body)
		}
		id := m.header.Get("Ce-Id")
		if !regexp.MustCompile("^"+uuid+"$").MatchString(id) || ids[id] || nonces[nonce] {
			t.Errorf("%s: id %q, nonce %q", row.kind, id, nonce)
		}
		ids[id], nonces[nonce] = true, true
		for _, name := range []string{"Ce-Id", "Content-Digest", "Signature-Input", "Signature"} {
			m.header.Del(name)
		}
		want := http.Header{
			"User-Agent": {"TeachingRecordSystem"}, "Content-Type": {"application/json; charset=utf-8"}, "Content-Length": {fmt.Sprint(len(m.body))},
			"Ce-Specversion": {"1.0"}, "Ce-Source": {"https://teaching-record-system.example"}, "Ce-Type": {row.kind},
			"Ce-Time":       {at.Format("2006-01-02T15:04:05.0000000Z")},
			"Ce-Dataschema": {"https://teaching-record-system.example/swagger/v3_20260612.json"},
		}
		if diff := cmp.Diff(want, m.header); diff != "" || m.proto != "HTTP/1.1" || m.length != int64(len(m.body)) || m.coding != nil {
			t.Errorf("%s over %s, %d: %s", row.kind, m.proto, m.length, diff)
		}
	}
	for _, d := range a.settled() {
		if d.State != trs.Delivered || len(d.Statuses) != 1 || d.Statuses[0] != http.StatusNoContent || !ids[d.ID] || d.Forgery != "" {
			t.Errorf("%+v", d)
		}
	}
	if a.api.Reset(); len(a.api.Record().Deliveries) != 0 {
		t.Error("they are still on record")
	}
}

// TestEventsOfNothing: what is refused, or changes nothing, or concerns nobody.
func TestEventsOfNothing(t *testing.T) {
	a, _ := subscribe(t, nil)
	quiet := newAsker(t, trs.Config{})
	for name, row := range map[string]struct{ got, want error }{
		"connect to nobody":         {a.api.Link("urn:a", "", "9999999"), trs.ErrNoRecord},
		"connect to a deactivated":  {a.api.Link("urn:a", "", "1000004"), trs.ErrNotActive},
		"connect nobody":            {a.api.Link("", "", "1000001"), trs.ErrSubject},
		"disconnect nobody":         {a.api.Unlink("", ""), trs.ErrSubject},
		"an alert of nobody":        {a.api.SetAlert("9999999", true), trs.ErrNoRecord},
		"an alert of a deactivated": {a.api.SetAlert("1000004", true), trs.ErrNotActive},
		"an alert that is there":    {a.api.SetAlert("1000001", true), nil},
		"an alert that is not":      {a.api.SetAlert("1000002", false), nil},
		"merge with nobody":         {a.api.Merge("1000001", "9999999"), trs.ErrNoRecord},
		"deactivate again":          {a.api.Deactivate("1000004"), trs.ErrNotActive},
		"reactivate":                {a.api.Reactivate("1000004"), nil},
		"connect, nobody to tell":   {quiet.api.Link("urn:a", "", "1000001"), nil},
		"merge, nobody to tell":     {quiet.api.Merge("1000001", "1000002"), nil},
		"ping, nobody to tell":      {quiet.api.Ping(), trs.ErrNoSubscriber},
		"novelty, nobody to tell":   {quiet.api.Novelty(), trs.ErrNoSubscriber},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v", name, row.got)
		}
	}
	if deliveries := append(a.settled(), quiet.settled()...); len(deliveries) != 0 {
		t.Errorf("%+v", deliveries)
	}
	for _, address := range []string{"trs", "/hook", "ftp://site.example/hook", "https://", "https://a b/"} {
		if _, err := trs.New(trs.Config{People: []byte(people), APIKey: key, Webhook: address}); err == nil {
			t.Errorf("%q is registered", address)
		}
	}
}

// TestAlert: it is on the record, and then no longer.
func TestAlert(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for _, on := range []bool{true, false} {
		if err := a.api.SetAlert("1000002", on); err != nil {
			t.Fatal(err)
		}
		alerts := a.get("/v3/persons/1000002?include=Alerts").body["alerts"].([]any)
		if records := a.api.Records(); (len(alerts) == 1) != on || records[2].TRN != "1000002" || records[2].Alert != on {
			t.Errorf("%v: %v %+v", on, alerts, records[2])
		}
	}
}

// TestRetry: a delivery that fails comes again, as the same event signed afresh,
// and does not keep others waiting. A redirect is a failure.
func TestRetry(t *testing.T) {
	a, v := subscribe(t, []time.Duration{0, 0, time.Hour}, 500, http.StatusFound, 204)
	if err := a.api.Ping(); err != nil {
		t.Fatal(err)
	}
	all := v.next(3)
	nonces := map[string]bool{}
	for i, m := range all {
		nonce, err := a.verify(m, v.URL+"/hook/%7Etrs?of=them")
		if err != nil || nonces[nonce] {
			t.Errorf("attempt %d: %q %v", i+1, nonce, err)
		}
		nonces[nonce] = true
		for _, name := range []string{"Ce-Id", "Ce-Time"} {
			if m.header.Get(name) != all[0].header.Get(name) || m.body != all[0].body {
				t.Errorf("attempt %d: another event", i+1)
			}
		}
	}
	want := []trs.Delivery{{ID: all[0].header.Get("Ce-Id"), Type: "ping", Statuses: []int{500, 302, 204}, State: trs.Delivered}}
	if diff := cmp.Diff(want, a.settled()); diff != "" {
		t.Error(diff)
	}
}

// answers is a subscriber without a network.
type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// kind is the type of an event before the network, where names are in lower case.
func kind(r *http.Request) string { return map[string][]string(r.Header)["ce-type"][0] }

// TestRetries: ten attempts, at the documented times, and then no more. What was
// not answered counts as refused.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var after []time.Duration
		begin := time.Now()
		var log bytes.Buffer
		api, err := trs.New(trs.Config{People: []byte(people), APIKey: key, Webhook: "https://site.example/hook", Logger: slog.New(slog.NewTextHandler(&log, nil)),
			HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
				after = append(after, time.Since(begin))
				if len(after) == 1 {
					return nil, errors.New("nobody is there")
				}
				return &http.Response{StatusCode: 410, Body: io.NopCloser(strings.NewReader("no"))}, nil
			})}})
		if err != nil {
			t.Fatal(err)
		}
		if err := api.Link("urn:a-subject", "rosa@people.example", "1000001"); err != nil {
			t.Fatal(err)
		}
		api.Settle()
		var want []time.Duration
		sum := time.Duration(0)
		for _, text := range []string{"0s", "5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"} {
			delay, _ := time.ParseDuration(text)
			sum += delay
			want = append(want, sum)
		}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Error(diff)
		}
		d := api.Record().Deliveries[0]
		if diff := cmp.Diff([]int{0, 410, 410, 410, 410, 410, 410, 410, 410, 410}, d.Statuses); diff != "" || d.State != trs.Dropped {
			t.Error(d.State, diff)
		}
		if text := log.String(); strings.Count(text, "could not deliver") != 10 || strings.Contains(text, "urn:a") || strings.Contains(text, "people.example") || strings.Contains(text, "1000001") {
			t.Error(text)
		}
	})
}

// TestPatience: an answer is waited for 30 s; meanwhile others are told.
func TestPatience(t *testing.T) {
	release := make(chan struct{})
	first := make(chan struct{}, 1)
	first <- struct{}{}
	a := newAsker(t, trs.Config{Webhook: "https://site.example/hook", HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
		select {
		case <-first:
			<-release
		default:
			close(release) // the second lets the first go
		}
		return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
	})}})
	for range 2 {
		if err := a.api.Ping(); err != nil {
			t.Fatal(err)
		}
	}
	a.settled()
	if limit := trs.NewDeliverer().Timeout; limit != 30*time.Second {
		t.Error(limit)
	}
}

// TestClose: what waits is given up, what is under way too, and nothing begins.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		under, ended := make(chan struct{}), false
		api, err := trs.New(trs.Config{People: []byte(people), APIKey: key, Webhook: "https://site.example/hook", HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
			if kind(r) == "ping" {
				close(under)
				<-r.Context().Done()
				time.Sleep(time.Second) // of the test's clock: so long it takes to end
				ended = true
			}
			return nil, errors.New("nobody is there")
		})}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(api.Ping(), api.Novelty()); err != nil {
			t.Fatal(err)
		}
		<-under
		begin := time.Now()
		api.Close()
		if took := time.Since(begin); !ended || took != time.Second {
			t.Errorf("it took %s; ended: %v", took, ended)
		}
		api.Close()
		if err := api.Ping(); err != nil {
			t.Error(err)
		}
		api.Settle()
		deliveries := api.Record().Deliveries
		for _, d := range deliveries {
			if d.State != trs.Waiting {
				t.Errorf("%+v", d)
			}
		}
		if len(deliveries) != 2 {
			t.Errorf("%+v", deliveries)
		}
		if _, _, err := api.Forge("unsigned"); err == nil {
			t.Error("a forgery was sent")
		}
	})
}
