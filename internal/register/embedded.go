package register

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	// lookAgain is how often, at most, the people file is looked at for changes.
	lookAgain = time.Second

	// mostBytes is how large the file may be: a million records or so. More are
	// a mistake, or belong in a database.
	mostBytes = 512 << 20
)

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
	people    atomic.Pointer[people]

	reading sync.Mutex  // over what follows
	last    os.FileInfo // of the file last read, good or bad; nil if it could not be had
	looked  time.Time
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
// Whoever finds the file changed reads it; those who ask meanwhile do not wait,
// because a large file takes seconds.
func (e *Embedded) current() *people {
	if e.reading.TryLock() {
		defer e.reading.Unlock()
		e.look()
	}
	return e.people.Load()
}

// look reads the file if it changed and it is time to look.
func (e *Embedded) look() {
	now := e.now()
	if now.Sub(e.looked) < lookAgain {
		return
	}
	e.looked = now
	before := e.last
	if err := e.read(); err != nil && !same(e.last, before) {
		e.logger.Error("the people file changed and cannot be used; the register stays as it was", "error", err)
	}
}

// read reads the file unless it is the one that was last read, good or bad. So
// bad content is an error once; a file that cannot be had is one each time.
func (e *Embedded) read() error {
	info, err := os.Stat(e.path)
	if err != nil {
		e.last = nil
		return err
	}
	if same(info, e.last) {
		return nil
	}
	// The info is from before reading: if somebody was writing meanwhile, the
	// file has another one by now and is read again.
	e.last = info
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is not a file", e.path)
	case info.Size() > mostBytes:
		return fmt.Errorf("%s: is larger than %d MiB", e.path, mostBytes>>20)
	}
	data, err := os.ReadFile(e.path)
	if err != nil {
		e.last = nil
		return err
	}
	all, err := parse(e.path, data)
	if err != nil {
		return err
	}
	if e.people.Swap(newPeople(all, e.nicknames)) != nil {
		e.logger.Info("the people file was read again", "records", len(all))
	}
	return nil
}

// same reports whether both are the same content of the same file, as far as
// one can tell from outside, or both none.
func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
