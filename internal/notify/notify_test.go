package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	standin "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
)

// TestSend: what arrives is what was meant, and safe to read.
func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		if err := a.client().Send(t.Context(), mail, false); err != nil {
			t.Fatal(err)
		}
		want := standin.Message{
			To: mail.To, Template: "TRN allocated", Subject: "Your teacher reference number", Reference: "c1f7a3", At: time.Now().UTC(), Status: standin.Created,
			Body: "Dear Prunella \\[Hazel\\]\\(\\)\n\nYour TRN is 7300001. Sign in to Access your qualifications: https://teaching.example.gov.uk/",
		}
		got := a.last()
		got.ID = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		record := a.Record()
		if len(record.Violations) > 0 || record.Hits[standin.AtSend] != 1 || record.Hits[standin.AtList] != 0 {
			t.Errorf("%+v", record)
		}
		a.honest(nil)
	})
}

// TestRequest: the request to the byte, with and without what may be left out.
func TestRequest(t *testing.T) {
	var got *http.Request
	var text bytes.Buffer
	c := answering(t, 500, "", &text, time.Unix(1568818578, 0))
	c.HTTP.Transport = tripper(func(r *http.Request) (*http.Response, error) {
		got = r
		text.Reset()
		_, _ = text.ReadFrom(r.Body)
		return nil, errors.New("enough")
	})
	for _, row := range []struct {
		mail Email
		want string
	}{
		{Email{To: "a@b.example", Template: template, Reference: "r"}, `{"email_address":"a@b.example","template_id":"` + template + `","reference":"r"}`},
		{Email{To: "a@b.example", Template: template, Reference: "r", ReplyTo: service, Personalisation: map[string]string{"name": "N"}, Sanitise: []string{"name"}},
			`{"email_address":"a@b.example","template_id":"` + template + `","personalisation":{"name":"N"},"reference":"r","email_reply_to_id":"` + service + `","sanitise_content_for":["name"]}`},
	} {
		_ = c.Send(t.Context(), row.mail, false)
		if diff := cmp.Diff(row.want, text.String()); diff != "" {
			t.Error(diff)
		}
	}
	if got.URL.String() != DefaultURL+"/v2/notifications/email" || got.UserAgent() != agent || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", got.URL, got.Header)
	}
	parts := strings.Split(strings.TrimPrefix(got.Header.Get("Authorization"), "Bearer "), ".")
	for i, want := range []string{`{"alg":"HS256","typ":"JWT"}`, `{"iss":"` + service + `","iat":1568818578}`} {
		if part, err := base64.RawURLEncoding.DecodeString(parts[i]); err != nil || string(part) != want {
			t.Errorf("%s, %v", part, err)
		}
	}
}

// TestAgain: what an earlier attempt left at Notify, and what becomes of it.
func TestAgain(t *testing.T) {
	for _, row := range []struct {
		name  string
		moves []standin.Status
		sent  int // in all
		kind  standin.Meaning
		says  string
	}{
		{"created", nil, 1, standin.Fine, ""},
		{"sending", []standin.Status{standin.Sending}, 1, standin.Fine, ""},
		{"delivered", []standin.Status{standin.Sending, standin.Delivered}, 1, standin.Fine, ""},
		{"technical-failure", []standin.Status{standin.Sending, standin.TechnicalFailure}, 2, standin.Fine, ""},
		{"permanent-failure", []standin.Status{standin.Sending, standin.PermanentFailure}, 1, standin.Refused, "takes no e-mail"},
		{"temporary-failure", []standin.Status{standin.Sending, standin.TemporaryFailure}, 1, standin.Refused, "inbox is full"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAPI(t)
				c := a.client()
				if err := c.Send(t.Context(), mail, false); err != nil {
					t.Fatal(err)
				}
				other := mail
				other.Reference = "another"
				if err := c.Send(t.Context(), other, true); err != nil { // not held up by that of somebody else
					t.Fatal(err)
				}
				first := a.Inbox()[0]
				for _, to := range row.moves {
					if err := a.Move(first.ID, to); err != nil {
						t.Fatal(err)
					}
				}
				err := c.Send(t.Context(), mail, true)
				a.honest(err)
				if kind(err) != row.kind || err != nil && !strings.Contains(err.Error(), row.says) || len(a.Inbox()) != row.sent+1 {
					t.Errorf("%d e-mails, %v", len(a.Inbox())-1, err)
				}
				// One that was sent again is found by the next look-up, before the failed one.
				if err == nil {
					if err := c.Send(t.Context(), mail, true); err != nil || len(a.Inbox()) != row.sent+1 {
						t.Errorf("once more: %d e-mails, %v", len(a.Inbox())-1, err)
					}
				}
			})
		})
	}
}

