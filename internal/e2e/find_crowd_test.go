package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// away is one of many who are at Find a lost TRN.
type away struct {
	n         int
	id        string // of the visit
	journeyID string
	trn       string // what Find finds
}

// theirs reports whether the TRN is of a record that is theirs: of every second.
func (a away) theirs() bool { return a.n%2 == 0 }

// family is a name that no two of them share, and no log may have.
func (a away) family() string {
	letters := ""
	for n := a.n; len(letters) < 3; n /= 26 {
		letters += string(rune('A' + n%26))
	}
	return "ZWXQ" + letters
}

// TestCrowdAtFind: a thousand people on two replicas, of whom Find tells and who
// come back all at once, over 64 connections. Nothing is lost, and nobody gets what
// is somebody else's.
func TestCrowdAtFind(t *testing.T) {
	t.Parallel()
	const many = 1000
	crowd := make([]away, many)
	var records []map[string]string
	for n := range crowd {
		a := away{n: n, journeyID: uuid.NewString(), trn: fmt.Sprint(2000000 + n)}
		if crowd[n] = a; a.theirs() {
			records = append(records, map[string]string{"trn": a.trn, "firstName": "Ada", "lastName": a.family(), "dateOfBirth": "1980-02-03"})
		}
	}
	s := start(t, finding, func(s *stack) {
		file, err := json.Marshal(map[string]any{"people": records})
		must(t, err)
		write(t, s.env["PEOPLE_FILE"], string(file))
	})
	replicas := []*stack{s, s.replica(t)}

	// They have left: as the module keeps visits and trips.
	kept := s.store()
	trips := store.FilesOf[journey.Handover](kept, store.Handovers).Of(s.site)
	for n := range crowd {
		a := &crowd[n]
		state := journey.State{
			Service: s.site + " " + s.env["ONE_LOGIN_ISSUER"], Browser: "browser of " + a.journeyID, Created: time.Now(),
			Subject: "urn:fdc:gov.uk:2022:" + a.journeyID, Email: a.journeyID + "@people.example", Verification: journey.Verified,
			Identity: journey.Identity{Names: []journey.Name{{Given: []string{"ADA"}, Family: []string{a.family()}}}, BirthDates: []string{"1980-02-03"}},
			NINO:     journey.Answer{Given: true}, TRN: journey.Answer{Given: true}, ReturnTo: "/records",
		}
		var err error
		a.id, err = kept.Create(t.Context(), state)
		must(t, err)
		_, err = trips.Change(t.Context(), a.journeyID, func(journey.Handover, bool) (journey.Handover, error) {
			return journey.Handover{Browser: state.Browser, Left: time.Now()}, nil
		})
		must(t, err)
	}

	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxConnsPerHost: 32, MaxIdleConnsPerHost: 32},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	send := func(a away, method, address string, body []byte, header ...string) (status int, location string) {
		req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Errorf("%d: %v", a.n, err)
			return 0, ""
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, resp.Header.Get("Location")
	}
	var all sync.WaitGroup
	ready := make(chan struct{})
	for n, a := range crowd {
		all.Go(func() {
			<-ready
			claim, _ := json.Marshal(map[string]string{"officialFirstName": "Ada", "officialLastName": a.family(), "dateOfBirth": "1980-02-03", "trn": a.trn})
			told, back := replicas[n%2], replicas[n/2%2]
			if status, _ := send(a, http.MethodPut, told.site+"/api/find-trn/user/"+a.journeyID, claim,
				"Authorization", "Bearer "+s.env["FIND_API_KEY"], "Content-Type", "application/json"); status != http.StatusNoContent {
				t.Errorf("%d: Find was answered %d", n, status)
				return
			}
			to := s.site + map[bool]string{true: connectedPage, false: checkPage}[a.theirs()]
			if status, location := send(a, http.MethodGet, back.site+findBack+"?journey="+a.journeyID, nil,
				"Cookie", "teaching-record="+a.id, "Sec-Fetch-Mode", "navigate"); status != http.StatusSeeOther || location != to {
				t.Errorf("%d: back, %d %s", n, status, location)
			}
		})
	}
	close(ready)
	all.Wait()

	for _, a := range crowd {
		state, found, err := kept.Load(t.Context(), a.id)
		must(t, err)
		if !found || a.theirs() && state.Record.TRN != a.trn || !a.theirs() && (state.Record.TRN != "" || state.Finding != journey.Finding{Over: true, TRN: a.trn}) {
			t.Errorf("%d: %v, the record %q, the finding %+v, want %s", a.n, found, state.Record.TRN, state.Finding, a.trn)
		}
		link, linked, err := kept.Link(t.Context(), s.env["ONE_LOGIN_ISSUER"], state.Subject)
		must(t, err)
		if linked != a.theirs() || linked && link.TRN != a.trn {
			t.Errorf("%d: linked to %q, want %s", a.n, link.TRN, a.trn)
		}
	}
	over := 0
	must(t, trips.Each(t.Context(), func(_ string, h journey.Handover) error {
		if h.Closed && h.Claim == (journey.Claim{}) {
			over++
		}
		return nil
	}))
	if over != many {
		t.Errorf("%d trips are over and forgotten, want %d", over, many)
	}
	s.logsNone(t, "ZWXQ")
}
