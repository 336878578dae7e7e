package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Cluster, Sentinel and redis:// have the conformance suite; what is left are
// sockets, databases, users and TLS.
func TestConnect(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	admin := open(t, server.url())
	must(t, admin.Do(t.Context(), "ACL", "SETUSER", "us:er", "on", ">"+masterPassword, "~tr:*", "&tr:*", "+@all").Err())
	const user, password = "us%3Aer", "p%40ss%2Fword%3F%26%2B%23%25"
	cert, key := certificate(t)
	port := freePort(t)
	startRedis(t, "--tls-port", strconv.Itoa(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")

	for name, address := range map[string]string{
		"TCP":                     fmt.Sprintf("redis://%s:%s@127.0.0.1:%d/3", user, password, server.port),
		"a host by name":          fmt.Sprintf("redis://localhost:%d", server.port),
		"a database in the query": fmt.Sprintf("redis://127.0.0.1:%d?db=3&pool_size=2", server.port),
		"a socket":                "unix://" + server.socket,
		"a socket, with a user":   fmt.Sprintf("unix://%s:%s@%s?db=3", user, password, server.socket),
		"TLS":                     fmt.Sprintf("rediss://127.0.0.1:%d?skip_verify=true", port),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, open(t, address), nil)
			exists(t, s, created(t, s, someone()), true)
			hearing(t, s)
		})
	}

	for name, address := range map[string]string{
		"another password": fmt.Sprintf("redis://%s:wrong-marker@127.0.0.1:%d", user, server.port),
		"TLS by nobody":    fmt.Sprintf("rediss://127.0.0.1:%d", port),
		"TLS to plain":     fmt.Sprintf("rediss://127.0.0.1:%d", server.port),
		"plain to TLS":     fmt.Sprintf("redis://127.0.0.1:%d", port),
	} {
		t.Run(name, func(t *testing.T) {
			var log log
			s := newStore(t, open(t, address), func(c *Config) { c.Logger = log.logger() })
			if err := s.Ready(t.Context()); !errors.Is(err, journey.NoStore) || strings.Contains(err.Error(), "marker") {
				t.Errorf("Ready = %v", err)
			}
			eventually(t, func() bool { return strings.Contains(log.String(), "no visit is cached") })
			if strings.Contains(log.String(), "marker") {
				t.Errorf("the log shows the password:\n%s", log.String())
			}
		})
	}
}

// certificate is one for 127.0.0.1 that nobody vouches for, and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certFile, keyFile
}

// What an address means that needs no server to tell.
func TestConnectOptions(t *testing.T) {
	client := open(t, "rediss://u:p%40@host?read_timeout=300ms&max_retries=-1").(*redis.Client).Options()
	for _, tt := range []struct{ what, got, want any }{
		{"address", client.Addr, "host:6379"},
		{"password", client.Password, "p@"},
		{"server name", client.TLSConfig.ServerName, "host"},
		{"least TLS version", client.TLSConfig.MinVersion, uint16(tls.VersionTLS12)},
		{"a timeout that was set", client.ReadTimeout, 300 * time.Millisecond},
		{"a timeout that was not", client.DialTimeout, dialTimeout},
		{"retries", client.MaxRetries, 0},
		{"idle time", client.ConnMaxIdleTime, idleTime},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %v, want %v", tt.what, tt.got, tt.want)
		}
	}

	cluster := open(t, "rediss+cluster://u:p@[::1]:7000?addr=b:7001&addr=c:7002").(*redis.ClusterClient).Options()
	if fmt.Sprint(cluster.Addrs) != "[[::1]:7000 b:7001 c:7002]" || cluster.Password != "p" || cluster.TLSConfig == nil ||
		cluster.ReadTimeout != readTimeout || cluster.MaxRetries != 1 {
		t.Errorf("a Cluster: %v, TLS %v, timeout %v, retries %d", cluster.Addrs, cluster.TLSConfig != nil, cluster.ReadTimeout, cluster.MaxRetries)
	}
	failover := open(t, "rediss+sentinel://a/2?master_name=m&password=p%2Bq&addr=b:26380").(*redis.Client).Options()
	if failover.DB != 2 || failover.Password != "p+q" || failover.TLSConfig == nil || failover.ConnMaxIdleTime != idleTime {
		t.Errorf("a Sentinel: database %d, TLS %v, idle time %v", failover.DB, failover.TLSConfig != nil, failover.ConnMaxIdleTime)
	}

	var log log
	r, err := Connect(Embedded, log.logger())
	if must(t, err); !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "gone") {
		t.Errorf("the log says: %s", log.String())
	}
	must(t, r.Close())
}

