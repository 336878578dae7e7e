package background

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Two replicas share the work: each piece is done once, by either.
func testTwoReplicas(t *testing.T, client redis.UniversalClient) {
	g := newGate()
	replicas := []replica{replicaOf(t, client, g.work), replicaOf(t, client, g.work)}
	const n = 2*atOnce + 3
	for i := range n {
		replicas[i%2].looks(t, fmt.Sprint(i), 0)
	}
	for _, r := range replicas {
		r.Begin()
	}
	seen := map[string]bool{}
	see := func(name string) {
		if seen[name] {
			t.Errorf("%s is done twice", name)
		}
		seen[name] = true
	}
	for range 2 * atOnce { // more than one of them takes
		see(<-g.in)
	}
	for range n - 2*atOnce {
		g.out <- nil
		see(<-g.in)
	}
	for range 2 * atOnce {
		g.out <- nil
	}
	eventually(t, func() bool { return replicas[0].tasks(t) == 0 })
}

// Close waits for what is under way, and takes nothing new; another replica does.
func testClose(t *testing.T, client redis.UniversalClient) {
	g, l := newGate(), answering()
	r, next := replicaOf(t, client, g.work), replicaOf(t, client, l.work)
	r.Begin()
	r.looks(t, "a", 0)
	<-g.in
	closed := make(chan error)
	go func() { closed <- r.Close() }()
	eventually(t, func() bool { return r.context.Err() != nil })
	g.out <- nil
	must(t, <-closed)
	if next.task(t, "a") != nil {
		t.Error("what was done is still to be done")
	}
	must(t, r.Close())
	r.Begin() // too late: nothing begins
	next.looks(t, "b", 0)
	next.Begin()
	eventually(t, func() bool { return l.count() == 1 && next.tasks(t) == 0 })
	if r.log.String() != "" {
		t.Errorf("logged:\n%s", r.log)
	}
}

// What takes too long when a replica ends is told so, and done by another.
func testHandedBack(t *testing.T, client redis.UniversalClient) {
	told := make(chan struct{})
	g, l := newGate(), answering()
	r := replicaOf(t, client, func(ctx context.Context, name string) error {
		defer close(told)
		return g.work(ctx, name)
	})
	r.endLimit = 50 * time.Millisecond
	r.Begin()
	r.looks(t, "a", 0)
	<-g.in
	must(t, r.Close())
	<-told
	next := replicaOf(t, client, l.work)
	if !next.is(t, "a", asynq.TaskStatePending) {
		t.Error("it was not handed back")
	}
	next.Begin()
	eventually(t, func() bool { return l.count() == 1 && next.tasks(t) == 0 })
}

// What lost its task with all that Redis held is found again, by whoever runs on
// and by whoever begins, and can be given as before.
func testLost(t *testing.T, client redis.UniversalClient) {
	l := answering(NotYet{In: time.Hour}, NotYet{In: time.Hour}, NotYet{In: time.Hour})
	r := replicaOf(t, client, l.work, "a")
	r.sweep = 20 * time.Millisecond
	r.Begin()
	for n := 1; n <= 2; n++ {
		eventually(t, func() bool { return l.count() == n && r.is(t, "a", asynq.TaskStateRetry) })
		if n == 2 {
			must(t, r.Close())
		}
		must(t, client.FlushAll(t.Context()).Err())
	}
	next := replicaOf(t, client, l.work, "a")
	next.Begin()
	eventually(t, func() bool { return l.count() == 3 && next.is(t, "a", asynq.TaskStateRetry) })

	must(t, client.FlushAll(t.Context()).Err())
	next.looks(t, "b", time.Hour)
	next.looks(t, "b", 0)
	eventually(t, func() bool { return l.count() == 4 && next.tasks(t) == 0 })
}

// What a replica was doing when it died is looked at by the next that begins, which
// does not wait until asynq notices.
func testDied(t *testing.T, client redis.UniversalClient) {
	g, l := newGate(), answering(NotYet{In: time.Hour})
	died := replicaOf(t, client, g.work)
	died.Begin()
	died.looks(t, "a", 0)
	<-g.in
	died.begun.Stop() // as far as Redis can tell

	var sweeps atomic.Int64
	next := replicaOf(t, client, l.work)
	next.sweep = 10 * time.Millisecond
	next.Add(nil, func(_ context.Context, look func(kind, name string) error) error {
		if sweeps.Add(1) == 1 {
			return errors.New("the documents cannot be read yet")
		}
		return look(kind, "a")
	})
	next.Begin()
	eventually(t, func() bool { return l.count() == 1 })
	// The task is still there, and to look once is enough.
	eventually(t, func() bool { return sweeps.Load() >= 4 && next.tasks(t) == 1 && next.is(t, "a", asynq.TaskStateActive) })
	if n := l.count(); n != 1 {
		t.Errorf("looked %d times", n)
	}
	g.out <- nil
}

