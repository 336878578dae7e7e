package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// The ways in which Redis is run, each for the length of a test.

// servers are those of one Redis, and its address.
type servers struct {
	all []*server
	url string
}

// signal stops all of them in their tracks, or lets them go on.
func (s servers) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	for _, server := range s.all {
		server.signal(t, signal)
	}
}

// startCluster starts a Redis Cluster of three masters, which share the slots.
func startCluster(t testing.TB) (cluster servers) {
	t.Helper()
	var nodes []*redis.Client
	var first, busOfFirst int
	for i := range 3 {
		bus := freePort(t)
		s := startRedis(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "2000")
		node := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket})
		defer node.Close()
		nodes, cluster.all = append(nodes, node), append(cluster.all, s)
		const slots, share = 16384, 16384/3 + 1
		must(t, node.Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		must(t, node.ClusterAddSlotsRange(t.Context(), i*share, min((i+1)*share, slots)-1).Err())
		if i == 0 {
			first, busOfFirst = s.port, bus
			continue
		}
		must(t, node.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", first, busOfFirst).Err())
	}
	for _, node := range nodes {
		eventually(t, func() bool {
			info := node.ClusterInfo(t.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_size:3")
		})
	}
	cluster.url = fmt.Sprintf("redis+cluster://127.0.0.1:%d", first)
	return cluster
}

// The servers of a Sentinel set-up ask for passwords: the master and its replica
// for one, the Sentinel for another.
const (
	masterPassword   = "p@ss/word?&+#%" // everything that means something in a URL
	sentinelPassword = "sentinel:/p@ss"
)

// startSentinel starts a master, a replica, and a Sentinel that watches them, in
// this order.
func startSentinel(t testing.TB) servers {
	t.Helper()
	auth := []string{"--requirepass", masterPassword, "--masterauth", masterPassword, "--repl-diskless-sync-delay", "0"}
	first := startRedis(t, auth...)
	second := startRedis(t, append(auth, "--replicaof", "127.0.0.1 "+strconv.Itoa(first.port))...)

	dir := t.TempDir()
	third := &server{port: freePort(t), socket: filepath.Join(dir, "sentinel.sock")}
	config := filepath.Join(dir, "sentinel.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `port %d
bind 127.0.0.1
unixsocket %s
dir %s
requirepass %q
sentinel monitor main 127.0.0.1 %d 1
sentinel auth-pass main %q
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 2000
`, third.port, third.socket, dir, sentinelPassword, first.port, masterPassword), 0o600))
	third.args = []string{config, "--sentinel"}
	third.start(t)

	// Ready for a failover: the replica is in step, and the Sentinel knows of it.
	master := redis.NewClient(&redis.Options{Network: "unix", Addr: first.socket, Password: masterPassword})
	defer master.Close()
	sentinel := redis.NewSentinelClient(&redis.Options{Network: "unix", Addr: third.socket, Password: sentinelPassword})
	defer sentinel.Close()
	eventually(t, func() bool {
		replicas := sentinel.Replicas(t.Context(), "main").Val()
		return strings.Contains(master.Info(t.Context(), "replication").Val(), "state=online") &&
			len(replicas) == 1 && replicas[0]["flags"] == "slave" && replicas[0]["master-link-status"] == "ok"
	})
	return servers{[]*server{first, second, third}, fmt.Sprintf("redis+sentinel://:%s@127.0.0.1:%d?master_name=main&password=%s",
		"sentinel%3A%2Fp%40ss", third.port, "p%40ss%2Fword%3F%26%2B%23%25")}
}

// each runs f with every server that holds keys, one at a time.
func each(t testing.TB, client redis.UniversalClient, f func(context.Context, *redis.Client) error) {
	t.Helper()
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		must(t, f(t.Context(), client.(*redis.Client)))
		return
	}
	var one sync.Mutex
	must(t, cluster.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		one.Lock()
		defer one.Unlock()
		return f(ctx, node)
	}))
}

// flush empties the Redis, so that tests can share one.
func flush(t testing.TB, client redis.UniversalClient) {
	t.Helper()
	each(t, client, func(ctx context.Context, node *redis.Client) error { return node.FlushAll(ctx).Err() })
}

// keysOf are the keys that match, on all servers.
func keysOf(t testing.TB, client redis.UniversalClient, pattern string) (keys []string) {
	t.Helper()
	each(t, client, func(ctx context.Context, node *redis.Client) error {
		found := node.Scan(ctx, 0, pattern, 1000).Iterator()
		for found.Next(ctx) {
			keys = append(keys, found.Val())
		}
		return found.Err()
	})
	return keys
}

// onlyKey is the one key that matches.
func onlyKey(t testing.TB, client redis.UniversalClient, pattern string) string {
	t.Helper()
	keys := keysOf(t, client, pattern)
	if len(keys) != 1 {
		t.Fatalf("%d keys match %s, not one", len(keys), pattern)
	}
	return keys[0]
}

// lives checks that the key ends when it should, give or take a second.
func lives(t testing.TB, client redis.UniversalClient, key string, want time.Duration) {
	t.Helper()
	if got, err := client.PTTL(t.Context(), key).Result(); err != nil || got > want || got < want-time.Second {
		t.Errorf("%s lives for %v (%v), want %v", key, got, err, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// counter counts what is asked of Redis about our keys: round trips, be they of
// one command or of several. Subscriptions and handshakes do not count.
type counter struct{ atomic.Int64 }

// counting is to be called before others use the client.
func counting(client redis.UniversalClient) *counter {
	c := new(counter)
	client.AddHook(c)
	return c
}

func (c *counter) note(cmds ...redis.Cmder) {
	for _, cmd := range cmds {
		for _, arg := range cmd.Args() {
			if text, ok := arg.(string); ok && strings.HasPrefix(text, "tr:") {
				c.Add(1)
				return
			}
		}
	}
}

func (*counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.note(cmd)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.note(cmds...)
		return next(ctx, cmds)
	}
}
