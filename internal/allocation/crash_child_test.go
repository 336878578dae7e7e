package allocation

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register/trs"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
)

// What the process and the stand-ins of the crash test agree on.
const (
	crashChild    = "CRASH_TEST_CHILD" // the environment variable that makes the test binary one
	agent         = "caddy-teaching-record/0.0"
	trsKey        = "a-key-for-tests"
	notifyKey     = "a-key-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
	template      = "9d751e0e-f929-4891-82a1-a3e1c3c18ee3"
	zendeskClient = "teaching-record"
	zendeskSecret = "a-secret-for-tests"

	// faster is by how much the desks' time runs faster than the world's: a claim
	// ends after four seconds, and a slow Redis is given up after two.
	faster = 30
)

// childConfig is what a child is told.
type childConfig struct {
	Kill int // at which step it kills itself; 0 for never

	Redis, Notify, Zendesk string
	TRS                    string // "" for an embedded register of People
	People                 string
	Epoch                  time.Time // when time began to run faster
}

// child is a whole process of the service, but for the pages: every part is the
// real one. It does what it reads, again where Redis did not answer, as a browser
// and the register would, and says what came of it.
//
//	submit        the teacher asks for a TRN; "submitted <status>"
//	help          the teacher asks for help; "submitted <reference>"
//	decided <id>  the register's webhook
//	steps         how many there were, once nothing more is to be done; "steps <n>"
func child(text string) {
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	ctx, steps := context.Background(), &fuse{kill: int64(c.Kill)}
	logger := slog.New(slog.DiscardHandler)
	now := func() time.Time { return c.Epoch.Add(time.Since(c.Epoch) * faster) }

	client := must(store.Connect(c.Redis, logger)).Client
	state := must(store.New(storeConfig(client, logger)))
	state.Begin()
	work := must(background.New(background.Config{Client: client, Queue: "crash", Logger: logger, Pace: 100 * time.Millisecond}))
	zendesk := must(support.NewZendesk(support.ZendeskConfig{
		URL: c.Zendesk, ClientID: zendeskClient, ClientSecret: zendeskSecret, UserAgent: agent, HTTP: steps.http(), Logger: logger,
	}))
	help := must(support.NewDesk(support.DeskConfig{
		Issuer: issuer, ServiceURL: service, ServiceName: "Access", Opener: dangerousOpener{steps, zendesk}, Visits: dangerousStore{steps, state},
		Files: dangerousFiles[support.Request]{steps, store.FilesOf[support.Request](state, store.Tickets)},
		Work:  dangerousWork{steps, work}, Logger: logger, Now: now,
	}))
	var underWay atomic.Int64
	work.Add(inAHurry(help.Tasks(), &underWay), help.Unsettled)
	desk := must(New(Config{
		Issuer: issuer, Service: service, Files: dangerousFiles[Request]{steps, store.FilesOf[Request](state, store.TRNRequests)},
		Register: dangerousRegister{steps, c.register(state, steps, logger)}, Links: dangerousStore{steps, state}, Visits: dangerousStore{steps, state},
		Help: dangerousHelp{steps, help}, Work: dangerousWork{steps, work}, Logger: logger, Now: now,
		Mail: dangerousMail{steps, must(notify.New(notify.Config{APIKey: notifyKey, URL: c.Notify, UserAgent: agent, HTTP: steps.http(), Logger: logger}))},
	}))
	work.Add(inAHurry(desk.Tasks(), &underWay), desk.Unsettled)
	work.Begin()

	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		what, id, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "submit":
			fmt.Println("submitted", patiently(func() (journey.RequestStatus, error) { return desk.Ask(ctx, person, application) }))
		case "help":
			p := journey.Plea{Reason: journey.NotFound, Subject: subject, Email: person.Email, Identity: person.Identity}
			fmt.Println("submitted", patiently(func() (string, error) { return help.Ask(ctx, p) }))
		case "decided":
			patiently(func() (any, error) { return nil, desk.Decided(ctx, id) })
		case "steps":
			patiently(func() (any, error) { return nil, rests(client, &underWay) })
			fmt.Println("steps", steps.count.Load())
		}
	}
}

func must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}

