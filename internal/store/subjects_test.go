package store

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func signedIn(subject string) journey.State {
	return journey.State{Subject: subject, Created: time.Now()}
}

// ended ends all of a subject's visits and checks how many there were.
func ended(t testing.TB, s *Store, subject string, want int) {
	t.Helper()
	if n, err := s.DeleteAll(t.Context(), subject); n != want || err != nil {
		t.Errorf("DeleteAll = %d, %v, want %d", n, err, want)
	}
}

func testDeleteAll(t *testing.T, client redis.UniversalClient) {
	s, other := newStore(t, client, nil), newStore(t, client, nil)
	stranger := created(t, s, nobody())
	theirs := created(t, s, signedIn("b"))
	old := created(t, s, signedIn("a"))
	renewed, _, err := other.Renew(t.Context(), old, unchanged) // as at completion
	must(t, err)
	first := created(t, other, signedIn("a"))
	second, _, err := s.Renew(t.Context(), created(t, s, nobody()), same(signedIn("a"))) // as at sign-in
	must(t, err)
	became := created(t, s, nobody())
	_, err = other.Change(t.Context(), became, same(signedIn("a")))
	must(t, err)

	ended(t, s, "a", 4)
	for _, id := range []string{old, renewed, first, second, became} {
		exists(t, s, id, false)
	}
	exists(t, s, stranger, true)
	exists(t, s, theirs, true)
	ended(t, s, "a", 0)
	ended(t, s, "c", 0)
	exists(t, s, theirs, true)
}

// The list of a subject's visits ends with the last of them, and what is over
// leaves it.
func testVisitsOfEnd(t *testing.T, client redis.UniversalClient) {
	var clock clock
	s := newStore(t, client, func(c *Config) { c.Now = clock.now })
	first := created(t, s, signedIn("a"))
	key := onlyKey(t, client, "tr:visits-of:*")
	lives(t, client, key, s.AbsoluteLimit)
	clock.forward(s.AbsoluteLimit + time.Second)
	second := created(t, s, journey.State{Subject: "a", Created: clock.now()})
	v, _ := visitOf(second)
	if members := client.ZRange(t.Context(), key, 0, -1).Val(); len(members) != 1 || members[0] != v.String() {
		t.Errorf("listed are %v", members)
	}
	exists(t, s, first, false)
	exists(t, s, second, true)
}

// Whatever somebody writes into the list, the visits in it can be ended.
func testStrangeMember(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	id := created(t, s, signedIn("a"))
	must(t, client.ZAdd(t.Context(), onlyKey(t, client, "tr:visits-of:*"), redis.Z{Score: 0, Member: "x"}).Err())
	ended(t, s, "a", 1)
	exists(t, s, id, false)
	if s.Unreadable() != 1 {
		t.Errorf("%d values were unreadable", s.Unreadable())
	}
}

// meanwhile runs f once, after the first command of that name.
type meanwhile struct {
	name string
	f    func()
}

func (m *meanwhile) DialHook(next redis.DialHook) redis.DialHook { return next }
func (m *meanwhile) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (m *meanwhile) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if f := m.f; f != nil && cmd.Name() == m.name {
			m.f = nil
			f()
		}
		return err
	}
}

// A visit that is renewed while all of its subject's are ended is ended too.
func TestDeleteAllMeetsRenew(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, func(c *Config) { c.CacheAge = 0 })
	id := created(t, s, signedIn("a"))
	var newID string
	client.AddHook(&meanwhile{"zrange", func() {
		var err error
		newID, _, err = s.Renew(t.Context(), id, unchanged)
		must(t, err)
	}})
	ended(t, s, "a", 1)
	exists(t, s, newID, false)
}

// A visit that is just being created can be ended once it is there.
func TestDeleteAllMeetsCreate(t *testing.T) {
	t.Parallel()
	client := open(t, Embedded)
	s := newStore(t, client, func(c *Config) { c.CacheAge = 0 })
	v, _ := visitOf(newID())
	must(t, s.index(t.Context(), v, signedIn("a")))
	ended(t, s, "a", 0)
	must(t, s.write(t.Context(), client, v, signedIn("a")))
	ended(t, s, "a", 1)
}
