package onelogin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Arrive takes what One Login sent back with the browser and the Flow it left
// with, exchanges the code, checks everything, and says who arrived. The caller
// has taken f from its store, so that no callback is honoured twice, and made
// sure it belongs to this browser.
//
// Errors carry a journey.Trouble and mean that nothing may be believed. That an
// identity was not proven is no error but Arrival.Verification: journey.Refused.
// It can come without a subject, when One Login said so instead of sending a
// code; what the visit knew before still holds then.
//
// Whoever calls for a journey.VerifyIdentity must see to it that the subject, if
// there is one, is that of the sign-in.
func (rp *RelyingParty) Arrive(ctx context.Context, query url.Values, f journey.Flow) (journey.Arrival, error) {
	if err := rp.checkCallback(query, f); err != nil {
		return journey.Arrival{}, fmt.Errorf("arrive from One Login: %w", err)
	}
	if code := query.Get("error"); code != "" {
		return rp.refused(ctx, find(callbackRefusals, code, query.Get("error_description"), f.Purpose))
	}
	arrival, err := rp.collect(ctx, query.Get("code"), f)
	if err != nil {
		return journey.Arrival{}, fmt.Errorf("arrive from One Login: %w", err)
	}
	return arrival, nil
}

// checkCallback makes sure the callback answers the request f is of, before
// anything in it is acted upon.
func (rp *RelyingParty) checkCallback(query url.Values, f journey.Flow) error {
	for _, values := range query {
		// Two readers could pick different ones. RFC 6749, section 3.1.
		if len(values) > 1 {
			return fmt.Errorf("callback repeats a parameter: %w", journey.SignInProblem)
		}
	}
	state := query.Get("state")
	switch {
	case state == "" && query.Get("error") != "":
		// One Login could not even read our request, or somebody made this up.
		return fmt.Errorf("callback has an error and no state: %w", journey.SignInProblem)
	case f.State == "" || subtle.ConstantTimeCompare([]byte(state), []byte(f.State)) != 1:
		return fmt.Errorf("callback is not of this flow: %w", journey.StartAgain)
	case f.Purpose != journey.SignIn && f.Purpose != journey.VerifyIdentity:
		return fmt.Errorf("flow has no purpose: %w", journey.StartAgain)
	// RFC 9207. One Login does not send it; if it ever does, it must be right.
	case query.Has("iss") && query.Get("iss") != rp.cfg.Issuer:
		return fmt.Errorf("callback is of another issuer: %w", journey.SignInProblem)
	case query.Get("error") == "" && query.Get("code") == "":
		return fmt.Errorf("callback has neither code nor error: %w", journey.SignInProblem)
	}
	return nil
}

// refused turns a refusal at One Login into the outcome or the trouble it is.
func (rp *RelyingParty) refused(ctx context.Context, r refusal) (journey.Arrival, error) {
	rp.cfg.Logger.Log(ctx, r.level, "One Login refused", "error", r.code, "meaning", r.meaning)
	if r.trouble == "" {
		return journey.Arrival{Verification: journey.Refused}, nil
	}
	return journey.Arrival{}, fmt.Errorf("arrive from One Login: it answered %s: %w", r.code, r.trouble)
}

// collect gets everything a code is good for.
func (rp *RelyingParty) collect(ctx context.Context, code string, f journey.Flow) (journey.Arrival, error) {
	meta, err := rp.metadata.get(ctx)
	if err != nil {
		return journey.Arrival{}, err
	}
	tokens, err := rp.redeem(ctx, meta.Token, code, f.Verifier)
	if err != nil {
		return journey.Arrival{}, err
	}
	id, err := rp.checkIDToken(ctx, tokens, f.Nonce)
	if err != nil {
		return journey.Arrival{}, err
	}
	info, err := rp.userinfo(ctx, meta.Userinfo, tokens.Access, id.subject)
	if err != nil {
		return journey.Arrival{}, err
	}
	arrival := journey.Arrival{
		Subject: id.subject,
		Email:   info.Email,
		IDToken: tokens.ID,
		VOT:     id.vot,
	}
	if id.authTime > 0 {
		arrival.AuthTime = time.Unix(id.authTime, 0).UTC()
	}
	if f.Purpose == journey.SignIn {
		return arrival, nil
	}

	arrival.Verification = journey.Refused
	arrival.ReturnCodes = returnCodes(info)
	switch arrival.Identity, err = rp.checkIdentity(ctx, info.CoreIdentity, id.subject); {
	case err == nil:
		arrival.Verification = journey.Verified
	case journey.TroubleIn(err) == journey.Unreachable: // its keys could not be had
		return journey.Arrival{}, err
	case !errors.Is(err, errNotProven):
		// Somebody vouches falsely: not the same as nobody vouching.
		rp.cfg.Logger.ErrorContext(ctx, "security event: a core identity failed its checks", "error", err)
		return journey.Arrival{}, err
	}
	rp.cfg.Logger.InfoContext(ctx, "identity checked by One Login",
		"outcome", arrival.Verification, "because", err, "return_codes", arrival.ReturnCodes)
	return arrival, nil
}

// returnCodes are the letters One Login gives for what it found. Their meanings
// are not public, they may come with a proven identity too, and nothing but a
// single letter goes any further, since they are logged.
func returnCodes(info userinfo) []string {
	var codes []struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(info.ReturnCodes, &codes) != nil {
		return nil // absent, or of a shape we do not know: no reason to refuse a person
	}
	var letters []string
	for _, c := range codes {
		if len(c.Code) == 1 && 'A' <= c.Code[0] && c.Code[0] <= 'Z' {
			letters = append(letters, c.Code)
		}
	}
	return letters
}
