package e2e

import (
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
)

// TestFindWithoutRedis: while it is away everybody is told so, and afterwards the
// trip goes on where it was.
func TestFindWithoutRedis(t *testing.T) {
	t.Parallel()
	s := start(t, finding)
	v := s.teacher(t).forgets("lost-trn")
	id := v.journeyID()
	for name, outage := range map[string]struct{ begin, end func() }{
		"hanging":  {func() { s.redis.Process.Signal(syscall.SIGSTOP) }, func() { s.redis.Process.Signal(syscall.SIGCONT) }},
		"refusing": {func() { s.refuseRedis(t, true) }, func() { s.refuseRedis(t, false) }},
	} {
		outage.begin()
		got := s.says(t, id, claimOf("7380659"))
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.head, "Content-Type: application/problem+json\r\n") || !strings.Contains(got.head, "Retry-After: ") {
			t.Errorf("%s: Find was answered %d\n%s", name, got.status, got.head)
		}
		if got := s.says(t, id, claimOf("7380659"), "Content-Type: application/json").status; got != http.StatusUnauthorized {
			t.Errorf("%s: without a key, %d", name, got)
		}
		for _, path := range []string{findPage, findBack + "?journey=" + id} {
			if v.open(path).sees(http.StatusServiceUnavailable, "Sorry, we cannot check if you are signed in"); v.cookie() == "" {
				t.Errorf("%s: the cookie is gone", name)
			}
		}
		outage.end()
		s.await("Redis to be back", func() bool { return s.get(t, "/teaching-record/readyz") == 200 })
		v.open(findPage).at(findPage)
	}
	if got := s.says(t, id, claimOf("7380659")); got.status != http.StatusNoContent {
		t.Errorf("afterwards Find was answered %d %s", got.status, got.body)
	}
	v.open(findBack + "?journey=" + id).at(connectedPage)
}

// TestFindReload: a trip survives a reload on the way there, and on the way back.
func TestFindReload(t *testing.T) {
	t.Parallel()
	s := start(t, finding)
	v := s.teacher(t).forgets("lost-trn").leaves()
	s.reload(t, func(text string) string { return text + "\n# changed\n" })
	v.press("Continue").at(connectedPage)
	if diff := cmp.Diff([]int{http.StatusNoContent}, s.Find.Record().PUTs); diff != "" {
		t.Error(diff)
	}
}

// TestTypedAtFind: what somebody types there is kept by nobody who could read it,
// neither while it waits for them nor when they are back, and no log has it.
func TestTypedAtFind(t *testing.T) {
	t.Parallel()
	typed := []string{"first-name", "Ignatia", "last-name", "Stillwater-Penn", "preferred-first-name", "Zipporah", "preferred-last-name", "Quennell",
		"date-of-birth", "1961-01-30", "national-insurance-number", "QQ 88 22 11 C"}
	values := slices.Concat(planted, []string{"Zipporah", "Quennell", "QQ 88 22 11 C"})
	for _, fault := range []string{"", "other-trn", "put-wrong-key", "no-return"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := start(t, finding)
			if fault != "" {
				must(t, s.Find.Play(find.Play{Fault: fault}))
			}
			v := s.teacher(t).forgets("lost-trn").leaves().press("Continue", typed...)
			s.nothingPersonal(t, values...)
			switch fault {
			case "":
				v.at(checkPage) // Find found nothing with them
			case "other-trn":
				// A TRN of somebody who was born on another day is not shown.
				if v.at(checkPage); strings.Contains(v.body, somebodyElses) {
					t.Error("whose TRN it is can be read by who left")
				}
			default: // they are left at Find
				s.logsNone(t, values...)
				return
			}
			for _, value := range values {
				if strings.Contains(v.body, value) {
					t.Errorf("the page shows %q", value)
				}
			}
			v.press("Confirm and send").at(requestedPage)
			s.await("the ticket", func() bool { return len(s.Zendesk.Tickets()) == 1 })
			for _, value := range slices.Concat(values, []string{somebodyElses}) {
				if strings.Contains(s.Zendesk.Tickets()[0].Body, value) {
					t.Errorf("the ticket says %q", value)
				}
			}
			s.nothingPersonal(t, values...)
			s.logsNone(t, values...)
		})
	}
}

// logsNone fails the test for every value that the log shows.
func (s *stack) logsNone(t testing.TB, values ...string) {
	t.Helper()
	log := strings.ToLower(s.log.String())
	for _, value := range values {
		if strings.Contains(log, strings.ToLower(value)) {
			t.Errorf("the log shows %q", value)
		}
	}
}
