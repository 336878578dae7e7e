package allocation

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	// pageTime is for the page to tell who was not told to wait.
	pageTime = time.Minute

	// claimLife is how long whoever set out to send an e-mail may take, before
	// another may think that they died. No work takes longer than a minute.
	claimLife = 2 * time.Minute
)

// email tells a person that they have a TRN, once.
func (d *Desk) email(ctx context.Context, id string) error {
	r, found, err := d.Files.Read(ctx, id)
	if err != nil || !found || r.Settled || r.Status != journey.Completed {
		return err
	}
	if left := pageTime - d.Now().Sub(r.Decided); !r.Waits && left > 0 {
		return background.NotYet{In: left}
	}
	trn, err := d.link(ctx, r)
	if err != nil {
		return err
	}
	if d.Mail == nil || trn != r.TRN { // another's, or taken away: it would not be true
		return d.settle(ctx, r, "")
	}
	now, mine, again := d.Now(), false, false
	r, err = d.change(ctx, id, func(r *Request) {
		if mine, again = now.Sub(r.Claimed) >= claimLife, r.Tried; mine {
			r.Claimed, r.Tried = now, true
		}
	})
	switch {
	case err != nil || r.Settled:
		return err
	case !mine:
		return background.NotYet{In: claimLife - now.Sub(r.Claimed)} // another is at it
	}
	if err := d.Mail.TRNAllocated(ctx, r, again); err != nil {
		_, unclaimed := d.change(context.WithoutCancel(ctx), id, func(r *Request) {
			if r.Claimed.Equal(now) {
				r.Claimed = time.Time{} // for the next attempt, whenever that is to be
			}
		})
		return errors.Join(err, unclaimed)
	}
	d.Logger.InfoContext(ctx, "TRN allocated, and the teacher told", "request", id)
	return d.settle(ctx, r, "")
}
