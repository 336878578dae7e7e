package e2e

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/allocation"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
)

// What the stories of requests have in common: those for a TRN, and for help.

// allocating lets teachers request a TRN.
func allocating(s *stack) {
	text, err := devstack.Allocating(read(s.t, s.caddyfile))
	must(s.t, err)
	s.caddyfile = s.dir + "/Caddyfile"
	write(s.t, s.caddyfile, text)
}

// registers are a service that gives TRNs, with either register.
var registers = map[string]func(*testing.T, ...option) *stack{
	"embedded": func(t *testing.T, options ...option) *stack {
		return start(t, append([]option{allocating}, options...)...)
	},
	"trs": func(t *testing.T, options ...option) *stack {
		return startTRS(t, append([]option{allocating}, options...)...)
	},
}

// firstGiven is the first TRN that the register of a site gives.
func firstGiven(s *stack) string {
	if s.TRS != nil {
		return "5000001"
	}
	return "9000000"
}

// person is one of the cast.
func person(t testing.TB, value string) people.Person {
	t.Helper()
	p, ok := people.Find(value)
	if !ok {
		t.Fatalf("nobody is called %q", value)
	}
	return p
}

// types answers what is asked with what a person has, and presses on to where they
// end.
func (v *teacher) types(p people.Person) *teacher {
	v.t.Helper()
	for range 10 { // pages are more than enough
		switch v.url.Path {
		case ninoPage:
			v.press("Continue", "have", "yes").press("Continue", "number", p.NINO)
		case trnPage:
			switch asks := strings.Contains(v.text("h1"), "Do you have"); {
			case p.Lost != "":
				v.unknown().leaves().press("Continue")
			case asks && p.TRN == "":
				v.press("Continue", "have", "no")
			case asks:
				v.press("Continue", "have", "yes").press("Continue", "number", p.TRN)
			case p.TRN == "":
				v.press("I do not know")
			default:
				v.press("Continue", "number", p.TRN)
			}
		case findPage:
			v.press("Continue without finding your TRN")
		case requestPage:
			v.press("Request a TRN")
		case checkPage:
			v.press("Confirm and send")
		case connectedPage:
			v.press("Continue")
		default:
			return v
		}
	}
	v.t.Fatalf("no end is in sight at %s", v.url)
	return nil
}

// reference is that of the request for help on the page.
func (v *teacher) reference() string {
	v.t.Helper()
	return v.text("strong")
}

// soon awaits what is done in the background, as if so much time had passed: what
// waits for some time, or to be tried again, is done at once.
func (s *stack) soon(t testing.TB, passed time.Duration, what string, holds func() bool) {
	t.Helper()
	s.age(t, passed)
	inspector := asynq.NewInspectorFromRedisClient(s.redisClient(t))
	s.await(what, func() bool {
		// Errors are for no such queue, before anything was given to be done.
		inspector.RunAllScheduledTasks(s.queue())
		inspector.RunAllRetryTasks(s.queue())
		return holds()
	})
}

// idle reports whether nothing is left to be done in the background.
func (s *stack) idle(t testing.TB) bool {
	t.Helper()
	info, err := asynq.NewInspectorFromRedisClient(s.redisClient(t)).GetQueueInfo(s.queue())
	must(t, err)
	return info.Size == 0
}

// queue is that of the site's background work.
func (s *stack) queue() string { return "teaching-record:" + s.site }

// age makes all that is kept of requests so much older.
func (s *stack) age(t testing.TB, by time.Duration) {
	t.Helper()
	older := func(at *time.Time) {
		if !at.IsZero() {
			*at = at.Add(-by)
		}
	}
	trns := store.FilesOf[allocation.Request](s.store(), store.TRNRequests).Of(s.site)
	must(t, trns.Each(t.Context(), func(id string, _ allocation.Request) error {
		_, err := trns.Change(t.Context(), id, func(r allocation.Request, found bool) (allocation.Request, error) {
			older(&r.Asked)
			older(&r.Claimed)
			return r, nil
		})
		return err
	}))
	help := store.FilesOf[support.Request](s.store(), store.Tickets).Of(s.site)
	must(t, help.Each(t.Context(), func(name string, _ support.Request) error {
		_, err := help.Change(t.Context(), name, func(r support.Request, found bool) (support.Request, error) {
			older(&r.Claimed)
			if r.State == support.Opened { // what is not is the same ticket at every attempt
				older(&r.Ticket.Opened)
			}
			return r, nil
		})
		return err
	}))
}