// TestLookUp: among several with one reference, one that is on its way counts.
func TestLookUp(t *testing.T) {
	for _, row := range []struct {
		statuses string
		has      bool
		kind     standin.Meaning
	}{
		{"", false, standin.Fine},
		{"technical-failure", false, standin.Fine},
		{"technical-failure delivered", true, standin.Fine},
		{"permanent-failure sending", true, standin.Fine},
		{"permanent-failure technical-failure", false, standin.Refused},
		{"technical-failure permanent-failure", false, standin.Fine},
		{"pending", false, standin.Unknown},
		{"Delivered", false, standin.Unknown},
	} {
		var items []string
		for status := range strings.FieldsSeq(row.statuses) {
			items = append(items, `{"id":"x","reference":"r","status":"`+status+`"}`)
		}
		c := answering(t, 200, `{"notifications":[`+strings.Join(items, ",")+`]}`, &bytes.Buffer{}, time.Now())
		has, err := c.has(t.Context(), "r")
		if has != row.has || kind(err) != row.kind {
			t.Errorf("%q: %v, %v", row.statuses, has, err)
		}
	}
}

// TestAnswers: what each answer to a call means, and what is said of it.
func TestAnswers(t *testing.T) {
	now := time.Date(2026, 11, 30, 22, 30, 0, 0, time.FixedZone("", -60*60)) // half past eleven in UTC
	named := func(name string) string {
		return `{"status_code":0,"errors":[{"error":"` + name + `","message":"Dear wintergreen@people.example 7300001"}]}`
	}
	for _, row := range []struct {
		status int
		body   string
		kind   standin.Meaning
		says   string
	}{
		{201, `{"id":"x","reference":"c1f7a3"}`, standin.Fine, ""},
		{201, `{"id":"x","reference":"c1f7a3","sanitised_content":{"name":{"unsanitised":"x"}},"new":[1]}`, standin.Fine, ""},
		{200, `{"id":"x","reference":"c1f7a3"}`, standin.Unknown, "status 200"},
		{201, `{"id":"x","reference":"other"}`, standin.Unknown, "no e-mail of ours"},
		{201, `{"id":"","reference":"c1f7a3"}`, standin.Unknown, "no e-mail of ours"},
		{201, `{"id":1,"reference":"c1f7a3"}`, standin.Unknown, "not the JSON"},
		{201, ``, standin.Unknown, "not the JSON"},
		{201, `{"id":"x","reference":"c1f7a3"` + strings.Repeat(" ", maxBody) + `}`, standin.Unknown, "too large"},
		{302, ``, standin.Unknown, "status 302"},
		{400, named("ValidationError"), standin.Refused, "check the template's id, and whether the e-mail address"},
		{400, named("BadRequestError"), standin.Refused, "check that the service is live"},
		{400, named("wintergreen@people.example"), standin.Refused, "check notify url"},
		{401, named("AuthError"), standin.Refused, "check notify api_key"},
		{403, named("AuthError"), standin.Refused, "clock is right to within 30 seconds"},
		{403, named("BadRequestError"), standin.Refused, "check notify api_key"},
		{403, `<h1>`, standin.Refused, "not one of GOV.UK Notify"},
		{404, named("NoResultFound"), standin.Refused, "check the template's id"},
		{404, ``, standin.Refused, "not one of GOV.UK Notify"},
		{418, named("X"), standin.Refused, "status 418"},
		{429, named("RateLimitError"), standin.Later, "again in 30s"},
		{429, named("TooManyRequestsError"), standin.Later, "again in 30m0s"},
		{429, ``, standin.Later, "again in 30s"},
		{499, ``, standin.Refused, "status 499"},
		{500, named("TooManyRequestsError"), standin.Unknown, "status 500"},
		{503, ``, standin.Unknown, "status 503"},
	} {
		a := &api{t: t}
		err := answering(t, row.status, row.body, &a.log, now).Send(t.Context(), mail, false)
		a.honest(err)
		if kind(err) != row.kind || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%d %.60s: %v", row.status, row.body, err)
		}
	}
}

