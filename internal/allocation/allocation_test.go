package allocation

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const day = 24 * time.Hour

// TestGivenAtOnce: the page tells it, and nobody is written to.
func TestGivenAtOnce(t *testing.T) {
	h := newHouse(t)
	h.asks(journey.Completed)
	want := journey.Link{TRN: trn, How: "allocated", At: h.now, Identity: person.Identity}
	if diff := cmp.Diff(want, h.links[issuer+" "+subject]); diff != "" {
		t.Error(diff)
	}
	h.asks(journey.Completed) // a click too many
	h.pass(day)
	h.ends(1, 1, 0, 0)
	h.stands("", "")
	if len(h.register.asked) != 1 || len(h.news) != 0 {
		t.Errorf("the register was asked %d times, and browsers were told %d times", len(h.register.asked), len(h.news))
	}
}

// TestGivenLater: by the schedule or when the register says so, the link comes
// first, then browsers are told, and then the person, once.
func TestGivenLater(t *testing.T) {
	for name, webhook := range map[string]bool{"found when looked at": false, "told by a webhook": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.register.says = journey.Allocation{Status: journey.Pending}
			h.asks(journey.Pending)
			h.stands(journey.Pending, "")
			h.pass(30 * time.Second)
			h.register.decides(completed)
			if webhook {
				for range 2 { // each is delivered at least once
					if err := h.Decided(t.Context(), h.id(subject)); err != nil {
						t.Fatal(err)
					}
					h.pass(0)
				}
			}
			h.pass(30 * time.Second)
			h.ends(1, 1, 1, 0)
			h.pass(day)
			h.ends(1, 1, 1, 0)
			h.stands("", "")
			want := "09:01:00 false"
			if webhook {
				want = "09:00:30 false"
			}
			if !slices.Equal(h.post.attempts, []string{want}) || !slices.Equal(h.news, []string{trn}) {
				t.Errorf("e-mails at %v, browsers found %v", h.post.attempts, h.news)
			}
		})
	}
}

// TestSchedule: a minute, five, fifteen, then hourly for thirty days, then people
// are asked, once, and it is followed all the same.
func TestSchedule(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	begin := h.now
	h.asks(journey.Pending)
	h.pass(4 * time.Hour)
	var ages []string
	for _, at := range h.register.asked {
		ages = append(ages, at.Sub(begin).String())
	}
	if want := strings.Fields("0s 1m0s 5m0s 15m0s 1h15m0s 2h15m0s 3h15m0s"); !slices.Equal(ages, want) {
		t.Errorf("asked at %v, want %v", ages, want)
	}
	h.pass(overdue - 4*time.Hour - time.Minute)
	h.ends(1, 0, 0, 0)
	h.pass(time.Hour)
	h.ends(1, 0, 0, 1)
	asked := len(h.register.asked)
	h.pass(10 * day)
	h.ends(1, 0, 0, 1)
	if p := h.pleas[0]; p.Reason != journey.RequestOverdue || p.Subject != subject || p.Email != person.Email || p.Stated.NINO != application.NINO || len(p.Identity.Names) != 1 || len(p.Lookups) != 1 {
		t.Errorf("help was asked for because of %s, or not for them", p.Reason)
	}
	if n := len(h.register.asked) - asked; n != 10 {
		t.Errorf("asked %d times in ten days", n)
	}
	if h.register.posts != 1 {
		t.Errorf("%d requests, where one waits", h.register.posts)
	}
	h.stands(journey.Pending, reference)
	h.register.decides(completed)
	h.pass(day)
	h.ends(1, 1, 1, 1)
}

func TestAgain(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		0: time.Minute, 10 * time.Second: 50 * time.Second, time.Minute - time.Second: 4*time.Minute + time.Second, time.Minute: 4 * time.Minute,
		5*time.Minute - time.Second: 10*time.Minute + time.Second, 5 * time.Minute: 10 * time.Minute, 15*time.Minute - time.Second: time.Hour,
		15 * time.Minute: time.Hour, overdue - time.Minute: time.Hour, overdue: day, 2 * overdue: day,
	} {
		if got := again(age); got != want {
			t.Errorf("at %s again in %s, want %s", age, got, want)
		}
	}
}

