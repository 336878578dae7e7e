package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// cacheSize bounds the visits remembered, at about 2 KB each.
const cacheSize = 8192

// Cached is Load for the hot path: the facts of a visit whose journey is done
// are remembered, decoded, for CacheAge. Within it there is no round trip to
// Redis (and the idle limit stays where it was); otherwise there is one. The
// state belongs to the caller, slices and all.
func (s *Store) Cached(ctx context.Context, id string) (journey.State, bool, error) {
	v, ok := visitOf(id)
	if !ok {
		return journey.State{}, false, nil
	}
	if state, ok := s.cache.get(v); ok {
		return state, true, nil
	}
	asked, heard := s.Now(), s.cache.heard()
	state, ok, err := s.load(ctx, v)
	if ok && state.Arrived() {
		s.cache.put(v, state, asked.Add(min(s.CacheAge, s.left(state))), heard)
	}
	return state, ok, err
}

// cache remembers visits for as long as it hears of their changes. First in,
// first out: nothing stays long enough for its use to matter.
type cache struct {
	now func() time.Time

	mu     sync.Mutex
	live   bool   // the subscription to changes stands
	news   uint64 // counts what was heard, lest a slow read undo it
	visits *simplelru.LRU[visit, *remembered]
}

// remembered is never changed once it is in the cache.
type remembered struct {
	state journey.State
	until time.Time
}

func newCache(now func() time.Time) *cache {
	visits, err := simplelru.NewLRU[visit, *remembered](cacheSize, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &cache{now: now, visits: visits}
}

func (c *cache) get(v visit) (journey.State, bool) {
	c.mu.Lock()
	r, ok := c.visits.Peek(v) // not Get: the order is that of arrival
	c.mu.Unlock()
	if !ok || !c.now().Before(r.until) {
		return journey.State{}, false
	}
	return own(r.state), true
}

// heard is to be asked before Redis is, and handed to put with its answer.
func (c *cache) heard() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.news
}

// put remembers what Redis said, unless a change (of any visit: this is rare and
// simple) was heard of since it was asked.
func (c *cache) put(v visit, state journey.State, until time.Time, heard uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live && c.news == heard {
		c.visits.Remove(v) // so that it arrives anew
		c.visits.Add(v, &remembered{own(state), until})
	}
}

func (c *cache) forget(v visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.news++
	c.visits.Remove(v)
}

// listening says whether changes are heard of. While they are not, and what was
// missed is unknown, nothing is remembered.
func (c *cache) listening(live bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = live
	c.news++
	c.visits.Purge()
}

// sweep forgets what is over: personal data stays in memory no longer than it
// is of use.
func (c *cache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		v, r, ok := c.visits.GetOldest()
		if !ok || c.now().Before(r.until) {
			return
		}
		c.visits.Remove(v)
	}
}

// own is state with slices of its own, in two allocations at most: none for a
// returning teacher, whose identity is not asked again.
func own(state journey.State) journey.State {
	names, n := state.Identity.Names, len(state.Identity.BirthDates)
	if len(names) == 0 && n == 0 {
		return state
	}
	for _, name := range names {
		n += len(name.Given) + len(name.Family)
	}
	words := make([]string, 0, n)
	take := func(from []string) []string {
		if from == nil {
			return nil
		}
		start := len(words)
		words = append(words, from...)
		return slices.Clip(words[start:])
	}
	state.Identity.Names = make([]journey.Name, len(names))
	for i, name := range names {
		state.Identity.Names[i] = journey.Name{Given: take(name.Given), Family: take(name.Family)}
	}
	state.Identity.BirthDates = take(state.Identity.BirthDates)
	return state
}