// TestBroken: what the network says is passed on, without the address; what a
// stranger says is not.
func TestBroken(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, row := range []struct {
		err  error
		says string
	}{
		{refused, "dial: connection refused"},
		{io.ErrUnexpectedEOF, "unexpected EOF"},
		{context.DeadlineExceeded, "deadline exceeded"},
		{errors.New(`malformed HTTP response "Dear Prunella"`), "no HTTP answer that could be read"},
	} {
		a := &api{t: t}
		c := answering(t, 200, "", &a.log, time.Now())
		c.HTTP.Transport = tripper(func(*http.Request) (*http.Response, error) { return nil, row.err })
		for _, err := range []error{c.Send(t.Context(), mail, false), c.Send(t.Context(), mail, true), c.Check(t.Context(), template, needs)} {
			a.honest(err)
			if kind(err) != standin.Unknown || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "/v2/") {
				t.Error(err)
			}
		}
	}
}

// endless is a body that does not end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	if e.read > 8*maxBody {
		return 0, io.EOF
	}
	return len(p), nil
}

func (e *endless) Close() error { return nil }

// TestEndless: of an answer without an end, no more is read than is looked at.
func TestEndless(t *testing.T) {
	body := &endless{}
	c := answering(t, 200, "", &bytes.Buffer{}, time.Now())
	c.HTTP.Transport = tripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusCreated, Body: body}, nil
	})
	if err := c.Send(t.Context(), mail, false); err == nil || !strings.Contains(err.Error(), "too large") || body.read > 2*maxBody {
		t.Errorf("%d bytes, %v", body.read, err)
	}
}

// TestSendRefuses: without an address or a reference nothing is asked at all.
func TestSendRefuses(t *testing.T) {
	for _, spoil := range []func(*Email){func(e *Email) { e.To = "" }, func(e *Email) { e.Reference = "" }} {
		e := mail
		spoil(&e)
		c := answering(t, 200, `{"notifications":[{"status":"delivered"}]}`, &bytes.Buffer{}, time.Now())
		if err := c.Send(t.Context(), e, true); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "needs an address and a reference") {
			t.Error(err)
		}
	}
}

// TestClock: Notify wants our time within 30 seconds, and an operator is told.
func TestClock(t *testing.T) {
	for _, row := range []struct {
		off  time.Duration
		kind standin.Meaning
	}{{0, standin.Fine}, {30 * time.Second, standin.Fine}, {-30 * time.Second, standin.Fine}, {31 * time.Second, standin.Refused}, {-31 * time.Second, standin.Refused}} {
		synctest.Test(t, func(t *testing.T) {
			a := newAPI(t)
			c := a.client(func(c *Config) { c.Now = func() time.Time { return time.Now().Add(row.off) } })
			err := c.Send(t.Context(), mail, false)
			a.honest(err)
			if kind(err) != row.kind || err != nil && !strings.Contains(err.Error(), "clock") {
				t.Errorf("%s off: %v", row.off, err)
			}
		})
	}
}

