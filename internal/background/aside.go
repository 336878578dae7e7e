package background

import (
	"context"
	"errors"
	"time"

	"github.com/hibiken/asynq"
)

// Aside is work that was put aside: it failed for a week, or in a way that no
// retry mends. It stays for an operator, for ninety days.
type Aside struct {
	Kind, Name string
	Failed     time.Time // last
	Error      string
}

// Aside lists what was put aside, the last thousand. An error carries
// journey.NoStore.
func (b *Background) Aside(context.Context) ([]Aside, error) {
	tasks, err := b.inspector.ListArchivedTasks(b.Queue, asynq.PageSize(1000))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, noStore("list what was put aside", err)
	}
	var all []Aside
	for _, task := range tasks {
		all = append(all, Aside{task.Type, string(task.Payload), task.LastFailedAt, task.LastErr})
	}
	return all, nil
}
