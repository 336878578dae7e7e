package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// What is kept stays, and so outlives the secrets that name and seal it. While
// several secrets are configured it can lie under any of their names: reading
// looks in all of them, the newest first, and writing leaves one only. Move moves
// what is left to the first, so that the others can be removed.

// keptKinds are the kinds of what is kept.
var keptKinds = []kind{linkKind, requestKind, ticketKind, handoverKind, ledgerKind}

// kept is a value together with whose it is: the name of its key is a hash that
// cannot be turned back, and under another secret it is made anew.
type kept struct {
	Whose []string
	Value json.RawMessage
}

// grave is how long it shows that something was removed: an empty value, which
// stops a Move that read it just before from bringing it back. To move one takes
// no longer than callLimit.
const grave = time.Minute

// read finds a value and the bytes it is sealed as, under the first name that has
// one. found is false where there is none or it was removed.
func (s *Store) read(ctx context.Context, kind kind, whose []string, value any) (name string, sealed []byte, found bool, err error) {
	for _, name = range s.keys.names(kind, whose...) {
		sealed, err = s.Client.Get(ctx, name).Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return "", nil, false, noStore("read "+string(kind), err)
		}
		if len(sealed) == 0 {
			return name, sealed, false, nil // removed
		}
		var it kept
		if err := s.keys.open(kind, name, sealed, &it); err != nil {
			return name, sealed, false, err
		}
		if json.Unmarshal(it.Value, value) != nil {
			return name, sealed, false, errFormat
		}
		return name, sealed, true, nil
	}
	return "", nil, false, nil
}

// sealKept is a value as it is kept under its first name.
func (s *Store) sealKept(kind kind, whose []string, value any) (name string, sealed []byte, err error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", nil, fmt.Errorf("store: encode %s: %w", kind, err)
	}
	name = s.keys.names(kind, whose...)[0]
	if sealed, err = s.keys.seal(kind, name, kept{whose, plain}); err != nil {
		return "", nil, fmt.Errorf("store: %w", err)
	}
	return name, sealed, nil
}

// put keeps a value.
func (s *Store) put(ctx context.Context, kind kind, whose []string, value any) error {
	name, sealed, err := s.sealKept(kind, whose, value)
	if err != nil {
		return err
	}
	// The new one first: interrupted, the older ones are only hidden by it.
	if err := s.Client.Set(ctx, name, sealed, 0).Err(); err != nil {
		return noStore("keep "+string(kind), err)
	}
	return s.deleteNames(ctx, kind, s.keys.names(kind, whose...)[1:])
}

// remove ends what is kept. To remove what is not there is no error.
func (s *Store) remove(ctx context.Context, kind kind, whose []string) error {
	names := s.keys.names(kind, whose...)
	// The older ones first: interrupted, none of them comes to light again.
	if err := s.deleteNames(ctx, kind, names[1:]); err != nil {
		return err
	}
	return noStore("remove "+string(kind), s.Client.Set(ctx, names[0], "", grave).Err())
}

func (s *Store) deleteNames(ctx context.Context, kind kind, names []string) error {
	for _, name := range names { // one by one: they are on any node of a Cluster
		if err := s.Client.Del(ctx, name).Err(); err != nil {
			return noStore("remove "+string(kind), err)
		}
	}
	return nil
}

// moveAll moves what is kept until there is nothing left to move, or ctx ends.
func (s *Store) moveAll(ctx context.Context) {
	for {
		moved, err := s.Move(ctx)
		if err == nil {
			s.Logger.Info("links moved to the first secret, and whatever else is kept: the others can be removed when no visit is older", "moved", moved)
			return
		}
		if ctx.Err() == nil {
			s.Logger.Warn("links are not all moved to the first secret yet, trying again", "moved", moved, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(movePause):
		}
	}
}

// movePause is the time between attempts to move.
const movePause = 10 * time.Second

// Move moves everything kept that lies under an older secret to the first, and
// returns how much there was. It is for the time between making a secret the
// first on all replicas and removing the older ones; it reads every key of
// Redis, may run while the service does, on several replicas, and again.
func (s *Store) Move(ctx context.Context) (moved int, err error) {
	for _, kind := range keptKinds {
		err = s.everyKey(ctx, kind, func(key string) error {
			ok, err := s.moveOne(ctx, kind, key)
			if ok {
				moved++
			}
			return err
		})
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// everyKey calls f with every key of a kind, some perhaps twice.
func (s *Store) everyKey(ctx context.Context, kind kind, f func(key string) error) error {
	nodes, err := s.nodes(ctx)
	if err != nil {
		return noStore("list "+string(kind), err)
	}
	for _, node := range nodes {
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			var keys []string
			if keys, cursor, err = scan(ctx, node, cursor, kind); err != nil {
				return noStore("list "+string(kind), err)
			}
			for _, key := range keys {
				if err := f(key); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// nodes are the servers that hold the keys.
func (s *Store) nodes(ctx context.Context) (nodes []redis.Cmdable, err error) {
	cluster, ok := s.Client.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{s.Client}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var mu sync.Mutex
	err = cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	})
	return nodes, err
}

func scan(ctx context.Context, node redis.Cmdable, cursor uint64, kind kind) ([]string, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return node.Scan(ctx, cursor, kind.key("*"), 100).Result()
}

// moveOne moves what is at key, if it is not where it belongs. What was put,
// moved or removed meanwhile is already there, and wins.
func (s *Store) moveOne(ctx context.Context, kind kind, key string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	it, found, err := s.keptAt(ctx, kind, key)
	if err != nil || !found {
		return false, err
	}
	home := s.keys.names(kind, it.Whose...)[0]
	if home == key {
		return false, nil
	}
	life, err := s.Client.PTTL(ctx, key).Result()
	if err != nil {
		return false, noStore("move "+string(kind), err)
	}
	sealed, err := s.keys.seal(kind, home, it)
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	if err := s.Client.SetNX(ctx, home, sealed, max(life, 0)).Err(); err != nil {
		return false, noStore("move "+string(kind), err)
	}
	return true, s.deleteNames(ctx, kind, []string{key})
}

// keptAt is what is kept at a key. What cannot be read is noted and passed over.
func (s *Store) keptAt(ctx context.Context, kind kind, key string) (it kept, found bool, err error) {
	sealed, err := s.Client.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) || err == nil && len(sealed) == 0 {
		return kept{}, false, nil
	}
	if err != nil {
		return kept{}, false, noStore("read "+string(kind), err)
	}
	if err := s.keys.open(kind, key, sealed, &it); err != nil {
		s.unread(ctx, kind, err)
		return kept{}, false, nil
	}
	return it, true, nil
}
