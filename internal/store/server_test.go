package store

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// go-redis writes to standard error of every connection that fails: here, many.
func init() { redis.SetLogger(silence{}) }

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// server is a redis-server process of the test's own.
type server struct {
	port    int
	socket  string
	args    []string
	process *exec.Cmd
}

// startRedis starts a redis-server that keeps nothing on disk and ends with the
// test. The last arguments are its own, as on its command line.
func startRedis(t testing.TB, args ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{port: freePort(t), socket: filepath.Join(dir, "redis.sock")}
	s.args = append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--unixsocket", s.socket,
		"--save", "", "--appendonly", "no", "--dir", dir, "--loglevel", "warning",
	}, args...)
	s.start(t)
	return s
}

// start starts the process, again if it was killed, and waits until it listens.
func (s *server) start(t testing.TB) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is needed for these tests; install it with: apt-get install redis-server")
	}
	s.process = exec.Command(binary, s.args...)
	// If the test is killed, so is its Redis.
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	eventually(t, func() bool {
		conn, err := net.Dial("unix", s.socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (s *server) url() string { return fmt.Sprintf("redis://127.0.0.1:%d", s.port) }

func (s *server) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

// signal stops the process in its tracks (SIGSTOP) or lets it go on (SIGCONT).
func (s *server) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// ports were handed out in this process.
var ports sync.Map

// freePort is a port on the loopback interface that nobody listens to, outside
// the range that outgoing connections are given: a server that is stopped and
// started again must find its port free.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.N(20000)
		if _, taken := ports.LoadOrStore(port, true); taken {
			continue
		}
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// open connects to a Redis for the length of the test.
func open(t testing.TB, address string) redis.UniversalClient {
	t.Helper()
	r, err := Connect(address, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Client
}

// eventually waits for something that others bring about.
func eventually(t testing.TB, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("waited half a minute in vain")
		}
	}
}

// newStore makes a store for the test, with the settings of a service unless
// change says otherwise.
func newStore(t testing.TB, client redis.UniversalClient, change func(*Config)) *Store {
	t.Helper()
	config := Config{
		Client:        client,
		Secrets:       [][]byte{secret('a')},
		IdleLimit:     2 * time.Hour,
		AbsoluteLimit: 12 * time.Hour,
		CacheAge:      2 * time.Second,
		LookupLimit:   5,
		LookupWindow:  24 * time.Hour,
		Logger:        slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if s.begun = true; s.CacheAge > 0 { // not Begin: links are moved when a test says so
		s.working.Go(func() { s.listen(s.background) })
	}
	return s
}

func secret(fill byte) []byte {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = fill
	}
	return secret
}
