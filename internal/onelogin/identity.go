package onelogin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// errNotProven: One Login does not vouch for the person at the level we need.
// Its wrappers are outcomes, not faults.
var errNotProven = errors.New("identity not proven")

// levels are enough: medium confidence (GPG 45), which is what we ask for, and the
// one above, which One Login knows and does not offer yet.
var levels = []string{"P2", "P3"}

// credential is the vc claim of a core identity JWT, as far as we read it. Its
// type is not looked at: documentation and live service differ in it.
type credential struct {
	Subject struct {
		Name []struct {
			Parts []struct {
				Type  string `json:"type"`
				Value string `json:"value"`
			} `json:"nameParts"`
			ValidUntil string `json:"validUntil"`
		} `json:"name"`
		BirthDate []struct {
			Value string `json:"value"`
		} `json:"birthDate"`
	} `json:"credentialSubject"`
}

// checkIdentity checks a core identity JWT and takes from it the names and birth
// dates, and nothing else: the JWT itself must not be kept. The steps are those of
// One Login's page on proving your users' identity, in its order.
//
// An identity without a current name or without a birth date counts as not
// proven: no record can be matched to it, and trying again would not change it.
func (rp *RelyingParty) checkIdentity(ctx context.Context, raw *string, subject string) (journey.Identity, error) {
	if raw == nil { // 1. One Login could not prove who this is
		return journey.Identity{}, fmt.Errorf("%w: no core identity", errNotProven)
	}
	kid, err := keyID(*raw, jose.ES256) // 2. ES256 only
	if err != nil {
		return journey.Identity{}, fmt.Errorf("check core identity: %w: %w", err, journey.SignInProblem)
	}
	// 3. The controller we know, before any call is made on behalf of the token.
	// The DID document was held to the same controller when it was fetched.
	if controller, _, _ := strings.Cut(kid, "#"); controller != rp.controller {
		return journey.Identity{}, fmt.Errorf("check core identity: kid is of another controller: %w", journey.SignInProblem)
	}
	key, err := rp.keyFor(ctx, rp.did, kid) // 4. listed under the whole kid
	if err != nil {
		return journey.Identity{}, fmt.Errorf("check core identity: %w", err)
	}
	token, err := rp.verify(ctx, *raw, key, rp.cfg.IdentityIssuer) // 5. signature; 6. iss, aud
	if err != nil {
		return journey.Identity{}, fmt.Errorf("check core identity: %w: %w", err, journey.SignInProblem)
	}
	var claims struct {
		times
		VOT        string     `json:"vot"`
		Credential credential `json:"vc"`
	}
	if err := read(token, &claims); err != nil {
		return journey.Identity{}, fmt.Errorf("check core identity: %w: %w", err, journey.SignInProblem)
	}
	earliest, latest := rp.cfg.Now().Add(-leeway).Unix(), rp.cfg.Now().Add(leeway).Unix()
	err = failure([]check{
		{"sub", token.Subject == subject},   // 6. the person who signed in
		{"exp", claims.Expiry > earliest},   // 6. it lives 30 minutes, at the simulator 24 hours
		{"nbf", claims.NotBefore <= latest}, // RFC 7519, 4.1.5
		{"iat", claims.IssuedAt <= latest},  // a clock is wrong, or somebody issues for later
	})
	if err != nil {
		return journey.Identity{}, fmt.Errorf("check core identity: %w: %w", err, journey.SignInProblem)
	}
	// 7. The level asked for. Here vot is the identity level; in an ID token it
	// is the credential level.
	if !slices.Contains(levels, claims.VOT) {
		return journey.Identity{}, fmt.Errorf("%w: level below P2", errNotProven)
	}
	identity := claims.Credential.identity() // 8.
	if len(identity.Name().Parts()) == 0 || identity.BirthDate() == "" {
		return journey.Identity{}, fmt.Errorf("%w: no current name or no birth date", errNotProven)
	}
	return identity, nil
}

// identity sorts the names: those still in use first, then those given up, each
// in the order they came. A name in use has no validUntil. When no name is in use
// there is no identity: a former name must not pass for the current one.
func (c credential) identity() journey.Identity {
	var current, former []journey.Name
	for _, n := range c.Subject.Name {
		var name journey.Name
		for _, part := range n.Parts {
			// Parts come in any order and number; other types may be added.
			switch {
			case strings.TrimSpace(part.Value) == "":
			case part.Type == "GivenName":
				name.Given = append(name.Given, part.Value)
			case part.Type == "FamilyName":
				name.Family = append(name.Family, part.Value)
			}
		}
		switch {
		case len(name.Parts()) == 0:
		case n.ValidUntil == "":
			current = append(current, name)
		default:
			former = append(former, name)
		}
	}
	if len(current) == 0 {
		return journey.Identity{}
	}
	identity := journey.Identity{Names: append(current, former...)}
	for _, date := range c.Subject.BirthDate { // the most certain first
		if _, err := time.Parse(time.DateOnly, date.Value); err != nil {
			break // what follows is less certain, and must not take its place
		}
		identity.BirthDates = append(identity.BirthDates, date.Value)
	}
	return identity
}
