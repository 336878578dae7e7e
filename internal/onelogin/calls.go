package onelogin

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// maxBody is the most that is read of any answer, in bytes after decompression.
// Real ones stay below 20 kB.
const maxBody = 1 << 20

type response struct {
	status int
	header http.Header
	body   []byte
}

// call makes every direct call to One Login.
func (rp *RelyingParty) call(req *http.Request) (response, error) {
	req.Header.Set("User-Agent", rp.cfg.UserAgent)
	res, err := rp.cfg.HTTP.Do(req)
	if err != nil {
		return response{}, fmt.Errorf("call %s: %w", req.URL, repeatable(err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return response{}, fmt.Errorf("read answer of %s: %w", req.URL, repeatable(err))
	}
	if len(body) > maxBody {
		return response{}, fmt.Errorf("answer of %s is larger than %d bytes", req.URL, maxBody)
	}
	return response{res.StatusCode, res.Header, body}, nil
}

// repeatable is err when it says what went wrong with the network or with TLS. Of
// an answer that is no HTTP, net/http quotes what it could not read, and that can
// be a person's.
func repeatable(err error) error {
	if outer := new(url.Error); errors.As(err, &outer) {
		err = outer.Err // the caller names the address
	}
	var (
		network     net.Error // timeouts, and net.OpError: refused, reset, TLS alerts
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &network), errors.As(err, &certificate), errors.As(err, &record),
		errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, context.Canceled),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	return errors.New("no HTTP answer that could be read")
}

// tokens are what a code was exchanged for (RFC 6749, section 5.1).
type tokens struct {
	Access string `json:"access_token"`
	Type   string `json:"token_type"`
	ID     string `json:"id_token"`
}

// redeem exchanges a code for tokens. It sends the code once, whatever happens:
// codes are single use, and a second sending looks like a stolen one.
func (rp *RelyingParty) redeem(ctx context.Context, endpoint, code, verifier string) (tokens, error) {
	// private_key_jwt, OpenID Connect Core, section 9.
	now := rp.cfg.Now()
	assertion, err := rp.signed(map[string]any{
		"iss": rp.cfg.ClientID,
		"sub": rp.cfg.ClientID,
		"aud": endpoint,
		"iat": now.Unix(),
		"exp": now.Add(requestLife).Unix(),
		"jti": rand.Text(),
	})
	if err != nil {
		return tokens{}, fmt.Errorf("authenticate to One Login: %w", err)
	}
	form := url.Values{
		"grant_type":            {"authorization_code"},
		"code":                  {code},
		"redirect_uri":          {rp.cfg.RedirectURI},
		"code_verifier":         {verifier},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return tokens{}, fmt.Errorf("redeem code: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// With GetBody, net/http would send the request again after some failures.
	req.GetBody = nil

	res, err := rp.call(req)
	if err != nil {
		return tokens{}, fmt.Errorf("redeem code: %w: %w", err, journey.SignInProblem)
	}
	if res.status != http.StatusOK {
		return tokens{}, rp.tokenRefusal(ctx, res)
	}
	var t tokens
	switch err := json.Unmarshal(res.body, &t); {
	case err != nil:
		return tokens{}, fmt.Errorf("read token answer: not the JSON expected: %w", journey.SignInProblem)
	case t.ID == "", t.Access == "", !strings.EqualFold(t.Type, "Bearer"):
		return tokens{}, fmt.Errorf("read token answer: a token is missing or not a bearer token: %w", journey.SignInProblem)
	}
	return t, nil
}

const (
	coreIdentityClaim = "https://vocab.account.gov.uk/v1/coreIdentityJWT"
	returnCodeClaim   = "https://vocab.account.gov.uk/v1/returnCode"
)

// userinfo is what we read of the userinfo answer; whatever else is in it, such
// as a phone number, is left alone.
type userinfo struct {
	Subject       string          `json:"sub"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"email_verified"`
	CoreIdentity  *string         `json:"https://vocab.account.gov.uk/v1/coreIdentityJWT"`
	ReturnCodes   json.RawMessage `json:"https://vocab.account.gov.uk/v1/returnCode"`
}

// userinfo asks for the claims about a person and checks they are about subject.
func (rp *RelyingParty) userinfo(ctx context.Context, endpoint, access, subject string) (userinfo, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return userinfo{}, fmt.Errorf("get userinfo: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	res, err := rp.call(req)
	switch {
	case err != nil:
		return userinfo{}, fmt.Errorf("get userinfo: %w: %w", err, journey.SignInProblem)
	case res.status == http.StatusUnauthorized: // the access token lives 180 s
		return userinfo{}, fmt.Errorf("get userinfo: access token refused: %w", journey.StartAgain)
	case res.status != http.StatusOK:
		return userinfo{}, fmt.Errorf("get userinfo: status %d: %w", res.status, journey.SignInProblem)
	}
	info, err := parseUserinfo(res.body)
	if err == nil && info.Subject != subject { // OpenID Connect Core, section 5.3.2
		err = errors.New("sub is not the ID token's")
	}
	if err != nil {
		return userinfo{}, fmt.Errorf("check userinfo: %w: %w", err, journey.SignInProblem)
	}
	return info, nil
}

func parseUserinfo(body []byte) (userinfo, error) {
	var info userinfo
	if json.Unmarshal(body, &info) != nil {
		// The decoder's own error could quote a value.
		return userinfo{}, errors.New("not the JSON expected")
	}
	// One Login verifies every address; only the simulator can say otherwise.
	if !info.EmailVerified {
		info.Email = ""
	}
	return info, nil
}
