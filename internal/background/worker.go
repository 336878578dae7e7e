package background

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/time/rate"
)

const (
	atOnce    = 4                // pieces of work, on each replica
	runLimit  = time.Minute      // for one of them
	callLimit = 2 * time.Second  // for giving work, whatever Redis does
	endLimit  = 5 * time.Second  // for what is under way when we end; then another replica takes it
	sweep     = 10 * time.Minute // between looks for what is unsettled, from half of it to one and a half

	// From ten seconds, doubled to an hour at most: about a week.
	firstRetry, longestRetry = 10 * time.Second, time.Hour
	mostRetries              = 175
)

// Begin starts a worker, which works until Close. It may be called again. Where
// there is no work it does nothing.
func (b *Background) Begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.begun != nil || b.ended || len(b.work) == 0 {
		return
	}
	b.begun = asynq.NewServerFromRedisClient(b.Client, asynq.Config{
		Concurrency: atOnce, Queues: map[string]int{b.Queue: 1}, TaskCheckInterval: b.Pace, DelayedTaskCheckInterval: b.Pace,
		RetryDelayFunc: func(n int, err error, _ *asynq.Task) time.Duration { return pause(n, err) },
		IsFailure:      func(err error) bool { return !waits(err) },
		ErrorHandler:   asynq.ErrorHandlerFunc(b.told), ShutdownTimeout: b.endLimit,
		Logger: lines{b.Logger, &rate.Sometimes{First: 3, Interval: time.Minute}}, LogLevel: asynq.WarnLevel,
	})
	if err := b.begun.Start(asynq.HandlerFunc(b.do)); err != nil {
		b.Logger.Error("background work does not begin", "error", err) // only for a server that was started before
	}
	b.working.Go(b.sweeping)
}

// Close ends the worker, after what it is doing if that does not take long. It
// waits for whatever Redis is being asked, as long as the client does: when the
// client is closed under it, asynq panics.
func (b *Background) Close() error {
	b.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.begun != nil {
		b.begun.Shutdown()
	}
	b.working.Wait()
	return nil
}

// do is one look at a document.
func (b *Background) do(ctx context.Context, task *asynq.Task) error {
	kind, name := task.Type(), string(task.Payload())
	work := b.work[kind]
	if work == nil { // given by a version that knew more
		return fmt.Errorf("no work is called %q", kind)
	}
	err := work(ctx, name)
	id, _ := asynq.GetTaskID(ctx)
	failed, _ := asynq.GetRetryCount(ctx)
	var wait NotYet
	switch waits := errors.As(err, &wait); {
	case err == nil:
		return nil
	case id != taskID(kind, name): // a look besides: the rest is for the task, if need be a new one
		return b.Look(ctx, kind, name, cmp.Or(max(wait.In, 0), firstRetry))
	case waits && failed > 0:
		// asynq counts the failures of a task and never forgets one. A look besides,
		// in its place, ends in a new task.
		return noStore(kind, b.lookBesides(ctx, kind, name, wait.In))
	case errors.Is(err, ErrHopeless):
		return final{err}
	}
	return err
}

// final is an error after which asynq does not try again.
type final struct{ error }

func (f final) Unwrap() error        { return f.error }
func (f final) Is(target error) bool { return target == asynq.SkipRetry }

func waits(err error) bool { return errors.As(err, new(NotYet)) }

// pause is how long to wait after the nth failure, or until the next look.
func pause(n int, err error) time.Duration {
	if wait := (NotYet{}); errors.As(err, &wait) {
		return wait.In
	}
	after := firstRetry << min(n, 20)
	return min(after, longestRetry) + rand.N(firstRetry)
}

// told says what failed. Waiting is no failure.
func (b *Background) told(ctx context.Context, task *asynq.Task, err error) {
	if waits(err) {
		return
	}
	level := slog.LevelWarn
	failed, _ := asynq.GetRetryCount(ctx)
	if errors.Is(err, asynq.SkipRetry) || failed >= mostRetries {
		level = slog.LevelError // it is put aside, for an operator
	}
	b.Logger.Log(ctx, level, "background work failed", "work", task.Type(), "name", string(task.Payload()), "failed_before", failed, "error", err)
}

// sweeping gives everything that is not settled to be looked at, now and then.
func (b *Background) sweeping() {
	for first := true; ; {
		var errs []error
		for _, unsettled := range b.unsettled {
			errs = append(errs, unsettled(b.context, func(kind, name string) error { return b.found(kind, name, first) }))
		}
		pause := b.sweep/2 + rand.N(b.sweep)
		if err := errors.Join(errs...); err == nil {
			first = false
		} else if pause /= 10; b.context.Err() == nil {
			b.Logger.Warn("looking for unsettled work failed", "error", err)
		}
		select {
		case <-b.context.Done():
			return
		case <-time.After(pause):
		}
	}
}

// found gives something that is not settled to be looked at, unless it waits for
// as long as it was told to, or for an operator.
func (b *Background) found(kind, name string, first bool) error {
	task, err := b.inspector.GetTaskInfo(b.Queue, taskID(kind, name))
	switch {
	case err != nil: // there is no task, or we do not know
		return b.Look(b.context, kind, name, 0)
	case first && task.State == asynq.TaskStateActive:
		// Somebody is at it, or died at it: asynq would notice that in a minute or two.
		return noStore(kind, b.lookBesides(b.context, kind, name, 0))
	}
	return nil
}

// lines are asynq's own words in our log. While Redis is away it has several for
// every second, of which a few will do.
type lines struct {
	log  *slog.Logger
	some *rate.Sometimes
}

func (l lines) say(level slog.Level, words []any) {
	l.some.Do(func() { l.log.Log(context.Background(), level, "background work: asynq", "says", fmt.Sprint(words...)) })
}

func (l lines) Debug(words ...any) { l.say(slog.LevelDebug, words) }
func (l lines) Info(words ...any)  { l.say(slog.LevelInfo, words) }
func (l lines) Warn(words ...any)  { l.say(slog.LevelWarn, words) }
func (l lines) Error(words ...any) { l.say(slog.LevelError, words) }
func (l lines) Fatal(words ...any) { l.say(slog.LevelError, words) } // and goes on: this is not the only thing here
