package store

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

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

// moveOne moves what is at key, if it is not where it belongs.
func (s *Store) moveOne(ctx context.Context, kind kind, key string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	p, err := s.readable(ctx, kind, key)
	if err != nil || p.empty() || s.keys.names(kind, p.Whose...)[0] == key {
		return false, err
	}
	unlock, err := s.lock(ctx, kind, p.Whose)
	if err != nil {
		return false, err
	}
	defer unlock()
	if p, err = s.readable(ctx, kind, key); err != nil || p.empty() {
		return false, err
	}
	return true, s.bringHome(ctx, kind, p)
}

// bringHome moves what is locked to its first name, for the rest of its life.
// What is there already, or was removed, is newer and wins.
func (s *Store) bringHome(ctx context.Context, kind kind, p place) error {
	life, err := s.Client.PTTL(ctx, p.key).Result()
	if err != nil {
		return noStore("move "+string(kind), err)
	}
	home, sealed, err := s.sealKept(kind, p.Whose, p.Value)
	if err != nil {
		return err
	}
	const forGood = -1 // in nanoseconds, as go-redis has it
	if life == forGood {
		life = 0
	} else if life <= 0 {
		return nil // it has just ended
	}
	if err := s.Client.SetNX(ctx, home, sealed, life).Err(); err != nil {
		return noStore("move "+string(kind), err)
	}
	return s.deleteNames(ctx, kind, []string{p.key})
}
