package background

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// conformance is what must hold on any Redis. Each test gets it empty.
var conformance = []struct {
	name string
	test func(*testing.T, redis.UniversalClient)
}{
	{"Soon", testSoon},
	{"Waiting", testWaiting},
	{"NotYet", testNotYet},
	{"Failure", testFailure},
	{"FailuresInARow", testFailuresInARow},
	{"Panic", testPanic},
	{"Hopeless", testHopeless},
	{"HadEnough", testHadEnough},
	{"LookMeanwhile", testLookMeanwhile},
	{"LookMeanwhileFails", testLookMeanwhileFails},
	{"UnknownKind", testUnknownKind},
	{"TwoReplicas", testTwoReplicas},
	{"Close", testClose},
	{"HandedBack", testHandedBack},
	{"Lost", testLost},
	{"Died", testDied},
	{"LeftAlone", testLeftAlone},
	{"NamesOnly", testNamesOnly},
}

func TestEmbedded(t *testing.T) { t.Parallel(); conform(t, "embedded") }
func TestRedis(t *testing.T)    { t.Parallel(); conform(t, startRedis(t).url()) }
func TestCluster(t *testing.T)  { t.Parallel(); conform(t, startCluster(t)) }

// A user of Redis that may do no more than this is enough for us.
func TestUser(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	must(t, open(t, s.url()).Do(t.Context(), "ACL", "SETUSER", "service", "on", ">pw", "~asynq:*", "&asynq:*", "+@all", "-@admin", "-@dangerous", "+keys", "+flushall").Err())
	conform(t, "unix://service:pw@"+s.socket)
}

func conform(t *testing.T, address string) {
	client := open(t, address)
	for _, row := range conformance {
		t.Run(row.name, func(t *testing.T) {
			must(t, client.FlushAll(t.Context()).Err())
			row.test(t, client)
		})
	}
}

// looks are those at documents.
type looks struct {
	mu      sync.Mutex
	names   []string
	answers []error // in turn, then nil
}

func answering(answers ...error) *looks { return &looks{answers: answers} }

func (l *looks) work(_ context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, name)
	if n := len(l.names); n <= len(l.answers) {
		return l.answers[n-1]
	}
	return nil
}

func (l *looks) count() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.names) }

func testSoon(t *testing.T, client redis.UniversalClient) {
	l := answering()
	r := replicaOf(t, client, l.work)
	for range 3 { // one task, however often
		r.looks(t, "a", 0)
	}
	if n := r.tasks(t); n != 1 || !r.is(t, "a", asynq.TaskStatePending) {
		t.Errorf("%d tasks", n)
	}
	r.Begin()
	r.Begin()
	eventually(t, func() bool { return l.count() == 1 && r.tasks(t) == 0 })
	r.looks(t, "b", 0)
	eventually(t, func() bool { return l.count() == 2 && r.tasks(t) == 0 })
	if got := fmt.Sprint(l.names); got != "[a b]" || r.log.String() != "" {
		t.Errorf("looked at %s, and logged:\n%s", got, r.log)
	}
}

// What waits is not put off, and hurried by whoever wants it at once.
func testWaiting(t *testing.T, client redis.UniversalClient) {
	l := answering()
	r := replicaOf(t, client, l.work)
	r.looks(t, "a", time.Hour)
	r.looks(t, "a", 2*time.Hour)
	in(t, r.task(t, "a"), time.Hour)
	r.looks(t, "b", time.Second)
	r.Begin()
	eventually(t, func() bool { return l.count() == 1 })
	r.looks(t, "a", 0)
	eventually(t, func() bool { return l.count() == 2 && r.tasks(t) == 0 })
	if got := fmt.Sprint(l.names); got != "[b a]" {
		t.Errorf("looked at %s", got)
	}
}