// What waits for as long as it was told to, or for an operator, is left alone.
func testLeftAlone(t *testing.T, client redis.UniversalClient) {
	l := answering(ErrHopeless)
	r := replicaOf(t, client, l.work)
	r.Begin()
	r.looks(t, "aside", 0)
	eventually(t, func() bool { return r.is(t, "aside", asynq.TaskStateArchived) })
	r.looks(t, "later", time.Hour)

	var sweeps atomic.Int64
	next := replicaOf(t, client, l.work, "aside", "later")
	next.sweep = 10 * time.Millisecond
	next.Add(nil, func(context.Context, func(string, string) error) error { sweeps.Add(1); return errors.New("reason") })
	next.Begin()
	eventually(t, func() bool { return sweeps.Load() >= 3 })
	if !r.is(t, "aside", asynq.TaskStateArchived) || !r.is(t, "later", asynq.TaskStateScheduled) || l.count() != 1 {
		t.Errorf("looked %d times", l.count())
	}
	eventually(t, func() bool {
		return next.log.lines(`level=WARN msg="looking for unsettled work failed" error=reason`) >= 2
	})
}

// Redis is away when the work begins, for a while, and once more later: it goes on
// when Redis is back, and the log stays readable.
func TestOutage(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	l := answering()
	r := replicaOf(t, open(t, s.url()), l.work)
	s.kill()
	if err := r.Look(t.Context(), kind, "a", 0); !errors.Is(err, journey.NoStore) {
		t.Errorf("Look = %v", err)
	}
	if _, err := r.Aside(t.Context()); !errors.Is(err, journey.NoStore) {
		t.Errorf("Aside = %v", err)
	}
	r.Begin()
	for n := 1; n <= 2; n++ {
		// Dozens of attempts, most of which asynq would tell of.
		tried := new(commands)
		r.Client.AddHook(tried)
		eventually(t, func() bool { return tried.failed.Load() >= 60 })
		s.start(t)
		eventually(t, func() bool { return r.Look(t.Context(), kind, "a", 0) == nil })
		eventually(t, func() bool { return l.count() == n && r.tasks(t) == 0 })
		s.kill()
	}
	s.start(t)
	must(t, r.Close())
	if n := strings.Count(r.log.String(), "\n"); n == 0 || n > 5 {
		t.Errorf("%d lines in the log:\n%s", n, r.log)
	}
}

// commands counts those that fail.
type commands struct{ failed atomic.Int64 }

func (c *commands) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c *commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err != nil && !errors.Is(err, redis.Nil) {
			c.failed.Add(1)
		}
		return err
	}
}

// A Redis that takes connections and says nothing keeps nobody from ending,
// whether it did so from the beginning or was at work before.
func TestHang(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		s := startRedis(t)
		l := answering()
		r := replicaOf(t, open(t, s.url()+"?read_timeout=100ms&dial_timeout=100ms"), l.work)
		if begun {
			r.Begin()
			r.looks(t, "a", 0)
			eventually(t, func() bool { return l.count() == 1 && r.tasks(t) == 0 })
		}
		must(t, s.process.Process.Signal(syscall.SIGSTOP))
		r.Begin()
		if err := r.Look(t.Context(), kind, "a", 0); !errors.Is(err, journey.NoStore) {
			t.Errorf("Look = %v", err)
		}
		must(t, r.Close())
	}
}

// Nothing goes on after Close. Not parallel: it looks at everything that runs.
func TestNothingGoesOn(t *testing.T) {
	l := answering(NotYet{In: time.Hour})
	r := replicaOf(t, open(t, "embedded"), l.work, "a")
	r.Begin()
	eventually(t, func() bool { return l.count() == 1 })
	if running() == 0 {
		t.Error("running does not see what runs")
	}
	must(t, r.Close())
	eventually(t, func() bool { return running() == 0 })
}

// running is how many goroutines are in asynq's code or were started by ours.
func running() (n int) {
	stacks := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "hibiken/asynq.") || strings.Contains(stack, "background.(*Background)") {
			n++
		}
	}
	return n
}

// Without any work, or after the end, nothing begins.
func TestNothingBegins(t *testing.T) {
	t.Parallel()
	idle, ended := replicaOf(t, open(t, "embedded"), nil), replicaOf(t, open(t, "embedded"), answering().work)
	clear(idle.work)
	must(t, ended.Close())
	for _, r := range []replica{idle, ended} {
		r.Begin()
		if r.begun != nil {
			t.Error("begun")
		}
		must(t, r.Close())
	}
}
