package store

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a redis-server process of the test's own.
type server struct {
	port    int
	socket  string
	process *exec.Cmd
}

// startRedis starts a redis-server that keeps nothing on disk and ends with the
// test. The last arguments are its own, as on its command line.
func startRedis(t testing.TB, args ...string) *server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is needed for these tests; install it with: apt-get install redis-server")
	}
	s := &server{port: freePort(t), socket: filepath.Join(t.TempDir(), "redis.sock")}
	args = append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--unixsocket", s.socket,
		"--save", "", "--appendonly", "no", "--dir", t.TempDir(), "--loglevel", "warning",
	}, args...)
	s.process = exec.Command(binary, args...)
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
	return s
}

func (s *server) url() string { return fmt.Sprintf("redis://127.0.0.1:%d", s.port) }

func (s *server) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
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
	for deadline := time.Now().Add(10 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("waited ten seconds in vain")
		}
		time.Sleep(5 * time.Millisecond)
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
		Logger:        slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func secret(fill byte) []byte {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = fill
	}
	return secret
}

// flush empties the Redis, so that tests can share one.
func flush(t testing.TB, client redis.UniversalClient) {
	t.Helper()
	flush := func(ctx context.Context, node *redis.Client) error { return node.FlushAll(ctx).Err() }
	var err error
	switch client := client.(type) {
	case *redis.ClusterClient:
		err = client.ForEachMaster(t.Context(), flush)
	case *redis.Client:
		err = flush(t.Context(), client)
	}
	if err != nil {
		t.Fatal(err)
	}
}
