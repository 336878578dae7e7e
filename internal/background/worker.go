package background

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hibiken/asynq"
)

const (
	atOnce   = 4               // pieces of work, on each replica
	runLimit = time.Minute     // for one of them
	endLimit = 5 * time.Second // for what is under way when we end; then another replica takes it
	sweep    = 10 * time.Minute

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
		ErrorHandler:   asynq.ErrorHandlerFunc(b.told), ShutdownTimeout: endLimit,
		Logger: lines{b.Logger}, LogLevel: asynq.WarnLevel,
	})
	if err := b.begun.Start(asynq.HandlerFunc(b.do)); err != nil {
		b.Logger.Error("background work does not begin", "error", err) // only for a server that was started before
	}
	b.working.Go(b.sweeping)
}

// Close ends the worker, after what it is doing if that does not take long.
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

func (b *Background) do(ctx context.Context, task *asynq.Task) error {
	work := b.work[task.Type()]
	if work == nil { // given by a version that knew more
		return fmt.Errorf("no work is called %q", task.Type())
	}
	err := work(ctx, string(task.Payload()))
	if errors.Is(err, ErrHopeless) {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	return err
}

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
	level, retried := slog.LevelWarn, 0
	if n, ok := asynq.GetRetryCount(ctx); ok {
		retried = n
	}
	if errors.Is(err, asynq.SkipRetry) || retried >= mostRetries {
		level = slog.LevelError // it is put aside, for an operator
	}
	b.Logger.Log(ctx, level, "background work failed", "work", task.Type(), "name", string(task.Payload()), "failed_before", retried, "error", err)
}

// sweeping gives everything that is not settled to be looked at, now and then.
func (b *Background) sweeping() {
	for first := true; ; first = false {
		var errs []error
		for _, unsettled := range b.unsettled {
			errs = append(errs, unsettled(b.context, func(kind, name string) error { return b.found(kind, name, first) }))
		}
		if err := errors.Join(errs...); err != nil && b.context.Err() == nil {
			b.Logger.Warn("looking for unsettled work failed", "error", err)
		}
		select {
		case <-b.context.Done():
			return
		case <-time.After(sweep/2 + rand.N(sweep)):
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
		// Somebody is at it, or died at it: asynq would notice that in a minute or
		// two. To look once too often does no harm.
		_, err = b.client.EnqueueContext(b.context, asynq.NewTask(kind, []byte(name)), asynq.Queue(b.Queue), asynq.Timeout(runLimit))
	}
	return err
}

// lines are asynq's own words in our log.
type lines struct{ *slog.Logger }

func (l lines) Debug(args ...any) { l.Logger.Debug(fmt.Sprint(args...)) }
func (l lines) Info(args ...any)  { l.Logger.Info(fmt.Sprint(args...)) }
func (l lines) Warn(args ...any)  { l.Logger.Warn(fmt.Sprint(args...)) }
func (l lines) Error(args ...any) { l.Logger.Error(fmt.Sprint(args...)) }
func (l lines) Fatal(args ...any) { l.Logger.Error(fmt.Sprint(args...)) } // and goes on: this is not the only thing here
