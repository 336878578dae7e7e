package trs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// TRS allows an application 1,000 calls a minute, counted over all replicas, so
// one replica stays well below that. A person at a page waits for pageLimit at
// most, whatever the API does.
const (
	perSecond = 10
	burst     = 30
	atOnce    = 16

	callLimit = 4 * time.Second
	pageLimit = 9 * time.Second

	maxBody = 1 << 20 // of an answer, in bytes; real ones stay below 100 kB

	defaultHold = 30 * time.Second // after a 429 that does not say how long
	longestHold = 2 * time.Minute
)

// answer is what came back, in full.
type answer struct {
	status int
	header http.Header
	body   []byte
}

var (
	errBusy   = errors.New("we must not ask again yet")
	errFailed = errors.New("no answer that could be used")
)

// ask makes one call, and once more when that came to nothing: all are reads.
// What is returned is an answer with a meaning of its own; see answers.go.
func (c *Client) ask(ctx context.Context, endpoint, path string, query url.Values) (answer, error) {
	began := c.Now()
	a, err := c.try(ctx, path, query, nil)
	if err != nil && retryable(err) {
		select {
		case <-ctx.Done():
		case <-time.After(rand.N(200*time.Millisecond) + 100*time.Millisecond):
			a, err = c.try(ctx, path, query, nil)
		}
	}
	c.Asked(endpoint, outcome(a, err), c.Now().Sub(began))
	if err != nil {
		return answer{}, failed(endpoint, err)
	}
	return a, nil
}

// send makes one call that changes something, and never by itself another: after
// an error it may have been changed nevertheless.
func (c *Client) send(ctx context.Context, endpoint, path string, body []byte) (answer, error) {
	began := c.Now()
	a, err := c.try(ctx, path, nil, body)
	c.Asked(endpoint, outcome(a, err), c.Now().Sub(began))
	if err != nil {
		return answer{}, failed(endpoint, err)
	}
	return a, nil
}

// retryable: a second try could end otherwise, and does no harm.
func retryable(err error) bool {
	return !errors.Is(err, errBusy) && !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests)
}

// try makes one call within every limit there is.
func (c *Client) try(ctx context.Context, path string, query url.Values, body []byte) (answer, error) {
	if c.hold.until(c.Now()) {
		return answer{}, errBusy
	}
	if err := c.limit.Wait(ctx); err != nil {
		return answer{}, errBusy
	}
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return answer{}, errBusy
	}
	a, err := c.breaker.Execute(func() (answer, error) { return c.call(ctx, path, query, body) })
	if err == nil && a.status == http.StatusTooManyRequests {
		wait := c.hold.begin(c.Now(), a.header.Get("Retry-After"))
		c.Logger.WarnContext(ctx, "the Teaching Record System has had too many requests of ours", "again_in", wait)
		return answer{}, errBusy
	}
	return a, err
}

// call sends one request: a GET, or with a JSON body a POST. Its errors say
// nothing of the address.
func (c *Client) call(ctx context.Context, path string, query url.Values, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	address := c.URL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		method, content = http.MethodPost, bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return answer{}, errFailed
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+c.APIKey)
	req.Header.Set("X-Api-Version", apiVersion)
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("Accept", "application/json")
	resp, err := c.HTTP.Do(req)
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
	case resp.StatusCode >= http.StatusInternalServerError:
		return answer{}, errors.New("status " + strconv.Itoa(resp.StatusCode))
	}
	return answer{resp.StatusCode, resp.Header, text}, nil
}

// bare is err without the address that net/http puts in front.
func bare(err error) error {
	if of := (*url.Error)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

// newBreaker leaves the API alone for a while when it does nothing but fail.
func newBreaker(logger *slog.Logger) *gobreaker.CircuitBreaker[answer] {
	return gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
		Name:        "teaching record system",
		MaxRequests: 2,
		Interval:    30 * time.Second,
		Timeout:     5 * time.Second,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 8 },
		// A person who goes away is no failure of the API.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			logger.Warn("the Teaching Record System is asked or left alone", "was", from.String(), "is", to.String())
		},
	})
}

// hold is the time in which the API wants no more requests.
type hold struct {
	mu  sync.Mutex
	end time.Time
}

func (h *hold) until(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.end)
}

// begin reads Retry-After, in seconds (RFC 9110 section 10.2.3).
func (h *hold) begin(now time.Time, retryAfter string) time.Duration {
	wait := defaultHold
	if seconds, err := strconv.Atoi(retryAfter); err == nil && seconds > 0 {
		wait = min(time.Duration(seconds)*time.Second, longestHold)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end = now.Add(wait)
	return wait
}
