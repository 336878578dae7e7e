package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// News is told to us any number of times and in any order. What was seen stands
// under
//
//	tr:seen:<kind>:<keyed hash of kind and id>    a mark of whoever saw it
//	tr:latest:<kind>:<keyed hash of kind and id>  a sorted set of one member, scored
//	                                              with a time (Unix microseconds)
//
// where kind is a word of the caller's, and shows. A time in microseconds is
// exact as a score, which is a float64, until the year 2255. Both are looked for
// under the names of all secrets, so that a rotation forgets neither.

// latestLife is how long it is known that something newer was told: longer than
// the Teaching Record System tries to deliver an event, which is 76 hours.
const latestLife = 4 * 24 * time.Hour

// latestMember is the one member of what lies at tr:latest.
const latestMember = "at"

// Seen reports whether See was called for this kind and id, and its life is not
// over.
func (s *Store) Seen(ctx context.Context, kind, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.seen(ctx, s.newsNames(seenKind, kind, id))
}

// See remembers this kind and id for so long, and reports whether it did so for
// the first time: of several that see it at once, one is first. To see it again
// does not prolong its life.
func (s *Store) See(ctx context.Context, kind, id string, life time.Duration) (first bool, err error) {
	if life <= 0 {
		return false, errors.New("store: what is seen must be remembered for some time")
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	names := s.newsNames(seenKind, kind, id)
	if before, err := s.seen(ctx, names[1:]); before || err != nil { // from before a rotation of the secrets
		return false, err
	}
	mark := rand.Text()
	if first, err = s.Client.SetNX(ctx, names[0], mark, life).Result(); first || err != nil {
		return first, noStore("mark as seen", err)
	}
	// If the answer was lost, go-redis has sent the command again, and that finds
	// the first. The news would pass for a repetition and never be acted upon.
	standing, err := s.Client.Get(ctx, names[0]).Result()
	if errors.Is(err, redis.Nil) { // over in this moment
		return false, nil
	}
	return standing == mark, noStore("mark as seen", err)
}

func (s *Store) seen(ctx context.Context, names []string) (bool, error) {
	for _, name := range names { // one by one: they are on any node of a Cluster
		n, err := s.Client.Exists(ctx, name).Result()
		if n > 0 || err != nil {
			return n > 0, noStore("look for what was seen", err)
		}
	}
	return false, nil
}

// Latest reports whether nothing later than at was told of this kind and id in
// the last four days, and remembers at. What comes again with the same time is
// still the latest: acting upon it may have failed. Times count to the
// microsecond.
func (s *Store) Latest(ctx context.Context, kind, id string, at time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	names, score := s.newsNames(latestKind, kind, id), float64(at.UnixMicro())

	var latest *redis.FloatCmd
	_, err := s.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		tx.ZAddGT(ctx, names[0], redis.Z{Score: score, Member: latestMember})
		tx.PExpire(ctx, names[0], latestLife)
		latest = tx.ZScore(ctx, names[0], latestMember)
		return nil
	})
	if err != nil {
		return false, noStore("compare times", err)
	}
	// From before a rotation, and after writing: of two replicas that call another
	// secret the first, the one with the older time cannot miss the newer.
	newest := latest.Val()
	for _, name := range names[1:] {
		other, err := s.Client.ZScore(ctx, name, latestMember).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return false, noStore("compare times", err)
		}
		newest = max(newest, other)
	}
	return newest == score, nil
}

// newsNames are the Redis keys of a piece of news, one for every secret.
func (s *Store) newsNames(of kind, kind, id string) []string {
	names := s.keys.hashes(of, kind, id)
	for i, hash := range names {
		names[i] = of.key(kind + ":" + hash)
	}
	return names
}
