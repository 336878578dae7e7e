package allocation

import (
	"context"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// claimLife is how long whoever set out to send an e-mail may take, before
// another may think that they died.
const claimLife = 2 * time.Minute

// email tells a person that they have a TRN, once.
func (d *Desk) email(ctx context.Context, id string) error {
	if d.Mail == nil {
		return d.told(ctx, id)
	}
	var mine, again bool
	r, err := d.Files.Change(ctx, id, func(r Request, found bool) (Request, error) {
		if !found {
			return r, errGone
		}
		again = !r.Claimed.IsZero()
		mine = r.Status == journey.Completed && !r.Told && d.Now().Sub(r.Claimed) >= claimLife
		if mine {
			r.Claimed = d.Now()
		}
		return r, nil
	})
	switch {
	case err == errGone || err == nil && r.Told:
		return nil
	case err != nil:
		return err
	case !mine:
		return background.NotYet{In: claimLife} // another is at it
	}
	if err := d.Mail.TRNAllocated(ctx, r, again); err != nil {
		return err
	}
	d.Logger.InfoContext(ctx, "TRN allocated, and the teacher told", "request", id)
	return d.told(ctx, id)
}

// told writes down that there is nothing left to do.
func (d *Desk) told(ctx context.Context, id string) error {
	_, err := d.Files.Change(ctx, id, func(r Request, found bool) (Request, error) {
		if !found {
			return r, errGone
		}
		r.Told = true
		return r, nil
	})
	if err == errGone {
		return nil
	}
	return err
}
