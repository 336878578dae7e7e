package store

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func someFlow() journey.Flow {
	return journey.Flow{
		State: "state-marker", Purpose: journey.VerifyIdentity, Nonce: "nonce-marker",
		Verifier: "verifier-marker", Browser: "browser-marker", ReturnTo: "/return-marker",
	}
}

func testFlowIsTakenOnce(t *testing.T, client redis.UniversalClient) {
	// Kept by one replica, asked for at the others, by many at once.
	replicas := []*Store{newStore(t, client, nil), newStore(t, client, nil), newStore(t, client, nil)}
	must(t, replicas[0].KeepFlow(t.Context(), someFlow()))
	lives(t, client, onlyKey(t, client, "tr:flow:*"), time.Hour)

	var taken atomic.Int64
	together(9, func(i int) {
		flow, ok, err := replicas[i%3].TakeFlow(t.Context(), someFlow().State)
		if err != nil {
			t.Error(err)
		}
		if !ok {
			return
		}
		taken.Add(1)
		if diff := cmp.Diff(someFlow(), flow); diff != "" {
			t.Errorf("the flow is another:\n%s", diff)
		}
	})
	if taken.Load() != 1 {
		t.Errorf("the flow was taken %d times", taken.Load())
	}
	if keys := keysOf(t, client, "tr:flow:*"); len(keys) != 0 {
		t.Errorf("a taken flow is still in Redis: %v", keys)
	}
}

func testStrangeState(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	must(t, s.KeepFlow(t.Context(), someFlow()))
	for _, strange := range []string{"", "*", someFlow().State + " ", "STATE-MARKER", "\x00", strings.Repeat("s", maxStateLen), strings.Repeat("s", 1<<20)} {
		if _, ok, err := s.TakeFlow(t.Context(), strange); ok || err != nil {
			t.Errorf("TakeFlow(%.20q) = %v, %v", strange, ok, err)
		}
	}
	for _, state := range []string{"", strings.Repeat("s", maxStateLen+1)} {
		if err := s.KeepFlow(t.Context(), journey.Flow{State: state}); err == nil || errors.Is(err, journey.NoStore) {
			t.Errorf("KeepFlow of a state of %d bytes = %v", len(state), err)
		}
	}
	if _, ok, err := s.TakeFlow(t.Context(), someFlow().State); !ok || err != nil {
		t.Errorf("the flow itself = %v, %v", ok, err)
	}
}

// A connection that breaks when a flow is taken: was it taken or not? If the
// command was lost, it is sent again. If the answer was lost, nobody can say what
// it was, and "not found" would be wrong.
func TestTakeFlowOverBrokenConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		passOn bool // the command reaches Redis
		ok     bool
	}{
		{"the command is lost", false, true},
		{"the answer is lost", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			redis := startRedis(t)
			s := newStore(t, open(t, "redis://"+breakOnce(t, redis, "getdel", tt.passOn)), func(c *Config) { c.CacheAge = 0 })
			must(t, s.KeepFlow(t.Context(), someFlow()))
			_, ok, err := s.TakeFlow(t.Context(), someFlow().State)
			if ok != tt.ok || errors.Is(err, journey.NoStore) == tt.ok {
				t.Errorf("TakeFlow = %v, %v", ok, err)
			}
			// Either way it is gone now.
			if _, ok, err := s.TakeFlow(t.Context(), someFlow().State); ok || err != nil {
				t.Errorf("TakeFlow again = %v, %v", ok, err)
			}
		})
	}
}

// breakOnce is a proxy to a Redis, which closes the connection when it sees the
// command for the first time, after passing it on and waiting for the answer, or
// before. It returns its address.
func breakOnce(t *testing.T, s *server, command string, passOn bool) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	var broken atomic.Bool
	pass := func(client net.Conn) {
		defer client.Close()
		server, err := net.Dial("unix", s.socket)
		if err != nil {
			return
		}
		defer server.Close()
		answers := bufio.NewReader(server)
		for buf := make([]byte, 4096); ; { // a request fits, and is a single write
			n, err := client.Read(buf)
			if err != nil {
				return
			}
			breaks := strings.Contains(string(buf[:n]), command) && !broken.Swap(true)
			if breaks && !passOn {
				return
			}
			server.Write(buf[:n])
			answer := make([]byte, 4096)
			if n, err = answers.Read(answer); err != nil || breaks {
				return
			}
			if _, err := client.Write(answer[:n]); err != nil && err != io.EOF {
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go pass(client)
		}
	}()
	return listener.Addr().String()
}
