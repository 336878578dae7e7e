// Package e2e tells whole stories through the real binary: Caddy with this
// module, as Caddyfile.example has it, beside a real Redis and the strict
// stand-ins.
//
//	stack_test.go     one site with everything it needs, started and stopped
//	operator_test.go  what an operator does to it: reload, stop Redis, add a replica
//	teacher_test.go   a teacher with a browser, over HTTP
//	raw_test.go       a client that sends what no browser would
//	logs_test.go      what no log may show
//	*_test.go         the stories
//
// Every process writes its log into the stack, and when the stack stops the log
// is searched for the personal data of everybody who could have signed in.
package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// Caddy with this module, built when first needed: with the race detector for
// the stories, without for the benchmark.
var (
	binary     = sync.OnceValue(func() string { return build("caddy-race", "-race") })
	fastBinary = sync.OnceValue(func() string { return build("caddy") })
	binaries   string // the folder they are in
)

func TestMain(m *testing.M) {
	var err error
	if binaries, err = os.MkdirTemp("", "teaching-record-e2e-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(binaries)
	os.Exit(code)
}

func build(name string, flags ...string) string {
	// What it is built of is looked at, so that Go knows that the tests depend on it:
	// it would take their result of before for that of changed code.
	if err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(path, "../../.git") {
			_, err = os.Stat(path)
		}
		return err
	}); err != nil {
		panic(err)
	}
	path := filepath.Join(binaries, name)
	build := exec.Command("go", append(append([]string{"build", "-o", path}, flags...), "../cmd/caddy")...)
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("building caddy: %v\n%s", err, out))
	}
	return path
}

// stack is one site and everything it needs.
type stack struct {
	*devstack.Stack
	t         testing.TB
	site      string            // origin of the site
	client    *http.Client      // reaches it
	env       map[string]string // what Caddyfile.example is run with
	binary    string            // Caddy; default: with the race detector
	caddyfile string            // path of what Caddy runs
	admin     string            // Caddy's admin endpoint, host and port
	trsKey    string            // of the Teaching Record System, "" for the embedded register
	console   string            // origin of the console, where staff change records and decide
	dir       string
	caddy     *process
	redis     *process
	log       *logBuffer
	served    []func() // stops what serves the stand-ins
}

// option changes a stack before it starts.
type option func(*stack)

// editing replaces text in the Caddyfile; all of the old must be there.
func editing(oldNew ...string) option {
	return func(s *stack) {
		text := read(s.t, s.caddyfile)
		for i := 0; i < len(oldNew); i += 2 {
			if !strings.Contains(text, oldNew[i]) {
				s.t.Fatalf("Caddyfile.example has no %q", oldNew[i])
			}
			text = strings.Replace(text, oldNew[i], oldNew[i+1], 1)
		}
		s.caddyfile = filepath.Join(s.dir, "Caddyfile")
		write(s.t, s.caddyfile, text)
	}
}

// start brings up a stack and stops it with the test.
func start(t testing.TB, options ...option) *stack {
	t.Helper()
	s := &stack{t: t, dir: t.TempDir(), log: &logBuffer{}, caddyfile: "../../Caddyfile.example", admin: freeAddress(t), site: "http://" + freeAddress(t)}
	s.client = &http.Client{Timeout: 5 * time.Second}
	return s.start(options)
}

func (s *stack) start(options []option) *stack {
	t := s.t
	t.Helper()
	t.Cleanup(s.stop)
	oneLogin, service, redisAddress := listen(t), listen(t), freeAddress(t)
	mail, desk, console := listen(t), listen(t), listen(t)
	s.console = "http://" + console.Addr().String()
	finder := listen(t)
	verify, err := devstack.Verify(s.site, s.client)
	must(t, err)
	config := devstack.Config{Site: s.site, OneLogin: "http://" + oneLogin.Addr().String(), ClientID: "e2e",
		Notify: "http://" + mail.Addr().String(), Zendesk: "http://" + desk.Addr().String(), Admin: s.admin,
		ServiceName: "Access your teaching qualifications", Verify: verify, HTTP: s.client, TRSKey: s.trsKey, TRSRetries: trsRetries, Stall: 25 * time.Second,
		Logger: slog.New(slog.NewTextHandler(s.log, nil))}
	config.Find = "http://" + finder.Addr().String()
	s.Stack, err = devstack.New(config)
	must(t, err)
	s.serve(oneLogin, s.OneLogin)
	s.serve(service, s.Service)
	s.serve(finder, s.Find)
	s.serve(mail, s.Notify)
	s.serve(desk, s.Zendesk)
	s.serve(console, s.Console)

	s.env, err = devstack.Environment(config, s.dir, service.Addr().String(), "redis://"+redisAddress)
	must(t, err)
	if s.TRS != nil {
		t.Cleanup(s.TRS.Close) // before the site stops, whose port could become another's
		records := listen(t)
		s.serve(records, s.TRS)
		s.env["TRS_URL"], s.env["TRS_API_KEY"] = "http://"+records.Addr().String(), s.trsKey
		text, err := devstack.InTRS(read(t, s.caddyfile))
		must(t, err)
		s.caddyfile = filepath.Join(s.dir, "Caddyfile")
		write(t, s.caddyfile, text)
	}
	for _, o := range options {
		o(s)
	}
	s.startRedis()
	s.linkKnown()
	s.startCaddy()
	return s
}

