package allocation

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

// TestUnlinkedBeforeMail: staff take the link away while no e-mail can be sent. It
// stays away, and nobody is told what is no longer so.
func TestUnlinkedBeforeMail(t *testing.T) {
	for _, now := range []string{"", otherTRN} {
		h := newHouse(t)
		h.register.says = journey.Allocation{Status: journey.Pending}
		h.post.err = errDown
		h.asks(journey.Pending)
		h.register.decides(completed)
		h.pass(time.Hour)
		h.staff(now)
		h.sweep()
		h.post.err = nil
		h.pass(day)
		if link := h.links[issuer+" "+subject]; link.TRN != now || len(h.post.sent) != 0 {
			t.Errorf("staff linked %q, it is %q; %d e-mails", now, link.TRN, len(h.post.sent))
		}
	}
}

// TestUnlinkedAfterwards: who is unlinked and asks again gets people to decide, not
// the link that was taken away, for more than a year.
func TestUnlinkedAfterwards(t *testing.T) {
	h := newHouse(t)
	h.asks(journey.Completed)
	h.staff("")
	h.asks(Refused)
	h.pass(399 * day)
	h.asks(Refused)
	h.ends(1, 0, 0, 0)
	if life := h.known().Life(); life < 365*day {
		t.Errorf("forgotten after %s", life)
	}
	h.staff(otherTRN)
	h.asks(journey.Completed) // another tab, while people linked them
	if link := h.links[issuer+" "+subject]; link.TRN != otherTRN {
		t.Errorf("linked to %q", link.TRN)
	}
}

// TestLinkedMeanwhile: while the register waits, people link the person. That
// stands, and nobody is asked for help.
func TestLinkedMeanwhile(t *testing.T) {
	for name, then := range map[string]func(*house){
		"completed": func(h *house) { h.register.decides(completed) },
		"rejected":  func(h *house) { h.register.decides(rejected) },
		"overdue":   func(h *house) { h.pass(overdue) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.register.says = journey.Allocation{Status: journey.Pending}
			h.asks(journey.Pending)
			h.staff(otherTRN)
			then(h)
			h.pass(2 * day)
			h.ends(1, 1, 0, 0)
			if link := h.links[issuer+" "+subject]; link.TRN != otherTRN || link.How != "register" {
				t.Errorf("linked to %q by %q", link.TRN, link.How)
			}
			if name != "overdue" && !h.known().Settled {
				t.Error("it is not settled")
			}
		})
	}
}

// TestLinkedByRegister: the register's own webhook was quicker and could not say
// who they are. They are told all the same.
func TestLinkedByRegister(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	h.register.decides(completed)
	h.staff(trn)
	h.pass(day)
	h.ends(1, 1, 1, 0)
	if link := h.links[issuer+" "+subject]; len(link.Identity.Names) != 1 {
		t.Error("the link does not say who they are")
	}
}

// TestFoundMeanwhile: how it was found says more than that it was given.
func TestFoundMeanwhile(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	h.register.decides(completed)
	h.links[issuer+" "+subject] = journey.Link{TRN: trn, How: "nino", Identity: person.Identity}
	h.pass(day)
	h.ends(1, 1, 1, 0)
	if how := h.links[issuer+" "+subject].How; how != "nino" {
		t.Errorf("linked by %q", how)
	}
}

// TestDecidedAndNotLinked: between the decision and the link nobody is sent
// back to the questions.
func TestDecidedAndNotLinked(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	if _, err := h.change(t.Context(), h.id(subject), func(r *Request) { r.Status, r.TRN = journey.Completed, trn }); err != nil {
		t.Fatal(err)
	}
	h.stands(journey.Pending, "")
}

