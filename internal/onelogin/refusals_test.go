package onelogin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestCallbackRefusals: everything One Login can send back with the browser, in the
// words of its documentation and its source, and the page that answers it. None of
// them costs a call, and none begins a new round.
func TestCallbackRefusals(t *testing.T) {
	const (
		lost    = "Access denied for security reasons, a new authentication request may be successful"
		generic = "The resource owner or authorization server denied the request"
		outcome = journey.Trouble("")
		both    = journey.Step("")
	)
	for _, row := range []struct {
		name, code, description string
		purpose                 journey.Step
		trouble                 journey.Trouble
		level                   string
	}{
		{"row 34: switched off", "unauthorized_client", "client deactivated", both, journey.SwitchedOff, "ERROR"},
		{"row 34: deprecated", "unauthorized_client", "client deprecated", both, journey.SwitchedOff, "ERROR"},
		{"row 34: no description", "unauthorized_client", "", both, journey.SwitchedOff, "ERROR"},
		{"row 35: One Login lost the session", "access_denied", lost, both, journey.StartAgain, "INFO"},
		{"row 35: identity not proven", "access_denied", generic, journey.VerifyIdentity, outcome, "INFO"},
		{"row 35: identity not proven, undescribed", "access_denied", "", journey.VerifyIdentity, outcome, "INFO"},
		{"row 35: the words further on are other words", "access_denied", "No. " + lost, journey.VerifyIdentity, outcome, "INFO"},
		{"row 35: no identity was asked for", "access_denied", generic, journey.SignIn, journey.NotSignedIn, "ERROR"},
		{"row 35: no identity was asked for, undescribed", "access_denied", "", journey.SignIn, journey.NotSignedIn, "ERROR"},
		{"row 36: overload", "temporarily_unavailable", "the authorization server is temporarily unavailable", both, journey.Busy, "WARN"},
		{"row 36: undescribed, as the simulator has it", "temporarily_unavailable", "", both, journey.Busy, "WARN"},
		{"row 37: re-authentication failed", "login_required", "", both, journey.SignedOutThere, "INFO"},
		{"server_error", "server_error", "", both, journey.SignInProblem, "WARN"},
		{"invalid_request", "invalid_request", "Request vtr not valid", both, journey.SignInProblem, "ERROR"},
		{"row 13: invalid_scope", "invalid_scope", "", both, journey.SignInProblem, "ERROR"},
		{"unsupported_response_type", "unsupported_response_type", "", both, journey.SignInProblem, "ERROR"},
		{"request_uri_not_supported", "request_uri_not_supported", "", both, journey.SignInProblem, "ERROR"},
		{"unmet_authentication_requirements", "unmet_authentication_requirements", "", both, journey.SignInProblem, "ERROR"},
		{"one that nobody documented", "interaction_required", "", both, journey.SignInProblem, "ERROR"},
		{"one of another case", "ACCESS_DENIED", "", both, journey.SignInProblem, "ERROR"},
		{"one that somebody made up", "<script>alert(1)</script>", "made up", both, journey.SignInProblem, "ERROR"},
		{"one beyond all size", strings.Repeat("x", 1<<20), "", both, journey.SignInProblem, "ERROR"},
	} {
		purposes := []journey.Step{row.purpose}
		if row.purpose == both {
			purposes = []journey.Step{journey.SignIn, journey.VerifyIdentity}
		}
		for _, purpose := range purposes {
			t.Run(row.name+": "+string(purpose), func(t *testing.T) {
				p := newProvider(t)
				rp := p.relyingParty()
				query, f := p.depart(rp, purpose)
				query.Set("error", row.code) // beside the code it counts
				query.Set("error_description", row.description)
				arrival, err := p.arrive(rp, query, f)
				if row.trouble == outcome {
					if err != nil || arrival.Verification != journey.Refused {
						t.Errorf("verification %q: %v", arrival.Verification, err)
					}
				} else {
					wantTrouble(t, err, row.trouble, "it answered")
				}
				if arrival.Subject != "" || len(arrival.Identity.Names) != 0 {
					t.Error("somebody arrived")
				}
				if p.hits("/token") != 0 {
					t.Error("the code was sent")
				}
				log := p.log.String()
				if !strings.Contains(log, "level="+row.level+` msg="One Login refused"`) {
					t.Errorf("logged, want level %s:\n%.500s", row.level, log)
				}
				for _, theirs := range []string{row.description, "<script>", strings.Repeat("x", 99)} {
					if theirs != "" && (strings.Contains(log, theirs) || err != nil && strings.Contains(err.Error(), theirs)) {
						t.Errorf("%.40q is repeated", theirs)
					}
				}
			})
		}
	}
}

