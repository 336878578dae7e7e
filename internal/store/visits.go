package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// errGone says that a visit to be changed does not exist: it expired, was ended
// or renewed, or never was. To the rest of the house it is journey.StartAgain.
var errGone = fmt.Errorf("store: the visit is gone: %w", journey.StartAgain)

// errBusy says that a visit could not be changed for all the requests it made.
var errBusy = fmt.Errorf("store: the visit is never left alone: %w", journey.NoStore)

// A visit's id is the value of the cookie: 256 random bits in base64url. Redis
// only ever sees its SHA-256, so that whoever reads Redis cannot be anybody.
const idLen = 43

func newID() string {
	random := make([]byte, 32)
	rand.Read(random) // never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(random)
}

// visit is the hash of a visit's id, which names it everywhere but in the cookie.
type visit [sha256.Size]byte

// visitOf names the visit with that id. Cookies are whatever a stranger sends:
// only the length is looked at before hashing, which any 43 bytes survive.
func visitOf(id string) (visit, bool) {
	if len(id) != idLen {
		return visit{}, false
	}
	var buf [idLen]byte // on the stack, unlike []byte(id)
	copy(buf[:], id)
	return sha256.Sum256(buf[:]), true
}

func (v visit) String() string { return hex.EncodeToString(v[:]) }
func (v visit) key() string    { return visitKind.key(v.String()) }

// Create keeps a new visit and returns its id, the value for the cookie.
func (s *Store) Create(ctx context.Context, state journey.State) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	id := newID()
	v, _ := visitOf(id)
	if err := s.index(ctx, v, journey.State{}, state); err != nil {
		return "", err
	}
	if err := s.write(ctx, s.Client, v, state); err != nil {
		return "", err
	}
	return id, nil
}

// Load reads a visit from Redis, in one round trip, and puts off its idle limit.
// It reports false when there is no such visit, or none that is still alive.
func (s *Store) Load(ctx context.Context, id string) (journey.State, bool, error) {
	v, ok := visitOf(id)
	if !ok {
		return journey.State{}, false, nil
	}
	return s.load(ctx, v)
}

func (s *Store) load(ctx context.Context, v visit) (journey.State, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	sealed, err := s.Client.GetEx(ctx, v.key(), s.IdleLimit).Bytes()
	if errors.Is(err, redis.Nil) {
		return journey.State{}, false, nil
	}
	if err != nil {
		return journey.State{}, false, noStore("load visit", err)
	}
	state, ok := s.open(ctx, v, sealed)
	if !ok {
		return journey.State{}, false, nil
	}
	if s.left(state) <= 0 {
		// Reading has just put off the end of its key, so that an old cookie could
		// keep the dead visit in Redis for ever.
		return journey.State{}, false, noStore("delete visit", s.Client.Del(ctx, v.key()).Err())
	}
	return state, true, nil
}

// Change replaces the facts of a visit by what change makes of them. It is
// compare-and-set: when the visit was changed by somebody else in the meantime,
// change runs again on the newer facts, so it must have no effects of its own.
// An error of change is returned as it is, and nothing is written.
func (s *Store) Change(ctx context.Context, id string, change func(journey.State) (journey.State, error)) (journey.State, error) {
	v, ok := visitOf(id)
	if !ok {
		return journey.State{}, errGone
	}
	return s.replace(ctx, v, v, change)
}

// Renew is Change that also gives the visit a new id. The old id is dead in
// Redis before the new one is returned. Of several that renew the same visit at
// once, one succeeds and the others get journey.StartAgain.
func (s *Store) Renew(ctx context.Context, id string, change func(journey.State) (journey.State, error)) (string, journey.State, error) {
	old, ok := visitOf(id)
	if !ok {
		return "", journey.State{}, errGone
	}
	newID := newID()
	v, _ := visitOf(newID)
	state, err := s.replace(ctx, old, v, change)
	if err != nil {
		return "", journey.State{}, err
	}
	return newID, state, nil
}

