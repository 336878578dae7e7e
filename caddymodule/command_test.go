package caddymodule

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// caddyCommand runs "caddy …" as it is typed, and gives what it prints: an error
// as cobra prints it.
func caddyCommand(typed ...string) string {
	var out bytes.Buffer
	root := &cobra.Command{Use: "caddy", SilenceUsage: true}
	ours := &cobra.Command{Use: "teaching-record <command>"}
	commands(ours)
	root.AddCommand(ours)
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(typed)
	root.Execute()
	return out.String()
}

// serve has the office answer at an address, as Caddy's admin API does.
func (o *office) serve() (address string) {
	o.t.Helper()
	mux := http.NewServeMux()
	for _, route := range o.api.Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) { route.Handler.ServeHTTP(w, r) })
	}
	server := httptest.NewServer(mux)
	o.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// TestOperating follows docs/operating.md: its commands, in their order, print what
// stands there. Times are not compared, and columns only as words.
func TestOperating(t *testing.T) {
	o := openOffice(t)
	address := o.serve()
	const unsent = "5f3c1c0e-7d0a-5b0e-9a53-0c8f0a6f2b11" // of nobody here: requests that are decided send e-mails too
	mended := make(chan struct{})
	o.work.Add(map[string]background.Work{"email:send": func(_ context.Context, name string) error {
		select {
		case <-mended:
			return nil
		default:
			if name == unsent {
				return background.ErrHopeless
			}
			return nil
		}
	}}, func(context.Context, func(kind, name string) error) error { return nil })
	if _, err := o.help.Ask(t.Context(), journey.Plea{Subject: ada}); err != nil {
		t.Fatal(err)
	}
	listed := func() int { return len(answered[[]aside](t)(o.get("/teaching-record/work"))) }
	// What happens between the commands, before the one that shows it.
	before := map[string]func(){
		"visits": func() { o.signIn(ada, time.Now()); o.signIn(ada, time.Now()) },
		"requests": func() {
			o.apply(ada, "")
		},
		"work": func() {
			o.run()
			if err := o.work.Look(t.Context(), "email:send", unsent, 0); err != nil {
				t.Fatal(err)
			}
			await(t, "work is put aside", func() bool { return listed() == 1 })
		},
		"work retry": func() { close(mended) },
	}
	after := map[string]func(){"work retry": func() { await(t, "work is done", func() bool { return listed() == 0 }) }}

	doc := string(try(os.ReadFile("../docs/operating.md")))
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(doc, -1) {
		for _, step := range strings.Split(block[1], "$ caddy ")[1:] {
			typed, want, _ := strings.Cut(step, "\n")
			words := strings.Fields(typed)
			name := words[1]
			if len(words) > 2 && words[2] == "retry" {
				name = "work retry"
			}
			if do := before[name]; do != nil {
				delete(before, name)
				do()
			}
			got := caddyCommand(append(words, "--address", address)...)
			if diff := cmp.Diff(timeless(want), timeless(got)); diff != "" {
				t.Errorf("%s:\n%s", typed, diff)
			}
			if do := after[name]; do != nil {
				do()
			}
			commands++
		}
	}
	if commands < 15 || len(before) != 0 {
		t.Errorf("%d commands in the document, and left over: %d", commands, len(before))
	}

	// Whoever runs the command is who made the change.
	me := try(user.Current()).Username
	for _, line := range o.audits() {
		if fields := strings.Fields(line); fields[1] != me {
			t.Errorf("by %s: %s", me, line)
		}
	}
	// Each endpoint is in the table.
	for path, e := range endpoints {
		if !strings.Contains(doc, "| `"+e.method+" "+adminPath+path+"` |") {
			t.Errorf("%s is not in the document", path)
		}
	}
}

// timeless is what was printed, without its times and the width of its columns.
func timeless(printed string) string {
	printed = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC`).ReplaceAllString(printed, "TIME")
	return regexp.MustCompile(` {2,}`).ReplaceAllString(printed, "  ")
}

// TestCommandMistakes: whoever writes a command wrong is told how it is written.
func TestCommandMistakes(t *testing.T) {
	o := openOffice(t)
	for typed, want := range map[string]string{
		"frobnicate":                        `unknown command "frobnicate" for "caddy teaching-record"`,
		"links":                             "--subject is missing; write: caddy teaching-record links --subject SUBJECT",
		"links " + ada:                      "--subject is missing; write: caddy teaching-record links --subject SUBJECT",
		"links --subject " + ada + " x":     `"x" is too much; write: caddy teaching-record links --subject SUBJECT`,
		"connect --subject " + ada:          "--trn is missing; write: caddy teaching-record connect --subject SUBJECT --trn TRN",
		"connect --trn 1234567":             "--subject is missing; write: caddy teaching-record connect --subject SUBJECT --trn TRN",
		"disconnect":                        "--subject is missing; write: caddy teaching-record disconnect --subject SUBJECT",
		"revoke --subject kim":              "subject must be a GOV.UK One Login subject, such as urn:fdc:gov.uk:2022:Zk3cFq7Y2xW9",
		"requests find":                     `"find" is too much; write: caddy teaching-record requests`,
		"requests resolve --trn 1234567":    "ID is missing; write: caddy teaching-record requests resolve ID [--trn TRN]",
		"requests reject":                   "ID is missing; write: caddy teaching-record requests reject ID",
		"requests reject 12":                "id must be the id of a request, as the list of requests has it",
		"work retry email:send":             "NAME is missing; write: caddy teaching-record work retry KIND NAME",
		"tickets --subject " + ada:          "unknown flag: --subject",
		"tickets --service elsewhere.local": "no such service runs here; those that do: localhost:8080",
	} {
		words := append([]string{"teaching-record"}, strings.Fields(typed)...)
		if got := caddyCommand(append(words, "--address", o.serve())...); got != "Error: "+want+"\n" {
			t.Errorf("%s:\n%s", typed, got)
		}
	}
	for _, way := range [][]string{
		{"--address", "localhost:1"},
		{"--address", "unix/" + t.TempDir() + "/nothing"},
		{"--config", "testdata/nothing.json"},
	} {
		got := caddyCommand(append([]string{"teaching-record", "tickets"}, way...)...)
		if !strings.HasPrefix(got, "Error: ") || way[0] == "--address" && !strings.Contains(got, "Caddy's admin API at "+way[1]) {
			t.Errorf("%v:\n%s", way, got)
		}
	}
	if got := caddyCommand("teaching-record"); !strings.Contains(got, "connect") || strings.HasPrefix(got, "Error") {
		t.Errorf("alone:\n%s", got)
	}
	// Something else that answers there.
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }))
	defer other.Close()
	if got := caddyCommand("teaching-record", "tickets", "--address", other.Listener.Addr().String()); !strings.Contains(got, "an answer that is none of ours") {
		t.Error(got)
	}
}

// TestTellNames: a name moves no cursor, and reads in one direction.
func TestTellNames(t *testing.T) {
	var out bytes.Buffer
	tellRequests(&out, []application{{Name: "Pru\x1b[2Jnella\r\nWinter\u202egreen", Maybe: []candidate{{"1234567", "Siobhán\x9b O’Brien"}}}})
	if got := out.String(); strings.ContainsAny(got, "\x1b\r\u202e\u009b") || strings.Count(got, "\n") != 4 || !strings.Contains(got, "Siobhán") || !strings.Contains(got, "O’Brien") {
		t.Errorf("%q", got)
	}
}
