package background

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// go-redis writes to standard error of every connection that fails: here, many.
func init() { redis.SetLogger(silence{}) }

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// server is a redis-server process of the test's own, on a socket, that keeps
// nothing on disk and ends with the test.
type server struct {
	socket  string
	args    []string
	process *exec.Cmd
}

func startRedis(t testing.TB, args ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{socket: filepath.Join(dir, "redis.sock")}
	s.args = append([]string{"--port", "0", "--unixsocket", s.socket, "--save", "", "--dir", dir, "--loglevel", "warning"}, args...)
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
	must(t, s.process.Start())
	t.Cleanup(s.kill)
	eventually(t, func() bool {
		conn, err := net.Dial("unix", s.socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (s *server) url() string { return "unix://" + s.socket }

func (s *server) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

// startCluster starts a Redis Cluster of a single node, which is as strict about
// keys that belong to different slots as one of many.
func startCluster(t testing.TB) (address string) {
	t.Helper()
	port := freePort(t)
	s := startRedis(t, "--port", port, "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", freePort(t))
	node := open(t, s.url()).(*redis.Client)
	must(t, node.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	eventually(t, func() bool { return strings.Contains(node.ClusterInfo(t.Context()).Val(), "cluster_state:ok") })
	return "redis+cluster://127.0.0.1:" + port
}

// freePort is a port on the loopback interface that nobody listens to, outside the
// range that outgoing connections are given.
func freePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(10000 + rand.N(20000))
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// open connects to a Redis for the length of the test.
func open(t testing.TB, address string) redis.UniversalClient {
	t.Helper()
	r, err := store.Connect(address, slog.New(slog.DiscardHandler))
	must(t, err)
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// log is what was logged.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) lines(with string) (n int) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, with) {
			n++
		}
	}
	return n
}

// replica is the background work of one replica, and what it logged.
type replica struct {
	*Background
	log *log
}

// kind is that of the work of the tests, of a kind and a name such as a service has.
const kind = "ticket:open"

// queue has everything in it that means something to Redis, but for a brace.
const queue = "teaching-record:[::1]:8443"

// replicaOf has work of one kind, is quick, and ends with the test. It has begun
// nothing yet.
func replicaOf(t testing.TB, client redis.UniversalClient, work Work, unsettled ...string) replica {
	t.Helper()
	r := replica{log: new(log)}
	b, err := New(Config{
		Client: client, Queue: queue, Pace: 10 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	must(t, err)
	b.Add(map[string]Work{kind: work}, func(_ context.Context, look func(kind, name string) error) error {
		for _, name := range unsettled {
			if err := look(kind, name); err != nil {
				return err
			}
		}
		return nil
	})
	t.Cleanup(func() { b.Close() })
	r.Background = b
	return r
}

// task is the one task for that name, nil for none.
func (r replica) task(t testing.TB, name string) *asynq.TaskInfo {
	t.Helper()
	task, err := r.inspector.GetTaskInfo(r.Queue, taskID(kind, name))
	if err != nil {
		return nil
	}
	return task
}

// is tells whether the task for that name is in that state.
func (r replica) is(t testing.TB, name string, state asynq.TaskState) bool {
	t.Helper()
	task := r.task(t, name)
	return task != nil && task.State == state
}

// tasks is how many there are, of any name.
func (r replica) tasks(t testing.TB) int {
	t.Helper()
	return len(keysOf(t, r.Client, "asynq:{"+queue+"}:t:*"))
}

// keysOf are the keys that match; the special characters of a pattern stand for themselves but for the star.
func keysOf(t testing.TB, client redis.UniversalClient, pattern string) []string {
	t.Helper()
	keys, err := client.Keys(t.Context(), strings.NewReplacer("[", "\\[", "]", "\\]").Replace(pattern)).Result()
	must(t, err)
	return keys
}

// looks checks that work is given.
func (r replica) looks(t testing.TB, name string, after time.Duration) {
	t.Helper()
	must(t, r.Look(t.Context(), kind, name, after))
}

// in checks when a task is to be looked at, give or take two seconds.
func in(t testing.TB, task *asynq.TaskInfo, want time.Duration) {
	t.Helper()
	if task == nil {
		t.Fatal("there is no task")
	}
	if got := time.Until(task.NextProcessAt); got > want+time.Second || got < want-2*time.Second {
		t.Errorf("the next look is in %v, want %v", got, want)
	}
}
