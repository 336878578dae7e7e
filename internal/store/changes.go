package store

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// changedChannel carries the hashed id of every visit that was changed, renewed
// or deleted. Whoever may publish there can at worst empty our cache.
const changedChannel = "tr:changed"

const (
	listenPing  = time.Second            // a silent connection is asked for a sign of life so often, and given up after two
	listenPause = 250 * time.Millisecond // between attempts to subscribe
)

// listen empties the cache of what changes elsewhere, until ctx ends.
func (s *Store) listen(ctx context.Context) {
	deaf := false // said so in the log
	for ctx.Err() == nil {
		err := s.hear(ctx, func() {
			if deaf {
				s.Logger.Info("hearing of changed visits again: visits are cached")
			}
			deaf = false
		})
		s.cache.listening(false)
		if ctx.Err() != nil {
			return
		}
		if !deaf {
			s.Logger.Warn("not hearing of changed visits: no visit is cached until this is over", "error", err)
			deaf = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

// hear subscribes and listens until something goes wrong. go-redis would
// reconnect in silence, but what was said meanwhile is lost, so any error at all
// ends the subscription and with it what is cached.
func (s *Store) hear(ctx context.Context, subscribed func()) error {
	sub := s.Client.Subscribe(ctx, changedChannel)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { sub.Close() })()

	for pinged := false; ; {
		message, err := sub.ReceiveTimeout(ctx, listenPing)
		s.cache.sweep()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() && !pinged {
			if err := sub.Ping(ctx); err != nil {
				return err
			}
			pinged = true
			continue
		}
		if err != nil {
			return err
		}
		pinged = false
		switch message := message.(type) {
		case *redis.Subscription:
			s.cache.listening(true)
			subscribed()
		case *redis.Message:
			if v, err := parseVisit(message.Payload); err == nil {
				s.cache.forget(v)
			}
		}
	}
}

// parseVisit reads what visit.String wrote.
func parseVisit(text string) (v visit, err error) {
	if len(text) != hex.EncodedLen(len(v)) {
		return visit{}, errors.New("not the hash of a visit's id")
	}
	_, err = hex.Decode(v[:], []byte(text))
	return v, err
}
