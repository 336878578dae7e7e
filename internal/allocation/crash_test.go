package allocation

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"

	standinnotify "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	standintrs "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
	standinzendesk "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
)

// story is what a teacher, staff and the process go through.
type story struct {
	name    string
	submit  string // what the child is told
	people  string // at the register
	decide  func(*standintrs.Server, string) error
	webhook bool // the register tells of the decision, again until it is taken

	// What must have come of it, each exactly.
	requests, links, emails, tickets int
	told                             bool // whether browsers were
}

const namesake = `{"people": [{"trn": "` + otherTRN + `", "firstName": "Prunella", "lastName": "Wintergreen", "dateOfBirth": "1984-03-02"}]}`

var stories = []story{
	{name: "possible duplicate, resolved", submit: "submit", people: namesake, webhook: true,
		decide:   func(api *standintrs.Server, id string) error { return api.ResolveRequest(id, "") },
		requests: 1, links: 1, emails: 1, told: true},
	{name: "possible duplicate, rejected", submit: "submit", people: namesake,
		decide:   (*standintrs.Server).RejectRequest,
		requests: 1, tickets: 1, told: true},
	{name: "given at once, embedded register", submit: "submit", people: `{"people": []}`, requests: 1, links: 1},
	{name: "record not found", submit: "help", people: `{"people": []}`, tickets: 1},
}

const (
	atOnce   = 16              // runs, which mostly wait
	runLimit = 5 * time.Minute // for one; it takes a few seconds, or two minutes where only asynq can notice who died

	// extra runs for each point, in which what recovers is killed too.
	extra = 1
)

// TestCrash kills the process with SIGKILL at every step from "submit" to "e-mail
// sent" or "ticket opened", starts another, and counts what came of it: at the
// register, at GOV.UK Notify, at Zendesk and in Redis.
func TestCrash(t *testing.T) {
	server := startRedis(t)
	c := &crashes{t: t, redis: server, epoch: time.Now()}
	var table strings.Builder
	rows := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(rows, "story\tpoints\truns\tprocesses killed\tduplicates\tlosses\n")
	began := time.Now()
	var all sync.WaitGroup
	room := make(chan bool, atOnce)
	for _, s := range stories {
		whole := c.run(s, nil)
		if len(whole.wrong) > 0 || whole.steps < 8 {
			t.Fatalf("%s: %d steps, %v", s.name, whole.steps, whole.wrong)
		}
		var runs, killed, duplicates, losses atomic.Int64
		var story sync.WaitGroup
		for point := range whole.steps {
			for n := range 1 + extra {
				kills := []int{point + 1}
				if n > 0 {
					kills = append(kills, 1+rand.N(whole.steps))
				}
				room <- true
				story.Go(func() {
					defer func() { <-room }()
					end := c.run(s, kills)
					runs.Add(1)
					killed.Add(int64(end.killed))
					duplicates.Add(int64(end.duplicates))
					losses.Add(int64(end.losses))
					for _, wrong := range end.wrong {
						t.Errorf("%s, killed at %v: %s", s.name, kills, wrong)
					}
				})
			}
		}
		all.Go(func() { // the next story does not wait
			story.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			fmt.Fprintf(rows, "%s\t%d\t%d\t%d\t%d\t%d\n", s.name, whole.steps, runs.Load(), killed.Load(), duplicates.Load(), losses.Load())
		})
	}
	all.Wait()
	rows.Flush()
	t.Logf("\n%s%s", &table, time.Since(began).Round(time.Second))
}

// crashes are all runs, each with a database of Redis to itself.
type crashes struct {
	t     *testing.T
	redis string
	epoch time.Time
	mu    sync.Mutex
	runs  atomic.Int64
}

// ending is how a run ended.
type ending struct {
	steps, killed      int
	duplicates, losses int
	wrong              []string
}

func (e *ending) count(what string, got, want int) {
	if e.duplicates += max(0, got-want); got != want {
		e.wrong = append(e.wrong, fmt.Sprintf("%d %s, want %d", got, what, want))
	}
	e.losses += max(0, want-got)
}

