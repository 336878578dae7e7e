// Command demo runs the whole thing on one machine: Caddy with this module, as
// Caddyfile.example has it with allocate_trn and find_a_lost_trn, an embedded Redis,
// and stand-ins for GOV.UK One Login, GOV.UK Notify, Zendesk, Find a lost TRN and for
// the service behind.
//
// DEMO_PORT (default 8080) is the site, DEMO_PORT+1 the console; the stand-ins and
// Caddy's admin endpoint take the ports above. DEMO_REGISTER=trs looks for records
// in a stand-in for the Teaching Record System instead of in a file. Ctrl-C stops all.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-teaching-record/caddy-teaching-record/caddymodule"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run brings everything up, says where it is, and stops it when ctx ends.
func run(ctx context.Context, out io.Writer) error {
	first := 8080
	if port := os.Getenv("DEMO_PORT"); port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65527 {
			return fmt.Errorf("DEMO_PORT: %q must be a number from 1 to 65527, the first of nine ports; try 8080", port)
		}
		first = n
	}
	host := func(i int) string { return fmt.Sprintf("localhost:%d", first+i) }
	origin := func(i int) string { return "http://" + host(i) }
	site, console, oneLogin, service := origin(0), origin(1), origin(2), origin(3)
	mail, desk, admin, finder, records := origin(4), origin(5), host(6), origin(7), origin(8)

	// Caddy listens here last, when all else is up; better to hear now that it cannot.
	probe, err := net.Listen("tcp", fmt.Sprintf(":%d", first))
	if err != nil {
		return portTaken(err)
	}
	probe.Close()

	dir, err := os.MkdirTemp("", "teaching-record-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	verify, err := devstack.Verify(site, nil)
	if err != nil {
		return err
	}
	config := devstack.Config{Site: site, OneLogin: oneLogin, Notify: mail, Zendesk: desk, Find: finder, Admin: admin,
		ClientID: "demo", ServiceName: "Access your teaching qualifications", Allocating: true,
		Verify: verify, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	const exampleFile = "Caddyfile.example"
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		return fmt.Errorf("%w: run the demo from the top of the project", err)
	}
	caddyfile, err := devstack.Allocating(string(example))
	if err != nil {
		return err
	}
	if caddyfile, err = devstack.Finding(caddyfile); err != nil {
		return err
	}
	switch register := cmp.Or(os.Getenv("DEMO_REGISTER"), "embedded"); register {
	case "embedded":
	case "trs":
		config.TRSKey = rand.Text()
		os.Setenv("TRS_API_KEY", config.TRSKey)
		os.Setenv("TRS_URL", records)
		if caddyfile, err = devstack.InTRS(caddyfile); err != nil {
			return err
		}
	default:
		return fmt.Errorf("DEMO_REGISTER: %q is neither embedded nor trs", register)
	}
	stack, err := devstack.New(config)
	if err != nil {
		return err
	}
	handlers := map[int]http.Handler{1: stack.Console, 2: stack.OneLogin, 3: stack.Service, 4: stack.Notify, 5: stack.Zendesk, 7: stack.Find}
	if stack.TRS != nil {
		defer stack.TRS.Close()
		handlers[8] = stack.TRS
	}
	for i, handler := range handlers {
		stop, err := serve(host(i), handler)
		if err != nil {
			return err
		}
		defer stop()
	}

	redis := miniredis.NewMiniRedis()
	redis.ClockTTL(true)
	if err := redis.Start(); err != nil {
		return err
	}
	defer redis.Close()
	env, err := devstack.Environment(config, dir, strings.TrimPrefix(service, "http://"), "redis://"+redis.Addr())
	if err != nil {
		return err
	}
	for name, value := range env {
		os.Setenv(name, value)
	}
	if err := linkKnown(ctx, env); err != nil {
		return err
	}
	if err := startCaddy(exampleFile, caddyfile, admin, dir); err != nil {
		return err
	}
	defer caddy.Stop()

	fmt.Fprintf(out, `
The demo is up.

  The site     %s/      sign in here as a teacher would
  The console  %s/      who to sign in as, what to type, and faults to play
  E-mails      %s/inbox     what GOV.UK Notify would have sent
  Tickets      %s/tickets/  what Zendesk would have
  One Login    %s/      the stand-in for GOV.UK One Login
  The service  %s/      behind the site; on its own it serves nobody

For each person: what to type where it is asked for, and where they end.
`, site, console, console, console, oneLogin, service)
	for _, p := range people.Everyone() {
		fmt.Fprintf(out, "  %-18s NINO %-14s TRN %-8s ends at %s\n", p.Value, orDash(p.NINO), orDash(p.TRN), p.EndsAt(true))
	}
	fmt.Fprintf(out, more, admin)
	if stack.TRS != nil {
		fmt.Fprint(out, inTRS)
	}
	fmt.Fprintln(out, "\nCtrl-C stops it.")
	<-ctx.Done()
	return nil
}

