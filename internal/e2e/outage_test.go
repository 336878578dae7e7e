package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// TestRedisStopped: nobody is signed out by an outage, nothing typed before it
// is lost, and nobody is sent to One Login because of it.
func TestRedisStopped(t *testing.T) {
	t.Parallel()
	s := start(t, editing("cache 2s", "cache 0s"))
	done, typing := s.teacher(t), s.teacher(t)
	done.open("/records").choose("known").at("/records")
	typing.open("/").choose("found-by-trn").press("Continue", "have", "no").at(trnPage)
	authorized := s.OneLogin.Record().Hits["authorize"]

	for name, outage := range map[string]struct{ begin, end func() }{
		"hanging":  {func() { s.redis.Process.Signal(syscall.SIGSTOP) }, func() { s.redis.Process.Signal(syscall.SIGCONT) }},
		"refusing": {func() { s.refuseRedis(t, true) }, func() { s.refuseRedis(t, false) }},
	} {
		outage.begin()
		for _, v := range []*teacher{done, typing} {
			cookie := v.cookie()
			v.open("/records").at("/records").sees(503, "Sorry, we cannot check if you are signed in")
			if v.resp.Header.Get("Retry-After") == "" || v.cookie() != cookie {
				t.Errorf("%s: Retry-After %q, cookie kept: %v", name, v.resp.Header.Get("Retry-After"), v.cookie() == cookie)
			}
		}
		if resp := s.raw(t, rawRequest{method: "POST", target: "/records", header: []string{"Cookie: teaching-record=" + done.cookie()}}); resp.status != 503 || !strings.Contains(resp.head, "application/problem+json") {
			t.Errorf("%s: a script got %d\n%s", name, resp.status, resp.head)
		}
		s.status(t, "/teaching-record/readyz", 503)
		s.status(t, "/teaching-record/healthz", 200)
		s.status(t, "/healthcheck", 200) // public paths need no Redis
		outage.end()
		s.await("Redis to be back", func() bool { return s.get(t, "/teaching-record/readyz") == 200 })
		done.open("/records").at("/records").sees(200, "signed in")
		typing.open(trnPage).at(trnPage)
	}
	typing.press("Continue", "number", "7384168").at(connectedPage)
	if got := s.OneLogin.Record().Hits["authorize"]; got != authorized {
		t.Errorf("people were sent to One Login %d times", got-authorized)
	}
}

// TestSignedInDuringAnOutage: within the cache age nobody notices.
func TestSignedInDuringAnOutage(t *testing.T) {
	t.Parallel()
	s := start(t, editing("cache 2s", "cache 10s"))
	v := s.teacher(t)
	v.open("/records").choose("known").at("/records").open("/records").sees(200, "signed in")
	s.redis.Process.Signal(syscall.SIGSTOP)
	v.open("/records").sees(200, "signed in")
	s.redis.Process.Signal(syscall.SIGCONT)
}

// TestReload: sessions, flows and answers survive a reload, also in mid sign-in.
// A reload that is wrong changes nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	s := start(t)
	done, away, typing := s.teacher(t), s.teacher(t), s.teacher(t)
	done.open("/records").choose("known").at("/records")
	typing.open("/").choose("found-by-trn").press("Continue", "have", "no")
	away.open("/records?tab=1")

	s.reload(t, func(text string) string {
		return strings.Replace(text, "session idle", "# session idle", 1) + "\n# changed\n"
	})
	done.open("/records").at("/records").sees(200, "signed in")
	away.choose("known").at("/records?tab=1").sees(200, "signed in")
	typing.press("Continue", "number", "7384168").at(connectedPage)

	if out, err := s.tryReload(t, func(text string) string { return strings.Replace(text, "support_email", "support_mail", 1) }); err == nil || !strings.Contains(out, "support_mail") {
		t.Errorf("a wrong Caddyfile: %v\n%s", err, out)
	}
	done.open("/records").at("/records").sees(200, "signed in")
}

// TestReplicas: two of us on one Redis, no stickiness: start here, come back
// there, and what ends here ends there.
func TestReplicas(t *testing.T) {
	t.Parallel()
	s := start(t)
	other := s.replica(t)
	v := s.teacher(t)
	v.open("/records").choose("known").at("/records")
	header := []string{"Cookie: teaching-record=" + v.cookie()}
	if got := other.see(t, rawRequest{method: "GET", target: "/whoami", header: header}); !got.Verified {
		t.Errorf("the other replica: %v", got)
	}
	old := v.cookie()
	v.open("/teaching-record/sign-out").press("Sign out")
	for _, replica := range []*stack{s, other} {
		s.await("the visit to end everywhere", func() bool {
			return replica.raw(t, rawRequest{method: "GET", target: "/whoami", header: []string{"Cookie: teaching-record=" + old}}).status == 401
		})
	}
}

// TestRotatedSecrets: a new secret in front of the old one signs nobody out and
// keeps every link, also when the old one is gone.
func TestRotatedSecrets(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/records").choose("known").at("/records")
	old := s.env["TEACHING_RECORD_SECRET"]
	const fresh = "bmV3IHNlY3JldCBuZXcgc2VjcmV0IG5ldyBzZWNyZXQgbmV3" // 36 bytes
	s.reload(t, func(text string) string {
		return strings.Replace(text, "{env.TEACHING_RECORD_SECRET}", fresh+" "+old, 1)
	})
	v.open("/records").at("/records").sees(200, "signed in")
	s.await("the links to be moved", func() bool { return strings.Contains(s.log.String(), "links moved to the first secret") })
	s.reload(t, func(text string) string { return strings.Replace(text, "{env.TEACHING_RECORD_SECRET}", fresh, 1) })
	v.forgetVisit()
	v.open("/records").at("/records").sees(200, "signed in")
	if v.views != 0 {
		t.Error("the link was lost: a page of ours was shown")
	}
}

// TestTabs: ten tabs of one browser, finished in another order.
func TestTabs(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	var tabs []*teacher
	for range 10 {
		tab := s.teacher(t)
		tab.http.Jar = v.http.Jar
		tabs = append(tabs, tab.open("/tab?n="+string(rune('0'+len(tabs)))))
	}
	for i := len(tabs) - 1; i >= 0; i-- {
		tabs[i].choose("known").at("/tab?n=" + string(rune('0'+i)))
	}
}

// TestExpiredFlow: who comes back too late, or to a flow that is gone, starts
// again by hand and ends where they wanted to go.
func TestExpiredFlow(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/records?page=3")
	must(t, s.flushFlows(t))
	v.choose("known").sees(http.StatusBadRequest, "You need to start again")
	v.follow("Sign in").at("/").sees(200, "signed in")
}