// connect connects a person to a record, with the command that is in their ticket.
func (s *stack) connect(t testing.TB, value, trn string) {
	t.Helper()
	connect := exec.Command(binary(), "teaching-record", "connect", "--subject", person(t, value).Subject(), "--trn", trn, "--address", s.admin)
	connect.Env = s.environ()
	if out, err := connect.CombinedOutput(); err != nil || !strings.Contains(string(out), "is now connected to the record "+trn) {
		t.Fatalf("%v: %s", err, out)
	}
}

// then is a moment as tickets have it.
var then = regexp.MustCompile(`[0-9]+ [A-Z][a-z]+ [0-9]{4} at [0-9]{2}:[0-9]{2} UTC`)

// decides presses a button of the console, as staff would.
func (s *stack) decides(t testing.TB, button string) {
	t.Helper()
	s.teacher(t).open(s.console).press(button).sees(http.StatusOK, "Console of the demo")
}

// mails are the e-mails to somebody.
func (s *stack) mails(to string) (all []notify.Message) {
	for _, m := range s.Notify.Inbox() {
		if m.To == to {
			all = append(all, m)
		}
	}
	return all
}

// tickets are those whose comment has a text.
func (s *stack) tickets(text string) (all []zendesk.Ticket) {
	for _, t := range s.Zendesk.Tickets() {
		if strings.Contains(t.Body, text) {
			all = append(all, t)
		}
	}
	return all
}

// noRuleBroken fails the test for every request of ours that a stand-in refused.
func (s *stack) noRuleBroken(t testing.TB) {
	t.Helper()
	for _, v := range s.Notify.Record().Violations {
		t.Errorf("GOV.UK Notify refused: %+v", v)
	}
	for _, v := range s.Zendesk.Record().Violations {
		t.Errorf("Zendesk refused: %+v", v)
	}
	if s.TRS != nil {
		for _, v := range s.TRS.Record().Violations {
			t.Errorf("the Teaching Record System refused: %+v", v)
		}
	}
}

// nothingPersonal fails the test for every value of a person that can be read in
// Redis, in keys or in what they hold, the background's own among them. TRNs that
// were given are not looked for in the log when the stack stops, so they are here.
func (s *stack) nothingPersonal(t testing.TB, given ...string) {
	t.Helper()
	for _, trn := range given {
		if regexp.MustCompile(`\b` + trn + `\b`).MatchString(s.log.String()) {
			t.Errorf("the log shows %q", trn)
		}
	}
	ctx, client := t.Context(), s.redisClient(t)
	keys, err := client.Keys(ctx, "*").Result()
	must(t, err)
	if !slices.ContainsFunc(keys, func(key string) bool { return strings.HasPrefix(key, "asynq:") }) {
		t.Error("the background has kept nothing")
	}
	personal := append(secrets(t), given...)
	for _, key := range keys {
		text := strings.ToLower(key + "\n" + holds(ctx, t, client, key))
		for _, secret := range personal {
			if strings.Contains(text, strings.ToLower(secret)) {
				t.Errorf("Redis shows %q at %s", secret, key)
			}
		}
	}
}

// holds is all that a key of Redis holds, whatever its type.
func holds(ctx context.Context, t testing.TB, client redis.UniversalClient, key string) string {
	t.Helper()
	kind, err := client.Type(ctx, key).Result()
	must(t, err)
	var all []string
	switch kind {
	case "none": // it has just ended
	case "string":
		var one string
		if one, err = client.Get(ctx, key).Result(); err == nil {
			all = []string{one}
		}
	case "hash":
		var members map[string]string
		members, err = client.HGetAll(ctx, key).Result()
		for name, value := range members {
			all = append(all, name, value)
		}
	case "list":
		all, err = client.LRange(ctx, key, 0, -1).Result()
	case "set":
		all, err = client.SMembers(ctx, key).Result()
	case "zset":
		all, err = client.ZRange(ctx, key, 0, -1).Result()
	default:
		t.Errorf("%s is a %s, which nobody looks into", key, kind)
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Error(err)
	}
	return strings.Join(all, "\n")
}
