package onelogin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	defaultLife = 15 * time.Minute // of a document that does not say
	shortest    = time.Second      // of one that says "at once"
	longest     = 24 * time.Hour   // what One Login itself says at most

	// patience is how long a request waits for a document when an expired copy
	// is at hand.
	patience = 3 * time.Second

	// refetchPause is the least time between two fetches for the sake of a key
	// id that is not listed, so that nobody can make us hammer One Login.
	refetchPause = time.Minute

	longestBackOff = time.Minute // between two attempts while One Login is down
)

// document is one of One Login's public documents and how long it is trusted:
//
//	first four fifths of its life  the copy
//	last fifth                     the copy, and a refresh nobody waits for
//	expired                        a refresh; the old copy if that fails or dawdles
//	none at hand                   a refresh, or an error
//
// A refresh replaces the copy whole; nothing of the old one survives it, so that
// a key One Login withdrew is dead. Failed refreshes back off, for everybody.
type document[T any] struct {
	what  string
	fetch func(context.Context) (T, http.Header, error)
	now   func() time.Time
	log   *slog.Logger

	flights singleflight.Group

	mu       sync.Mutex // guards what follows
	copy     T
	held     bool      // copy is one
	aging    time.Time // when its last fifth begins
	expires  time.Time
	landings int       // refreshes that ended, well or not
	failures int       // and failed, in a row
	pause    time.Time // no refresh before
	err      error     // of the last refresh

	// The last refresh for the sake of an unlisted key: when it began, and what
	// is closed when it has ended.
	forced time.Time
	landed chan struct{}
}

func newDocument[T any](rp *RelyingParty, what string, fetch func(context.Context) (T, http.Header, error)) *document[T] {
	return &document[T]{what: what, fetch: fetch, now: rp.cfg.Now, log: rp.cfg.Logger}
}

// get is the document as it should be trusted now. Its error carries
// journey.Unreachable.
func (d *document[T]) get(ctx context.Context) (T, error) {
	now := d.now()
	d.mu.Lock()
	held, err, landings := d.copy, d.err, d.landings
	have, aging, expired, pausing := d.held, !now.Before(d.aging), !now.Before(d.expires), now.Before(d.pause)
	d.mu.Unlock()

	if have && (!aging || pausing) {
		return held, nil
	}
	if pausing {
		return held, d.unreachable(err)
	}
	flight := d.refresh(ctx, landings)
	if have && !expired {
		return held, nil
	}
	var enough <-chan time.Time // never, when there is nothing to fall back on
	if have {
		enough = time.After(patience)
	}
	select {
	case landed := <-flight:
		if landed.Err == nil {
			return landed.Val.(T), nil
		}
		err = landed.Err
	case <-enough:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if have {
		return held, nil
	}
	return held, d.unreachable(err)
}

// newer is the document after a fetch for the sake of something it should list
// and does not. Within a minute of the last such fetch it is the copy at hand.
func (d *document[T]) newer(ctx context.Context) T {
	d.mu.Lock()
	if now := d.now(); d.landed == nil || now.Sub(d.forced) >= refetchPause {
		flight, landed := d.refresh(ctx, d.landings), make(chan struct{})
		d.forced, d.landed = now, landed
		go func() {
			<-flight
			close(landed)
		}()
	}
	landed := d.landed
	d.mu.Unlock()

	// Whoever comes while the fetch is under way waits for what it brings.
	select {
	case <-landed:
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copy
}

// refresh fetches the document, once for all who ask meanwhile. It outlives the
// request that caused it, because others may wait for it; callTimeout ends it.
// One that landed since the caller counted landings is taken for its own.
func (d *document[T]) refresh(ctx context.Context, landings int) <-chan singleflight.Result {
	ctx = context.WithoutCancel(ctx)
	return d.flights.DoChan("", func() (any, error) {
		d.mu.Lock()
		latest, err, late := d.copy, d.err, d.landings != landings
		d.mu.Unlock()
		if late {
			return latest, err
		}
		fetched, header, err := d.fetch(ctx)
		now := d.now()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.landings++
		if d.err = err; err != nil {
			d.failures++
			wait := min(time.Second<<min(d.failures-1, 10), longestBackOff)
			d.pause = now.Add(wait)
			d.log.WarnContext(ctx, "could not refresh a document of One Login",
				"document", d.what, "error", err, "failures", d.failures, "again_in", wait, "old_copy", d.held)
			return nil, err
		}
		life := lifetime(header)
		d.copy, d.held, d.failures, d.pause = fetched, true, 0, time.Time{}
		d.aging, d.expires = now.Add(life*4/5), now.Add(life)
		return fetched, nil
	})
}

func (d *document[T]) unreachable(err error) error {
	return fmt.Errorf("get One Login's %s: %w: %w", d.what, err, journey.Unreachable)
}

// lifetime is how long a response stays fresh: max-age less the time it already
// spent in caches on the way (RFC 9111, section 4.2), within bounds. One not to be
// cached at all gets the shortest.
func lifetime(h http.Header) time.Duration {
	life := defaultLife
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); {
		case strings.EqualFold(name, "no-store"), strings.EqualFold(name, "no-cache"):
			return shortest
		case strings.EqualFold(name, "max-age") && err == nil:
			life = time.Duration(seconds) * time.Second
		}
	}
	if age, err := strconv.ParseUint(h.Get("Age"), 10, 31); err == nil {
		life -= time.Duration(age) * time.Second
	}
	return min(max(life, shortest), longest)
}
