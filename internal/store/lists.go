package store

import (
	"context"
	"errors"
	"reflect"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Visits are listed by what they hold, to be ended or changed all together. A
// list is a sorted set of their hashed ids, each scored with the time the visit
// is over at the latest (Unix milliseconds), at the keyed hash of what they hold:
//
//	tr:visits-of:<hashed subject>  the visits of a subject
//	tr:visits-on:<hashed TRN>      the visits that hold a record
//
// A visit enters before it is written with what it is listed by: one that is
// listed and does not exist, or holds something else by now, does no harm; one
// that is not listed could be neither ended nor changed. It leaves when it is
// over, or when DeleteAll ends it.
type list struct {
	kind kind
	by   func(journey.State) string // what a visit is listed by, "" for nothing
}

var (
	visitsOf = list{visitsOfKind, func(state journey.State) string { return state.Subject }}
	visitsOn = list{visitsOnKind, func(state journey.State) string { return state.Record.TRN }}
)

// index enters a visit in the lists that it was not in as it was before: the
// zero state for a visit with a new id.
func (s *Store) index(ctx context.Context, v visit, was, state journey.State) error {
	for _, list := range []list{visitsOf, visitsOn} {
		by := list.by(state)
		if by == "" || by == list.by(was) {
			continue
		}
		if state.Created.IsZero() {
			return errors.New("store: a visit with a subject or a record needs the time of its sign-in")
		}
		key := s.keys.names(list.kind, by)[0]
		now := s.Now()
		_, err := s.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.ZRemRangeByScore(ctx, key, "-inf", strconv.FormatInt(now.UnixMilli(), 10))
			tx.ZAdd(ctx, key, redis.Z{Score: float64(now.Add(s.AbsoluteLimit).UnixMilli()), Member: v.String()})
			tx.PExpire(ctx, key, s.AbsoluteLimit)
			return nil
		})
		if err != nil {
			return noStore("list visit", err)
		}
	}
	return nil
}

// DeleteAll ends every visit of a subject, on every replica, and returns how
// many there were. When it fails half-way, what is left is still listed, so that
// it can be called again.
func (s *Store) DeleteAll(ctx context.Context, subject string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	ended := 0
	err := s.each(ctx, visitsOf, subject, func(key string, v visit) (bool, error) {
		existed, err := s.delete(ctx, v)
		if existed {
			ended++
		}
		if err != nil || !existed {
			return existed, err
		}
		return true, noStore("list visits", s.Client.ZRem(ctx, key, v.String()).Err())
	})
	return ended, err
}

// ChangeOf is Change for every visit of a subject, on every replica. No visit is
// no error. A visit that change leaves as it is costs no write. Change may run
// any number of times for each.
//
// There can be many visits: each has the time of a call of its own, and ctx
// bounds them all. A visit that makes so many requests that it cannot be changed
// in that time ends. What fails ends it with the rest unchanged, an error of
// change as it is; to call it again is safe if to change twice is.
func (s *Store) ChangeOf(ctx context.Context, subject string, change func(journey.State) (journey.State, error)) error {
	return s.changeAll(ctx, visitsOf, subject, change)
}

// ChangeOn is ChangeOf for the visits that hold the record with that TRN. It
// does not wait for those that are just coming to hold it.
func (s *Store) ChangeOn(ctx context.Context, trn string, change func(journey.State) (journey.State, error)) error {
	return s.changeAll(ctx, visitsOn, trn, change)
}

// Why a listed visit is not written.
var (
	errElsewhere = errors.New("store: the visit holds something else by now")
	errSame      = errors.New("store: nothing was changed")
)

func (s *Store) changeAll(ctx context.Context, list list, by string, change func(journey.State) (journey.State, error)) error {
	return s.each(ctx, list, by, func(_ string, v visit) (bool, error) {
		_, err := s.replace(ctx, v, v, func(state journey.State) (journey.State, error) {
			if list.by(state) != by {
				return state, errElsewhere
			}
			next, err := change(own(state)) // which may change it in place
			if err == nil && reflect.DeepEqual(next, state) {
				err = errSame
			}
			return next, err
		})
		switch {
		case errors.Is(err, errGone), errors.Is(err, errElsewhere):
			return false, nil
		case errors.Is(err, errSame):
			return true, nil
		case errors.Is(err, errBusy):
			// Who makes so many requests that their visit cannot be changed must not
			// escape the change: it ends.
			_, err = s.delete(context.WithoutCancel(ctx), v)
			return err == nil, err
		}
		return err == nil, err
	})
}

// each calls do with every visit that is listed, and the key of the list, until
// do reports that it is done with it or fails.
//
// It lists again until a list holds nothing new: a visit that is renewed in the
// meantime enters under its new id before the old one goes. A visit that is
// listed and not there stays so, because it may be about to be written, and is
// tried again each time: what is new can be listed, and tried, before the old.
func (s *Store) each(ctx context.Context, list list, by string, do func(key string, v visit) (done bool, err error)) error {
	done := map[string]bool{} // by what is listed; false when it was not there
	for more := true; more; {
		more = false
		for _, key := range s.keys.names(list.kind, by) {
			members, err := s.listed(ctx, key)
			if err != nil {
				return err
			}
			for _, member := range members {
				if done[member] {
					continue
				}
				if _, known := done[member]; !known {
					more = true
				}
				v, err := parseVisit(member)
				if err != nil { // must not stop the rest
					s.unread(ctx, list.kind, err)
					done[member] = true
					continue
				}
				if done[member], err = do(key, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *Store) listed(ctx context.Context, key string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	members, err := s.Client.ZRange(ctx, key, 0, -1).Result()
	return members, noStore("list visits", err)
}
