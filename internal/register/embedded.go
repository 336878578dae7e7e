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

// Config is what an embedded register needs. Every field is required unless it
// says otherwise.
type Config struct {
	Logger *slog.Logger     // hears when the file was read again, or could not be
	Now    func() time.Time // time.Now

	// Ledger keeps the TRNs that are given out. Without it none are: to ask for
	// one is an error.
	Ledger Ledger

	// TRNs are those that may be given out. Default: 9000000 to 9999999. What is
	// in the people file is passed over, but that file should get no new record
	// of the range: a number may have been given out since.
	TRNs Range
}

// Range is of TRNs, each seven digits, from First to Last, both included.
type Range struct{ First, Last string }

// Embedded is a register read from a people file, and of those it gave a TRN. It
// notices when the file changes, within a second of the next question. If the new
// content is not good the old stays, and the log says so once. Its methods can be
// called at the same time from any number of goroutines.
type Embedded struct {
	path      string
	logger    *slog.Logger
	now       func() time.Time
	ledger    Ledger // nil: gives nobody a TRN
	trns      Range
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
	if c.TRNs == (Range{}) {
		c.TRNs = Range{First: "9000000", Last: "9999999"}
	}
	for _, end := range []string{c.TRNs.First, c.TRNs.Last} {
		if trn, err := journey.ParseTRN(end); err != nil || trn != end || c.TRNs.First > c.TRNs.Last {
			return nil, errors.New("embedded register: the TRNs to give out must be two of 7 digits, the lower one first, as 9000000 and 9999999")
		}
	}
	e := &Embedded{path: path, logger: c.Logger, now: c.Now, ledger: c.Ledger, trns: c.TRNs, nicknames: englishNicknames(), looked: c.Now()}
	if err := e.load(); err != nil {
		return nil, err
	}
	return e, nil
}

// Find returns the one record that is without doubt the person's, and false when
// none is or more than one could be. The person must state a National Insurance
// number or a TRN.
func (e *Embedded) Find(ctx context.Context, who journey.Identity, stated journey.Stated) (journey.Record, bool, error) {
	file := e.current()
	b, err := e.read(ctx)
	if err != nil {
		return journey.Record{}, false, err
	}
	only, ok := file.find(question{who: who, stated: stated}, b.people(file))
	if !ok {
		return journey.Record{}, false, nil
	}
	return only.record(), true, nil
}

// Record returns the record with the TRN. It is not live, and then empty, when
// there is none or when it was deactivated or merged.
func (e *Embedded) Record(ctx context.Context, trn string) (rec journey.Record, live bool, err error) {
	file := e.current()
	p, ok := file.byTRN[trn]
	if !ok {
		b, err := e.read(ctx)
		if err != nil {
			return journey.Record{}, false, err
		}
		p, ok = b.people(file).byTRN[trn]
	}
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
	if err := e.load(); err != nil && !same(e.last, before) {
		e.logger.Error("the people file changed and cannot be used; the register stays as it was", "error", err)
	}
}

// load reads the file unless it is the one that was last read, good or bad. So
// bad content is an error once; a file that cannot be had is one each time.
func (e *Embedded) load() error {
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
