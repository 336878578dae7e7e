package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	callLimit = 15 * time.Second // nobody waits at a page for an e-mail
	maxBody   = 1 << 20          // of an answer, in bytes; those about our e-mails stay below 20 kB

	// Notify counts the calls of the last 60 seconds, over all replicas.
	rateWait = 30 * time.Second
)

// call makes one call and reads what comes when all is well: an answer of the
// status wanted, decoded into out. Its errors are of the three kinds of the
// package comment.
func (c *Client) call(ctx context.Context, method, path string, in any, wanted int, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	token, err := c.token()
	if err != nil {
		return err
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return errors.New("the request cannot be written as JSON")
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return errors.New("the request cannot be made")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return bare(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return bare(err)
	case len(text) > maxBody:
		return errors.New("the answer is too large")
	case resp.StatusCode != wanted:
		return c.unwanted(resp.StatusCode, text)
	case json.Unmarshal(text, out) != nil:
		// The decoder's own error could quote a value.
		return errors.New("an answer that is not the JSON expected")
	}
	return nil
}

// token is a fresh one: Notify takes it for 30 seconds
// (docs.notifications.service.gov.uk/rest-api.html, authorisation header).
func (c *Client) token() (string, error) {
	claims, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		IssuedAt int64  `json:"iat"`
	}{c.service, c.Now().Unix()})
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	signed, err := c.signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return signed.CompactSerialize()
}

// unwanted is what an answer of another status means. Of its body only the name
// of the error is looked at: messages may change, and may quote an address.
func (c *Client) unwanted(status int, text []byte) error {
	var body struct {
		Errors []struct {
			Error string `json:"error"`
		} `json:"errors"`
	}
	name := ""
	if json.Unmarshal(text, &body) == nil && len(body.Errors) > 0 {
		name = body.Errors[0].Error
	}
	switch {
	case status == http.StatusTooManyRequests && name == "TooManyRequestsError":
		now := c.Now()
		midnight := now.Truncate(24 * time.Hour).Add(24 * time.Hour) // in UTC, whatever now's zone is
		return Later{midnight.Sub(now)}
	case status == http.StatusTooManyRequests:
		return Later{rateWait}
	case status < http.StatusBadRequest || status >= http.StatusInternalServerError:
		return fmt.Errorf("status %d", status)
	}
	return fmt.Errorf("status %d: %s: %w", status, advice(status, name), ErrRefused)
}

// advice is what an operator should check when Notify refuses.
func advice(status int, name string) string {
	switch {
	case name == "":
		return "the answer is not one of GOV.UK Notify: check notify url, and what is between it and us"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "check notify api_key, and that this machine's clock is right to within 30 seconds"
	case status == http.StatusNotFound:
		return "check the template's id, and that it is one of the service whose API key is used"
	case name == "ValidationError":
		return "ValidationError: check the template's id, and whether the e-mail address can be one"
	case name == "BadRequestError":
		return "BadRequestError: check that the service is live and the API key not for its team only, the reply-to id, and the template's placeholders"
	}
	return "check notify url"
}

// bare is err when it says what went wrong with the network or with TLS. Of an
// answer that is no HTTP, net/http quotes what it could not read.
func bare(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err // it has the address, which has the reference
	}
	var (
		network     net.Error
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &network), errors.As(err, &certificate), errors.As(err, &record), errors.Is(err, context.Canceled),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	return errors.New("no HTTP answer that could be read")
}
