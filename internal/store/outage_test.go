package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// calls is everything that asks Redis, about the visit with that id.
func calls(s *Store, id string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Ready":      s.Ready,
		"Create":     func(ctx context.Context) error { _, err := s.Create(ctx, someone()); return err },
		"Load":       func(ctx context.Context) error { _, _, err := s.Load(ctx, id); return err },
		"Cached":     func(ctx context.Context) error { _, _, err := s.Cached(ctx, id); return err },
		"Change":     func(ctx context.Context) error { _, err := s.Change(ctx, id, unchanged); return err },
		"Renew":      func(ctx context.Context) error { _, _, err := s.Renew(ctx, id, unchanged); return err },
		"Delete":     func(ctx context.Context) error { return s.Delete(ctx, id) },
		"DeleteAll":  func(ctx context.Context) error { _, err := s.DeleteAll(ctx, subject); return err },
		"ChangeOf":   func(ctx context.Context) error { return s.ChangeOf(ctx, subject, unchanged) },
		"ChangeOn":   func(ctx context.Context) error { return s.ChangeOn(ctx, someone().Record.TRN, unchanged) },
		"KeepFlow":   func(ctx context.Context) error { return s.KeepFlow(ctx, someFlow()) },
		"TakeFlow":   func(ctx context.Context) error { _, _, err := s.TakeFlow(ctx, someFlow().State); return err },
		"Link":       func(ctx context.Context) error { _, _, err := s.Link(ctx, issuer, subject); return err },
		"SetLink":    func(ctx context.Context) error { return s.SetLink(ctx, issuer, subject, someLink()) },
		"RemoveLink": func(ctx context.Context) error { return s.RemoveLink(ctx, issuer, subject) },
		"Move":       func(ctx context.Context) error { _, err := s.Move(ctx); return err },
		"Attempt":    func(ctx context.Context) error { _, err := s.Attempt(ctx, subject); return err },
		"Rounds":     func(ctx context.Context) error { _, err := s.Rounds(ctx, id); return err },
		"KeepRound":  func(ctx context.Context) error { return s.KeepRound(ctx, id, 1) },
		"Seen":       func(ctx context.Context) error { _, err := s.Seen(ctx, "kind", "id"); return err },
		"See":        func(ctx context.Context) error { _, err := s.See(ctx, "kind", "id", time.Hour); return err },
		"Latest":     func(ctx context.Context) error { _, err := s.Latest(ctx, "kind", "id", time.Now()); return err },
		"GiveBack":   func(ctx context.Context) error { return s.GiveBack(ctx, subject) },
		"Read":       func(ctx context.Context) error { _, _, err := notes(s).Read(ctx, "a"); return err },
		"ChangeFile": func(ctx context.Context) error {
			_, err := notes(s).Change(ctx, "a", func(n note, _ bool) (note, error) { n.Text += "x"; return n, nil })
			return err
		},
		"Remove": func(ctx context.Context) error { return notes(s).Remove(ctx, "b") },
		"Each":   func(ctx context.Context) error { return notes(s).Each(ctx, func(string, note) error { return nil }) },
	}
}

// outage checks that every call fails as an outage does, in time.
func outage(t *testing.T, s *Store, id string) {
	t.Helper()
	var names []string
	all := calls(s, id)
	for name := range all {
		names = append(names, name)
	}
	together(len(names), func(i int) {
		begun := time.Now()
		err := all[names[i]](t.Context())
		if !errors.Is(err, journey.NoStore) {
			t.Errorf("%s = %v", names[i], err)
		}
		limit := callLimit
		if names[i] == "Move" || names[i] == "Each" { // which servers there are, then what is on them
			limit *= 2
		}
		// The second is the scheduler's, under the race detector, on a busy machine.
		if took := time.Since(begun); took > limit+time.Second {
			t.Errorf("%s took %v", names[i], took)
		}
	})
}

// works checks that everything does, and that the visit outlived what was.
func works(t *testing.T, s *Store, id string) {
	t.Helper()
	eventually(t, func() bool { return s.Ready(t.Context()) == nil })
	exists(t, s, id, true)
	for name, call := range calls(s, id) {
		switch name {
		case "Renew", "Delete", "DeleteAll": // it is needed
		default:
			if err := call(t.Context()); err != nil {
				t.Errorf("%s = %v", name, err)
			}
		}
	}
}

