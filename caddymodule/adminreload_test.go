package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// administered is a running Caddyfile with the admin API on a socket, and a log of
// everything at dir/log.
func administered(t *testing.T, dir string) string {
	people := dir + "/people.json"
	write(t, people, askers)
	return strings.NewReplacer(
		"admin off", "admin unix/"+dir+"/admin",
		"output discard", "output file "+dir+"/log\n\t\tlevel DEBUG",
		"register embedded testdata/people.json", "register embedded "+people+"\n\t\tallocate_trn",
	).Replace(running(t, dir, "respond ok"))
}

// admin is what Caddy's admin API answers, as a program asks it.
func admin(dir, method, target string, headers http.Header, body io.Reader) string {
	var err error
	for range 10 {
		var resp *http.Response
		if resp, err = caddycmd.AdminAPIRequest("unix/"+dir+"/admin", method, target, headers, body); err == nil {
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			return fmt.Sprint(resp.StatusCode, " ", string(text))
		}
		if !closing(err.Error()) {
			break
		}
	}
	_, said, _ := strings.Cut(err.Error(), "HTTP ")
	return said
}

// closing reports whether an error is that of a server which Caddy is stopping: it
// may take one more connection and close it at once.
func closing(text string) bool {
	return strings.Contains(text, "EOF") || strings.Contains(text, "connection reset") || strings.Contains(text, "broken pipe")
}

// TestAdminReload: the admin API works with the configuration that runs, whatever
// was loaded and did not start, and with no other.
func TestAdminReload(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { caddy.Stop() })
	address := []string{"--address", "unix/" + dir + "/admin"}
	shows := func(when, want string, flags ...string) {
		t.Helper()
		typed := append([]string{"teaching-record", "links", "--subject", ada}, append(flags, address...)...)
		got := caddyCommand(typed...)
		for range 10 {
			if !closing(got) {
				break
			}
			got = caddyCommand(typed...)
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", when, got)
		}
	}
	first := administered(t, dir)
	if err := load(t, first); err != nil {
		t.Fatal(err)
	}
	old := runningSites()
	if len(old) != 1 {
		t.Fatalf("%d sites", len(old))
	}
	shows("before", "Error: "+ada+" is not connected")
	if got := caddyCommand(append([]string{"teaching-record", "connect", "--subject", ada, "--trn", "1234567"}, address...)...); !strings.Contains(got, "now connected") {
		t.Fatal(got)
	}
	const connected = ada + " is connected to the record 1234567, by operator"
	shows("connected", connected)

	for what, bad := range map[string]string{
		"not provisioned": strings.Replace(first, "people.json", "nobody.json", 1),
		"not started":     strings.Replace(first, "bind unix/"+dir+"/site", "bind unix/"+dir+"/none/site", 1),
	} {
		if err := load(t, bad); err == nil {
			t.Fatalf("%s: it did", what)
		}
		shows("after a configuration that was "+what, connected)
		if now := runningSites(); len(now) != 1 || now[0] != old[0] {
			t.Errorf("%s: other sites", what)
		}
	}

	second := strings.Replace(first, "service_url http://localhost", "service_url http://second.localhost", 1)
	if err := load(t, second); err != nil {
		t.Fatal(err)
	}
	if now := runningSites(); len(now) != 1 || now[0] == old[0] || now[0].host != "second.localhost" {
		t.Error("after a reload: not the new site alone")
	}
	shows("after a reload", connected)
	shows("after a reload, asked for the old", "Error: no such service runs here; those that do: second.localhost", "--service", "localhost")

	// Two services: the block of a site is there twice.
	_, block, _ := strings.Cut(first, "\nhttp://localhost {")
	both := second + "\nhttp://third.localhost {" + strings.NewReplacer("/site\n", "/third\n", "service_url http://localhost", "service_url http://third.localhost").Replace(block)
	if err := load(t, both); err != nil {
		t.Fatal(err)
	}
	shows("two services", "Error: more than one service runs here; say which by service: second.localhost, third.localhost")
	shows("two services, one of them named", connected, "--service", "third.localhost")

	settings, _, _ := strings.Cut(first, "\nhttp://localhost {")
	if err := load(t, settings+"\nhttp://localhost {\n\tbind unix/"+dir+"/site\n\trespond ok\n}\n"); err != nil {
		t.Fatal(err)
	}
	shows("a configuration without us", "Error: no site with teaching_record runs in this Caddy")
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
	if left := runningSites(); len(left) != 0 {
		t.Errorf("after the end there are %d sites", len(left))
	}
}

