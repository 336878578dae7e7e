package register

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// folder is a people file whose changes, and the time, a test decides.
type folder struct {
	t    *testing.T
	path string
	at   time.Time // changes with every write, as clocks do
	now  time.Time
	logs bytes.Buffer
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	day := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	return &folder{t: t, path: filepath.Join(t.TempDir(), "people.json"), at: day, now: day}
}

func (f *folder) write(content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.at = f.at.Add(time.Second)
	f.date(f.path)
}

func (f *folder) date(path string) {
	f.t.Helper()
	if err := os.Chtimes(path, f.at, f.at); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) open() *Embedded {
	f.t.Helper()
	e, err := Open(f.path, Config{Logger: slog.New(slog.NewTextHandler(&f.logs, nil)), Now: func() time.Time { return f.now }})
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// marie is a people file of one person, Marie, with the last name.
func marie(lastName string) string {
	return fmt.Sprintf(`{"people": [
  {"trn": "7654321", "firstName": "Marie", "lastName": %q, "dateOfBirth": "1985-04-12", "nationalInsuranceNumber": "QQ123456C"}
]}`, lastName)
}

// lastName asks a register for Marie by her number.
func lastName(t *testing.T, e *Embedded) string {
	t.Helper()
	rec, _, err := e.Record(context.Background(), "7654321")
	if err != nil {
		t.Error(err)
	}
	return rec.LastName
}

func TestFindAndRecord(t *testing.T) {
	f := newFolder(t)
	f.write(`{"people": [
		{"trn": "1234567", "firstName": "Marie", "lastName": "Carter", "dateOfBirth": "1985-04-12", "nationalInsuranceNumber": "QQ123456C",
			"qts": "2009-07-31", "eyts": "2010-07-31", "inductionStatus": "Passed", "alerts": true},
		{"trn": "1234568", "firstName": "Marie", "lastName": "Carter", "dateOfBirth": "1985-04-12", "status": "Merged"},
		{"trn": "1234569", "firstName": "Marie", "lastName": "Carter", "dateOfBirth": "1985-04-12", "status": "Deactivated"}
	]}`)
	e, ctx := f.open(), context.Background()
	want := journey.Record{TRN: "1234567", FirstName: "Marie", LastName: "Carter", QTS: "2009-07-31", EYTS: "2010-07-31", Induction: "Passed", Alerts: true}
	who := journey.Identity{Names: []journey.Name{{Given: []string{"Marie"}, Family: []string{"Carter"}}}, BirthDates: []string{"1985-04-12"}}

	for _, tt := range []struct {
		name   string
		stated journey.Stated
		found  bool
	}{
		{"by National Insurance number", journey.Stated{NINO: "QQ123456C"}, true},
		{"by TRN", journey.Stated{TRN: "1234567"}, true},
		{"by neither", journey.Stated{}, false},
		{"by another number", journey.Stated{NINO: "QQ123456D"}, false},
		{"a merged record", journey.Stated{TRN: "1234568"}, false},
		{"a deactivated record", journey.Stated{TRN: "1234569"}, false},
	} {
		rec, found, err := e.Find(ctx, who, tt.stated)
		if err != nil || found != tt.found || found && rec != want || !found && rec != (journey.Record{}) {
			t.Errorf("%s: %+v, %t, %v", tt.name, rec, found, err)
		}
	}
	for trn, live := range map[string]bool{"1234567": true, "1234568": false, "1234569": false, "1234560": false, "": false} {
		rec, got, err := e.Record(ctx, trn)
		if err != nil || got != live || live && rec != want || !live && rec != (journey.Record{}) {
			t.Errorf("record %q: %+v, %t, %v", trn, rec, got, err)
		}
	}
}

// TestReload goes through the life of a people file, look by look.
func TestReload(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Secret"))
	e := f.open()
	const (
		quiet = ""
		again = "level=INFO msg=\"the people file was read again\" records=1\n"
		bad   = "level=ERROR msg=\"the people file changed and cannot be used; the register stays as it was\" error="
	)
	for _, step := range []struct {
		what   string
		change func()
		want   string // Marie's last name
		logged string // what the log's one line has, without the time
	}{
		{"nothing changed", func() {}, "Secret", quiet},
		{"new content", func() { f.write(marie("Secret-Two")) }, "Secret-Two", again},
		{"new content of the same size", func() { f.write(marie("Secret-Six")) }, "Secret-Six", again},
		{"other content of the same time", func() { f.at = f.at.Add(-time.Second); f.write(marie("Secret-6")) }, "Secret-6", again},
		{"bad content", func() { f.write("{\n\"people\": [\n{\"trn\": \"Secret\"}]}") }, "Secret-6", bad + `"` + f.path + ":3: trn: must be 7 digits, not all zeros\"\n"},
		{"still bad", func() {}, "Secret-6", quiet},
		{"otherwise bad", func() { f.write("Secret") }, "Secret-6", bad + `"` + f.path + ":1: not JSON: invalid character 'S' looking for beginning of value\"\n"},
		{"good again", func() { f.write(marie("Secret-Ten")) }, "Secret-Ten", again},
		{"gone", func() { f.must(os.Rename(f.path, f.path+".away")) }, "Secret-Ten", bad + `"stat ` + f.path + ": no such file or directory\"\n"},
		{"still gone", func() {}, "Secret-Ten", quiet},
		{"back", func() { f.must(os.Rename(f.path+".away", f.path)) }, "Secret-Ten", again},
		{"another file moved over it, of the same size and time", func() {
			f.must(os.WriteFile(f.path+".new", []byte(marie("Secret-Ace")), 0o600))
			f.date(f.path + ".new")
			f.must(os.Rename(f.path+".new", f.path))
		}, "Secret-Ace", again},
		{"a directory instead", func() { f.must(os.Remove(f.path)); f.must(os.Mkdir(f.path, 0o700)) }, "Secret-Ace", bad + `"` + f.path + ": is not a file\"\n"},
		{"still a directory", func() {}, "Secret-Ace", quiet},
		{"a file again", func() { f.must(os.Remove(f.path)); f.write(marie("Secret-End")) }, "Secret-End", again},
	} {
		f.logs.Reset()
		before := lastName(t, e)
		step.change()
		f.now = f.now.Add(lookAgain - 1)
		if got := lastName(t, e); got != before {
			t.Errorf("%s: looked too early", step.what)
		}
		f.now = f.now.Add(1)
		if got := lastName(t, e); got != step.want {
			t.Errorf("%s: the register has %s, want %s", step.what, got, step.want)
		}
		lastName(t, e) // does not look again
		_, logged, _ := strings.Cut(f.logs.String(), " ")
		if logged != step.logged {
			t.Errorf("%s: logged %q, want %q", step.what, logged, step.logged)
		}
	}
}

func (f *folder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	for _, tt := range []struct {
		name string
		make func(f *folder)
		c    Config
		want string
	}{
		{"no file", func(*folder) {}, Config{Logger: logger, Now: time.Now}, "stat PATH: no such file or directory"},
		{"a directory", func(f *folder) { f.must(os.Mkdir(f.path, 0o700)) }, Config{Logger: logger, Now: time.Now}, "PATH: is not a file"},
		{"a huge file", func(f *folder) { f.write(""); f.must(os.Truncate(f.path, mostBytes+1)) }, Config{Logger: logger, Now: time.Now}, "PATH: is larger than 512 MiB"},
		{"a faulty file", func(f *folder) { f.write("{\n\"people\": 1}") }, Config{Logger: logger, Now: time.Now}, "PATH:2: people: must be a list"},
		{"no logger", func(f *folder) { f.write(marie("Carter")) }, Config{Now: time.Now}, "embedded register: Logger and Now are required"},
		{"no clock", func(f *folder) { f.write(marie("Carter")) }, Config{Logger: logger}, "embedded register: Logger and Now are required"},
	} {
		f := newFolder(t)
		tt.make(f)
		if _, err := Open(f.path, tt.c); err == nil || err.Error() != strings.ReplaceAll(tt.want, "PATH", f.path) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// TestNobodyWaits asks while somebody else is reading the file.
func TestNobodyWaits(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Carter"))
	e := f.open()
	e.reading.Lock()
	defer e.reading.Unlock()
	f.write(marie("Lane"))
	f.now = f.now.Add(lookAgain)
	if got := lastName(t, e); got != "Carter" {
		t.Errorf("got %q", got)
	}
}

// TestManyAsk asks from many goroutines while the file changes, for the race
// detector. Every answer is one content or the other, whole.
func TestManyAsk(t *testing.T) {
	f := newFolder(t)
	f.write(marie("Carter"))
	var clock sync.Mutex
	e, err := Open(f.path, Config{Logger: slog.New(slog.DiscardHandler), Now: func() time.Time {
		clock.Lock()
		defer clock.Unlock()
		f.now = f.now.Add(lookAgain) // every question looks at the file
		return f.now
	}})
	if err != nil {
		t.Fatal(err)
	}
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for range 200 {
				name := lastName(t, e)
				who := journey.Identity{Names: []journey.Name{{Given: []string{"Marie"}, Family: []string{name}}}, BirthDates: []string{"1985-04-12"}}
				rec, found, err := e.Find(context.Background(), who, journey.Stated{NINO: "QQ123456C"})
				if name != "Carter" && name != "Lane" || err != nil || found && rec.TRN != "7654321" {
					t.Errorf("%q, %+v, %t, %v", name, rec, found, err)
				}
			}
		})
	}
	for i := range 50 {
		f.write(marie([]string{"Lane", "Carter"}[i%2]))
	}
	asking.Wait()
	f.write(marie("Last"))
	if got := lastName(t, e); got != "Last" {
		t.Errorf("in the end the register has %q", got)
	}
}