// Waiting is no failure, however it is wrapped.
func testNotYet(t *testing.T, client redis.UniversalClient) {
	l := answering(fmt.Errorf("wrapped: %w", NotYet{In: time.Hour}), NotYet{In: time.Millisecond})
	r := replicaOf(t, client, l.work)
	r.Begin()
	r.looks(t, "a", 0)
	eventually(t, func() bool { return r.is(t, "a", asynq.TaskStateRetry) })
	task := r.task(t, "a")
	if in(t, task, time.Hour); task.Retried != 0 || r.log.String() != "" {
		t.Errorf("failed %d times, and logged:\n%s", task.Retried, r.log)
	}
	r.looks(t, "a", time.Minute)
	in(t, r.task(t, "a"), time.Hour)
	r.looks(t, "a", 0)
	eventually(t, func() bool { return l.count() == 3 && r.tasks(t) == 0 })
}

func testFailure(t *testing.T, client redis.UniversalClient) {
	l := answering(errors.New("first-reason"), errors.New("second-reason"))
	r := replicaOf(t, client, l.work)
	r.Begin()
	r.looks(t, "a", 0)
	eventually(t, func() bool { return r.is(t, "a", asynq.TaskStateRetry) })
	task := r.task(t, "a")
	wait := time.Until(task.NextProcessAt)
	if task.Retried != 1 || task.LastErr != "first-reason" || wait < firstRetry-2*time.Second || wait > 2*firstRetry {
		t.Errorf("failed %d times, last with %q, the next look in %v", task.Retried, task.LastErr, wait)
	}
	r.looks(t, "a", 0)
	eventually(t, func() bool { return r.is(t, "a", asynq.TaskStateRetry) && r.task(t, "a").Retried == 2 })
	r.looks(t, "a", 0)
	eventually(t, func() bool { return r.tasks(t) == 0 })
	if r.log.lines("level=WARN") != 2 || r.log.lines(`work=ticket:open name=a failed_before=1 error=second-reason`) != 1 {
		t.Errorf("logged:\n%s", r.log)
	}
}

// What waits again after it had failed begins to count anew, or whatever is
// followed for months would be put aside in the end.
func testFailuresInARow(t *testing.T, client redis.UniversalClient) {
	l := answering(errors.New("reason"), NotYet{In: time.Millisecond}, NotYet{In: time.Hour})
	r := replicaOf(t, client, l.work)
	r.Begin()
	r.looks(t, "a", 0)
	eventually(t, func() bool { return r.is(t, "a", asynq.TaskStateRetry) })
	r.looks(t, "a", 0)
	eventually(t, func() bool { return l.count() == 3 && r.is(t, "a", asynq.TaskStateScheduled) && r.tasks(t) == 1 })
	task := r.task(t, "a")
	if in(t, task, time.Hour); task.Retried != 0 {
		t.Errorf("failed %d times", task.Retried)
	}
}

// A panic is a failure of that work and of nothing else.
func testPanic(t *testing.T, client redis.UniversalClient) {
	l := answering()
	r := replicaOf(t, client, func(ctx context.Context, name string) error {
		if name == "bad" {
			panic("reason")
		}
		return l.work(ctx, name)
	})
	r.Begin()
	r.looks(t, "bad", 0)
	eventually(t, func() bool { return r.is(t, "bad", asynq.TaskStateRetry) })
	r.looks(t, "good", 0)
	eventually(t, func() bool { return l.count() == 1 })
	if r.log.lines("background work failed") != 1 {
		t.Errorf("logged:\n%s", r.log)
	}
}

