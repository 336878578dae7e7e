package notify_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
)

// question is a right one. There is an e-mail to ask about.
func (a *asker) question(at notify.Endpoint, id string) (answer, error) {
	switch at {
	case notify.AtSend:
		return a.ask(a.request(http.MethodPost, "/v2/notifications/email", email))
	case notify.AtList:
		return a.ask(a.request(http.MethodGet, "/v2/notifications?reference=first", ""))
	case notify.AtMessage:
		return a.ask(a.request(http.MethodGet, "/v2/notifications/"+id, ""))
	case notify.AtTemplate:
		return a.ask(a.request(http.MethodGet, "/v2/template/"+template, ""))
	default:
		return a.ask(a.request(http.MethodPost, "/v2/template/"+template+"/preview", `{"personalisation":{"name":"Rosa","code":"1"}}`))
	}
}

// TestFaultsArePlayed: each, wherever it can be, changes what comes, once, and
// nowhere else; and an e-mail is accepted unless it is lost.
func TestFaultsArePlayed(t *testing.T) {
	a := newAsker(t, notify.Config{Stall: 10 * time.Millisecond})
	id := a.send("first")
	right := map[notify.Endpoint]answer{}
	for _, at := range notify.Endpoints() {
		right[at], _ = a.question(at, id)
	}
	same := func(at notify.Endpoint, got answer) bool {
		if at == notify.AtSend { // the id differs
			return got.status == http.StatusCreated && len(got.text) == len(right[at].text) && got.body["id"] != nil && got.body["reference"] == "ref-1"
		}
		return got.status == right[at].status && got.text == right[at].text
	}
	names := map[string]bool{}
	for _, f := range notify.Faults() {
		if names[f.Name] || f.Does == "" {
			t.Errorf("%s: twice, or says nothing", f.Name)
		}
		names[f.Name] = true
		for _, at := range notify.Endpoints() {
			if !f.PlayableAt(at) {
				if a.api.Play(notify.Play{Fault: f.Name, Endpoint: at}) == nil {
					t.Errorf("%s can be asked for at %s", f.Name, at)
				}
				a.play(notify.Play{Fault: f.Name})
				if got, err := a.question(at, id); err != nil || !same(at, got) || len(a.api.Playing()) != 1 {
					t.Errorf("%s is played at %s", f.Name, at)
				}
				a.api.StopFaults()
				continue
			}
			before := len(a.api.Inbox())
			again := strings.HasPrefix(f.Name, "hung-up") // else net/http hides it: it asks again on a new connection
			a.play(notify.Play{Fault: f.Name, Endpoint: at, Every: again})
			got, err := a.question(at, id)
			if again {
				a.api.StopFaults()
			}
			late := f.Name == "slow" || f.Name == "slow-body" // later, but right
			if left := a.api.Playing(); len(left) != 0 || (err == nil && same(at, got)) != late {
				t.Errorf("%s at %s: %d %.200s; left: %v", f.Name, at, got.status, got.text, left)
			}
			if n := len(a.api.Inbox()) - before; at == notify.AtSend && (n == 0) != f.Lost || at != notify.AtSend && n != 0 {
				t.Errorf("%s at %s: %d e-mails", f.Name, at, n)
			}
			if got, err := a.question(at, id); err != nil || !same(at, got) {
				t.Errorf("after %s at %s: %d %v", f.Name, at, got.status, err)
			}
		}
	}
	if violations := a.api.Record().Violations; len(violations) != 0 {
		t.Errorf("%+v", violations)
	}
}

func (a *asker) play(play notify.Play) {
	a.t.Helper()
	if err := a.api.Play(play); err != nil {
		a.t.Fatal(err)
	}
}