// startCaddy starts Caddy and waits until it answers.
func (s *stack) startCaddy() {
	s.t.Helper()
	s.caddy = s.run(cmp.Or(s.binary, binary()), "run", "--config", s.caddyfile, "--adapter", "caddyfile")
	s.await("Caddy to answer", func() bool {
		resp, err := s.client.Get(s.site + "/teaching-record/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// stop ends what the stack started, and nothing else.
func (s *stack) stop() {
	s.caddy.stop()
	s.redis.stop()
	for _, stop := range s.served {
		stop()
	}
	s.searchLog()
	if s.t.Failed() {
		s.t.Logf("the log:\n%s", s.log.String())
	}
}

// linkKnown gives those who came before their link.
func (s *stack) linkKnown() {
	s.t.Helper()
	links := s.store()
	for _, p := range people.Everyone() {
		if !p.Linked {
			continue
		}
		link := journey.Link{TRN: p.TRN, How: "nino", At: time.Now(), Identity: journey.Identity{
			Names: []journey.Name{{Given: p.Given, Family: p.Family}}, BirthDates: []string{p.BirthDate}}}
		s.await("Redis to answer", func() bool {
			return links.SetLink(s.t.Context(), s.env["ONE_LOGIN_ISSUER"], p.Subject(), link) == nil
		})
	}
}

// store opens the site's Redis as another replica would.
func (s *stack) store() *store.Store {
	s.t.Helper()
	secret, err := base64.StdEncoding.DecodeString(s.env["TEACHING_RECORD_SECRET"])
	must(s.t, err)
	redis, err := store.Connect(s.env["REDIS_URL"], slog.New(slog.DiscardHandler))
	must(s.t, err)
	s.t.Cleanup(func() { redis.Close() })
	st, err := store.New(store.Config{Client: redis.Client, Secrets: [][]byte{secret}, IdleLimit: 2 * time.Hour,
		AbsoluteLimit: 12 * time.Hour, LookupLimit: 5, LookupWindow: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler)})
	must(s.t, err)
	s.t.Cleanup(func() { st.Close() })
	return st
}

// serve serves one stand-in until the stack stops.
func (s *stack) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h}
	go server.Serve(l)
	s.served = append(s.served, func() { server.Close() })
}

// await waits for a condition.
func (s *stack) await(what string, holds func() bool) {
	s.t.Helper()
	s.within(30*time.Second, what, holds)
}

// within waits for a condition, and no longer than limit.
func (s *stack) within(limit time.Duration, what string, holds func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("waited in vain for %s\n%s", what, s.log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// process is a server that the stack started.
type process struct {
	*exec.Cmd
	done chan struct{}
}

func (s *stack) run(name string, args ...string) *process {
	s.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		s.t.Fatalf("%v: make -f xcaddy.mk tools installs what the tests need", err)
	}
	p := &process{Cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.Env = s.environ()
	p.Stdout, p.Stderr = s.log, s.log
	must(s.t, p.Start())
	go func() {
		p.Wait()
		close(p.done)
	}()
	return p
}

// environ is what the stack's processes see: among it what Caddyfile.example names.
func (s *stack) environ() []string {
	env := append(os.Environ(), "XDG_DATA_HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "CADDY_ADMIN="+s.admin)
	for name, value := range s.env {
		env = append(env, name+"="+value)
	}
	return env
}

// stop ends the process, politely and then not.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.Process.Signal(syscall.SIGCONT)
	p.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Process.Kill()
		<-p.done
	}
}

// logBuffer collects what many processes write.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// listen takes a free port of this machine.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return l
}

// ports are below those that the system gives out by itself, 32768 and up on
// Linux: any connection of another test could have one of these a moment later.
var ports atomic.Uint32

const firstPort, portCount = 20000, 12000

func init() { ports.Store(rand.Uint32N(portCount)) }

// freeAddress is the address of a port that is free and that nobody else is given.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range portCount {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+ports.Add(1)%portCount))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func body(t testing.TB, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	must(t, err)
	return string(text)
}
