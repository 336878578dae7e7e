package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// What staff of the Teaching Record System do takes effect here by its webhooks.

// changes presses a button of the console, as staff would.
func (s *stack) changes(t *testing.T, button string, fill ...string) {
	t.Helper()
	s.teacher(t).open(s.console).press(button, fill...).sees(http.StatusOK, "Teaching records")
}

// tells is changes, of which the site has been told when it returns.
func (s *stack) tells(t *testing.T, button string, fill ...string) {
	t.Helper()
	s.changes(t, button, fill...)
	s.await("the webhook to be delivered", s.told)
}

// told reports whether everything that happened has been delivered.
func (s *stack) told() bool {
	return !slices.ContainsFunc(s.TRS.Record().Deliveries, func(d trs.Delivery) bool { return d.State == trs.Waiting })
}

// answers are those to the event that happened last, one for each attempt.
func (s *stack) answers() []int {
	all := s.TRS.Record().Deliveries
	return all[len(all)-1].Statuses
}

// asks runs f and returns how often it made us ask One Login who somebody is, and
// the Teaching Record System anything at all but for its keys.
func (s *stack) asks(f func()) (oneLogin, register int) {
	count := func() (who, what int) {
		for endpoint, hits := range s.TRS.Record().Hits {
			if endpoint != trs.AtKeys {
				what += hits
			}
		}
		return s.OneLogin.Record().Hits["authorize"], what
	}
	whoBefore, whatBefore := count()
	f()
	who, what := count()
	return who - whoBefore, what - whatBefore
}

// shown is the TRN that the service sees, "" when it sees nobody.
func (v *teacher) shown() string {
	v.t.Helper()
	if v.fetch("/whoami") != http.StatusOK {
		return ""
	}
	trn, _ := v.whoami().Claims["trn"].(string)
	return trn
}

// TestConnectedElsewhere: who waits, wherever on the way, goes through at the next
// request, without One Login and under a new cookie.
func TestConnectedElsewhere(t *testing.T) {
	t.Parallel()
	s := startTRS(t)
	for _, c := range []struct {
		person, trn string
		waits       func(*teacher)
		next        string
	}{
		{"found-by-nino", "7382593", func(v *teacher) { v.at(ninoPage) }, ninoPage},
		{"not-found", "7385501", func(v *teacher) {
			v.press("Continue", "have", "no").at(trnPage).press("I do not know").at(checkPage).press("Confirm and send").at(requestedPage)
		}, "/records?page=2"},
	} {
		v := s.teacher(t)
		v.open("/records?page=2").choose(c.person)
		c.waits(v)
		old := v.cookie()
		who, _ := s.asks(func() {
			s.tells(t, "Connect to the record", "person", c.person, "trn", c.trn)
			v.open(c.next).at("/records?page=2").sees(http.StatusOK, "signed in")
		})
		if trn := v.shown(); who != 0 || trn != c.trn || v.cookie() == old {
			t.Errorf("%s: One Login was asked %d times, the service sees %q, a new cookie: %v", c.person, who, trn, v.cookie() != old)
		}
		if got := s.raw(t, rawRequest{method: "GET", target: "/whoami", header: []string{"Cookie: teaching-record=" + old}}).status; got != http.StatusUnauthorized {
			t.Errorf("%s: with the old cookie the service answers %d", c.person, got)
		}
	}
	for _, d := range s.TRS.Record().Deliveries {
		if line := lineWith(s.log.String(), d.ID); !strings.Contains(line, "event of the register") || !strings.Contains(line, `"kind":"link-changed","outcome":"taken"`) {
			t.Errorf("the log says of an event: %q", line)
		}
	}
}

// lineWith is the line of a text that holds a part.
func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// TestDisconnectedElsewhere: on two replicas that both have the visit in memory,
// and would for ten seconds, nobody is let through two seconds after the webhook.
func TestDisconnectedElsewhere(t *testing.T) {
	t.Parallel()
	s := startTRS(t, editing("cache 2s", "cache 10s"))
	replicas := []*stack{s, s.replica(t)}
	v := s.teacher(t)
	v.open("/records").choose("known").at("/records")
	seenBy := func(status int) bool {
		return !slices.ContainsFunc(replicas, func(r *stack) bool {
			return r.raw(t, rawRequest{method: "GET", target: "/whoami", header: []string{"Cookie: teaching-record=" + v.cookie()}}).status != status
		})
	}
	client := s.redisClient(t)
	cost := func() int { return commands(t, client.Info(t.Context(), "commandstats").Val()) }
	s.await("both replicas to have the visit in memory", func() bool {
		before := cost()
		return seenBy(http.StatusOK) && cost() == before
	})
	happened := time.Now()
	s.tells(t, "Disconnect from any record", "person", "known")
	told := time.Now()
	s.within(2*time.Second, "both replicas to let nobody through", func() bool { return seenBy(http.StatusUnauthorized) })
	t.Logf("%v after the button was pressed, %v after the webhook was seen to be answered", time.Since(happened), time.Since(told))

	v.open("/records").at(ninoPage) // matched again
}

// TestMergedWhileSignedIn: a visit follows its record into another that is also
// theirs. Into somebody else's, or to nowhere, it does not, and they are matched
// again.
func TestMergedWhileSignedIn(t *testing.T) {
	t.Parallel()
	s := startTRS(t)
	v, other := s.teacher(t), s.teacher(t)
	v.open("/records").choose("known").at("/records")
	who, _ := s.asks(func() {
		s.tells(t, "Merge", "from", "7381046", "to", "7388347")
		if trn := v.shown(); trn != "7388347" {
			t.Errorf("merged into their own: the service sees %q", trn)
		}
	})
	if who != 0 {
		t.Errorf("One Login was asked %d times", who)
	}
	s.teacher(t).open("/records").choose("known").at("/records") // by the link, which moved too

	s.tells(t, "Merge", "from", "7388347", "to", "7385501")
	if trn := v.shown(); trn != "" {
		t.Errorf("merged into somebody else's: the service sees %q", trn)
	}
	v.open("/records").at(ninoPage)

	other.open("/records").choose("found-by-nino").press("Continue", "have", "yes").press("Continue", "number", "QQ274916B").at(connectedPage)
	other.press("Continue").at("/records")
	s.tells(t, "Deactivate 7382593")
	if trn := other.shown(); trn != "" {
		t.Errorf("deactivated: the service sees %q", trn)
	}
	other.open("/records").at(ninoPage)
}

// TestAlerts: a service that is told of records hears of an alert at the next
// request, for one call. For another nobody asks.
func TestAlerts(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"# claims email name birthdate record": false, "claims record": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTRS(t, editing("# claims email name birthdate record", name))
			v := s.teacher(t)
			v.open("/records").choose("known").at("/records")
			for _, change := range []struct {
				button string
				on     bool
			}{{"Set an alert on 7381046", true}, {"Remove the alert of 7381046", false}} {
				s.tells(t, change.button)
				_, calls := s.asks(func() {
					for range 2 {
						record, _ := v.whoami().Claims["record"].(map[string]any)
						if record["alerts"] != any(change.on) && told || record != nil && !told {
							t.Errorf("%s: the service sees the record %v", change.button, record)
						}
					}
				})
				if calls > 1 || (calls > 0) != told {
					t.Errorf("%s: the Teaching Record System was asked %d times", change.button, calls)
				}
			}
		})
	}
}
