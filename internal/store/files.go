package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"reflect"
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
// and never taken for absent.
type Files[T any] struct {
	store *Store
	kind  kind
	owner []string
}

// FilesOf are the files of a kind in the store that belong to nobody.
func FilesOf[T any](s *Store, kind FileKind) Files[T] { return Files[T]{s, toKind(kind), nil} }

// Of are the files of an owner. Services may share a Redis and its secrets: what
// one is to see through, another must not, with an account of its own.
func (f Files[T]) Of(owner string) Files[T] {
	f.owner = []string{owner}
	return f
}

func (f Files[T]) whose(name string) []string { return append(slices.Clone(f.owner), name) }

func toKind(k FileKind) kind { return kind(k) }

// A value may say how long it is to be kept from now on; 0 is for good.
type living interface{ Life() time.Duration }

// Read finds the value of that name.
func (f Files[T]) Read(ctx context.Context, name string) (value T, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	_, _, found, err = f.store.read(ctx, f.kind, f.whose(name), &value)
	return value, found, f.broken(err)
}

// Change replaces the value of that name by what change makes of it. It is
// compare-and-set: when the value was changed by somebody else in the meantime,
// change runs again on the newer one, so it must have no effects of its own. An
// error of change is returned as it is, and nothing is written.
func (f Files[T]) Change(ctx context.Context, name string, change func(value T, found bool) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	for attempt := 1; ; attempt++ {
		value, err := f.tryChange(ctx, name, change)
		if !errors.Is(err, redis.TxFailedErr) {
			return value, err
		}
		select {
		case <-ctx.Done():
			return value, noStore("change "+string(f.kind), ctx.Err())
		case <-time.After(mathrand.N(time.Duration(min(attempt, 10)) * time.Millisecond)):
		}
	}
}

// tryChange reads, changes and seals, and only then takes the connection that
// WATCH needs for itself; see Store.tryReplace.
func (f Files[T]) tryChange(ctx context.Context, name string, change func(T, bool) (T, error)) (none T, err error) {
	s, whose := f.store, f.whose(name)
	home := s.keys.names(f.kind, whose...)[0]
	var value T
	at, sealed, found, err := s.read(ctx, f.kind, whose, &value)
	if err != nil {
		return none, f.broken(err)
	}
	if found && at != home { // from before a rotation
		if _, err := s.moveOne(ctx, f.kind, at); err != nil {
			return none, err
		}
		return none, redis.TxFailedErr
	}
	next, err := change(value, found)
	if err != nil || found && reflect.DeepEqual(next, value) {
		return next, err
	}
	_, now, err := s.sealKept(f.kind, whose, next)
	if err != nil {
		return none, err
	}
	var life time.Duration
	if l, ok := any(next).(living); ok {
		life = l.Life()
	}
	err = s.Client.Watch(ctx, func(tx *redis.Tx) error {
		before, err := tx.Get(ctx, home).Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if !bytes.Equal(before, sealed) {
			return redis.TxFailedErr
		}
		_, err = tx.TxPipelined(ctx, func(tx redis.Pipeliner) error { return tx.Set(ctx, home, now, life).Err() })
		return err
	}, home)
	switch {
	case errors.Is(err, redis.TxFailedErr):
		return none, err
	case err != nil:
		return none, noStore("change "+string(f.kind), err)
	}
	return next, nil
}

// Remove ends a file. To remove what is not there is no error.
func (f Files[T]) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return f.store.remove(ctx, f.kind, f.whose(name))
}

// Each calls do with every file, some perhaps twice. It reads every key of Redis.
// What cannot be read is noted and passed over.
func (f Files[T]) Each(ctx context.Context, do func(name string, value T) error) error {
	return f.store.everyKey(ctx, f.kind, func(key string) error {
		it, found, err := f.store.keptAt(ctx, f.kind, key)
		if err != nil || !found || len(it.Whose) == 0 {
			return err
		}
		name := it.Whose[len(it.Whose)-1]
		if !slices.Equal(it.Whose, f.whose(name)) {
			return nil // another's
		}
		var value T
		if json.Unmarshal(it.Value, &value) != nil {
			f.store.unread(ctx, f.kind, errFormat)
			return nil
		}
		return do(name, value)
	})
}

// broken is what an error of reading is to others.
func (f Files[T]) broken(err error) error {
	if unreadable(err) {
		return noStore("read "+string(f.kind), fmt.Errorf("it is there and cannot be read: %w", err))
	}
	return err
}