// TestPlay: once or every time, at one endpoint or any; never with a bad request.
func TestPlay(t *testing.T) {
	a := newAsker(t, notify.Config{})
	id := a.send("first")
	for _, play := range []notify.Play{{Fault: "no-such"}, {Fault: "500", Endpoint: "nowhere"}, {Fault: "list-null", Endpoint: notify.AtSend}} {
		if a.api.Play(play) == nil {
			t.Errorf("%+v is played", play)
		}
	}
	statuses := func(asked ...notify.Endpoint) (all []int) {
		for _, at := range asked {
			got, _ := a.question(at, id)
			all = append(all, got.status)
		}
		return all
	}
	a.play(notify.Play{Fault: "500", Endpoint: notify.AtList})
	got := statuses(notify.AtMessage, notify.AtList, notify.AtList)
	a.play(notify.Play{Fault: "502"})
	if bad := a.get("/v2/notifications/" + nobodys); bad.status != http.StatusNotFound {
		t.Errorf("a bad request got %d", bad.status)
	}
	got = append(got, statuses(notify.AtSend, notify.AtSend)...)
	a.play(notify.Play{Fault: "503", Every: true})
	if diff := cmp.Diff([]notify.Play{{Fault: "503", Every: true}}, a.api.Playing()); diff != "" {
		t.Error(diff)
	}
	got = append(got, statuses(notify.AtTemplate, notify.AtPreview)...)
	a.api.StopFaults()
	got = append(got, statuses(notify.AtTemplate)...)
	if diff := cmp.Diff([]int{200, 500, 200, 502, 201, 503, 503, 200}, got); diff != "" {
		t.Error(diff)
	}
	// Two at once: the shape of an answer, and its text.
	a.play(notify.Play{Fault: "other-reference"})
	a.play(notify.Play{Fault: "array"})
	if got, _ := a.question(notify.AtSend, id); !strings.HasPrefix(got.text, "[{") || !strings.Contains(got.text, `"reference":"somebody-elses"`) {
		t.Error(got.text)
	}
}

// TestFaultAnswers: the status, and a piece of the body.
func TestFaultAnswers(t *testing.T) {
	a := newAsker(t, notify.Config{})
	a.send("first")
	for _, row := range []struct {
		fault  string
		at     notify.Endpoint
		status int
		has    string
	}{
		{"400-validation", notify.AtSend, 400, `"ValidationError"`},
		{"400-team-key", notify.AtSend, 400, `"BadRequestError"`},
		{"400-repeating", notify.AtSend, 400, `Dear Rosa`},
		{"403-clock", notify.AtSend, 403, `30 seconds`},
		{"403-key", notify.AtSend, 403, `API key not found`},
		{"403-firewall", notify.AtSend, 403, `<h1>`},
		{"404-page", notify.AtSend, 404, `<h1>`},
		{"409", notify.AtSend, 409, `"status_code":409`},
		{"429-rate", notify.AtSend, 429, `"RateLimitError"`},
		{"429-day", notify.AtSend, 429, `"TooManyRequestsError"`},
		{"429-page", notify.AtSend, 429, `<h1>`},
		{"500", notify.AtSend, 500, `"Exception"`},
		{"500-accepted", notify.AtSend, 500, `"Exception"`},
		{"502", notify.AtSend, 502, `<h1>`},
		{"502-accepted", notify.AtSend, 502, `<h1>`},
		{"503", notify.AtSend, 503, `<h1>`},
		{"504-accepted", notify.AtSend, 504, `<h1>`},
		{"200-page", notify.AtSend, 200, `<h1>`},
		{"empty", notify.AtSend, 201, ``},
		{"garbage", notify.AtSend, 201, `{]`},
		{"null", notify.AtSend, 201, `null`},
		{"empty-object", notify.AtList, 200, `{}`},
		{"nested", notify.AtSend, 201, `[[[[`},
		{"followed", notify.AtSend, 201, `}{}`},
		{"unknown-members", notify.AtList, 200, `"template":{"addedLater":{"why":[1,null,"x"]}`},
		{"reference-null", notify.AtList, 200, `"reference":null`},
		{"other-reference", notify.AtList, 200, `"reference":"somebody-elses"`},
		{"list-null", notify.AtList, 200, `"notifications":null`},
		{"list-missing", notify.AtList, 200, `{"links"`},
		{"list-item-null", notify.AtList, 200, `"notifications":[null]`},
		{"strangers", notify.AtList, 200, `somebody-elses-249`},
		{"unknown-status", notify.AtList, 200, `"status":"added-later"`},
		{"template-sms", notify.AtTemplate, 200, `"type":"sms"`},
		{"template-renamed", notify.AtTemplate, 200, `It is ((the code))`},
		{"template-other", notify.AtTemplate, 200, `"id":"00000000-`},
	} {
		a.play(notify.Play{Fault: row.fault, Endpoint: row.at})
		got, err := a.question(row.at, "")
		if err != nil || got.status != row.status || !strings.Contains(got.text, row.has) || row.has == "" && got.text != "" {
			t.Errorf("%s: %d %.300s %v", row.fault, got.status, got.text, err)
		}
	}
	a.play(notify.Play{Fault: "oversized"})
	if got, _ := a.question(notify.AtSend, ""); len(got.text) < 8<<20 || got.body["reference"] != "ref-1" {
		t.Errorf("oversized: %d bytes", len(got.text))
	}
	a.play(notify.Play{Fault: "dropped"})
	if got, err := a.question(notify.AtSend, ""); !errors.Is(err, io.ErrUnexpectedEOF) || got.status != http.StatusCreated {
		t.Errorf("dropped: %d %v", got.status, err)
	}
}

