package onelogin

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	scope = "openid email"

	// Beyond these, One Login's firewall shows a 403 page and nothing comes back.
	authorizeLimit = 4096 // bytes of query
	logoutLimit    = 2048

	// requestLife is how long a signed request or client assertion is good for.
	requestLife = 5 * time.Minute
)

// identityClaims asks userinfo for the core identity and for the return codes
// that say why there is none. It travels as a JSON string inside the request
// object: One Login takes an object too, its simulator does not.
const identityClaims = `{"userinfo":{"` + coreIdentityClaim + `":null,"` + returnCodeClaim + `":null}}`

// Depart makes the address that sends a browser to One Login, for journey.SignIn
// or journey.VerifyIdentity, and the Flow to remember until it is back: State,
// Nonce, Verifier and Purpose are filled in. Locale is "en" or "cy"; any other
// leaves the language to One Login.
//
// The request is a signed request object (RFC 9101) always. In a plain query the
// person could edit the vector, and the answer would merely echo it.
func (rp *RelyingParty) Depart(ctx context.Context, purpose journey.Step, locale string) (string, journey.Flow, error) {
	meta, err := rp.metadata.get(ctx)
	if err != nil {
		return "", journey.Flow{}, fmt.Errorf("depart for One Login: %w", err)
	}
	query, f, err := rp.request(meta.Authorize, purpose, locale)
	if err != nil {
		return "", journey.Flow{}, fmt.Errorf("depart for One Login: %w: %w", err, journey.SignInProblem)
	}
	return meta.Authorize + "?" + query, f, nil
}

// request is the query of an authorisation request to endpoint, and its Flow.
func (rp *RelyingParty) request(endpoint string, purpose journey.Step, locale string) (string, journey.Flow, error) {
	f := journey.Flow{
		State:    rand.Text(), // 130 bits, and nothing that needs escaping: the simulator does not escape it
		Purpose:  purpose,
		Nonce:    rand.Text(),
		Verifier: oauth2.GenerateVerifier(),
	}
	now := rp.cfg.Now()
	request := map[string]any{
		"iss":                   rp.cfg.ClientID,
		"aud":                   endpoint, // not the issuer, and not an array
		"iat":                   now.Unix(),
		"exp":                   now.Add(requestLife).Unix(),
		"jti":                   rand.Text(),
		"client_id":             rp.cfg.ClientID,
		"response_type":         "code",
		"redirect_uri":          rp.cfg.RedirectURI,
		"scope":                 scope,
		"state":                 f.State,
		"nonce":                 f.Nonce,
		"code_challenge":        oauth2.S256ChallengeFromVerifier(f.Verifier),
		"code_challenge_method": "S256",
	}
	switch purpose {
	case journey.SignIn:
		request["vtr"] = []string{"Cl.Cm"}
	case journey.VerifyIdentity:
		request["vtr"] = []string{"Cl.Cm.P2"}
		request["claims"] = identityClaims
	default:
		return "", journey.Flow{}, fmt.Errorf("no such purpose: %q", purpose)
	}
	if locale == "en" || locale == "cy" {
		request["ui_locales"] = locale
	}
	jar, err := rp.signed(request)
	if err != nil {
		return "", journey.Flow{}, err
	}
	// Exactly these four, the first three as inside (RFC 9101, section 5).
	query := url.Values{
		"response_type": {"code"},
		"scope":         {scope},
		"client_id":     {rp.cfg.ClientID},
		"request":       {jar},
	}.Encode()
	if len(query) > authorizeLimit {
		return "", journey.Flow{}, fmt.Errorf("the request is %d bytes, One Login's limit %d: shorten the redirect URI or use a shorter key",
			len(query), authorizeLimit)
	}
	return query, f, nil
}

// SignOutURL is where to send a browser, once our own session has ended, so that
// One Login's ends too. IDToken is the one of the session that ended; state comes
// back with the browser to the post-logout URI.
//
// Without an ID token, or with one too long for One Login's firewall, the address
// is the bare one: the person is signed out and stays on One Login's own page.
func (rp *RelyingParty) SignOutURL(ctx context.Context, idToken, state string) (string, error) {
	meta, err := rp.metadata.get(ctx)
	if err != nil {
		return "", fmt.Errorf("sign out of One Login: %w", err)
	}
	if idToken == "" {
		return meta.Logout, nil
	}
	query := url.Values{
		"id_token_hint":            {idToken},
		"post_logout_redirect_uri": {rp.cfg.PostLogoutRedirectURI},
		"state":                    {state},
	}.Encode()
	if len(query) > logoutLimit {
		rp.cfg.Logger.WarnContext(ctx, "the sign-out request is too long, people end on One Login's page",
			"bytes", len(query), "limit", logoutLimit)
		return meta.Logout, nil
	}
	return meta.Logout + "?" + query, nil
}