// Every address that is refused, and why. Each that could hold a password holds
// "hunter" and "hunted", and no error repeats either.
func TestConnectRefuses(t *testing.T) {
	const (
		encoded   = "the password must be percent-encoded where it has special characters"
		notURL    = "not a URL: is every special character of the password percent-encoded?"
		noHost    = "it has no host"
		malformed = "the query is malformed: is every special character percent-encoded, a plus as %2B?"
		option    = "an option of the query is unknown or malformed, or the password must be percent-encoded"
		scheme    = " is none of redis, rediss, redis+cluster, rediss+cluster, redis+sentinel, rediss+sentinel, unix"
	)
	for _, tt := range []struct{ address, want string }{
		{"", "it is empty"},
		{"localhost:6379", `the scheme ""` + scheme},
		{"hunter:hunted@host", `the scheme ""` + scheme},
		{"hunter", `the scheme ""` + scheme},
		{"http://host", `the scheme "http"` + scheme},
		{"redis+unix:///x", `the scheme ""` + scheme},
		{"Embedded", `the scheme ""` + scheme},
		{" redis://host", notURL},
		{"redis://host:port", notURL},
		{"redis://u:hunter%hunted@host", notURL},
		{"redis://u:hunter/hunted@host", notURL},
		{"redis://u:123/hunted@host", encoded},
		{"redis://u:123?hunted@host", encoded},
		{"redis://u:123#hunted@host", encoded},
		{"redis://u:123/hunted@host/0", encoded},
		{"unix://u:123/hunted@/run/redis.sock", "a socket has no host: unix:///path, or unix://user:password@/path"},
		{"unix://run/redis.sock", "a socket has no host: unix:///path, or unix://user:password@/path"},
		{"unix://", "redis: empty unix socket path"},
		{"redis:hunter@host", noHost},
		{"redis://", noHost},
		{"rediss://u:hunter@:6379", noHost},
		{"redis+cluster://", noHost},
		{"redis+sentinel://?master_name=m", noHost},
		{"redis://host/hunter/1@x", encoded},
		{"redis://host/zero", `redis: invalid database number: "zero"`},
		{"redis://host?colour=red", "redis: unexpected option: colour"},
		{"redis://host?pool_size=many", `redis: invalid pool_size number: strconv.Atoi: parsing "many": invalid syntax`},
		{"redis://host?pool_size=1;db=2", malformed},
		{"redis+sentinel://h?master_name=m&password=hunter%hunted", malformed},
		{"redis+sentinel://h?master_name=m&password=hunter;hunted", malformed},
		{"redis+sentinel://h?master_name=m&password=hunter+hunted", malformed},
		{"redis+sentinel://h?master_name=m&password=hunter&hunted", option},
		{"redis+sentinel://h?master_name=m&password=hunter&db=hunted", option},
		{"redis+sentinel://h?master_name=m&password=hunter#hunted", encoded},
		{"redis://h?password=hunter", option},
		{"redis+sentinel://h", "a Sentinel address needs a master_name in its query"},
		{"redis+cluster://h/3", `a Cluster has no numbered databases: "/3"`},
		{"redis+cluster://h?addr=b", "redis: unable to parse addr param: b"},
		{"redis+cluster://h?read_only=true", "the option read_only would read from replicas, which lag behind"},
		{"redis+cluster://h?route_randomly=1", "the option route_randomly would read from replicas, which lag behind"},
		{"redis+cluster://h?route_by_latency=1", "the option route_by_latency would read from replicas, which lag behind"},
		{"redis+sentinel://h?replica_only=1", "the option replica_only would read from replicas, which lag behind"},
		{"redis+cluster://h?db=3", "redis: unexpected option: db"},
	} {
		r, err := Connect(tt.address, slog.New(slog.DiscardHandler))
		if err == nil {
			r.Close()
			t.Errorf("%s is taken", tt.address)
			continue
		}
		if err.Error() != "redis address: "+tt.want {
			t.Errorf("%s: %v\nwant %s", tt.address, err, tt.want)
		}
		if strings.Contains(err.Error(), "hunte") {
			t.Errorf("%s: the error shows a password: %v", tt.address, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	client := open(t, Embedded)
	for name, change := range map[string]func(*Config){
		"a Redis client":                    func(c *Config) { c.Client = nil },
		"a secret":                          func(c *Config) { c.Secrets = nil },
		"idle limit must be positive":       func(c *Config) { c.IdleLimit = 0 },
		"absolute limit no shorter":         func(c *Config) { c.AbsoluteLimit = c.IdleLimit - 1 },
		"between zero and the idle limit":   func(c *Config) { c.CacheAge = -1 },
		"zero and the idle limit":           func(c *Config) { c.CacheAge = c.IdleLimit + 1 },
		"lookup limit and its window must":  func(c *Config) { c.LookupLimit = 0 },
		"limit and its window must be posi": func(c *Config) { c.LookupWindow = 0 },
	} {
		config := Config{
			Client: client, Secrets: [][]byte{secret('a')}, IdleLimit: 2 * time.Hour, AbsoluteLimit: 12 * time.Hour,
			LookupLimit: 5, LookupWindow: 24 * time.Hour,
		}
		if s, err := New(config); err != nil {
			t.Fatal(err)
		} else {
			s.Close()
		}
		change(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New = %v, want a word on %q", err, name)
		}
	}
}
