package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// place is a key and what lies there.
type place struct {
	key    string
	sealed []byte // empty where there is nothing, or a grave
	kept
}

func (p place) empty() bool { return len(p.sealed) == 0 }

// grave is how long it shows that something was removed: an empty value, which
// stops a Move that read it just before from bringing it back. To move one takes
// no longer than callLimit.
const grave = time.Minute

// at is what lies at a key.
func (s *Store) at(ctx context.Context, kind kind, key string) (place, error) {
	sealed, err := s.Client.Get(ctx, key).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return place{}, noStore("read "+string(kind), err)
	}
	p := place{key: key, sealed: sealed}
	if p.empty() {
		return p, nil
	}
	if err := s.keys.open(kind, key, sealed, &p.kept); err != nil {
		return p, err
	}
	if len(p.Whose) == 0 { // Move would not know where it belongs
		return p, errFormat
	}
	return p, nil
}

// read finds what is kept, under the first name that has something, and decodes
// it into value. What is there and cannot be read is an error, see unreadable.
func (s *Store) read(ctx context.Context, kind kind, whose []string, value any) (place, error) {
	names := s.keys.names(kind, whose...)
	if len(names) > 1 {
		names = append(names, names[0]) // where it may have been moved meanwhile
	}
	for _, name := range names {
		p, err := s.at(ctx, kind, name)
		if err == nil && !p.empty() && json.Unmarshal(p.Value, value) != nil {
			err = errFormat
		}
		if err != nil || !p.empty() {
			return p, err
		}
	}
	return place{}, nil
}

// readable is what lies at a key. What cannot be read is noted and passed over.
func (s *Store) readable(ctx context.Context, kind kind, key string) (place, error) {
	p, err := s.at(ctx, kind, key)
	if unreadable(err) {
		s.unread(ctx, kind, err)
		return place{}, nil
	}
	return p, err
}

// unreadable: the value is there and says nothing to us.
func unreadable(err error) bool {
	return errors.Is(err, errFormat) || errors.Is(err, errKeyID) || errors.Is(err, errSeal)
}

// sealKept is a value, encoded, as it is kept under its first name.
func (s *Store) sealKept(kind kind, whose []string, value json.RawMessage) (name string, sealed []byte, err error) {
	name = s.keys.names(kind, whose...)[0]
	if sealed, err = s.keys.seal(kind, name, kept{whose, value}); err != nil {
		return "", nil, fmt.Errorf("store: %w", err)
	}
	return name, sealed, nil
}

// put keeps a value.
func (s *Store) put(ctx context.Context, kind kind, whose []string, value any) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("store: encode %s: %w", kind, err)
	}
	name, sealed, err := s.sealKept(kind, whose, plain)
	if err != nil {
		return err
	}
	unlock, err := s.lock(ctx, kind, whose)
	if err != nil {
		return err
	}
	defer unlock()
	// The new one first: interrupted, the older ones are only hidden by it.
	if err := s.Client.Set(ctx, name, sealed, 0).Err(); err != nil {
		return noStore("keep "+string(kind), err)
	}
	return s.deleteNames(ctx, kind, s.keys.names(kind, whose...)[1:])
}

// remove ends what is kept. To remove what is not there is no error.
func (s *Store) remove(ctx context.Context, kind kind, whose []string) error {
	unlock, err := s.lock(ctx, kind, whose)
	if err != nil {
		return err
	}
	defer unlock()
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

// lockLife is longer than a call can take: who holds a lock still does when it
// unlocks, and who died holds up others for no longer.
const lockLife = callLimit + time.Second

// lock keeps others from writing what belongs to whose. Of two replicas in the
// midst of a rotation each calls another secret the first, so one could write
// under the name that the other is moving away from, and a Cluster changes no two
// names at once. With one secret there is one name, and nothing to lock.
func (s *Store) lock(ctx context.Context, kind kind, whose []string) (unlock func(), err error) {
	if len(s.keys) == 1 {
		return func() {}, nil
	}
	action, mark := "lock "+string(kind), rand.Text()
	name := lockKind.key(slices.Min(s.keys.hashes(kind, whose...))) // whatever the order of the secrets
	_, err = untilSwapped(ctx, action, func() (none struct{}, _ error) {
		mine, err := s.Client.SetNX(ctx, name, mark, lockLife).Result()
		if err == nil && !mine {
			return none, redis.TxFailedErr
		}
		return none, noStore(action, err)
	})
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
		defer cancel()
		// Should this fail, the lock ends by itself.
		s.swap(ctx, action, name, []byte(mark), func(tx redis.Pipeliner) error { return tx.Del(ctx, name).Err() })
	}, err
}