func testHopeless(t *testing.T, client redis.UniversalClient) {
	l := answering(fmt.Errorf("reason: %w", ErrHopeless))
	r := replicaOf(t, client, l.work)
	if aside, err := r.Aside(t.Context()); len(aside) != 0 || err != nil { // there is no queue yet
		t.Errorf("Aside = %v, %v", aside, err)
	}
	r.Begin()
	r.looks(t, "a", 0)
	var aside []Aside
	eventually(t, func() bool {
		var err error
		aside, err = r.Aside(t.Context())
		must(t, err)
		return len(aside) > 0
	})
	want := Aside{Kind: kind, Name: "a", Failed: aside[0].Failed, Error: "reason: " + ErrHopeless.Error()}
	if aside[0] != want || len(aside) != 1 || time.Since(aside[0].Failed) > time.Minute {
		t.Errorf("Aside = %v, want %v", aside, want)
	}
	if r.log.lines("level=ERROR") != 1 || r.log.lines("name=a") != 1 {
		t.Errorf("logged:\n%s", r.log)
	}
	// An operator mends it and has it looked at again; nobody else does.
	r.looks(t, "a", time.Second)
	if !r.is(t, "a", asynq.TaskStateArchived) {
		t.Error("what was put aside is no more")
	}
	r.looks(t, "a", 0)
	eventually(t, func() bool { return l.count() == 2 && r.tasks(t) == 0 })
	if aside, err := r.Aside(t.Context()); len(aside) != 0 || err != nil {
		t.Errorf("Aside = %v, %v", aside, err)
	}
}

// What has failed as often as it may is put aside, unless it then waits.
func testHadEnough(t *testing.T, client redis.UniversalClient) {
	l := answering(errors.New("1"), NotYet{In: time.Hour})
	r := replicaOf(t, client, l.work)
	give := func(name string, retry int) {
		t.Helper()
		_, err := asynq.NewClientFromRedisClient(client).Enqueue(asynq.NewTask(kind, []byte(name)),
			asynq.Queue(queue), asynq.TaskID(taskID(kind, name)), asynq.MaxRetry(retry))
		must(t, err)
	}
	r.Begin()
	give("a", 1)
	eventually(t, func() bool { return r.is(t, "a", asynq.TaskStateRetry) })
	r.looks(t, "a", 0)
	eventually(t, func() bool { return l.count() == 2 && r.task(t, "a") == nil && r.tasks(t) == 1 })
	if aside, err := r.Aside(t.Context()); len(aside) != 0 || err != nil {
		t.Errorf("Aside = %v, %v", aside, err)
	}
	l.mu.Lock()
	l.answers = append(l.answers, errors.New("2"))
	l.mu.Unlock()
	give("b", 0)
	eventually(t, func() bool { return r.is(t, "b", asynq.TaskStateArchived) })
}

// gate is work that goes on until it is let through.
type gate struct {
	in  chan string
	out chan error
}

func newGate() gate { return gate{make(chan string), make(chan error)} }

