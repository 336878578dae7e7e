package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// trsRetries let the Teaching Record System deliver again each second, for two
// minutes.
var trsRetries = slices.Repeat([]time.Duration{time.Second}, 120)

// startTRS brings up a stack that looks for records in the Teaching Record System,
// and is told by it.
func startTRS(t *testing.T, options ...option) *stack {
	t.Helper()
	s := &stack{t: t, dir: t.TempDir(), log: &logBuffer{}, caddyfile: "../../Caddyfile.example", admin: freeAddress(t),
		site: "http://" + freeAddress(t), client: &http.Client{Timeout: 5 * time.Second}, trsKey: "api-key-of-the-test"}
	return s.start(options)
}

// TestPeopleInTRS: with either register everybody ends alike, whether the service
// gives TRNs or not; it leads to Find a lost TRN.
func TestPeopleInTRS(t *testing.T) {
	t.Parallel()
	for _, where := range []struct {
		name  string
		gives bool
		s     *stack
	}{
		{"embedded", false, start(t, finding)}, {"embedded, allocating", true, start(t, allocating, finding)},
		{"trs", false, startTRS(t, finding)}, {"trs, allocating", true, startTRS(t, allocating, finding)},
	} {
		for _, p := range people.Everyone() {
			v := where.s.teacher(t).open("/records").choose(p.Value).types(p)
			if ends := p.EndsAt(where.gives); ends != "service" {
				v.at("/teaching-record/" + ends)
				continue
			}
			v.at("/records").sees(200, "signed in")
			trn := p.Own()
			if trn == "" {
				trn = firstGiven(where.s)
			}
			if who := v.whoami(); who.Claims["trn"] != trn {
				t.Errorf("%s in %s: the service sees %v", p.Value, where.name, who.Claims)
			}
		}
		where.s.noFindRuleBroken(t)
		if where.s.TRS != nil {
			if record := where.s.TRS.Record(); len(record.Violations) != 0 || record.Hits[trs.AtFind] == 0 || (record.Hits[trs.AtCreate] > 0) != where.gives {
				t.Errorf("the Teaching Record System was asked %+v", record)
			}
		}
	}
}

// TestTRSFails: whatever it answers, the teacher reads an honest page, nobody is
// told "not found", what was typed is kept, and a retry works.
func TestTRSFails(t *testing.T) {
	t.Parallel()
	for fault, notReady := range map[string]bool{
		"500": true, "429-retry-after": true, "401": true, "slow": true, "refused": true, "redirect-host": true,
		"garbage": false, "oversized": false, // what readyz asks for has no body to spoil
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := startTRS(t)
			v := s.teacher(t)
			v.open("/records").choose("found-by-nino").press("Continue", "have", "yes")
			must(t, s.TRS.Play(trs.Play{Fault: fault, Every: true}))
			v.press("Continue", "number", "QQ 27 49 16 B").sees(http.StatusServiceUnavailable, "we cannot search for your teaching record")
			if notReady {
				s.status(t, "/teaching-record/readyz", 503)
			}
			s.TRS.StopFaults()
			s.await("the Teaching Record System to be back", func() bool { return s.get(t, "/teaching-record/readyz") == 200 })
			v.open("/teaching-record/national-insurance-number?have=yes").press("Continue").at("/teaching-record/connected")
		})
	}
}

// TestMergedAndDeactivated: at the next sign-in a link follows its record, or ends.
func TestMergedAndDeactivated(t *testing.T) {
	t.Parallel()
	s := startTRS(t)
	sign := func() *teacher { return s.teacher(t).open("/records").choose("known") }
	sign().at("/records")
	must(t, s.TRS.Deactivate("7381046"))
	sign().at("/teaching-record/national-insurance-number")
	must(t, s.TRS.Reactivate("7381046"))
	v := sign().press("Continue", "have", "yes").press("Continue", "number", "QQ618305A").at("/teaching-record/connected").press("Continue").at("/records")
	if who := v.whoami(); who.Claims["trn"] != "7381046" {
		t.Errorf("the service sees %v", who.Claims)
	}
	// Merged into the record of somebody else: it is not theirs.
	must(t, s.TRS.Merge("7381046", "7385501"))
	sign().at("/teaching-record/national-insurance-number")
}