// replace changes the visit old and keeps it as v, which may be the same. It
// tries for as long as a call may take, because a visit that is read is also
// touched (its idle limit moves), which can count as a change.
func (s *Store) replace(ctx context.Context, old, v visit, change func(journey.State) (journey.State, error)) (journey.State, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	defer s.cache.forget(old)

	touched := false // it was read or changed by others while we tried
	state, err := untilSwapped(ctx, "change visit", func() (journey.State, error) {
		state, err := s.tryReplace(ctx, old, v, change)
		touched = touched || errors.Is(err, redis.TxFailedErr)
		return state, err
	})
	if err != nil && touched && ctx.Err() != nil {
		err = errBusy
	}
	if err != nil && old != v {
		// Nobody holds the new id. Should this fail, the visit expires.
		s.Client.Del(ctx, v.key())
	}
	return state, err
}

// tryReplace reads, changes and prepares, and only then takes the one connection
// that WATCH needs for itself. To ask for a second while holding it would bring
// everything to a halt as soon as as many do so as there are connections.
func (s *Store) tryReplace(ctx context.Context, old, v visit, change func(journey.State) (journey.State, error)) (journey.State, error) {
	sealed, err := s.Client.Get(ctx, old.key()).Bytes()
	if errors.Is(err, redis.Nil) {
		return journey.State{}, errGone
	}
	if err != nil {
		return journey.State{}, noStore("change visit", err)
	}
	state, ok := s.open(ctx, old, sealed)
	if !ok || s.left(state) <= 0 {
		return journey.State{}, errGone
	}
	next, err := change(state)
	if err != nil {
		return journey.State{}, err
	}
	was := state
	if old != v {
		was = journey.State{} // v is in no list yet
	}
	if err := s.index(ctx, v, was, next); err != nil {
		return journey.State{}, err
	}
	// A renewed visit lies under its new key before the old one goes: the two may
	// be on different nodes of a Cluster, and an interruption must not lose what
	// the teacher typed. Nobody knows the new id yet.
	if old != v {
		if err := s.write(ctx, s.Client, v, next); err != nil {
			return journey.State{}, err
		}
	}
	err = s.swap(ctx, "change visit", old.key(), sealed, func(tx redis.Pipeliner) error {
		if old != v {
			tx.Del(ctx, old.key())
		} else if err := s.write(ctx, tx, v, next); err != nil {
			return err
		}
		return tx.Publish(ctx, changedChannel, old.String()).Err()
	})
	if err != nil {
		return journey.State{}, err
	}
	return next, nil
}

// Delete ends a visit, on every replica. To delete what is not there is no error.
func (s *Store) Delete(ctx context.Context, id string) error {
	v, ok := visitOf(id)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	_, err := s.delete(ctx, v)
	return err
}

// delete reports whether there was such a visit. The news goes out afterwards,
// lest a replica that hears it reads the visit once more.
func (s *Store) delete(ctx context.Context, v visit) (bool, error) {
	defer s.cache.forget(v)
	n, err := s.Client.Del(ctx, v.key()).Result()
	if err != nil {
		return false, noStore("delete visit", err)
	}
	return n > 0, noStore("tell of deleted visit", s.Client.Publish(ctx, changedChannel, v.String()).Err())
}

// write keeps state for as long as it may live.
func (s *Store) write(ctx context.Context, client redis.Cmdable, v visit, state journey.State) error {
	left := s.left(state)
	if left <= 0 {
		return errGone
	}
	sealed, err := s.keys.seal(visitKind, v.key(), state)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return noStore("keep visit", client.Set(ctx, v.key(), sealed, left).Err())
}

func (s *Store) open(ctx context.Context, v visit, sealed []byte) (state journey.State, ok bool) {
	if err := s.keys.open(visitKind, v.key(), sealed, &state); err != nil {
		s.unread(ctx, visitKind, err)
		return journey.State{}, false
	}
	return state, true
}

// left is how long a visit may go on unused, zero or less when it is over.
func (s *Store) left(state journey.State) time.Duration {
	if state.Created.IsZero() {
		return s.IdleLimit
	}
	return min(s.IdleLimit, state.Created.Add(s.AbsoluteLimit).Sub(s.Now()))
}
