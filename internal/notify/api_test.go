package notify

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	standin "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
)

const (
	service  = "26785a09-ab16-4eb0-8407-a37497a57506"
	secret   = "3d844edf-8d35-48ac-975b-e847b4f122b0"
	apiKey   = "key-with-hyphens-" + service + "-" + secret
	agent    = "caddy-teaching-record/0.0 (+https://teaching.example.gov.uk)"
	template = "9d751e0e-f929-4891-82a1-a3e1c3c18ee3"
)

// needs are the placeholders of the template.
var needs = []string{"name", "trn", "service", "sign_in_url"}

// mail is one whose every value can be found again where it must not be.
var mail = Email{
	To: "wintergreen@people.example", Template: template, Reference: "c1f7a3",
	Personalisation: map[string]string{"name": "Prunella [Hazel](https://evil.example/x)", "trn": "7300001", "service": "Access your qualifications", "sign_in_url": "https://teaching.example.gov.uk/"},
	Sanitise:        []string{"name"},
}

// api is a Notify to write to, over connections that need no network, so that
// tests can run in a bubble where time is the test's.
type api struct {
	*standin.Server
	t    *testing.T
	http *http.Client
	log  syncBuffer
}

func newAPI(t *testing.T) *api {
	t.Helper()
	server, err := standin.New(standin.Config{APIKey: apiKey, Templates: []standin.Template{{
		ID: template, Name: "TRN allocated", Subject: "Your teacher reference number",
		Body: "Dear ((name))\n\nYour TRN is ((trn)). Sign in to ((service)): ((sign_in_url))",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, server, server)
}

// serve puts a handler where clients ask.
func serve(t *testing.T, server *standin.Server, handler http.Handler) *api {
	t.Helper()
	connections := make(pipes)
	web := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go web.Serve(connections)
	transport := &http.Transport{DialContext: connections.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		web.Close()
	})
	return &api{Server: server, t: t, http: &http.Client{Transport: transport}}
}

func (a *api) client(change ...func(*Config)) *Client {
	a.t.Helper()
	c := Config{APIKey: apiKey, URL: "http://localhost/", UserAgent: agent, HTTP: a.http, Logger: slog.New(slog.NewTextHandler(&a.log, nil))}
	for _, f := range change {
		f(&c)
	}
	client, err := New(c)
	if err != nil {
		a.t.Fatal(err)
	}
	return client
}

func (a *api) play(fault string, at standin.Endpoint, every bool) {
	a.t.Helper()
	if err := a.Play(standin.Play{Fault: fault, Endpoint: at, Every: every}); err != nil {
		a.t.Fatal(err)
	}
}

// last is the e-mail sent last.
func (a *api) last() standin.Message {
	a.t.Helper()
	all := a.Inbox()
	if len(all) == 0 {
		a.t.Fatal("no e-mail")
	}
	return all[len(all)-1]
}

// kind is which of the three an error is.
func kind(err error) standin.Meaning {
	later, isLater := errors.AsType[Later](err)
	switch {
	case err == nil:
		return standin.Fine
	case errors.Is(err, ErrRefused):
		return standin.Refused
	case isLater && later.Wait > 0 && later.Wait <= 24*time.Hour:
		return standin.Later
	}
	return standin.Unknown
}

// honest checks that neither err nor the log says anything it must not.
func (a *api) honest(err error) {
	a.t.Helper()
	said := a.log.String()
	if err != nil {
		said += err.Error()
	}
	for _, marker := range []string{mail.To, "Prunella", "evil.example", "7300001", "teaching.example.gov.uk", secret, service, "eyJ", "Dear"} {
		if strings.Contains(said, marker) {
			a.t.Errorf("%q is said: %.500s", marker, said)
		}
	}
}

// pipes are connections within the process.
type pipes chan net.Conn

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { close(p); return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// tripper answers without a server.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a client to whom everything is answered alike.
func answering(t testing.TB, status int, body string, log io.Writer, now time.Time) *Client {
	t.Helper()
	client, err := New(Config{APIKey: apiKey, UserAgent: agent, Logger: slog.New(slog.NewTextHandler(log, nil)), Now: func() time.Time { return now },
		HTTP: &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
