// Package store keeps in Redis what must outlive a request: the visits of
// signed-in browsers, the flows that left for One Login, the links from One
// Login subjects to teaching records, the counts of lookups and of sign-ins in a
// row, and which news was told already.
//
//	store.go     New, what may be configured, and how Redis keys are named
//	redis.go     Connect: Redis by URL, or embedded in the process
//	seal.go      what Redis cannot read: sealed values and hashed subjects
//	swap.go      compare-and-set, of visits and of files
//	visits.go    visits: create, load, change, renew, delete
//	lists.go     which visits a subject has, and which hold a record, to end or change them all
//	cache.go     the hot path: finished visits, decoded, for a second or two
//	changes.go   news of changed visits, from replica to replica
//	flows.go     flows: kept once, taken once
//	kept.go      what outlives the secrets: sealed, under the name of one of them
//	move.go      and moved to another's when they are rotated
//	links.go     links from subjects to records
//	files.go     files: requests for TRNs, tickets, by name and compare-and-set
//	attempts.go  how often a subject's details were looked up
//	rounds.go    how often a browser came back from signing in, to be sent off again
//	news.go      what was told of before, and whether anything later was
//
// Nothing here is the truth but Redis: replicas may come and go, and every
// command touches a single key (or keys one after the other, in an order that
// is safe to be interrupted), so Redis Cluster and Sentinel work alike. There
// are no Lua scripts.
//
// Redis that cannot be asked is always an error carrying journey.NoStore and
// never "not found", so that an outage signs nobody out.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// callLimit bounds every call, whatever Redis does: refuses, hangs, or answers
// a retry as slowly as the first time.
const callLimit = 2 * time.Second

// Config is what a Store is made of. Everything but Now and Logger is required,
// except that the zero CacheAge is a decision: no cache.
type Config struct {
	// Client is the Redis to use; see Connect. It stays the caller's to close.
	Client redis.UniversalClient

	// Secrets seal values and hash subjects: at least 32 bytes each. The first
	// seals, all open. To rotate without losing anything, in three steps, each on
	// all replicas before the next: add the new secret last; make it first; and
	// when Move has moved what there was, and AbsoluteLimit and the four days
	// of Latest have passed, remove the old one.
	Secrets [][]byte

	// IdleLimit ends a visit that nobody used for so long.
	IdleLimit time.Duration

	// AbsoluteLimit ends a visit so long after sign-in (State.Created).
	AbsoluteLimit time.Duration

	// CacheAge is how long Cached may answer without asking Redis, and so the
	// longest that a visit that ended can go on being served by a replica that
	// did not hear of it. Zero switches the cache off.
	CacheAge time.Duration

	// LookupLimit is how many lookups a subject has in LookupWindow, which
	// begins with the first of them.
	LookupLimit  int
	LookupWindow time.Duration

	Now    func() time.Time // default: time.Now
	Logger *slog.Logger     // default: slog.Default()
}

// Store is the state of one service. It is safe for concurrent use.
type Store struct {
	Config
	keys       keyring
	cache      *cache
	unreadable atomic.Int64

	// Of the background work, see Begin.
	background context.Context
	stop       context.CancelFunc
	working    sync.WaitGroup
	beginning  sync.Mutex // over begun, and against beginning while Close waits
	begun      bool
}

// New checks config and returns the store. It does not wait for Redis, so that
// a service can start before its Redis does; see Begin and Ready.
func New(config Config) (*Store, error) {
	switch {
	case config.Client == nil:
		return nil, errors.New("store: a Redis client is required")
	case config.IdleLimit <= 0, config.AbsoluteLimit < config.IdleLimit:
		return nil, errors.New("store: the idle limit must be positive and the absolute limit no shorter")
	case config.CacheAge < 0, config.CacheAge > config.IdleLimit:
		return nil, errors.New("store: the cache age must be between zero and the idle limit")
	case config.LookupLimit <= 0, config.LookupWindow <= 0:
		return nil, errors.New("store: the lookup limit and its window must be positive")
	}
	keys, err := newKeyring(config.Secrets)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Logger = cmp.Or(config.Logger, slog.Default())

	s := &Store{Config: config, keys: keys, cache: newCache(config.Now)}
	s.background, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Begin starts what goes on in the background until Close: hearing of changed
// visits, without which nothing is cached, and moving links to the first secret.
// It may be called any number of times. New does not begin, so that a
// configuration can be checked without a word to Redis.
func (s *Store) Begin() {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	if s.begun || s.background.Err() != nil {
		return
	}
	s.begun = true
	if s.CacheAge > 0 {
		s.working.Go(func() { s.listen(s.background) })
	}
	if len(s.Secrets) > 1 {
		s.working.Go(func() { s.moveAll(s.background) })
	}
}

// Close ends the store's background work and waits for it. The Redis client is
// left open.
func (s *Store) Close() error {
	s.stop()
	s.beginning.Lock() // whoever begins has begun, and nobody will
	defer s.beginning.Unlock()
	s.working.Wait()
	return nil
}

// Ready reports whether Redis takes writes. A PING would not do: a replica, or
// a Redis that is out of memory or disk, answers it as well.
func (s *Store) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return noStore("write to Redis", s.Client.Set(ctx, "tr:ready", 1, time.Minute).Err())
}

// Unreadable is how many values were found in Redis that no secret opens, since
// the start. Each was logged and treated as absent.
func (s *Store) Unreadable() int64 { return s.unreadable.Load() }

// unread notes a value that is there but says nothing to us: a secret is
// missing from the configuration, or somebody edits Redis by hand.
func (s *Store) unread(ctx context.Context, kind kind, err error) {
	s.unreadable.Add(1)
	s.Logger.WarnContext(ctx, "a value in Redis cannot be read and is treated as absent", "kind", string(kind), "error", err)
}

// noStore is err as the rest of the house knows it, or nil.
func noStore(action string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s: %w: %w", action, journey.NoStore, err)
}

// kind is what a Redis key holds: its second part, and the purpose for which
// keys are derived.
type kind string

const (
	visitKind    kind = "visit"
	visitsOfKind kind = "visits-of"
	visitsOnKind kind = "visits-on"
	flowKind     kind = "flow"
	linkKind     kind = "link"
	attemptsKind kind = "attempts"
	roundKind    kind = "round"
	requestKind  kind = "trn-request"
	ticketKind   kind = "ticket"
	handoverKind kind = "handover"
	ledgerKind   kind = "ledger"
	lockKind     kind = "lock"
	seenKind     kind = "seen"
	latestKind   kind = "latest"
)

// key is the Redis key of the thing of this kind with that (hashed) name.
func (k kind) key(name string) string { return "tr:" + string(k) + ":" + name }