// TestRejected: people are asked, once, and who comes back is told so.
func TestRejected(t *testing.T) {
	for name, later := range map[string]bool{"at once": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.register.says = rejected
			if later {
				h.register.says = journey.Allocation{Status: journey.Pending}
				h.asks(journey.Pending)
				h.register.decides(rejected)
				h.helpDown = errDown
				h.pass(time.Hour)
				h.stands(journey.Rejected, "")
				h.helpDown = nil
				h.pass(time.Hour)
			} else {
				h.asks(journey.Rejected)
			}
			h.stands(journey.Rejected, reference)
			h.pass(day)
			h.asks(journey.Rejected)
			h.pass(day)
			h.ends(1, 0, 0, 1)
			if why := h.pleas[0].Reason; why != journey.RequestRejected || len(h.news) != 1 {
				t.Errorf("help was asked for because of %s, browsers were told %d times", why, len(h.news))
			}
		})
	}
}

// TestRejectedAfterOverdue: what people were asked before may be dealt with.
func TestRejectedAfterOverdue(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	h.pass(overdue + day)
	h.register.decides(rejected)
	h.pass(2 * day)
	h.ends(1, 0, 0, 2) // the desk of the people who help makes one of them while the first is open
	h.stands(journey.Rejected, reference)
}

// TestRefused: the page says so and asks for corrections, with which it is asked
// again.
func TestRefused(t *testing.T) {
	h := newHouse(t)
	wrong := application
	wrong.NINO = "refused"
	for range 2 {
		if status, err := h.Ask(t.Context(), person, wrong); err != nil || status != Refused {
			t.Fatalf("%q, %v", status, err)
		}
		h.stands("", "")
	}
	h.pass(day)
	h.ends(0, 0, 0, 0)
	h.asks(journey.Completed)
	h.ends(1, 1, 0, 0)
}

// TestUnconfirmed: a record that the register found by the number alone is not
// theirs for that. They are not connected to it nor told of it, and people decide.
func TestUnconfirmed(t *testing.T) {
	for name, later := range map[string]bool{"at once": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.register.denies = true
			if later {
				h.register.says = journey.Allocation{Status: journey.Pending}
				h.asks(journey.Pending)
				h.register.decides(completed)
			}
			for range 2 {
				h.pass(day)
				if status, err := h.Ask(t.Context(), person, application); err != nil || status != Refused {
					t.Fatalf("%q, %v", status, err)
				}
			}
			h.ends(1, 0, 0, 1)
			h.stands("", "") // they are told how their request for help stands
			if plea := h.pleas[0]; plea.Reason != journey.NotConfirmed || plea.Found != trn || plea.Stated.NINO != application.NINO {
				t.Errorf("help was asked for because of %s, the TRN told: %v", plea.Reason, plea.Found == trn)
			}
		})
	}
	// Without the number nothing but what was verified was sent.
	h := newHouse(t)
	h.register.denies = true
	verified := application
	verified.NINO = ""
	if status, err := h.Ask(t.Context(), person, verified); err != nil || status != journey.Completed {
		t.Errorf("without a number: %q, %v", status, err)
	}
}

// TestRefusedLater: who was told to wait does not wait for nothing.
func TestRefusedLater(t *testing.T) {
	h := newHouse(t)
	wrong := application
	wrong.NINO = "refused"
	h.register.down = errDown
	if status, err := h.Ask(t.Context(), person, wrong); err != nil || status != journey.Pending {
		t.Fatalf("%q, %v", status, err)
	}
	h.register.down = nil
	h.pass(day)
	h.ends(0, 0, 0, 1)
	if why := h.pleas[0].Reason; why != journey.CannotRequest || len(h.news) != 1 {
		t.Errorf("help was asked for because of %s, browsers were told %d times", why, len(h.news))
	}
	h.stands("", "") // they are told how their request for help stands
}