// Every way to run Redis, stopped in its tracks: it takes connections, and says
// nothing. A single one is also killed, and started again. All of them wait at
// once: as parallel tests they would for as many at a time as there are processors.
func TestOutage(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for name, start := range map[string]func(testing.TB) servers{
		"Redis": func(t testing.TB) servers { // with the call limit alone to end anything
			s := startRedis(t)
			return servers{[]*server{s}, s.url() + "?read_timeout=1m&write_timeout=1m&dial_timeout=1m&pool_timeout=1m"}
		},
		"Cluster":  startCluster,
		"Sentinel": startSentinel,
	} {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				servers := start(t)
				client := open(t, servers.url)
				s, fresh := newStore(t, client, func(c *Config) { c.CacheAge = 0 }), open(t, servers.url)
				id := created(t, s, someone())
				works(t, s, id)

				servers.signal(t, syscall.SIGSTOP)
				outage(t, s, id)
				// A service that starts in the outage fares no worse.
				outage(t, newStore(t, fresh, nil), id)
				servers.signal(t, syscall.SIGCONT)
				// Redis may carry out now what it could not answer then, such as Delete.
				eventually(t, func() bool { return s.Ready(t.Context()) == nil })
				works(t, s, created(t, s, someone()))
				if name != "Redis" {
					return
				}

				must(t, client.ClientPause(t.Context(), time.Minute).Err())
				outage(t, s, id)
				servers.all[0].kill()
				outage(t, s, id)
				servers.all[0].start(t)
				// A Redis without a disk has forgotten the visit: that is not an outage.
				eventually(t, func() bool { return s.Ready(t.Context()) == nil })
				exists(t, s, id, false)
				works(t, s, created(t, s, someone()))
			})
		})
	}
	all.Wait()
}

// Who is signed in goes on for the cache age while Redis is away: as long as
// that is not longer than it takes to notice that nothing is heard of changes.
func TestOutageWithinCacheAge(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	s := newStore(t, open(t, server.url()), forAnHour)
	hearing(t, s)
	id := created(t, s, someone())
	remembers(t, s, id)
	server.signal(t, syscall.SIGSTOP)
	if _, ok, err := s.Cached(t.Context(), id); !ok || err != nil {
		t.Errorf("Cached = %v, %v", ok, err)
	}
	v, _ := visitOf(id)
	eventually(t, func() bool { _, ok := s.cache.get(v); return !ok })
	if _, ok, err := s.Cached(t.Context(), id); ok || !errors.Is(err, journey.NoStore) {
		t.Errorf("Cached when the silence was noticed = %v, %v", ok, err)
	}
	server.signal(t, syscall.SIGCONT)
	remembers(t, s, id)
}

// A Redis that answers but takes no writes is an outage too, and Ready says so.
func TestNoWrites(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	client := open(t, server.url())
	s := newStore(t, client, func(c *Config) { c.CacheAge = 0 })
	id := created(t, s, someone())
	must(t, client.Do(t.Context(), "REPLICAOF", "127.0.0.1", "1").Err())
	if err := s.Ready(t.Context()); !errors.Is(err, journey.NoStore) {
		t.Errorf("Ready = %v", err)
	}
	if _, ok, err := s.Load(t.Context(), id); ok || !errors.Is(err, journey.NoStore) {
		t.Errorf("Load = %v, %v", ok, err)
	}
	must(t, client.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err())
	works(t, s, id)
}

// The connections of a pool that a server or a firewall closed are not felt.
func TestDroppedConnections(t *testing.T) {
	t.Parallel()
	client := open(t, startRedis(t).url())
	s := newStore(t, client, func(c *Config) { c.CacheAge = 0 })
	for name := range calls(s, "") {
		id := created(t, s, someone())
		must(t, s.KeepFlow(t.Context(), someFlow()))
		together(8, func(int) { s.Load(t.Context(), id) }) // a pool of several
		must(t, client.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "no").Err())
		if err := calls(s, id)[name](t.Context()); err != nil {
			t.Errorf("%s = %v", name, err)
		}
	}
}

// A Redis that is moved to another machine: the store finds the new master by
// itself, and the visit is there.
func TestFailover(t *testing.T) {
	t.Parallel()
	redises := startSentinel(t)
	s := newStore(t, open(t, redises.url), nil)
	id := created(t, s, someone())
	hearing(t, s)
	replica := redis.NewClient(&redis.Options{Network: "unix", Addr: redises.all[1].socket, Password: masterPassword})
	defer replica.Close()
	eventually(t, func() bool { return replica.DBSize(t.Context()).Val() == 3 }) // the visit and the two lists it is in

	redises.all[0].kill()
	works(t, s, id)
	remembers(t, s, id)
	if role := replica.Info(t.Context(), "replication").Val(); !strings.Contains(role, "role:master") {
		t.Errorf("the replica is still one: %s", role)
	}
}

// A request that is given up is given up here too.
func TestCancelled(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	s := newStore(t, open(t, server.url()), func(c *Config) { c.CacheAge = 0 })
	id := created(t, s, someone())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls(s, id) {
		if err := call(ctx); !errors.Is(err, journey.NoStore) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v", name, err)
		}
	}
	exists(t, s, id, true)
}