// standins are what a run's processes talk to. They outlive them.
type standins struct {
	trs     *standintrs.Server
	notify  *standinnotify.Server
	zendesk *standinzendesk.Server
	state   *store.Store
	config  childConfig
}

// run goes through a story. The nth process kills itself at the nth of the steps;
// the one after the last does not.
func (c *crashes) run(s story, kills []int) (end ending) {
	in, closeAll := c.standins(s)
	defer closeAll()
	ctx, cancel := context.WithTimeout(c.t.Context(), runLimit)
	defer cancel()
	visit := patiently(func() (string, error) {
		return in.state.Create(ctx, journey.State{Subject: subject, Created: time.Now()})
	})
	id := (&Desk{Config{Issuer: issuer, Service: service}}).id(subject)

	acknowledged, decided := "", false
	for done := false; !done; {
		in.config.Kill = 0
		if end.killed < len(kills) {
			in.config.Kill = kills[end.killed]
		}
		p := startProcess(ctx, in.config)
		if acknowledged == "" { // as the teacher's browser does
			p.tell(s.submit)
			acknowledged = p.answer("submitted ")
		}
		if acknowledged != "" && !decided && s.decide != nil {
			if err := s.decide(in.trs, id); err != nil {
				end.wrong = append(end.wrong, err.Error())
			}
			decided = true
		}
		if decided && s.webhook {
			p.tell("decided " + id)
		}
		for !done && p.alive() && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			done = acknowledged != "" && in.over(ctx)
		}
		if done && p.alive() {
			p.tell("steps") // told when what comes too often has come
			end.steps, _ = strconv.Atoi(p.answer("steps "))
		}
		if done = done || ctx.Err() != nil; !p.kill() {
			end.killed++
		}
	}
	if ctx.Err() != nil {
		end.wrong = append(end.wrong, "it never ended")
		end.losses++
		return end
	}
	in.judge(ctx, s, visit, acknowledged, &end)
	return end
}

// over reports whether nothing is left to do.
func (in *standins) over(ctx context.Context) bool {
	over, any := true, false
	requests := store.FilesOf[Request](in.state, store.TRNRequests).Each(ctx, func(_ string, r Request) error {
		over, any = over && r.Settled, true
		return nil
	})
	tickets := store.FilesOf[support.Request](in.state, store.Tickets).Each(ctx, func(_ string, r support.Request) error {
		over, any = over && r.State == support.Opened, true
		return nil
	})
	return requests == nil && tickets == nil && over && any
}

// judge counts what came of a story.
func (in *standins) judge(ctx context.Context, s story, visit, acknowledged string, end *ending) {
	var book struct{ Requests []any } // of the embedded register
	text := patiently(func() ([]byte, error) {
		return ledger{store.FilesOf[json.RawMessage](in.state, store.Ledger)}.Read(ctx, "trn-requests")
	})
	if text != nil {
		must(0, json.Unmarshal(text, &book))
	}
	end.count("requests for a TRN", len(in.trs.Requests())+len(book.Requests), s.requests)
	link := patiently(func() (journey.Link, error) {
		link, _, err := in.state.Link(ctx, issuer, subject)
		return link, err
	})
	linked := 0
	if link.TRN != "" {
		linked++
	}
	end.count("links", linked, s.links)
	if linked > 0 && (link.TRN == otherTRN || len(link.Identity.Names) == 0) {
		end.wrong = append(end.wrong, "linked to somebody else's record")
	}
	emails, tickets := in.notify.Inbox(), in.zendesk.Tickets()
	end.count("e-mails", len(emails), s.emails)
	end.count("tickets", len(tickets), s.tickets)
	if len(emails) == 1 && (emails[0].To != person.Email || !strings.Contains(emails[0].Body, link.TRN)) {
		end.wrong = append(end.wrong, "an e-mail to somebody else, or about something else")
	}
	if len(tickets) == 1 && s.submit == "help" && tickets[0].ExternalID != acknowledged {
		end.wrong = append(end.wrong, "the teacher was told another reference")
	}
	state := patiently(func() (journey.State, error) {
		state, _, err := in.state.Load(ctx, visit)
		return state, err
	})
	if s.told && state.Stale == "" {
		end.wrong = append(end.wrong, "the teacher's browser was not told")
		end.losses++
	}
}