// TestRegisterDown: the person need not come back, whether the request was made
// before the answer was lost or not.
func TestRegisterDown(t *testing.T) {
	for _, lost := range []bool{false, true} {
		h := newHouse(t)
		h.register.down, h.register.lost = errDown, lost
		h.asks(journey.Pending)
		h.stands(journey.Pending, "")
		h.pass(2 * time.Hour)
		h.stands(journey.Pending, "")
		h.register.down = nil
		h.pass(2 * time.Hour)
		h.ends(1, 1, 1, 0)
	}
}

// TestRegisterLostIt: it is asked for again, with the same id.
func TestRegisterLostIt(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.asks(journey.Pending)
	clear(h.register.known)
	h.register.says = completed
	h.pass(time.Hour)
	h.ends(1, 1, 1, 0)
	if h.register.known[h.id(subject)] == nil {
		t.Error("asked for under another id")
	}
}

// TestLostStore: everything here is forgotten, and the register has it.
func TestLostStore(t *testing.T) {
	h := newHouse(t)
	h.asks(journey.Completed)
	clear(h.files)
	clear(h.links)
	h.asks(journey.Completed)
	h.pass(day)
	h.ends(1, 1, 0, 0)
}

// TestAtTheSameTime: ten tabs on two replicas, while both look at it besides.
func TestAtTheSameTime(t *testing.T) {
	for _, says := range []journey.Allocation{completed, {Status: journey.Pending}, rejected} {
		h := newHouse(t)
		h.register.says = says
		replicas := []*Desk{h.Desk, h.replica(nil)}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				d := replicas[i%2]
				if i >= 10 {
					d.check(t.Context(), d.id(subject))
				} else if status, err := d.Ask(t.Context(), person, application); err != nil || status != says.Status {
					t.Errorf("%q, %v, want %q", status, err, says.Status)
				}
			})
		}
		all.Wait()
		h.pass(day)
		links := map[bool]int{true: 1}[says.Status == journey.Completed]
		h.pleas = slices.CompactFunc(h.pleas, func(a, b journey.Plea) bool { return a.Reason == b.Reason }) // as their desk does
		h.ends(1, links, 0, 1-max(links, map[bool]int{true: 1}[says.Status == journey.Pending]))
	}
}

// TestSlowAnswer: what the register said before it decided changes nothing after.
func TestSlowAnswer(t *testing.T) {
	h := newHouse(t)
	h.register.says = journey.Allocation{Status: journey.Pending}
	h.register.after = func() {
		h.register.after = nil
		h.register.decides(completed)
		if err := h.check(t.Context(), h.id(subject)); err != nil {
			t.Error(err)
		}
	}
	h.asks(journey.Completed)
	if r := h.known(); r.Status != journey.Completed || !r.Settled {
		t.Errorf("it is %q", r.Status)
	}
}

// TestSettledStays: whoever is late changes nothing.
func TestSettledStays(t *testing.T) {
	h := newHouse(t)
	h.asks(journey.Completed)
	before := h.known()
	if err := h.settle(t.Context(), before, "another"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, h.known()); diff != "" {
		t.Error(diff)
	}
}

func TestLife(t *testing.T) {
	for _, status := range []journey.RequestStatus{"", journey.Pending, journey.Completed, journey.Rejected, Refused} {
		if life := (Request{Status: status}).Life(); life != 0 {
			t.Errorf("%q is forgotten after %s, and not settled", status, life)
		}
	}
	for status, want := range map[journey.RequestStatus]time.Duration{journey.Completed: 400 * day, journey.Rejected: 90 * day, Refused: day} {
		if life := (Request{Status: status, Settled: true}).Life(); life != want {
			t.Errorf("%q is forgotten after %s", status, life)
		}
	}
}
