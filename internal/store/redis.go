package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Embedded, in place of a URL, is a Redis inside the process: for the demo and
// for trials. What it holds is gone when the process is.
const Embedded = "embedded"

// Defaults for what the URL does not say. callLimit lies over all of them.
const (
	dialTimeout = time.Second
	readTimeout = time.Second // of one answer
	poolTimeout = time.Second // until a connection is free

	// idleTime is shorter than what closes idle connections on the way: Azure's
	// Redis after 10 minutes, load balancers of AWS after 350 seconds.
	idleTime = 4 * time.Minute
)

// Redis is a connected client, and the server it talks to if that is embedded.
type Redis struct {
	Client   redis.UniversalClient
	embedded *miniredis.Miniredis
}

// Connect makes a client for the Redis at address. It does not touch the
// network. An address is one of
//
//	embedded
//	redis://user:password@host:6379/0             rediss:// for TLS
//	unix://user:password@/run/redis.sock?db=0
//	redis+cluster://user:password@host:6379?addr=host2:6379&addr=…
//	redis+sentinel://host:26379/0?master_name=…&addr=host2:26379&username=…&password=…
//
// and rediss+cluster and rediss+sentinel likewise. The user and password of a
// Sentinel address are those of the Sentinels; Redis' own go into the query.
// Further options of the query are those of go-redis' ParseURL, ParseClusterURL
// and ParseFailoverURL, such as pool_size. A host is required, and everything
// that has a meaning in a URL is percent-encoded in a password: nothing is
// guessed and nothing ignored. Errors quote the word they are about and never a
// part of the address that could be a password.
func Connect(address string, logger *slog.Logger) (*Redis, error) {
	if address == Embedded {
		logger.Warn("Redis is embedded in this process: all visits and links are gone when it ends")
		return connectEmbedded(), nil
	}
	client, err := connect(address)
	if err != nil {
		return nil, fmt.Errorf("redis address: %w", err)
	}
	return &Redis{Client: client}, nil
}

// Close closes the client, and with an embedded server all it held.
func (r *Redis) Close() error {
	err := r.Client.Close()
	if r.embedded != nil {
		r.embedded.Close()
	}
	return err
}

func connectEmbedded() *Redis {
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true) // else keys would never expire
	client := redis.NewClient(&redis.Options{
		// Through memory: no port that others on the machine could connect to.
		Dialer:                func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
		ContextTimeoutEnabled: true,
	})
	return &Redis{Client: client, embedded: server}
}

func connect(address string) (redis.UniversalClient, error) {
	if address == "" {
		return nil, errors.New("it is empty")
	}
	u, err := url.Parse(address)
	if err != nil {
		// The error of url.Parse quotes what it stumbles over, which more often
		// than not is a password.
		return nil, errors.New("not a URL: is every special character of the password percent-encoded?")
	}
	// So does a password with a "/" or "?" in it, which ends up in the wrong part.
	if u.Fragment != "" || strings.Contains(u.RawQuery, "@") || u.Scheme != "unix" && strings.Contains(u.Path, "@") {
		return nil, errors.New("the password must be percent-encoded where it has special characters")
	}
	// go-redis would leave out what is malformed and read a plus as a space.
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || strings.Contains(u.RawQuery, "+") {
		return nil, errors.New("the query is malformed: is every special character percent-encoded, a plus as %2B?")
	}

	scheme := u.Scheme
	switch {
	case !slices.Contains(Schemes, scheme):
		if u.Host == "" { // what stands before the colon could be anything
			scheme = ""
		}
		return nil, fmt.Errorf("the scheme %q is none of %s", scheme, strings.Join(Schemes, ", "))
	case scheme == "unix" && u.Host != "": // go-redis would ignore it
		return nil, errors.New("a socket has no host: unix:///path, or unix://user:password@/path")
	case scheme != "unix" && u.Hostname() == "": // go-redis would take localhost
		return nil, errors.New("it has no host")
	}
	for _, option := range []string{"read_only", "replica_only", "route_by_latency", "route_randomly"} {
		if query.Has(option) { // a replica may not know yet what was ended or linked
			return nil, fmt.Errorf("the option %s would read from replicas, which lag behind", option)
		}
	}
	client, err := newClient(u)
	if err != nil && (query.Has("password") || query.Has("sentinel_password")) {
		// With an "&" in it, a password looks like options, which go-redis quotes.
		return nil, errors.New("an option of the query is unknown or malformed, or the password must be percent-encoded")
	}
	return client, err
}

// Schemes are those that an address can have.
var Schemes = []string{"redis", "rediss", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel", "unix"}

// newClient makes a client for an address with one of the schemes.
func newClient(u *url.URL) (redis.UniversalClient, error) {
	base, kind, _ := strings.Cut(u.Scheme, "+")
	u.Scheme = base // go-redis has no schemes for the kinds
	switch kind {
	case "":
		o, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, err
		}
		timeouts{&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ConnMaxIdleTime}.fill()
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.MaxRetries, o.DialerRetries = cmp.Or(o.MaxRetries, 1), cmp.Or(o.DialerRetries, 1)
		return redis.NewClient(o), nil

	case "cluster":
		if strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("a Cluster has no numbered databases: %q", u.Path)
		}
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, err
		}
		timeouts{&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ConnMaxIdleTime}.fill()
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.MaxRetries, o.DialerRetries = cmp.Or(o.MaxRetries, 1), cmp.Or(o.DialerRetries, 1)
		return redis.NewClusterClient(o), nil

	default: // sentinel
		o, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, err
		}
		if o.MasterName == "" {
			return nil, errors.New("a Sentinel address needs a master_name in its query")
		}
		timeouts{&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ConnMaxIdleTime}.fill()
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.MaxRetries, o.DialerRetries = cmp.Or(o.MaxRetries, 1), cmp.Or(o.DialerRetries, 1)
		return redis.NewFailoverClient(o), nil
	}
}

// timeouts are the settings of one of go-redis' three kinds of options.
type timeouts struct{ dial, read, write, pool, idle *time.Duration }

func (t timeouts) fill() {
	for setting, fallback := range map[*time.Duration]time.Duration{
		t.dial: dialTimeout, t.read: readTimeout, t.write: readTimeout, t.pool: poolTimeout, t.idle: idleTime,
	} {
		if *setting == 0 {
			*setting = fallback
		}
	}
}