// TestT26_Caddy: what Caddy's own checks keep out, and that a site serves none of
// it to the public.
func TestT26_Caddy(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { caddy.Stop() })
	if err := load(t, administered(t, dir)); err != nil {
		t.Fatal(err)
	}
	change := `{"subject":"` + ada + `","trn":"1234567","by":"kim"}`
	for name, row := range map[string]struct {
		headers http.Header
		want    string
	}{
		"a page that forgoes the answer": {http.Header{"Sec-Fetch-Mode": {"no-cors"}}, "400: "},
		"a page of another origin":       {http.Header{"Origin": {"https://evil.example"}}, "403: "},
		"a page of no origin":            {http.Header{"Origin": {"null"}}, "400: "},
		"a form":                         {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "415: "},
		"a form of plain text":           {http.Header{"Content-Type": {"text/plain"}}, "415: "},
	} {
		if got := admin(dir, http.MethodPost, adminPath+"links/connect", row.headers, strings.NewReader(change)); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, path := range []string{"/teaching-record", "/teaching-record/", "/teaching-record/links/", "/teaching-record/Links", "/Teaching-Record/links"} {
		if got := admin(dir, http.MethodGet, path+"?subject="+ada, nil, nil); !strings.HasPrefix(got, "404: ") {
			t.Errorf("%s: %s", path, got)
		}
	}
	for path := range endpoints {
		if got := fetch(t, dir, adminPath+path+"?subject="+ada); !strings.HasPrefix(got, "404 ") {
			t.Errorf("the site has %s: %s", path, got)
		}
	}
	if link, found, err := runningSites()[0].state.Link(t.Context(), runningSites()[0].issuer, ada); found || err != nil {
		t.Errorf("somebody got through: %v, %v", link.TRN, err)
	}
}

// TestT22_AdminLog: of all that operators see and change, nothing personal is in
// Caddy's log, whatever its level, nor in the metrics; who did what is.
func TestT22_AdminLog(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { caddy.Stop() })
	if err := load(t, administered(t, dir)); err != nil {
		t.Fatal(err)
	}
	s := runningSites()[0]
	o := &office{operated: s, t: t, api: &adminAPI{runningSites}}
	id := o.apply(ada, "QQ123456C")
	if _, err := s.help.Ask(t.Context(), journey.Plea{Subject: ben, Email: "prunella@people.example", Identity: prunella, Stated: journey.Stated{NINO: "QQ123456C", TRN: "7654321"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.state.Create(t.Context(), journey.State{Service: "http://localhost", Subject: ada, Created: time.Now(), Email: "prunella@people.example", Identity: prunella}); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{
		"requests", "requests resolve " + id + " --trn 7654321", "requests resolve " + id + " --trn 1234567", "requests reject " + id,
		"tickets", "work", "visits --subject " + ada, "links --subject " + ben,
		"connect --subject " + ben + " --trn 7654321", "connect --subject " + ben + " --trn 1234567", "disconnect --subject " + ben,
		"revoke --subject " + ada, "revoke --subject prunella@people.example", "work retry email:send " + id,
	} {
		caddyCommand(append(append([]string{"teaching-record"}, strings.Fields(typed)...), "--address", "unix/"+dir+"/admin")...)
	}
	await(t, "the decision reaches the person", func() bool {
		link, _, _ := s.state.Link(t.Context(), s.issuer, ada)
		return link.TRN == "1234567"
	})
	metrics := admin(dir, http.MethodGet, "/metrics", nil, nil)
	if !strings.Contains(metrics, `teaching_record_background_aside{service="localhost"} 0`) {
		t.Errorf("nothing is put aside, and the metrics do not say so:\n%.300s", metrics)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	log := string(try(os.ReadFile(dir + "/log")))
	for _, private := range []string{"Prunella", "Wintergreen", "prunella@", "prunella%40", "1984-03-02", "QQ123456C", "1234567", "7654321"} {
		if strings.Contains(metrics, private) {
			t.Errorf("%s is in the metrics", private)
		}
		if i := strings.Index(log, private); i >= 0 {
			t.Errorf("%s is in the log: %s", private, log[max(0, i-300):min(len(log), i+100)])
		}
	}
	// Who did what is, once for each attempt that could be understood.
	if n := strings.Count(log, `"msg":"audit"`); n != 8 {
		t.Errorf("%d audit lines in\n%s", n, log)
	}
}
