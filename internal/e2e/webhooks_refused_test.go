package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Webhooks that must not be taken, and some that cannot be taken yet.

// TestForgedWebhooks: every forgery is refused, counted, and changes nothing; all
// that is only odd is taken. A forgery tells the opposite of what is so.
func TestForgedWebhooks(t *testing.T) {
	t.Parallel()
	const theirs = "7381046"
	s := startTRS(t)
	v := s.teacher(t)
	v.open("/records").choose("known").at("/records")
	s.tells(t, "Disconnect from any record", "person", "known")
	s.tells(t, "Connect to the record", "person", "known", "trn", theirs)
	links := s.store()
	linked := func() journey.Link {
		link, _, err := links.Link(t.Context(), s.env["ONE_LOGIN_ISSUER"], subjectOf(t, "known"))
		must(t, err)
		return link
	}
	before, trn, refused := linked(), theirs, map[string]int{} // by kind, as they are counted
	if v.shown() != trn || before.TRN != trn {
		t.Fatal("not connected to begin with")
	}
	for _, f := range trs.Forgeries() {
		status, answer, err := s.TRS.Forge(f.Name)
		must(t, err)
		want := http.StatusNoContent
		switch f.Want {
		case trs.Refused:
			want = http.StatusUnauthorized
			kind := "none"
			if strings.HasPrefix(f.Name, "replay") { // it was signed by whom it should be
				kind = "link-changed"
			}
			refused[kind]++
			var problem struct{ Status int }
			if json.Unmarshal([]byte(answer), &problem) != nil || problem.Status != want {
				t.Errorf("%s: the answer is %q", f.Name, answer)
			}
		case trs.Believed:
			if trn == "" {
				trn = theirs
			} else {
				trn = ""
			}
		}
		if status != want {
			t.Errorf("%s: %d, want %d", f.Name, status, want)
		}
		if f.Want == trs.Believed {
			v.open("/records") // who was not through yet goes through by a page, not by a script
		}
		if shown := v.shown(); shown != trn {
			t.Fatalf("%s: the service sees %q, want %q", f.Name, shown, trn)
		}
		after := linked()
		if f.Want == trs.Believed {
			before = after
		}
		if diff := cmp.Diff(before, after); diff != "" || after.TRN != trn {
			t.Fatalf("%s: the link (-before +after)\n%s", f.Name, diff)
		}
	}
	for kind, n := range refused {
		s.counts(t, kind, "refused", n)
	}
	s.counts(t, "link-changed", "again", 1)

	resp := s.raw(t, rawRequest{method: "POST", target: "/teaching-record/webhooks/trs", header: []string{"Content-Length: 2"}, body: "{}"})
	if resp.status != http.StatusUnauthorized || !strings.Contains(resp.head, "Content-Type: application/problem+json") || !strings.Contains(resp.head, "Www-Authenticate: Signature") {
		t.Errorf("a stranger got %d\n%s", resp.status, resp.head)
	}
	s.counts(t, "none", "refused", refused["none"]+1)
}

// counts checks how many events there were of a kind and with an outcome.
func (s *stack) counts(t *testing.T, kind, outcome string, want int) {
	t.Helper()
	if got := s.metric(t, fmt.Sprintf("teaching_record_register_events_total{kind=%q,outcome=%q}", kind, outcome)); got != strconv.Itoa(want) {
		t.Errorf("events %s, %s: %q, want %d", kind, outcome, got, want)
	}
}

// TestWebhooksAfterAnOutage: what happened while the site, or its Redis, was away
// is told when it is back, and takes effect.
func TestWebhooksAfterAnOutage(t *testing.T) {
	t.Parallel()
	s := startTRS(t)
	v := s.teacher(t)
	v.open("/records").choose("found-by-nino").at(ninoPage)

	s.caddy.stop()
	s.changes(t, "Connect to the record", "person", "found-by-nino", "trn", "7382593")
	s.await("an attempt", func() bool { return len(s.answers()) > 0 })
	s.startCaddy()
	s.await("the webhook to be delivered", s.told)
	if got := s.answers(); got[0] != 0 || got[len(got)-1] != http.StatusNoContent {
		t.Errorf("the site was away: the answers are %v", got)
	}
	v.open("/records").at("/records").sees(http.StatusOK, "signed in")

	s.refuseRedis(t, true)
	s.changes(t, "Disconnect from any record", "person", "found-by-nino")
	s.await("an attempt", func() bool { return len(s.answers()) > 0 })
	s.refuseRedis(t, false)
	s.await("the webhook to be delivered", s.told)
	if got := s.answers(); got[0] != http.StatusServiceUnavailable || got[len(got)-1] != http.StatusNoContent {
		t.Errorf("Redis was away: the answers are %v", got)
	}
	v.open("/records").at(ninoPage)
}

// TestKeysOfWebhooks: while the keys cannot be had no webhook is taken, and a new
// key is fetched when it is first used; either way the event is delivered again.
// Two sites side by side, because keys are fetched once a minute at most.
func TestKeysOfWebhooks(t *testing.T) {
	t.Parallel()
	down, rotated := startTRS(t), startTRS(t)
	must(t, down.TRS.Play(trs.Play{Fault: "503", Every: true, Endpoint: trs.AtKeys}))
	rotated.tells(t, "Send a ping")
	rotated.changes(t, "Sign with a new key")

	first := map[*stack]int{down: http.StatusServiceUnavailable, rotated: http.StatusUnauthorized}
	visitors := map[*stack]*teacher{}
	for s, status := range first {
		v := s.teacher(t)
		v.open("/records").choose("known").at("/records")
		s.changes(t, "Disconnect from any record", "person", "known")
		s.await("an attempt", func() bool { return len(s.answers()) > 0 })
		if got, shown := s.answers()[0], v.shown(); got != status || shown != "7381046" {
			t.Errorf("answered %d, want %d; the service sees %q", got, status, shown)
		}
		visitors[s] = v
	}
	down.TRS.StopFaults()
	for s, v := range visitors {
		s.within(90*time.Second, "the webhook to be delivered", s.told)
		if got, shown := s.answers(), v.shown(); got[len(got)-1] != http.StatusNoContent || shown != "" {
			t.Errorf("the answers are %v; the service sees %q", got, shown)
		}
		if hits := s.TRS.Record().Hits[trs.AtKeys]; hits != 2 {
			t.Errorf("the keys were fetched %d times, want 2", hits)
		}
	}
}
