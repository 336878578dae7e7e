package trs

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Record reads the record with the TRN. It is not live when there is none, or
// when it was deactivated. When it was merged, the record returned is the one it
// became part of, with a TRN of its own: whether that is the person's is for the
// caller to check.
func (c *Client) Record(ctx context.Context, trn string) (rec journey.Record, live bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	for range mostMerges {
		rec, into, live, err := c.one(ctx, trn)
		if err != nil || into == "" {
			return rec, live, err
		}
		trn = into
	}
	return journey.Record{}, false, failed("record", errFailed)
}

// mostMerges: a record can have been merged into one that was merged again.
const mostMerges = 5

// one reads a record, or where it went.
func (c *Client) one(ctx context.Context, trn string) (rec journey.Record, into string, live bool, err error) {
	endpoint, path, query := "trns", "/v3/trns/", url.Values(nil)
	if c.Details {
		endpoint, path, query = "person", "/v3/persons/", url.Values{"include": {"Induction,Alerts"}}
	}
	a, err := c.ask(ctx, endpoint, path+url.PathEscape(trn), query)
	if err != nil {
		return journey.Record{}, "", false, err
	}
	switch a.status {
	case http.StatusNoContent:
		return journey.Record{TRN: trn}, "", true, nil
	case http.StatusOK:
		p, err := decode[person](endpoint, a)
		if err == nil && p.TRN != trn {
			err = failed(endpoint, errors.New("an answer about another record"))
		}
		if err != nil {
			return journey.Record{}, "", false, err
		}
		return p.record(), "", true, nil
	case http.StatusPermanentRedirect:
		into, err = c.retained(endpoint, a)
		return journey.Record{}, into, false, err
	case http.StatusNotFound, http.StatusGone:
		return journey.Record{}, "", false, nil
	}
	return journey.Record{}, "", false, c.unexpected(ctx, endpoint, a)
}
