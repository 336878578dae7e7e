package trs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standin "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

// standIn is a stand-in with the people, and a client of it that waits little and
// forgets a 429 when told to.
func standIn(t *testing.T, people string) (*standin.Server, *Client, *syncBuffer, func()) {
	t.Helper()
	api, err := standin.New(standin.Config{People: []byte(people), APIKey: apiKey, Stall: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	log := &syncBuffer{}
	var later atomic.Int64
	c, err := New(Config{
		URL: server.URL, APIKey: apiKey, UserAgent: agent, Logger: slog.New(slog.NewTextHandler(log, nil)),
		HTTP: &http.Client{Transport: transport, Timeout: 3 * time.Second},
		Now:  func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return api, c, log, func() { later.Add(int64(3 * time.Minute)) }
}

// TestRequestsThroughFaults plays every fault at each of the two endpoints, once
// and every time. Whatever happens, there is one request and one record in the
// end, nobody was told "no", and the next try tells how the request stands.
func TestRequestsThroughFaults(t *testing.T) {
	prunella := `{"people": [{"trn": "7300001", "firstName": "Prunella", "lastName": "Wintergreen", "dateOfBirth": "1984-03-02"}]}`
	for _, people := range []struct {
		name, file string
		want       journey.Allocation
	}{
		{"new", `{"people": []}`, completed("5000001")},
		{"waiting", prunella, journey.Allocation{Status: journey.Pending}},
	} {
		var all sync.WaitGroup
		room := make(chan bool, 16) // most of the time is spent waiting
		for _, fault := range standin.Faults() {
			for _, at := range []standin.Endpoint{standin.AtCreate, standin.AtRequest} {
				for _, every := range []bool{false, true} {
					if fault.At != nil && !slices.Contains(fault.At, at) {
						continue
					}
					api, c, log, later := standIn(t, people.file)
					play := standin.Play{Fault: fault.Name, Endpoint: at, Every: every}
					if err := api.Play(play); err != nil {
						t.Fatal(err)
					}
					all.Go(func() {
						room <- true
						defer func() { <-room }()
						for _, complaint := range survives(t.Context(), api, c, later, play, people.want) {
							t.Errorf("%s: %s at %s, every time: %t: %s", people.name, fault.Name, at, every, complaint)
						}
						for _, marker := range []string{"id-marker", "subject-marker", "runella", "intergreen", "1984", "QQ123456C", "5000001", apiKey} {
							if strings.Contains(log.String(), marker) {
								t.Errorf("%s at %s: %q is in the log", fault.Name, at, marker)
							}
						}
					})
				}
			}
		}
		all.Wait()
	}
}

// survives asks for a TRN and how the request stands while the fault is played,
// and again when it is over, and says what was wrong.
func survives(ctx context.Context, api *standin.Server, c *Client, later func(), play standin.Play, want journey.Allocation) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	r := asking
	r.NINO = ""
	// What is taken for undecided is asked about again.
	undecided := play.Fault == "status-dormant" || play.Fault == "status-unknown"
	right := func(got journey.Allocation) bool {
		return got == want || undecided && got.Status == journey.Pending
	}
	told := func(what string, got journey.Allocation, err error) {
		switch {
		case err == nil && !right(got):
			complain("%s is %v", what, got)
		case errors.Is(err, journey.ErrNoRequest), errors.Is(err, journey.ErrRefusedApplication):
			complain("%s: %v", what, err)
		case err != nil && journey.TroubleIn(err) != journey.NoRegister:
			complain("%s carries no trouble: %v", what, err)
		case err != nil && got != (journey.Allocation{}):
			complain("%s is %v with %v", what, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "marker") || strings.Contains(err.Error(), "1984") || strings.Contains(err.Error(), "intergreen")) {
			complain("the error says whose it is: %v", err)
		}
	}
	got, err := c.RequestTRN(ctx, r)
	told("the answer", got, err)
	turnedAway := slices.ContainsFunc([]string{"401", "403", "429", "untaken-429"}, func(s string) bool { return strings.HasPrefix(play.Fault, s) })
	neverTaken := play.Every && strings.Contains(play.Fault, "untaken")
	if err != nil && play.Endpoint == standin.AtCreate && !turnedAway && !neverTaken {
		complain("the other endpoint, which is well, was not asked: %v", err)
	}
	if len(api.Requests()) == 1 {
		later()
		got, err = c.TRNRequest(ctx, r.ID)
		told("how it stands", got, err)
	}
	api.StopFaults()
	later()
	if got, err := c.RequestTRN(ctx, r); err != nil || got != want {
		complain("then the answer is %v, %v", got, err)
	}
	if got, err := c.TRNRequest(ctx, r.ID); err != nil || got != want {
		complain("then it stands as %v, %v", got, err)
	}
	made := 0
	for _, record := range api.Records() {
		if strings.HasPrefix(record.TRN, "5") {
			made++
		}
	}
	if requests := len(api.Requests()); requests != 1 || made > 1 || want.TRN != "" && made != 1 {
		complain("there are %d requests, and %d records were made", requests, made)
	}
	if v := api.Record().Violations; len(v) > 0 {
		complain("rules were broken: %+v", v)
	}
	return wrong
}

// TestRequestsAtOnce: ten tabs and two replicas make one request.
func TestRequestsAtOnce(t *testing.T) {
	api, c, _, _ := standIn(t, `{"people": []}`)
	var tabs sync.WaitGroup
	for range 10 {
		tabs.Go(func() {
			if got, err := c.RequestTRN(t.Context(), asking); err != nil || got != completed("5000001") {
				t.Error(got, err)
			}
		})
	}
	tabs.Wait()
	if all := api.Requests(); len(all) != 1 {
		t.Errorf("%d requests", len(all))
	}
}

// TestRequestsDecided: what support staff decide is told, and what the API does
// not take is for people.
func TestRequestsDecided(t *testing.T) {
	api, c, log, _ := standIn(t, `{"people": [{"trn": "7300001", "firstName": "Prunella", "lastName": "Wintergreen", "dateOfBirth": "1984-03-02"}]}`)
	for id, tt := range map[string]struct {
		decide func(id string) error
		want   journey.Allocation
	}{
		"old":      {func(id string) error { return api.ResolveRequest(id, "7300001") }, completed("7300001")},
		"new":      {func(id string) error { return api.ResolveRequest(id, "") }, completed("5000001")},
		"rejected": {api.RejectRequest, journey.Allocation{Status: journey.Rejected}},
	} {
		r := asking
		r.ID, r.Subject, r.NINO = id, "urn:"+id, ""
		if got, err := c.RequestTRN(t.Context(), r); err != nil || got.Status != journey.Pending {
			t.Error(got, err)
		}
		if err := tt.decide(id); err != nil {
			t.Error(err)
		}
		for _, ask := range []func() (journey.Allocation, error){
			func() (journey.Allocation, error) { return c.TRNRequest(t.Context(), id) },
			func() (journey.Allocation, error) { return c.RequestTRN(t.Context(), r) },
		} {
			if got, err := ask(); err != nil || got != tt.want {
				t.Errorf("%s: %v, %v", id, got, err)
			}
		}
	}
	for what, spoil := range map[string]func(*journey.TRNRequest){
		"a birthday to come":  func(r *journey.TRNRequest) { r.BirthDate = "2984-03-02" },
		"no last name":        func(r *journey.TRNRequest) { r.LastName = "" },
		"an address that was": func(r *journey.TRNRequest) { r.Email = "wintergreen" },
	} {
		r := asking
		r.ID = "refused"
		spoil(&r)
		got, err := c.RequestTRN(t.Context(), r)
		if !errors.Is(err, journey.ErrRefusedApplication) || got != (journey.Allocation{}) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		saysNothing(t, log.String(), err)
	}
	if _, err := c.TRNRequest(t.Context(), "refused"); !errors.Is(err, journey.ErrNoRequest) {
		t.Error(err)
	}
}

// kept is a ledger for one test.
type kept struct{ text []byte }

func (k *kept) Read(context.Context, string) ([]byte, error) { return bytes.Clone(k.text), nil }

func (k *kept) Update(_ context.Context, _ string, f func([]byte) ([]byte, error)) error {
	text, err := f(bytes.Clone(k.text))
	if err == nil {
		k.text = text
	}
	return err
}

// TestRequestParity puts the known answers about requests to both registers, as
// far as a request of ours can put them: it tells no gender, and who is linked is
// not asked for.
func TestRequestParity(t *testing.T) {
	text, err := os.ReadFile("../testdata/matching.json")
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		TRNRequestMatch []struct {
			ID      string
			Records []json.RawMessage
			Input   struct{ FirstName, MiddleName, LastName, DateOfBirth, NINO, Email string }
		}
	}
	if err := json.Unmarshal(text, &known); err != nil || len(known.TRNRequestMatch) == 0 {
		t.Fatalf("%d rows, %v", len(known.TRNRequestMatch), err)
	}
	for _, row := range known.TRNRequestMatch {
		people, err := json.Marshal(map[string]any{"people": row.Records})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "people.json")
		if err := os.WriteFile(file, people, 0o600); err != nil {
			t.Fatal(err)
		}
		embedded, err := register.Open(file, register.Config{
			Logger: slog.New(slog.DiscardHandler), Now: time.Now, Ledger: &kept{}, TRNs: register.Range{First: "5000001", Last: "5999999"},
		})
		if err != nil {
			t.Fatal(err)
		}
		api, c, _, _ := standIn(t, string(people))
		r := journey.TRNRequest{ID: row.ID, Subject: "urn:" + row.ID, Application: journey.Application{
			FirstName: row.Input.FirstName, MiddleName: row.Input.MiddleName, LastName: row.Input.LastName,
			BirthDate: row.Input.DateOfBirth, NINO: row.Input.NINO, Email: row.Input.Email,
		}}
		want, err := embedded.RequestTRN(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.RequestTRN(t.Context(), r)
		if err != nil || got != want {
			t.Errorf("%s: the API: %v, %v; embedded: %v", row.ID, got, err, want)
		}
		if v := api.Record().Violations; len(v) > 0 {
			t.Errorf("%s: the API's rules were broken: %+v", row.ID, v)
		}
	}
}
