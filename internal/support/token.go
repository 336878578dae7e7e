package support

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// scope is what the token may do: write to open tickets, read to look for them.
const scope = "tickets:read tickets:write"

const (
	early       = time.Minute      // a token is renewed so long before it expires
	defaultLife = 5 * time.Minute  // of a token that does not say
	longestLife = 30 * time.Minute // whatever it says
)

// token is an access token, and until when it is used.
type token struct {
	value string
	until time.Time
}

// access is a token to ask with: the one there is, or a new one (POST
// /oauth/tokens, OAuth 2.0 client credentials, RFC 6749 section 4.4). Zendesk
// documents the parameters as JSON, not as the form of the RFC, which is why
// this is not left to golang.org/x/oauth2; that one puts the answer into its
// errors, too.
func (z *Zendesk) access(ctx context.Context) (string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.token.value != "" && z.Now().Before(z.token.until) {
		return z.token.value, nil
	}
	body, err := json.Marshal(map[string]string{
		"grant_type": "client_credentials", "client_id": z.ClientID, "client_secret": z.ClientSecret, "scope": scope,
	})
	if err != nil {
		return "", failed("token", errors.New("the request is no JSON"))
	}
	a, err := z.call(ctx, http.MethodPost, "/oauth/tokens", body, nil)
	if err != nil {
		return "", failed("token", err)
	}
	if a.status != http.StatusOK {
		return "", z.unexpected(ctx, "token", a)
	}
	z.token, err = granted(a.body, z.Now())
	return z.token.value, err
}

// granted reads a token.
func granted(body []byte, now time.Time) (token, error) {
	var t struct {
		Value string `json:"access_token"`
		Life  int64  `json:"expires_in"` // seconds
	}
	if json.Unmarshal(body, &t) != nil || !printable.MatchString(t.Value) {
		return token{}, failed("token", errors.New("an answer that is not the JSON expected"))
	}
	life := defaultLife
	if t.Life > 0 {
		life = time.Duration(min(t.Life, int64(longestLife/time.Second))) * time.Second
	}
	return token{t.Value, now.Add(life - min(early, life/2))}, nil
}

// forget throws a refused token away, unless it was renewed meanwhile.
func (z *Zendesk) forget(value string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.token.value == value {
		z.token = token{}
	}
}
