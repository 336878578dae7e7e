package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Links stay, and so outlive the secrets that name and seal them. While several
// secrets are configured a link can lie under any of their names: reading looks
// in all of them, the newest first, and writing leaves one only. MoveLinks moves
// what is left to the first, so that the others can be removed.

// storedLink is a link together with whose it is: the name of its key is a hash
// that cannot be turned back, and under another secret it is made anew.
type storedLink struct {
	Issuer  string
	Subject string
	Link    journey.Link
}

// linkGrave is how long it shows that a link was removed: an empty value, which
// stops a MoveLinks that read the link just before from bringing it back. Moving
// one link takes no longer than callLimit.
const linkGrave = time.Minute

// Link finds the teaching record that the issuer's subject is linked to.
func (s *Store) Link(ctx context.Context, issuer, subject string) (journey.Link, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	for _, key := range s.keys.names(linkKind, issuer, subject) {
		sealed, err := s.Client.Get(ctx, key).Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return journey.Link{}, false, noStore("read link", err)
		}
		stored, ok := s.openLink(ctx, key, sealed)
		return stored.Link, ok, nil
	}
	return journey.Link{}, false, nil
}

// SetLink links the issuer's subject to a teaching record, until RemoveLink.
func (s *Store) SetLink(ctx context.Context, issuer, subject string, link journey.Link) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	names := s.keys.names(linkKind, issuer, subject)
	sealed, err := s.keys.seal(linkKind, names[0], storedLink{issuer, subject, link})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	// The new one first: interrupted, the older ones are only hidden by it.
	if err := s.Client.Set(ctx, names[0], sealed, 0).Err(); err != nil {
		return noStore("keep link", err)
	}
	return s.deleteLinks(ctx, names[1:])
}

// RemoveLink unlinks the issuer's subject. To remove what is not there is no error.
func (s *Store) RemoveLink(ctx context.Context, issuer, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	names := s.keys.names(linkKind, issuer, subject)
	// The older ones first: interrupted, none of them comes to light again.
	if err := s.deleteLinks(ctx, names[1:]); err != nil {
		return err
	}
	return noStore("remove link", s.Client.Set(ctx, names[0], "", linkGrave).Err())
}

func (s *Store) deleteLinks(ctx context.Context, names []string) error {
	for _, name := range names { // one by one: they are on any node of a Cluster
		if err := s.Client.Del(ctx, name).Err(); err != nil {
			return noStore("remove link", err)
		}
	}
	return nil
}

// moveAllLinks moves links until there are none left to move, or ctx ends.
func (s *Store) moveAllLinks(ctx context.Context) {
	for {
		moved, err := s.MoveLinks(ctx)
		if err == nil {
			s.Logger.Info("links moved to the first secret: the others can be removed when no visit is older", "moved", moved)
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

// movePause is the time between attempts to move the links.
const movePause = 10 * time.Second

// MoveLinks moves every link that lies under an older secret to the first, and
// returns how many there were. It is for the time between making a secret the
// first on all replicas and removing the older ones; it reads every key of
// Redis, may run while the service does, on several replicas, and again.
func (s *Store) MoveLinks(ctx context.Context) (moved int, err error) {
	nodes, err := s.nodes(ctx)
	if err != nil {
		return 0, noStore("list links", err)
	}
	for _, node := range nodes {
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			var keys []string
			if keys, cursor, err = scanLinks(ctx, node, cursor); err != nil {
				return moved, noStore("list links", err)
			}
			for _, key := range keys {
				ok, err := s.moveLink(ctx, key)
				if err != nil {
					return moved, err
				}
				if ok {
					moved++
				}
			}
		}
	}
	return moved, nil
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

func scanLinks(ctx context.Context, node redis.Cmdable, cursor uint64) ([]string, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return node.Scan(ctx, cursor, linkKind.key("*"), 100).Result()
}

// moveLink moves the link at key, if it is not where it belongs. A link that was
// set, moved or removed meanwhile is already there, and wins.
func (s *Store) moveLink(ctx context.Context, key string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	sealed, err := s.Client.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, noStore("read link", err)
	}
	stored, ok := s.openLink(ctx, key, sealed)
	if !ok {
		return false, nil
	}
	home := s.keys.names(linkKind, stored.Issuer, stored.Subject)[0]
	if home == key {
		return false, nil
	}
	if sealed, err = s.keys.seal(linkKind, home, stored); err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	if err := s.Client.SetNX(ctx, home, sealed, 0).Err(); err != nil {
		return false, noStore("move link", err)
	}
	return true, s.deleteLinks(ctx, []string{key})
}

func (s *Store) openLink(ctx context.Context, key string, sealed []byte) (stored storedLink, ok bool) {
	if len(sealed) == 0 {
		return storedLink{}, false // removed
	}
	if err := s.keys.open(linkKind, key, sealed, &stored); err != nil {
		s.unread(ctx, linkKind, err)
		return storedLink{}, false
	}
	return stored, true
}
