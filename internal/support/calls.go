package support

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

const (
	callLimit = 20 * time.Second
	maxBody   = 1 << 20 // of an answer, in bytes; real ones stay below 100 kB

	defaultWait = time.Minute // after a 429 that does not say how long
	longestWait = time.Hour
)

// answer is what came back, in full.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask makes one call with a token, and once more with a new token when that one
// is refused. The answer is never one of those that concern the token alone.
func (z *Zendesk) ask(ctx context.Context, what, method, path string, body []byte, key string) (answer, error) {
	var a answer
	for range 2 {
		value, err := z.access(ctx)
		if err != nil {
			return answer{}, err
		}
		header := http.Header{"Authorization": {"Bearer " + value}}
		if key != "" {
			header.Set("Idempotency-Key", key)
		}
		if a, err = z.call(ctx, method, path, body, header); err != nil {
			return answer{}, failed(what, err)
		}
		if a.status != http.StatusUnauthorized {
			return a, nil
		}
		z.forget(value)
	}
	return answer{}, z.unexpected(ctx, what, a)
}

// call sends one request. Its errors say nothing of the address.
func (z *Zendesk) call(ctx context.Context, method, path string, body []byte, header http.Header) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, z.URL+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("no request could be made")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", z.UserAgent)
	resp, err := z.HTTP.Do(req)
	if err != nil {
		return answer{}, bare(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return answer{}, bare(err)
	case len(text) > maxBody:
		return answer{}, errors.New("the answer is too large")
	}
	return answer{resp.StatusCode, resp.Header, text}, nil
}

// unexpected is what an answer means that is not the one hoped for.
func (z *Zendesk) unexpected(ctx context.Context, what string, a answer) error {
	said := "status " + strconv.Itoa(a.status)
	if c := code(a.body); c != "" {
		said += " " + c
	}
	switch {
	case a.status == http.StatusTooManyRequests:
		return failed(what, Later{wait(a.header.Get("Retry-After"))})
	// The key was used with another body, as after a change of the configuration:
	// there is a ticket, and the next attempt will find it.
	case a.status == http.StatusBadRequest && code(a.body) == "IdempotentRequestError",
		a.status == http.StatusRequestTimeout,
		a.status < http.StatusBadRequest || a.status >= http.StatusInternalServerError:
		return failed(what, errors.New(said))
	}
	// Nobody but the operator can mend this.
	z.Logger.ErrorContext(ctx, "Zendesk refuses our requests: check the OAuth client and its scopes tickets:read and tickets:write, the custom fields, group, form and brand",
		"what", what, "status", a.status, "error", code(a.body))
	return failed(what, fmt.Errorf("%s: %w", said, ErrRefused))
}

var (
	codeName  = regexp.MustCompile(`^[A-Za-z_]{1,40}$`)
	printable = regexp.MustCompile(`^[!-~]+$`)
)

// code is the name of an error, "" when there is none. Descriptions and details
// are never looked at: they quote what was sent.
func code(body []byte) string {
	var e struct {
		Error string `json:"error"` // an object in some answers, which are then without a name
	}
	if json.Unmarshal(body, &e) != nil || !codeName.MatchString(e.Error) {
		return ""
	}
	return e.Error
}

// wait reads Retry-After, in seconds (RFC 9110 section 10.2.3).
func wait(retryAfter string) time.Duration {
	seconds, err := strconv.ParseInt(retryAfter, 10, 64)
	if err != nil || seconds <= 0 {
		return defaultWait
	}
	return time.Duration(min(seconds, int64(longestWait/time.Second))) * time.Second
}

// The shapes of good answers, as far as they are read.
type shown struct {
	ID         int64  `json:"id"`
	ExternalID string `json:"external_id"`
	Status     string `json:"status"`
}

var errShape = errors.New("an answer that is not the JSON expected")

// opened reads the answer to POST /api/v2/tickets.
func opened(body []byte) (id string, err error) {
	var a struct {
		Ticket shown `json:"ticket"`
	}
	if json.Unmarshal(body, &a) != nil || a.Ticket.ID <= 0 {
		return "", failed("open", errShape)
	}
	return strconv.FormatInt(a.Ticket.ID, 10), nil
}

// listed finds the ticket with this reference in a list. An answer without a
// list is none that says there is no such ticket.
func listed(body []byte, reference string) (id string, err error) {
	var a struct {
		Tickets []shown `json:"tickets"`
	}
	if json.Unmarshal(body, &a) != nil || a.Tickets == nil {
		return "", failed("find", errShape)
	}
	for _, t := range a.Tickets {
		if t.ExternalID != reference || t.ID <= 0 {
			return "", failed("find", errors.New("an answer about another ticket"))
		}
	}
	if len(a.Tickets) == 0 {
		return "", nil
	}
	return strconv.FormatInt(a.Tickets[0].ID, 10), nil
}

// stillOpen reads the status of a ticket. One that is unknown is an open one.
func stillOpen(body []byte, id string) (bool, error) {
	var a struct {
		Ticket shown `json:"ticket"`
	}
	if json.Unmarshal(body, &a) != nil || a.Ticket.Status == "" || strconv.FormatInt(a.Ticket.ID, 10) != id {
		return false, failed("state", errShape)
	}
	switch a.Ticket.Status {
	case "solved", "closed", "deleted":
		return false, nil
	}
	return true, nil
}

// bare is err without the address that net/http puts in front.
func bare(err error) error {
	if of := (*url.Error)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

// failed is the error of a call that came to nothing.
func failed(what string, err error) error { return fmt.Errorf("zendesk: %s: %w", what, err) }
