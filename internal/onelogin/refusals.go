package onelogin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// refusal is one thing One Login can refuse with, and what we make of it.
type refusal struct {
	code    string          // OAuth error code
	begins  string          // how error_description begins, "" for any
	purpose journey.Step    // of the trip, "" for either
	trouble journey.Trouble // "" means identity not proven: an outcome, not a trouble
	level   slog.Level      // Error is for somebody to be woken by
	meaning string          // for the log, in our words
}

// callbackRefusals are the errors that come back with the browser; the first that
// fits counts. Codes and meanings: OAuth 2.0 (RFC 6749, section 4.1.2.1), OpenID
// Connect Core, section 3.1.2.6, and One Login's own page on error handling.
// Descriptions may be empty; they are compared and then forgotten.
var callbackRefusals = []refusal{
	{"access_denied", "Access denied for security reasons", "", journey.StartAgain, slog.LevelInfo, "One Login lost the browser's session"},
	{"access_denied", "", journey.VerifyIdentity, "", slog.LevelInfo, "identity not proven"},
	{"access_denied", "", journey.SignIn, journey.NotSignedIn, slog.LevelError, "refused without an identity check: is the signed request accepted?"},
	{"unauthorized_client", "", "", journey.SwitchedOff, slog.LevelError, "One Login switched this service off, or does not know it"},
	{"temporarily_unavailable", "", "", journey.Busy, slog.LevelWarn, "overload, maintenance, no proving capacity, or our rate limit"},
	{"login_required", "", "", journey.SignedOutThere, slog.LevelInfo, "re-authentication failed, One Login signed the person out"},
	{"server_error", "", "", journey.SignInProblem, slog.LevelWarn, "fault at One Login"},
	{"invalid_request", "", "", journey.SignInProblem, slog.LevelError, "our request was wrong or tampered with"},
	{"invalid_scope", "", "", journey.SignInProblem, slog.LevelError, "scope not registered for this service"},
	{"unsupported_response_type", "", "", journey.SignInProblem, slog.LevelError, "our request was wrong"},
	{"request_uri_not_supported", "", "", journey.SignInProblem, slog.LevelError, "our request was wrong or tampered with"},
	{"unmet_authentication_requirements", "", "", journey.SignInProblem, slog.LevelError, "our request was wrong or tampered with"},
}

// tokenRefusals are the errors of the token endpoint (RFC 6749, section 5.2).
var tokenRefusals = []refusal{
	{"invalid_grant", "", "", journey.StartAgain, slog.LevelWarn, "code used, expired or not ours; or the clock is wrong"},
	{"invalid_client", "", "", journey.SignInProblem, slog.LevelError, "One Login does not accept our key: is it registered, are our published keys reachable?"},
	{"invalid_request", "", "", journey.SignInProblem, slog.LevelError, "our request was wrong"},
	{"unauthorized_client", "", "", journey.SignInProblem, slog.LevelError, "this service is not registered for the code grant"},
	{"unsupported_grant_type", "", "", journey.SignInProblem, slog.LevelError, "our request was wrong"},
	{"server_error", "", "", journey.SignInProblem, slog.LevelError, "fault at One Login, or it could not fetch our published keys"},
}

// unknown stands for everything that is in neither table. The code itself is not
// repeated: anybody can put anything into a callback.
var unknown = refusal{"unrecognised", "", "", journey.SignInProblem, slog.LevelError, "One Login sent an error that is not in its documentation"}

// down stands for a token endpoint that names no error and could not serve anybody.
var down = refusal{"none", "", "", journey.SignInProblem, slog.LevelWarn, "One Login is down or busy, or what stands in front of it"}

func find(table []refusal, code, description string, purpose journey.Step) refusal {
	for _, r := range table {
		if r.code == code && strings.HasPrefix(description, r.begins) && (r.purpose == "" || r.purpose == purpose) {
			return r
		}
	}
	return unknown
}

// tokenRefusal logs why the token endpoint refused and says which trouble it is.
// The status does not matter: One Login answers 400, its simulator 401 or 500 too.
func (rp *RelyingParty) tokenRefusal(ctx context.Context, res response) error {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(res.body, &answer) != nil {
		answer.Error = "" // an answer that cannot be read has no code
	}
	r := find(tokenRefusals, answer.Error, "", "")
	if answer.Error == "" && (res.status >= http.StatusInternalServerError || res.status == http.StatusTooManyRequests) {
		r = down
	}
	rp.cfg.Logger.Log(ctx, r.level, "One Login refused the code", "error", r.code, "status", res.status, "meaning", r.meaning)
	return fmt.Errorf("redeem code: One Login answered %d, %s: %w", res.status, r.code, r.trouble)
}
