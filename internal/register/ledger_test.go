package register

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// shelf is a ledger that can fail, and that lets others write while f runs, as a
// store does that compares and sets.
type shelf struct {
	mu    sync.Mutex
	texts map[string][]byte
	runs  int // of any f

	meanwhile func() // once, while an f runs
	unread    error  // instead of reading anything
	unwritten error  // once, when f has run: the process ends there
	lost      error  // once, when the text is kept: the answer does not arrive
}

func (s *shelf) Read(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts[name]), s.unread
}

func (s *shelf) Update(ctx context.Context, name string, f func([]byte) ([]byte, error)) error {
	for {
		old, err := s.Read(ctx, name)
		if err != nil {
			return err
		}
		text, err := f(slices.Clone(old))
		if err != nil {
			return fmt.Errorf("shelf: %w", err)
		}
		s.mu.Lock()
		s.runs++
		meanwhile, unwritten, lost := s.meanwhile, s.unwritten, s.lost
		s.meanwhile, s.unwritten = nil, nil
		s.mu.Unlock()
		if meanwhile != nil {
			meanwhile()
		}
		if unwritten != nil {
			return unwritten
		}
		s.mu.Lock()
		kept := bytes.Equal(s.texts[name], old)
		if kept {
			if s.texts == nil {
				s.texts = map[string][]byte{}
			}
			s.texts[name], s.lost = text, nil
		}
		s.mu.Unlock()
		if kept {
			return lost
		}
	}
}

// TestLedgerFails: what could not be kept is not answered, and asked again it is
// answered once.
func TestLedgerFails(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Carter"))
	ledger, ctx := &shelf{}, t.Context()
	e := f.replica(ledger)
	broken := errors.New("broken")
	for _, fail := range []func(){func() { ledger.unwritten = broken }, func() { ledger.lost = broken }} {
		fail()
		if got, err := e.RequestTRN(ctx, ask("zoe", "Zoe", "Lane")); !errors.Is(err, broken) || got != (journey.Allocation{}) {
			t.Errorf("%v, %v", got, err)
		}
	}
	if got, err := e.RequestTRN(ctx, ask("zoe", "Zoe", "Lane")); err != nil || got != completed("9000000") {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := e.RequestTRN(ctx, ask("ann", "Ann", "Other")); err != nil || got != completed("9000001") {
		t.Errorf("%v, %v", got, err)
	}
	who := journey.Identity{Names: []journey.Name{{Given: []string{"Marie"}, Family: []string{"Carter"}}}, BirthDates: []string{"1985-04-12"}}
	all := func() map[string]error {
		errs := map[string]error{}
		_, errs["RequestTRN"] = e.RequestTRN(ctx, ask("bo", "Bo", "Secret"))
		_, errs["TRNRequest"] = e.TRNRequest(ctx, "zoe")
		_, errs["Resolve"] = e.Resolve(ctx, "zoe", "")
		errs["Reject"] = e.Reject(ctx, "zoe")
		_, errs["Requests"] = e.Requests(ctx)
		_, _, errs["Find"] = e.Find(ctx, who, journey.Stated{TRN: "7654321"})
		_, _, errs["Record"] = e.Record(ctx, "9000000")
		return errs
	}
	ledger.unread = broken
	for name, err := range all() {
		if !errors.Is(err, broken) {
			t.Errorf("%s, unread: %v", name, err)
		}
	}
	if _, live, err := e.Record(ctx, "7654321"); !live || err != nil { // what the file has needs no ledger
		t.Errorf("%t, %v", live, err)
	}
	ledger.unread = nil
	for _, text := range []string{`{"Requests": [{"ID": "Secret", "At": "Secret"}]}`, `Secret`, `{"Requests": [null]}`, `{"Requests": [`} {
		ledger.texts[bookName] = []byte(text)
		for name, err := range all() {
			if err == nil || strings.Contains(err.Error(), "Secret") {
				t.Errorf("%s, of %s: %v", name, text, err)
			}
		}
		if string(ledger.texts[bookName]) != text {
			t.Errorf("%s was written over", text)
		}
	}
}
