package support_test

import (
	"bytes"
	stdcmp "cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
)

const secret = "secret-marker"

// desk is a client and the stand-in it asks, with one clock.
type desk struct {
	t      *testing.T
	api    *zendesk.Server
	client *support.Zendesk
	log    bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func (d *desk) Now() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }

func (d *desk) advance(by time.Duration) { d.mu.Lock(); defer d.mu.Unlock(); d.now = d.now.Add(by) }

func newDesk(t *testing.T, config zendesk.Config, limit time.Duration) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)}
	config.ClientID, config.ClientSecret, config.Fields, config.Now, config.Stall = "a-client", secret, []int64{4419328659089}, d.Now, time.Hour
	var err error
	if d.api, err = zendesk.New(config); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d.api)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	d.client, err = support.NewZendesk(support.ZendeskConfig{
		URL: server.URL, ClientID: "a-client", ClientSecret: secret, UserAgent: "caddy-teaching-record/0.0",
		Tags: []string{"teaching_record"}, Fields: map[string]string{"4419328659089": "from_us"}, GroupID: 1, FormID: 2, BrandID: 3,
		HTTP: &http.Client{Transport: transport, Timeout: limit}, Now: d.Now, Logger: slog.New(slog.NewTextHandler(&d.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) play(play zendesk.Play) {
	d.t.Helper()
	if err := d.api.Play(play); err != nil {
		d.t.Fatal(err)
	}
}

var ticket = support.Ticket{
	Reference: "7K2M-9QXA", Key: "6f1c1f0e-2a5b-5c3d-8e4f-0123456789ab", Service: "Access your teaching qualifications",
	Plea: journey.Plea{Reason: journey.NotFound,
		Identity: journey.Identity{Names: []journey.Name{{Given: []string{"Prunella\n{{ticket.id}}"}, Family: []string{"Wintergreen"}}}, BirthDates: []string{"1984-03-02"}},
		Email:    "prunella@people.example", Stated: journey.Stated{NINO: "QQ123456C"}}, Opened: time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC),
}

// kind says how an attempt ended.
func kind(err error) string {
	var later support.Later
	switch {
	case err == nil:
		return "fine"
	case errors.Is(err, support.ErrRefused):
		return "refused"
	case errors.As(err, &later):
		return "later"
	}
	return "unknown"
}

// want is how the first attempt ends that meets a fault, where it is neither
// tolerable nor leaves the outcome unknown.
var want = map[string]string{
	"400": "refused", "403": "refused", "403-firewall": "refused", "404": "refused", "404-page": "refused", "409": "refused", "422": "refused", "422-text": "refused",
	"429": "later", "429-retry-after": "later", "429-retry-after-years": "later", "429-retry-after-nonsense": "later",
}

// renewed are the faults after which a new token is had, where it is not the
// token itself that is refused.
var renewed = map[string]bool{"401": true, "401-text": true}

// TestOneTicket: whatever goes wrong at whatever endpoint, attempts until one
// succeeds and one more, at once or hours apart, leave one ticket, and every
// attempt that succeeds gives its number.
func TestOneTicket(t *testing.T) {
	for _, f := range zendesk.Faults() {
		for _, at := range []zendesk.Endpoint{zendesk.AtToken, zendesk.AtCreate, zendesk.AtFind} {
			if f.At != nil && !slices.Contains(f.At, at) {
				continue
			}
			for pace, apart := range map[string]time.Duration{"at once": time.Second, "hours apart": 3 * time.Hour} {
				t.Run(f.Name+" at "+string(at)+" "+pace, func(t *testing.T) {
					if f.Name == "list-behind" && apart > time.Hour {
						return // no index is behind for hours; see TestIndexBehind
					}
					t.Parallel()
					limit := time.Minute
					if strings.Contains(f.Name, "slow") {
						limit = 250 * time.Millisecond
					}
					d := newDesk(t, zendesk.Config{}, limit)
					d.play(zendesk.Play{Fault: f.Name, Endpoint: at, Every: strings.HasSuffix(f.Name, "refused")})
					again := at == zendesk.AtFind // which only a repeated attempt asks
					if again {
						if _, err := d.client.Open(t.Context(), ticket, false); err != nil {
							t.Fatal(err)
						}
						d.advance(apart)
					}
					first, err := d.client.Open(t.Context(), ticket, again)
					expected := stdcmp.Or(want[f.Name], "unknown")
					switch {
					case f.Tolerable, renewed[f.Name] && at != zendesk.AtToken, f.Name == "token-worthless":
						expected = "fine"
					case renewed[f.Name]:
						expected = "refused"
					}
					if got := kind(err); got != expected {
						t.Errorf("the attempt ended %s (%v), want %s", got, err, expected)
					}
					d.quiet(err)
					d.api.StopFaults()
					for range 2 {
						d.advance(apart)
						id, err := d.client.Open(t.Context(), ticket, true)
						if err != nil || first != "" && id != first {
							t.Fatalf("then %q (%v), at first %q", id, err, first)
						}
						first = id
					}
					if tickets := d.api.Tickets(); len(tickets) != 1 {
						t.Errorf("%d tickets", len(tickets))
					}
					if violations := d.api.Record().Violations; len(violations) != 0 && f.Name != "token-worthless" {
						t.Errorf("%+v", violations)
					}
				})
			}
		}
	}
}

func (d *desk) quiet(err error) {
	d.t.Helper()
	said := d.log.String()
	if err != nil {
		said += err.Error()
	}
	for _, marker := range []string{"uoted", "runella", "7K2M", "56C", "1984", secret, "people.example", "/api/", "/oauth/"} {
		if strings.Contains(said, marker) {
			d.t.Errorf("%q is told: %s", marker, said)
		}
	}
}

// TestIndexBehind: a list that does not have the ticket yet makes no second one,
// as the key is still known.
func TestIndexBehind(t *testing.T) {
	d := newDesk(t, zendesk.Config{Lag: 10 * time.Minute}, time.Minute)
	d.play(zendesk.Play{Fault: "created-500"})
	for i, apart := range []time.Duration{time.Second, 30 * time.Second, 5 * time.Minute, 2 * time.Hour, 48 * time.Hour} {
		if _, err := d.client.Open(t.Context(), ticket, i > 0); (err != nil) != (i == 0) {
			t.Errorf("attempt %d: %v", i, err)
		}
		d.advance(apart)
	}
	if tickets := d.api.Tickets(); len(tickets) != 1 || d.api.Record().Repeated != 2+1 {
		t.Errorf("%d tickets, %+v", len(tickets), d.api.Record())
	}
}

// TestLostForHours: attempts that come to nothing for hours, then one whose answer
// is lost, then one that does not know.
func TestLostForHours(t *testing.T) {
	d := newDesk(t, zendesk.Config{}, time.Minute)
	d.play(zendesk.Play{Fault: "503", Every: true, Endpoint: zendesk.AtCreate})
	for i := range 5 {
		if _, err := d.client.Open(t.Context(), ticket, i > 0); kind(err) != "unknown" {
			t.Error(err)
		}
		d.advance(time.Hour)
	}
	d.api.StopFaults()
	d.play(zendesk.Play{Fault: "dropped", Endpoint: zendesk.AtCreate})
	if _, err := d.client.Open(t.Context(), ticket, true); kind(err) != "unknown" || len(d.api.Tickets()) != 1 {
		t.Errorf("%v, %d tickets", err, len(d.api.Tickets()))
	}
	for _, apart := range []time.Duration{time.Minute, 150 * time.Minute} {
		d.advance(apart)
		if id, err := d.client.Open(t.Context(), ticket, true); id != "40001" || err != nil {
			t.Errorf("%q %v", id, err)
		}
	}
	if tickets := d.api.Tickets(); len(tickets) != 1 {
		t.Errorf("%d tickets", len(tickets))
	}
}

// TestChangedMeanwhile: a ticket was opened unnoticed, and the configuration has
// changed since: the key is refused, and the ticket found as soon as it is listed.
func TestChangedMeanwhile(t *testing.T) {
	d := newDesk(t, zendesk.Config{Lag: time.Minute}, time.Minute)
	d.play(zendesk.Play{Fault: "created-504"})
	_, first := d.client.Open(t.Context(), ticket, false)
	d.client.ShowNINO = true
	_, second := d.client.Open(t.Context(), ticket, true)
	d.advance(time.Minute)
	id, third := d.client.Open(t.Context(), ticket, true)
	if diff := cmp.Diff([]string{"unknown", "unknown", "fine"}, []string{kind(first), kind(second), kind(third)}); diff != "" || id != "40001" || len(d.api.Tickets()) != 1 {
		t.Errorf("%s %q, %d tickets", diff, id, len(d.api.Tickets()))
	}
}

// TestTicketInZendesk: what staff see.
func TestTicketInZendesk(t *testing.T) {
	d := newDesk(t, zendesk.Config{}, time.Minute)
	id, err := d.client.Open(t.Context(), ticket, false)
	want := zendesk.Ticket{
		ID: 40001, Subject: ticket.Title(), Body: ticket.Body(false), ExternalID: ticket.Reference,
		Requester: zendesk.Requester{Name: "Prunella ((ticket.id)) Wintergreen", Email: ticket.Email}, Tags: []string{"teaching_record"},
		Fields: []zendesk.Field{{ID: 4419328659089, Value: "from_us"}}, GroupID: 1, FormID: 2, BrandID: 3, Status: zendesk.StatusNew, At: d.Now(),
	}
	if diff := cmp.Diff([]zendesk.Ticket{want}, d.api.Tickets()); diff != "" || id != "40001" || err != nil {
		t.Errorf("%q %v %s", id, err, diff)
	}
	states := []bool{}
	look := func() {
		t.Helper()
		open, err := d.client.State(t.Context(), id)
		if states = append(states, open); err != nil {
			t.Error(err)
		}
	}
	look()
	_ = d.api.Solve(40001) // it is there: see above
	look()
	_ = d.api.Delete(40001)
	look()
	if diff := cmp.Diff([]bool{true, false, false}, states); diff != "" {
		t.Error(diff)
	}
}

// TestStateFaults: a fault is never taken for a ticket that is solved, nor for
// one that is not.
func TestStateFaults(t *testing.T) {
	for _, f := range zendesk.Faults() {
		if f.At != nil && !slices.Contains(f.At, zendesk.AtShow) {
			continue
		}
		limit := time.Minute
		if strings.Contains(f.Name, "slow") {
			limit = 250 * time.Millisecond
		}
		d := newDesk(t, zendesk.Config{}, limit)
		id, err := d.client.Open(t.Context(), ticket, false)
		if err != nil {
			t.Fatal(err)
		}
		d.play(zendesk.Play{Fault: f.Name, Endpoint: zendesk.AtShow, Every: true})
		open, err := d.client.State(t.Context(), id)
		if open != f.Tolerable || (err == nil) != f.Tolerable {
			t.Errorf("%s: %v %v", f.Name, open, err)
		}
		d.quiet(err)
	}
}

// TestTokensAtZendesk: one is enough for many tickets, and one that expired or was
// revoked is renewed unnoticed.
func TestTokensAtZendesk(t *testing.T) {
	d := newDesk(t, zendesk.Config{TokenLife: 5 * time.Minute}, time.Minute)
	check := func(hits int) {
		t.Helper()
		if err := d.client.Check(t.Context()); err != nil || d.api.Record().Hits[zendesk.AtToken] != hits {
			t.Errorf("%v, %d tokens", err, d.api.Record().Hits[zendesk.AtToken])
		}
	}
	check(1)
	d.advance(4*time.Minute - time.Second)
	check(1)
	d.advance(2 * time.Second)
	check(2)
	if violations := d.api.Record().Violations; len(violations) != 0 {
		t.Errorf("%+v", violations)
	}
	d.api.RevokeTokens()
	check(3)
}

// TestCheckRefused: a wrong secret is for the operator.
func TestCheckRefused(t *testing.T) {
	d := newDesk(t, zendesk.Config{}, time.Minute)
	d.client.ClientSecret = "another-marker"
	err := d.client.Check(t.Context())
	if kind(err) != "refused" || !strings.Contains(err.Error(), "invalid_client") || !strings.Contains(d.log.String(), "level=ERROR") || strings.Contains(err.Error()+d.log.String(), "another-marker") {
		t.Errorf("%v %s", err, d.log.String())
	}
}
