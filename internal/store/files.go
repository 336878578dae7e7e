package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// FileKind says what files hold.
type FileKind kind

// The kinds of files.
const (
	TRNRequests = FileKind(requestKind)
	Tickets     = FileKind(ticketKind)
	Handovers   = FileKind(handoverKind)
	Ledger      = FileKind(ledgerKind)
)

// Files keep values of one type by name, sealed, until their life is over. They
// are the truth about what outlives a visit, so what cannot be read is an error
// carrying journey.NoStore and never taken for absent.
type Files[T any] struct {
	store *Store
	kind  kind
	owner []string
}

// FilesOf are the files of a kind in the store that belong to nobody.
func FilesOf[T any](s *Store, of FileKind) Files[T] { return Files[T]{store: s, kind: kind(of)} }

// Of are the files of an owner. Services may share a Redis and its secrets: what
// one is to see through, another must not, with an account of its own.
func (f Files[T]) Of(owner string) Files[T] {
	f.owner = []string{owner}
	return f
}

func (f Files[T]) whose(name string) []string { return append(slices.Clone(f.owner), name) }

// A value may say how long it is to be kept from when it is written; 0 is for
// good, as is a value that does not say.
type living interface{ Life() time.Duration }

// Read finds the value of that name.
func (f Files[T]) Read(ctx context.Context, name string) (value T, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	value, p, err := f.read(ctx, name)
	return value, !p.empty(), err
}

func (f Files[T]) read(ctx context.Context, name string) (value T, p place, err error) {
	p, err = f.store.read(ctx, f.kind, f.whose(name), &value)
	if err != nil {
		var none T
		if unreadable(err) {
			err = noStore("read "+string(f.kind), fmt.Errorf("it is there and cannot be read: %w", err))
		}
		return none, place{}, err
	}
	return value, p, nil
}

// Change replaces the value of that name by what change makes of it. It is
// compare-and-set: when the value was changed by somebody else in the meantime,
// change runs again on the newer one, so it must have no effects of its own. An
// error of change is returned as it is, and nothing is written; nor is it when
// change leaves everything as it was.
func (f Files[T]) Change(ctx context.Context, name string, change func(value T, found bool) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	unlock, err := f.store.lock(ctx, f.kind, f.whose(name))
	if err != nil {
		var none T
		return none, err
	}
	defer unlock()
	return untilSwapped(ctx, "change "+string(f.kind), func() (T, error) { return f.tryChange(ctx, name, change) })
}

// tryChange reads, changes and seals, and only then takes the connection that
// WATCH needs for itself; see Store.tryReplace.
func (f Files[T]) tryChange(ctx context.Context, name string, change func(T, bool) (T, error)) (none T, err error) {
	s, names := f.store, f.store.keys.names(f.kind, f.whose(name)...)
	value, p, err := f.read(ctx, name)
	if err != nil {
		return none, err
	}
	if !p.empty() && p.key != names[0] { // from before a rotation
		if err := s.bringHome(ctx, f.kind, p); err != nil {
			return none, err
		}
		return none, redis.TxFailedErr
	}
	next, err := change(value, !p.empty())
	if err != nil {
		return none, err
	}
	plain, err := json.Marshal(next)
	if err != nil {
		return none, fmt.Errorf("store: encode %s: %w", f.kind, err)
	}
	if bytes.Equal(plain, p.Value) { // encoded: change may have had its way with value
		return next, nil
	}
	home, sealed, err := s.sealKept(f.kind, f.whose(name), plain)
	if err != nil {
		return none, err
	}
	// A copy that an interrupted move left would be the truth to another replica.
	if err := s.deleteNames(ctx, f.kind, names[1:]); err != nil {
		return none, err
	}
	err = s.swap(ctx, "change "+string(f.kind), home, p.sealed, func(tx redis.Pipeliner) error {
		return tx.Set(ctx, home, sealed, lifeOf(next)).Err()
	})
	if err != nil {
		return none, err
	}
	return next, nil
}

func lifeOf(value any) time.Duration {
	if l, ok := value.(living); ok {
		return l.Life()
	}
	return 0
}

// Remove ends a file. To remove what is not there is no error.
func (f Files[T]) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return f.store.remove(ctx, f.kind, f.whose(name))
}

// Each calls do with every file, some perhaps twice; one that is moved to another
// secret meanwhile can be missed. It reads every key of Redis. What cannot be read
// is noted and passed over.
func (f Files[T]) Each(ctx context.Context, do func(name string, value T) error) error {
	return f.store.everyKey(ctx, f.kind, func(key string) error {
		name, value, found, err := f.open(ctx, key)
		if err != nil || !found {
			return err
		}
		return do(name, value)
	})
}

// open is the file at a key, if it is one of this owner.
func (f Files[T]) open(ctx context.Context, key string) (name string, value T, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	p, err := f.store.readable(ctx, f.kind, key)
	if err != nil || p.empty() {
		return "", value, false, err
	}
	name = p.Whose[len(p.Whose)-1]
	if !slices.Equal(p.Whose, f.whose(name)) {
		return "", value, false, nil // another's
	}
	if json.Unmarshal(p.Value, &value) != nil {
		f.store.unread(ctx, f.kind, errFormat)
		return "", value, false, nil
	}
	return name, value, true, nil
}