// TestDecidedOfOthers: requests of other applications are none of ours.
func TestDecidedOfOthers(t *testing.T) {
	h := newHouse(t)
	for _, id := range []string{"", "somebody-elses", h.id("somebody-else")} {
		if err := h.Decided(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if len(h.queue.due) != 0 || len(h.files) != 0 {
		t.Error("something came of it")
	}
}

// TestIDs: one for a person at a service, and none for two.
func TestIDs(t *testing.T) {
	h := newHouse(t)
	ids := []string{h.id(subject), h.id(subject + "2"),
		h.replica(func(c *Config) { c.Service = "https://other.example" }).id(subject),
		h.replica(func(c *Config) { c.Issuer = "https://other.example/" }).id(subject)}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4 || h.id(subject) != h.replica(nil).id(subject) {
		t.Errorf("ids: %v", ids)
	}
	if id := h.id(subject); id != "aba0ed1f-c2c0-5c52-9cf6-68e6949cb2ed" {
		t.Errorf("%s: under another id the register makes another request", id)
	}
}

// TestStoreDown: nothing is promised that is not written down.
func TestStoreDown(t *testing.T) {
	h := newHouse(t)
	h.queue.down = errDown
	if status, err := h.Ask(t.Context(), person, application); !errors.Is(err, errDown) {
		t.Errorf("%q, %v", status, err)
	}
	h.ends(0, 0, 0, 0)
	h.queue.down = nil
	h.sweep() // they gave up, and were not told that it was for nothing
	h.pass(day)
	h.ends(1, 1, 1, 0)
}

func TestNewRefuses(t *testing.T) {
	h := newHouse(t)
	for name, change := range map[string]func(*Config){
		"issuer": func(c *Config) { c.Issuer = "" }, "service": func(c *Config) { c.Service = "" }, "files": func(c *Config) { c.Files = nil },
		"register": func(c *Config) { c.Register = nil }, "links": func(c *Config) { c.Links = nil }, "visits": func(c *Config) { c.Visits = nil },
		"help": func(c *Config) { c.Help = nil }, "work": func(c *Config) { c.Work = nil }, "logger": func(c *Config) { c.Logger = nil }, "now": func(c *Config) { c.Now = nil },
	} {
		c := h.Config
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}

// markers are what must be in no log and no error.
var markers = []string{subject, person.Email, "Prunella", "Wintergreen", "1984", application.NINO, trn, otherTRN}

func honest(t *testing.T, text string) {
	t.Helper()
	for _, marker := range markers {
		if strings.Contains(text, marker) {
			t.Errorf("%q is said in %.300q", marker, text)
		}
	}
}

// TestPrivacy goes through everything that is logged or returned, with the log at
// its most talkative, and looks at what is kept in the end.
func TestPrivacy(t *testing.T) {
	for _, says := range []journey.Allocation{completed, rejected} {
		h := newHouse(t)
		logger := slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		h.Desk = h.replica(func(c *Config) { c.Logger = logger })
		h.register.down, h.post.err = errDown, errDown
		h.asks(journey.Pending)
		if err := h.check(t.Context(), h.id(subject)); err == nil {
			t.Error("no error")
		} else {
			honest(t, err.Error())
		}
		h.register.down, h.register.says = nil, says
		h.pass(time.Hour)
		if err := h.email(t.Context(), h.id(subject)); err != nil {
			honest(t, err.Error())
		}
		logger.Info("by an oversight", "request", h.known())
		h.post.err = nil
		h.pass(day)
		if h.log.Len() < 300 {
			t.Error("nothing was logged")
		}
		honest(t, h.log.String())
		kept, err := json.Marshal(h.known())
		if err != nil {
			t.Fatal(err)
		}
		honest(t, strings.ReplaceAll(string(kept), subject, "")) // it names the document
	}
}

// shelf is the ledger of an embedded register.
type shelf struct {
	mu   sync.Mutex
	text []byte
}

func (s *shelf) Read(context.Context, string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text, nil
}

func (s *shelf) Update(_ context.Context, _ string, f func([]byte) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := f(s.text)
	if err == nil {
		s.text = text
	}
	return err
}

// TestEmbedded: the register in this process gives TRNs too, at once or when an
// operator decides.
func TestEmbedded(t *testing.T) {
	const likeHer = `{"people": [{"trn": "` + otherTRN + `", "firstName": "Prunella", "lastName": "Wintergreen", "dateOfBirth": "1984-03-02"}]}`
	for name, story := range map[string]struct {
		people string
		at     journey.RequestStatus
		then   func(*house, *register.Embedded) error
		ends   [3]int
	}{
		"at once": {`{"people": []}`, journey.Completed, nil, [3]int{1, 0, 0}},
		"a new record": {likeHer, journey.Pending, func(h *house, e *register.Embedded) error {
			_, err := e.Resolve(t.Context(), h.id(subject), "")
			return err
		}, [3]int{1, 1, 0}},
		"the one there is": {likeHer, journey.Pending, func(h *house, e *register.Embedded) error {
			_, err := e.Resolve(t.Context(), h.id(subject), otherTRN)
			return err
		}, [3]int{1, 1, 0}},
		"rejected": {likeHer, journey.Pending, func(h *house, e *register.Embedded) error { return e.Reject(t.Context(), h.id(subject)) }, [3]int{0, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			file := filepath.Join(t.TempDir(), "people.json")
			if err := os.WriteFile(file, []byte(story.people), 0o600); err != nil {
				t.Fatal(err)
			}
			e, err := register.Open(file, register.Config{Logger: h.Logger, Now: h.Now, Ledger: &shelf{}})
			if err != nil {
				t.Fatal(err)
			}
			h.Desk = h.replica(func(c *Config) { c.Register = e })
			h.asks(story.at)
			h.pass(10 * time.Minute)
			if story.then != nil {
				if err := story.then(h, e); err != nil {
					t.Fatal(err)
				}
			}
			h.pass(day)
			h.ends(0, story.ends[0], story.ends[1], story.ends[2])
			if waiting, err := e.Requests(t.Context()); err != nil || len(waiting) != 0 {
				t.Errorf("%d requests wait: %v", len(waiting), err)
			}
		})
	}
}