func (g gate) work(ctx context.Context, name string) error {
	select {
	case g.in <- name:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-g.out:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Whoever is at it may have read the document before there was a reason to look
// again: it is looked at once more. That leaves one task, which waits.
func testLookMeanwhile(t *testing.T, client redis.UniversalClient) {
	g := newGate()
	r := replicaOf(t, client, g.work)
	r.Begin()
	r.looks(t, "a", 0)
	<-g.in
	r.looks(t, "a", time.Minute) // in time is soon enough
	if n := r.tasks(t); n != 1 {
		t.Errorf("%d tasks", n)
	}
	r.looks(t, "a", 0)
	<-g.in
	g.out <- NotYet{In: time.Hour}
	g.out <- NotYet{In: time.Hour}
	eventually(t, func() bool { return r.tasks(t) == 1 && r.is(t, "a", asynq.TaskStateRetry) })
	in(t, r.task(t, "a"), time.Hour)
}

// What fails in that second look is for the task, a new one if need be.
func testLookMeanwhileFails(t *testing.T, client redis.UniversalClient) {
	g := newGate()
	r := replicaOf(t, client, g.work)
	r.Begin()
	r.looks(t, "a", 0)
	<-g.in
	g.out <- nil
	eventually(t, func() bool { return r.tasks(t) == 0 })
	must(t, r.lookBesides(t.Context(), kind, "a", 0))
	<-g.in
	g.out <- errors.New("reason")
	eventually(t, func() bool { return r.tasks(t) == 1 && r.is(t, "a", asynq.TaskStateScheduled) })
	in(t, r.task(t, "a"), firstRetry)
	r.looks(t, "a", 0)
	<-g.in
	g.out <- NotYet{}
	<-g.in // at once
	g.out <- nil
	eventually(t, func() bool { return r.tasks(t) == 0 })
}

// What a newer version gives to be done stays until there is one that can.
func testUnknownKind(t *testing.T, client redis.UniversalClient) {
	older, err := New(Config{Client: client, Queue: queue, Pace: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	older.Add(map[string]Work{"other": func(context.Context, string) error { return nil }}, func(context.Context, func(string, string) error) error { return nil })
	t.Cleanup(func() { older.Close() })
	if err := older.Look(t.Context(), kind, "a", 0); err == nil || errors.Is(err, journey.NoStore) || !strings.Contains(err.Error(), kind) {
		t.Errorf("Look = %v", err)
	}
	older.Begin()
	l := answering()
	newer := replicaOf(t, client, l.work)
	newer.looks(t, "a", 0)
	eventually(t, func() bool { return newer.is(t, "a", asynq.TaskStateRetry) })
	must(t, older.Close())
	newer.Begin()
	newer.looks(t, "a", 0)
	eventually(t, func() bool { return l.count() == 1 && newer.tasks(t) == 0 })
}

// Everything given has its name in Redis, and nothing else of anybody.
func testNamesOnly(t *testing.T, client redis.UniversalClient) {
	g := newGate()
	r := replicaOf(t, client, g.work)
	r.Begin()
	r.looks(t, "name", 0)
	r.looks(t, "later", time.Hour)
	<-g.in
	for name, state := range map[string]asynq.TaskState{"name": asynq.TaskStateActive, "later": asynq.TaskStateScheduled} {
		task := r.task(t, name)
		if task.State != state || string(task.Payload) != name || len(task.Headers) != 0 || task.Type != kind || len(task.Result) != 0 {
			t.Errorf("task %q = %+v", name, task)
		}
	}
	for _, key := range keysOf(t, client, "*") {
		if !strings.HasPrefix(key, "asynq:") {
			t.Errorf("the key %q is none of asynq's", key)
		}
	}
	g.out <- nil
}

func TestPause(t *testing.T) {
	for _, tt := range []struct {
		failed int
		err    error
		want   time.Duration // and up to ten seconds more
	}{
		{0, errors.New("x"), 10 * time.Second}, {1, errors.New("x"), 20 * time.Second}, {2, ErrHopeless, 40 * time.Second},
		{8, errors.New("x"), 2560 * time.Second}, {9, errors.New("x"), time.Hour}, {62, errors.New("x"), time.Hour},
		{174, errors.New("x"), time.Hour}, {1 << 30, errors.New("x"), time.Hour},
	} {
		for range 100 {
			if got := pause(tt.failed, tt.err); got < tt.want || got >= tt.want+10*time.Second {
				t.Errorf("pause(%d, %v) = %v", tt.failed, tt.err, got)
			}
		}
	}
	for _, want := range []time.Duration{0, time.Millisecond, time.Minute, 24 * time.Hour} {
		if got := pause(100, fmt.Errorf("wrapped: %w", NotYet{In: want})); got != want {
			t.Errorf("pause of NotYet in %v = %v", want, got)
		}
	}
	var week time.Duration
	for n := range mostRetries {
		week += pause(n, errors.New("x"))
	}
	if day := 24 * time.Hour; week < 6*day || week > 8*day {
		t.Errorf("it is put aside after %v", week)
	}
}

func TestRefused(t *testing.T) {
	client, logger := open(t, "embedded"), slog.New(slog.DiscardHandler)
	for _, c := range []Config{
		{Queue: queue, Logger: logger}, {Client: client, Queue: queue}, {Client: client, Logger: logger}, {Client: client, Logger: logger, Queue: " \t"},
	} {
		if b, err := New(c); b != nil || err == nil || !strings.HasPrefix(err.Error(), "background: ") {
			t.Errorf("New(%+v) = %v", c, err)
		}
	}
}