// standins starts them for one run, in a database of its own.
func (c *crashes) standins(s story) (in *standins, closeAll func()) {
	var closers []func()
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		closers = append(closers, server.Close)
		return server.URL
	}
	in = &standins{
		trs: must(standintrs.New(standintrs.Config{People: []byte(s.people), APIKey: trsKey})),
		notify: must(standinnotify.New(standinnotify.Config{APIKey: notifyKey,
			Templates: []standinnotify.Template{{ID: template, Name: "TRN", Subject: "Your TRN", Body: "It is ((trn))."}}})),
		zendesk: must(standinzendesk.New(standinzendesk.Config{ClientID: zendeskClient, ClientSecret: zendeskSecret})),
		config:  childConfig{Redis: fmt.Sprintf("%s/%d", c.redis, c.runs.Add(1)-1), Epoch: c.epoch},
	}
	in.config.Notify, in.config.Zendesk = serve(in.notify), serve(in.zendesk)
	if s.decide != nil {
		in.config.TRS = serve(in.trs)
	} else {
		in.config.People = filepath.Join(c.t.TempDir(), "people.json")
		must(0, os.WriteFile(in.config.People, []byte(s.people), 0o600))
	}
	logger := slog.New(slog.DiscardHandler)
	connection := must(store.Connect(in.config.Redis, logger))
	in.state = must(store.New(storeConfig(connection.Client, logger)))
	return in, func() {
		in.state.Close()
		connection.Close()
		for _, closeOne := range closers {
			closeOne()
		}
	}
}

func storeConfig(client redis.UniversalClient, logger *slog.Logger) store.Config {
	return store.Config{Client: client, Secrets: [][]byte{[]byte(strings.Repeat("a", 32))}, IdleLimit: time.Hour, AbsoluteLimit: time.Hour,
		LookupLimit: 5, LookupWindow: time.Hour, Logger: logger}
}

// process is a child.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	lines   chan string   // what it says
	dead    chan struct{} // closed when it is
}

func startProcess(ctx context.Context, c childConfig) *process {
	p := &process{command: exec.CommandContext(ctx, must(os.Executable())), lines: make(chan string, 10), dead: make(chan struct{})}
	p.command.Env = append(os.Environ(), crashChild+"="+string(must(json.Marshal(c))))
	p.command.Stderr = os.Stderr
	p.in = must(p.command.StdinPipe()) // it ends with us: then this is closed
	out := must(p.command.StdoutPipe())
	must(0, p.command.Start())
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
		close(p.lines)
		p.command.Wait()
		close(p.dead)
	}()
	return p
}

// tell may be too late.
func (p *process) tell(line string) { fmt.Fprintln(p.in, line) }

// answer is the rest of the line that begins so, "" if the process died before.
func (p *process) answer(begins string) string {
	for line := range p.lines {
		if rest, ok := strings.CutPrefix(line, begins); ok {
			return rest
		}
	}
	return ""
}

func (p *process) alive() bool {
	select {
	case <-p.dead:
		return false
	default:
		return true
	}
}

// kill reports whether it was alive.
func (p *process) kill() (was bool) {
	was = p.alive()
	p.command.Process.Kill()
	<-p.dead
	return was
}

// startRedis starts a redis-server that has written down whatever it confirms.
func startRedis(t *testing.T) (address string) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is needed for this test; install it with: apt-get install redis-server")
	}
	for range 20 {
		port := strconv.Itoa(10000 + rand.N(20000))
		server := exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--loglevel", "warning",
			"--databases", "5000", "--save", "", "--appendonly", "yes", "--appendfsync", "always")
		server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		must(0, server.Start())
		ended := make(chan error, 1)
		go func() { ended <- server.Wait() }()
		t.Cleanup(func() { server.Process.Kill() })
		for len(ended) == 0 {
			if connection, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
				connection.Close()
				return "redis://127.0.0.1:" + port
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	t.Fatal("no port is free")
	return ""
}