// more is what there is to do for those who do not end at the service.
const more = `
possible-duplicate and rejected wait until you decide, in the console. The ticket of
not-found ends with the command that connects them to a record. Here it begins with

  go run ./internal/cmd/caddy teaching-record connect --address %s

lost-trn says that they do not know their TRN, and is led to a stand-in for Find a
lost TRN, where the answers are filled in. Who is not found may go there, too.
`

// inTRS is what more there is to do with the Teaching Record System.
const inTRS = `
Records are in a stand-in for the Teaching Record System. In the console they can be
connected to a person, disconnected, merged and deactivated, and the site is told.
Of a request that is rejected nobody is told: the site asks when that is a minute old,
five and fifteen, and then hourly.
`

// serve serves a stand-in on a port of this machine only.
func serve(address string, handler http.Handler) (stop func() error, err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, portTaken(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	return server.Close, nil
}

func portTaken(err error) error {
	return fmt.Errorf("%w; DEMO_PORT=9000 would use the ports 9000 to 9008", err)
}

// linkKnown gives those who came before their link, as an earlier visit would.
func linkKnown(ctx context.Context, env map[string]string) error {
	secret, err := base64.StdEncoding.DecodeString(env["TEACHING_RECORD_SECRET"])
	if err != nil {
		return err
	}
	redis, err := store.Connect(env["REDIS_URL"], slog.Default())
	if err != nil {
		return err
	}
	defer redis.Close()
	links, err := store.New(store.Config{Client: redis.Client, Secrets: [][]byte{secret},
		IdleLimit: time.Hour, AbsoluteLimit: time.Hour, LookupLimit: 1, LookupWindow: time.Hour})
	if err != nil {
		return err
	}
	defer links.Close()
	for _, p := range people.Everyone() {
		if !p.Linked {
			continue
		}
		link := journey.Link{TRN: p.TRN, How: "nino", At: time.Now(), Identity: journey.Identity{
			Names: []journey.Name{{Given: p.Given, Family: p.Family}}, BirthDates: []string{p.BirthDate},
		}}
		if err := links.SetLink(ctx, env["ONE_LOGIN_ISSUER"], p.Subject(), link); err != nil {
			return err
		}
	}
	return nil
}

// options begins the global options of the demo: an admin endpoint and a storage
// that are shared with no other Caddy on this machine.
const options = `{
	admin %s
	persist_config off
	storage file_system %q
	servers {
		protocols h1
	}
`

// startCaddy runs a Caddyfile in this process, with its admin endpoint at a host and
// port and its storage in dir.
func startCaddy(file, text, admin, dir string) error {
	before, after, found := strings.Cut(text, "\n{\n")
	if !found {
		return fmt.Errorf("%s has no global options", file)
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(before+"\n"+fmt.Sprintf(options, admin, dir)+after), map[string]any{"filename": file})
	if err != nil {
		return err
	}
	// Of Caddy's own messages only what the person at the terminal must know, as
	// text; the example's filter stays.
	var config map[string]any
	if err := json.Unmarshal(adapted, &config); err != nil {
		return err
	}
	log := config["logging"].(map[string]any)["logs"].(map[string]any)["default"].(map[string]any)
	log["level"] = "WARN"
	log["encoder"].(map[string]any)["wrap"] = map[string]any{"format": "console", "time_format": "wall"}
	if adapted, err = json.Marshal(config); err != nil {
		return err
	}
	return caddy.Load(adapted, true)
}

func orDash(s string) string { return cmp.Or(s, "–") }