// TestSlow: nothing comes, or half, until the client gives up; and the e-mail was
// accepted or not.
func TestSlow(t *testing.T) {
	for fault, want := range map[string]struct {
		sent  int
		begun bool
	}{"slow": {1, false}, "slow-lost": {0, false}, "slow-body": {1, true}} {
		synctest.Test(t, func(t *testing.T) {
			a := &asker{t: t, clock: &clock{now: time.Now()}}
			a.api = a.standIn(notify.Config{Stall: time.Hour})
			a.play(notify.Play{Fault: fault})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w, ended := httptest.NewRecorder(), false
			go func() {
				a.api.ServeHTTP(w, a.request(http.MethodPost, "/v2/notifications/email", email).WithContext(ctx))
				ended = true
			}()
			time.Sleep(time.Hour - time.Second) // in a bubble
			synctest.Wait()
			if begun := w.Body.Len() > 0; ended || begun != want.begun || len(a.api.Inbox()) != want.sent {
				t.Errorf("%s: ended %v, begun %v, %d e-mails", fault, ended, begun, len(a.api.Inbox()))
			}
			cancel()
			synctest.Wait()
			if !ended || len(a.api.Inbox()) != want.sent {
				t.Errorf("%s: ended %v, %d e-mails after the client gave up", fault, ended, len(a.api.Inbox()))
			}
		})
	}
}

// TestRedirect: whoever follows gets the right answer, so that it is found out.
func TestRedirect(t *testing.T) {
	a := newAsker(t, notify.Config{})
	a.play(notify.Play{Fault: "redirect"})
	got, err := a.question(notify.AtSend, "")
	if err != nil || got.status != http.StatusTemporaryRedirect || len(a.api.Inbox()) != 0 {
		t.Fatalf("%d %v", got.status, err)
	}
	if followed := a.post(got.header.Get("Location"), email); followed.status != http.StatusCreated || len(a.api.Inbox()) != 1 {
		t.Errorf("%d %s", followed.status, followed.text)
	}
	a.play(notify.Play{Fault: "redirect-host"})
	if got, _ := a.question(notify.AtTemplate, ""); got.status != http.StatusTemporaryRedirect || got.header.Get("Location") != "https://elsewhere.example/v2/template/"+template {
		t.Errorf("%d %v", got.status, got.header)
	}
}
