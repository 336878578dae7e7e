package e2e

import (
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
)

// TestAccessLog: with the log of the README, a sign-in that fails, one that works
// and a sign-out leave nothing of One Login's in Caddy's access log, and nothing
// that tells who it was.
func TestAccessLog(t *testing.T) {
	_, snippet, found := strings.Cut(read(t, "../../README.md"), "\n      log {")
	snippet, _, closed := strings.Cut(snippet, "\n      }\n")
	if !found || !closed {
		t.Fatal("the README has no access log")
	}
	s := start(t, editing("\treverse_proxy {$UPSTREAM}", "\tlog {"+snippet+"\n}\n\treverse_proxy {$UPSTREAM}"))
	v := s.teacher(t)
	must(t, s.OneLogin.Play(onelogin.Play{Fault: "callback-code-unknown"}))
	v.open("/records").choose("known").sees(400, "You need to start again")
	// What the page brings with it tells where it stood.
	s.raw(t, rawRequest{method: "GET", target: "/teaching-record/assets/none.css", header: []string{"Referer: " + v.url.String()}})
	v.follow("Sign in").at("/records")
	v.follow("Sign out").press("Sign out").sees(200, "You have signed out")

	log := s.log.String()
	if !strings.Contains(log, "/teaching-record/callback") || !strings.Contains(log, "/teaching-record/signed-out") || !strings.Contains(log, `"user_id":"`) {
		t.Errorf("no access log:\n%s", log)
	}
	for _, part := range []string{"code=", "state=", "id_token_hint", "request=", "eyJ"} {
		if strings.Contains(log, part) {
			t.Errorf("the access log shows %q", part)
		}
	}
}
