// Package background does work that outlives the request it came from: soon,
// again after a while, and for days if need be.
//
//	background.go  Config, and what is given to be done
//	worker.go      how it is done, and done again
//	aside.go       what could not be done, for operators
//
// A piece of work is a kind and a name. The name is that of a document kept
// elsewhere, which says everything else and is the truth; a task is only the
// alarm that has somebody look at it. So nothing personal is in a task, one may
// run twice or at the same time on two replicas, and a lost one is made again by
// whoever looks through the documents.
//
// It stands on asynq, which keeps its tasks in the same Redis, single, Sentinel
// or Cluster.
package background

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Work looks at the document of that name and does what it asks for. It may run
// twice. The error [NotYet] asks for another look and is no failure; one that is
// [ErrHopeless] is not tried again; any other is, for days.
type Work func(ctx context.Context, name string) error

// NotYet is the answer of work that waits for somebody else. Time counts to the
// second.
type NotYet struct{ In time.Duration }

// Error says when to look again.
func (n NotYet) Error() string { return "not yet, look again in " + n.In.String() }

// ErrHopeless marks an error that only an operator can mend.
var ErrHopeless = errors.New("not to be tried again as it is")

// Config is what the work needs. Client, Queue and Logger are required.
type Config struct {
	Client redis.UniversalClient // it stays the caller's to close, after Close
	Queue  string                // of this service: others may share the Redis
	Logger *slog.Logger

	// Pace is how often an idle worker looks for work; default one second.
	Pace time.Duration
}

// Background is the work of one service. It is safe for concurrent use.
type Background struct {
	Config
	inspector *asynq.Inspector
	work      map[string]Work
	unsettled []Unsettled

	// The constants of these names, unless a test is in a hurry.
	sweep, endLimit time.Duration

	mu      sync.Mutex // over begun and ended
	begun   *asynq.Server
	ended   bool
	context context.Context // of the sweeping
	stop    context.CancelFunc
	working sync.WaitGroup
}

// Unsettled tells look of every document that is not settled, by the kind of work
// it needs. It is asked when the work begins and every few minutes: what lost its
// task, to a crash or with Redis, is found again.
type Unsettled func(ctx context.Context, look func(kind, name string) error) error

// New checks c. Not a word goes to Redis before work is given or begun.
func New(c Config) (*Background, error) {
	switch {
	case c.Client == nil, c.Logger == nil:
		return nil, errors.New("background: a Redis client and a logger are required")
	case strings.TrimSpace(c.Queue) == "":
		return nil, errors.New("background: the queue needs a name")
	}
	c.Pace = cmp.Or(c.Pace, time.Second)
	b := &Background{
		Config: c, work: map[string]Work{}, inspector: asynq.NewInspectorFromRedisClient(c.Client),
		sweep: sweep, endLimit: endLimit,
	}
	b.context, b.stop = context.WithCancel(context.Background())
	return b, nil
}

// Add says how work is done, by its kind, and what of it is not settled. All of it
// is added before Begin.
func (b *Background) Add(work map[string]Work, unsettled Unsettled) {
	maps.Copy(b.work, work)
	b.unsettled = append(b.unsettled, unsettled)
}

// Look has the named thing looked at after a while, or as soon as can be when that
// is nothing. However often it is called there is one task; one that waits, or was
// put aside, is not put off, and to be looked at at once waits no longer; one that
// is being done, and may have read what is old by now, is then done once more. An
// error of Redis carries journey.NoStore.
func (b *Background) Look(ctx context.Context, kind, name string, after time.Duration) error {
	if b.work[kind] == nil {
		return fmt.Errorf("background: no work is called %q", kind)
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return noStore(kind, b.look(ctx, kind, name, after))
}

// look tries a few times, because a task can end or begin between two calls.
func (b *Background) look(ctx context.Context, kind, name string, after time.Duration) error {
	var err error
	for range 3 {
		err = b.give(ctx, kind, name, after, asynq.TaskID(taskID(kind, name)))
		if !errors.Is(err, asynq.ErrTaskIDConflict) {
			return err
		}
		if after > 0 {
			return nil
		}
		var task *asynq.TaskInfo
		task, err = b.inspector.GetTaskInfo(b.Queue, taskID(kind, name))
		switch {
		case errors.Is(err, asynq.ErrTaskNotFound): // it has just ended
		case err != nil:
			return err
		case task.State == asynq.TaskStatePending:
			return nil
		case task.State == asynq.TaskStateActive:
			return b.lookBesides(ctx, kind, name, 0)
		}
		if err == nil {
			err = b.inspector.RunTask(b.Queue, task.ID)
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// lookBesides is another look than that of the task, which counts no failures and
// is not repeated: for when somebody is at it, who may have read the document
// before there was a reason to look at it again, or have died.
func (b *Background) lookBesides(ctx context.Context, kind, name string, after time.Duration) error {
	return b.give(ctx, kind, name, after)
}

func (b *Background) give(ctx context.Context, kind, name string, after time.Duration, id ...asynq.Option) error {
	// A client announces its queue once. A new one does so again, to a Redis that
	// has forgotten everything; without that, no task could be asked for.
	_, err := asynq.NewClientFromRedisClient(b.Client).EnqueueContext(ctx, asynq.NewTask(kind, []byte(name)),
		append(id, asynq.Queue(b.Queue), asynq.MaxRetry(mostRetries), asynq.Timeout(runLimit), asynq.ProcessIn(after))...)
	return err
}

func taskID(kind, name string) string { return kind + ":" + name }

// noStore is err of Redis as the rest of the house knows it, or nil.
func noStore(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("background: %s: %w: %w", what, journey.NoStore, err)
}