// TestTokenRefusals: what the token endpoint can answer, whatever its status.
func TestTokenRefusals(t *testing.T) {
	for code, row := range map[string]struct {
		status  int
		trouble journey.Trouble
		says    string
	}{
		"invalid_grant":          {400, journey.StartAgain, "answered 400, invalid_grant"},
		"invalid_client":         {400, journey.SignInProblem, "answered 400, invalid_client"},
		"invalid_request":        {400, journey.SignInProblem, "answered 400, invalid_request"},
		"unauthorized_client":    {401, journey.SignInProblem, "answered 401, unauthorized_client"}, // the simulator
		"unsupported_grant_type": {400, journey.SignInProblem, "answered 400, unsupported_grant_type"},
		"server_error":           {500, journey.SignInProblem, "answered 500, server_error"}, // the simulator
		"access_denied":          {400, journey.SignInProblem, "answered 400, unrecognised"}, // not of this endpoint
		"made_up":                {400, journey.SignInProblem, "answered 400, unrecognised"},
	} {
		t.Run("row 22: "+code, func(t *testing.T) {
			p := newProvider(t)
			p.instead["/token"] = func(w http.ResponseWriter, _ *http.Request) { refuse(w, row.status, code) }
			_, err := p.trip(p.relyingParty(), journey.SignIn)
			wantTrouble(t, err, row.trouble, row.says)
			if p.hits("/token") != 1 || p.hits("/userinfo") != 0 {
				t.Errorf("token called %d times, userinfo %d", p.hits("/token"), p.hits("/userinfo"))
			}
			if log := p.log.String(); !strings.Contains(log, "One Login refused the code") || strings.Contains(log, "described by the provider") || strings.Contains(log, "made_up") {
				t.Errorf("logged:\n%s", log)
			}
		})
	}
	for name, body := range map[string]string{
		"no JSON": "<html>403 Forbidden</html>", "nothing": "", "error of a number": `{"error":400}`, "a list": `["invalid_grant"]`,
		"in capitals": `{"ERROR":"invalid_grant"}`, "twice": `{"error":"invalid_grant","error":"invalid_grant"}`, "a message": `{"message":"Internal server error"}`,
	} {
		p := newProvider(t)
		p.instead["/token"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403); w.Write([]byte(body)) }
		_, err := p.trip(p.relyingParty(), journey.SignIn)
		if journey.TroubleIn(err) != journey.SignInProblem || !strings.Contains(err.Error(), "unrecognised") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTokenOutage: that One Login is down is no mistake of ours to be woken for.
func TestTokenOutage(t *testing.T) {
	for status, level := range map[int]string{403: "ERROR", 429: "WARN", 500: "WARN", 503: "WARN"} {
		p := newProvider(t)
		p.instead["/token"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		_, err := p.trip(p.relyingParty(), journey.SignIn)
		wantTrouble(t, err, journey.SignInProblem, fmt.Sprintf("answered %d", status))
		if log := p.log.String(); !strings.Contains(log, "level="+level+` msg="One Login refused the code"`) {
			t.Errorf("%d logged:\n%s", status, log)
		}
	}
}

// TestRefusalTables: no row can be hidden by one above it, and a description alone
// never decides but where One Login's documentation says it does.
func TestRefusalTables(t *testing.T) {
	for _, table := range [][]refusal{callbackRefusals, tokenRefusals} {
		for i, r := range table {
			purpose := r.purpose
			if purpose == "" {
				purpose = journey.SignIn
			}
			if got := find(table, r.code, r.begins, purpose); got != table[i] {
				t.Errorf("row %d, %s, is hidden by %q", i, r.code, got.meaning)
			}
			if r.code == "" || r.meaning == "" || r.begins != "" && r.code != "access_denied" {
				t.Errorf("row %d: %+v", i, r)
			}
		}
	}
	if got := find(callbackRefusals, "", "", journey.SignIn); got != unknown {
		t.Errorf("no code at all means %q", got.meaning)
	}
}
