package register

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// lookAgain is how often, at most, the people file is looked at for changes.
const lookAgain = time.Second

// Config is what an embedded register needs. Every field is required.
type Config struct {
	Logger *slog.Logger     // hears when the file was read again, or could not be
	Now    func() time.Time // time.Now
}

// Embedded is a register read from a people file. It notices when the file
// changes, within a second of the next question. If the new content is not good
// the old stays, and the log says so once. Its methods can be called at the same
// time from any number of goroutines.
type Embedded struct {
	path      string
	logger    *slog.Logger
	now       func() time.Time
	nicknames nicknames

	mu      sync.Mutex // over what follows
	people  *people
	version version
	looked  time.Time
}

// version tells one content of a file from the next. The zero value stands for
// a file that is not there.
type version struct {
	size     int64
	modified time.Time
}

// Open reads the people file at path; docs/people-file.md describes it. Errors
// name the line at fault and hold no personal data.
func Open(path string, c Config) (*Embedded, error) {
	if c.Logger == nil || c.Now == nil {
		return nil, errors.New("embedded register: Logger and Now are required")
	}
	e := &Embedded{path: path, logger: c.Logger, now: c.Now, nicknames: englishNicknames(), looked: c.Now()}
	if err := e.read(); err != nil {
		return nil, err
	}
	return e, nil
}

// Find returns the one record that is without doubt the person's, and false when
// none is or more than one could be. The person must state a National Insurance
// number or a TRN.
func (e *Embedded) Find(_ context.Context, who journey.Identity, stated journey.Stated) (journey.Record, bool, error) {
	only, ok := e.current().find(question{who: who, stated: stated})
	if !ok {
		return journey.Record{}, false, nil
	}
	return only.record(), true, nil
}

// Record returns the record with the TRN. It is not live, and then empty, when
// there is none or when it was deactivated or merged.
func (e *Embedded) Record(_ context.Context, trn string) (rec journey.Record, live bool, err error) {
	p, ok := e.current().byTRN[trn]
	if !ok || p.Status != active {
		return journey.Record{}, false, nil
	}
	return p.record(), true, nil
}

// current is the register as the file has it now, or had it when last good.
func (e *Embedded) current() *people {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := e.now(); now.Sub(e.looked) >= lookAgain {
		e.looked = now
		before := e.version
		if err := e.read(); err != nil && e.version != before {
			e.logger.Error("the people file changed and cannot be used; the register stays as it was", "error", err)
		}
	}
	return e.people
}

// read reads the file unless it is the version that was last read, good or bad.
// So a bad version is an error once; a file that is not there is one each time.
func (e *Embedded) read() error {
	info, err := os.Stat(e.path)
	if err != nil {
		e.version = version{}
		return err
	}
	v := version{info.Size(), info.ModTime()}
	if v == e.version {
		return nil
	}
	data, err := os.ReadFile(e.path)
	if err != nil {
		e.version = version{}
		return err
	}
	// The version is from before reading: if somebody was writing meanwhile, the
	// file has another one by now and is read again.
	e.version = v
	all, err := parse(e.path, data)
	if err != nil {
		return err
	}
	if e.people != nil {
		e.logger.Info("the people file was read again", "records", len(all))
	}
	e.people = newPeople(all, e.nicknames)
	return nil
}