// TestKey: a key is read from its end.
func TestKey(t *testing.T) {
	for _, key := range []string{apiKey, "k-" + service + "-" + secret, service + "-" + service + "-" + secret} {
		if s, x, err := parseKey(key); s != service || x != secret || err != nil {
			t.Errorf("%q: %q %q %v", key, s, x, err)
		}
	}
	for _, key := range []string{"", secret, service + "-" + secret, "-" + service + "-" + secret, "k-" + service + secret, "k" + service + "-" + secret, "k-" + service + "_" + secret,
		"k_" + service + "-" + secret, apiKey + " ", apiKey + "\n", "k-" + strings.Replace(service, "2", "g", 1) + "-" + secret, "k-" + service + "-" + strings.Replace(secret, "3", "x", 1)} {
		if s, x, err := parseKey(key); err == nil || s != "" || x != "" || strings.Contains(err.Error(), "3d844edf") {
			t.Errorf("%q: %q %q %v", key, s, x, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, row := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.URL = "notify" }, "must be an address"},
		{func(c *Config) { c.URL = "https://user:pw@notify.example" }, "must be an address"},
		{func(c *Config) { c.URL = "https://notify.example?x" }, "must be an address"},
		{func(c *Config) { c.URL = "http://notify.example" }, "must be https"},
		{func(c *Config) { c.URL = "ftp://localhost" }, "must be https"},
		{func(c *Config) { c.APIKey = "" }, "API key"},
		{func(c *Config) { c.UserAgent = " " }, "user agent"},
		{func(c *Config) { c.Logger = nil }, "logger"},
	} {
		c := Config{APIKey: apiKey, UserAgent: agent, Logger: slog.New(slog.DiscardHandler)}
		row.change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
	for _, address := range []string{"", "https://notify.example/", "http://localhost:1", "http://127.0.0.1:1", "http://notify.localhost:1", "http://[::1]:1"} {
		if _, err := New(Config{APIKey: apiKey, URL: address, UserAgent: agent, Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestCheck: what is wrong with a template, and what to write instead.
func TestCheck(t *testing.T) {
	for _, row := range []struct {
		kind, subject, body string
		status              int
		means               standin.Meaning
		says                string
	}{
		{"email", "((service))", "((name)) ((trn)) ((sign_in_url)) ((name))", 200, standin.Fine, ""},
		{"email", "x", "((name)) ((trn??((trn)))) ((service??yes)) ((sign_in_url))", 200, standin.Fine, ""},
		{"email", "x", "((name)) ((service)) ((sign_in_url))", 200, standin.Refused, "write ((trn)) somewhere in it (it may have ((name)), ((trn)), ((service)), ((sign_in_url)), spelled like this"},
		{"email", "x", "((name)) ((TRN)) ((service)) ((sign_in_url))", 200, standin.Refused, `write ((trn)) somewhere in it; take out the placeholder "TRN", which we have no value for`},
		{"email", "((date)) ((date))", "((name)) ((trn)) ((service)) ((sign_in_url))", 200, standin.Refused, `template "` + template + `" of GOV.UK Notify: take out the placeholder "date", which we have no value for (it may`},
		{"sms", "x", "((name)) ((trn)) ((service)) ((sign_in_url))", 200, standin.Refused, "not for e-mail"},
		{"email", "x", "y", 404, standin.Refused, "check the template's id"},
		{"email", "x", "y", 400, standin.Refused, "check the template's id"},
		{"email", "x", "y", 403, standin.Refused, "check notify api_key"},
		{"email", "x", "y", 500, standin.Unknown, "status 500"},
	} {
		body := `{"id":"` + template + `","type":"` + row.kind + `","subject":"` + row.subject + `","body":"` + row.body + `"}`
		if row.status != 200 {
			body = `{"errors":[{"error":"ValidationError"}]}`
		}
		err := answering(t, row.status, body, &bytes.Buffer{}, time.Now()).Check(t.Context(), template, needs)
		if kind(err) != row.means || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s %s: %v", row.subject, row.body, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		for id, says := range map[string]string{template: "", strings.ToUpper(template): "ValidationError", service: "status 404", "x/../y": "ValidationError"} {
			if err := a.client().Check(t.Context(), id, needs); says == "" && err != nil || says != "" && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}

// FuzzAnswer: whatever Notify says, it has a meaning, quotes nothing, and nothing
// but an e-mail of ours counts as sent.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{"", "null", "{}", `{"id":"x","reference":"c1f7a3"}`, `{"notifications":[]}`, `{"notifications":[{"reference":"c1f7a3","status":"delivered"}]}`,
		`{"errors":[{"error":"TooManyRequestsError","message":"m"}]}`, `{"id":"` + template + `","type":"email","subject":"((name))","body":"((x??((y))))"}`} {
		for _, status := range []int{200, 201, 400, 403, 429, 500} {
			f.Add(status, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := &api{t: t}
		c := answering(t, status, body, &a.log, time.Now())
		sent := c.Send(t.Context(), mail, false)
		has, lookedUp := c.has(t.Context(), mail.Reference)
		checked := c.Check(t.Context(), template, needs)
		if sent == nil && (status != 201 || !strings.Contains(body, "c1f7a3") && !strings.Contains(body, `\u`)) {
			t.Errorf("%d %q is success", status, body)
		}
		if has && (status != 200 || lookedUp != nil) {
			t.Errorf("%d %q is an e-mail", status, body)
		}
		for _, err := range []error{sent, lookedUp, checked} {
			if later, is := errors.AsType[Later](err); is && (later.Wait <= 0 || later.Wait > 24*time.Hour || status != 429) {
				t.Errorf("%d %q: %v", status, body, err)
			}
			if err != nil && err != checked && len(body) > 16 && strings.Contains(err.Error(), body) {
				t.Errorf("%q is repeated: %v", body, err)
			}
		}
	})
}