// patiently does it until it is done.
func patiently[T any](do func() (T, error)) T {
	for {
		if done, err := do(); err == nil {
			return done
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (c childConfig) register(state *store.Store, steps *fuse, logger *slog.Logger) Register {
	if c.TRS == "" {
		return c.embedded(state, logger)
	}
	return must(trs.New(trs.Config{URL: c.TRS, APIKey: trsKey, UserAgent: agent, HTTP: steps.http(), Logger: logger}))
}

func (c childConfig) embedded(state *store.Store, logger *slog.Logger) *register.Embedded {
	book := ledger{store.FilesOf[json.RawMessage](state, store.Ledger)}
	return must(register.Open(c.People, register.Config{Ledger: book, Now: time.Now, Logger: logger}))
}

// ledger keeps what an embedded register gives out.
type ledger struct{ store.Files[json.RawMessage] }

func (l ledger) Read(ctx context.Context, name string) ([]byte, error) {
	text, _, err := l.Files.Read(ctx, name)
	return text, err
}

func (l ledger) Update(ctx context.Context, name string, f func([]byte) ([]byte, error)) error {
	_, err := l.Files.Change(ctx, name, func(old json.RawMessage, _ bool) (json.RawMessage, error) { return f(old) })
	return err
}

// inAHurry looks again sooner, as time runs faster. Short waits are waited for in
// place: asynq takes more than a minute to see that the task of a dead process is
// nobody's, which is less than a claim lasts, but not in such a hurry.
func inAHurry(work map[string]background.Work, underWay *atomic.Int64) map[string]background.Work {
	for kind, do := range work {
		work[kind] = func(ctx context.Context, name string) error {
			underWay.Add(1)
			defer underWay.Add(-1)
			for {
				err, wait := do(ctx, name), background.NotYet{}
				if !errors.As(err, &wait) {
					return err
				}
				if wait.In /= faster; wait.In > claimLife/faster {
					return wait
				}
				select {
				case <-ctx.Done():
					return wait
				case <-time.After(wait.In):
				}
			}
		}
	}
	return work
}

// rests reports, by nil, that nothing is being done and nothing waits to be: what
// came too often has come.
func rests(client redis.UniversalClient, underWay *atomic.Int64) error {
	queue, err := asynq.NewInspectorFromRedisClient(client).GetQueueInfo("crash")
	if err != nil {
		return err
	}
	if left := int64(queue.Pending) + underWay.Load(); left > 0 {
		return fmt.Errorf("%d pieces of work are left", left)
	}
	return nil
}

// fuse counts steps: two for each call of one part to another, one before and one
// after it. At one of them the process kills itself, as by kill -9.
type fuse struct {
	kill  int64
	count atomic.Int64
}

func (f *fuse) step() {
	if f.count.Add(1) == f.kill {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// call is used as: defer f.call()()
func (f *fuse) call() (after func()) { f.step(); return f.step }

// http is a client whose every call is a step too.
func (f *fuse) http() *http.Client { return &http.Client{Transport: dangerousWay{f}} }

type (
	dangerousWay          struct{ *fuse }
	dangerousFiles[T any] struct {
		*fuse
		store.Files[T]
	}
	dangerousStore struct {
		*fuse
		*store.Store
	}
	dangerousWork struct {
		*fuse
		*background.Background
	}
	dangerousRegister struct {
		*fuse
		Register
	}
	dangerousHelp struct {
		*fuse
		Help
	}
	dangerousMail struct {
		*fuse
		*notify.Client
	}
	dangerousOpener struct {
		*fuse
		*support.Zendesk
	}
)

func (d dangerousWay) RoundTrip(r *http.Request) (*http.Response, error) {
	defer d.call()()
	return http.DefaultTransport.RoundTrip(r)
}

func (d dangerousFiles[T]) Read(ctx context.Context, name string) (T, bool, error) {
	defer d.call()()
	return d.Files.Read(ctx, name)
}

func (d dangerousFiles[T]) Change(ctx context.Context, name string, f func(T, bool) (T, error)) (T, error) {
	defer d.call()()
	return d.Files.Change(ctx, name, f)
}

func (d dangerousStore) Link(ctx context.Context, issuer, subject string) (journey.Link, bool, error) {
	defer d.call()()
	return d.Store.Link(ctx, issuer, subject)
}

func (d dangerousStore) SetLink(ctx context.Context, issuer, subject string, l journey.Link) error {
	defer d.call()()
	return d.Store.SetLink(ctx, issuer, subject, l)
}

func (d dangerousStore) ChangeOf(ctx context.Context, subject string, f func(journey.State) (journey.State, error)) error {
	defer d.call()()
	return d.Store.ChangeOf(ctx, subject, f)
}

func (d dangerousWork) Look(ctx context.Context, kind, name string, after time.Duration) error {
	defer d.call()()
	return d.Background.Look(ctx, kind, name, after/faster)
}

func (d dangerousRegister) RequestTRN(ctx context.Context, r journey.TRNRequest) (journey.Allocation, error) {
	defer d.call()()
	return d.Register.RequestTRN(ctx, r)
}

func (d dangerousRegister) TRNRequest(ctx context.Context, id string) (journey.Allocation, error) {
	defer d.call()()
	return d.Register.TRNRequest(ctx, id)
}

func (d dangerousRegister) Find(ctx context.Context, who journey.Identity, stated journey.Stated) (journey.Record, bool, error) {
	defer d.call()()
	return d.Register.Find(ctx, who, stated)
}

func (d dangerousHelp) Ask(ctx context.Context, p journey.Plea) (string, error) {
	defer d.call()()
	return d.Help.Ask(ctx, p)
}

func (d dangerousOpener) Open(ctx context.Context, t support.Ticket, again bool) (string, error) {
	defer d.call()()
	return d.Zendesk.Open(ctx, t, again)
}

// TRNAllocated tells the errors of GOV.UK Notify as the background knows them.
func (d dangerousMail) TRNAllocated(ctx context.Context, r Request, again bool) error {
	defer d.call()()
	err := d.Client.Send(ctx, notify.Email{To: r.Email, Template: template, Reference: r.ID, Personalisation: map[string]string{"trn": r.TRN}}, again)
	later := notify.Later{}
	switch {
	case errors.Is(err, notify.ErrRefused):
		return fmt.Errorf("%w: %w", background.ErrHopeless, err)
	case errors.As(err, &later):
		return background.NotYet{In: later.Wait * faster}
	}
	return err
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(silence{}) // go-redis writes to standard error of every connection that fails
	if config := os.Getenv(crashChild); config != "" {
		child(config)
		os.Exit(0)
	}
	os.Exit(m.Run())
}
