package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
)

// statuses are the pages at which a sign-in can end. Their headings are in the
// catalogue of words.
var statuses = map[string]int{
	"start-again":      http.StatusBadRequest,
	"not-signed-in":    http.StatusForbidden,
	"switched-off":     http.StatusServiceUnavailable,
	"busy":             http.StatusServiceUnavailable,
	"signed-out-there": http.StatusForbidden,
	"sign-in-problem":  http.StatusBadGateway,
	"unreachable":      http.StatusServiceUnavailable,
	"not-verified":     http.StatusOK,
}

// headings are what people read at the top of those pages. No two are alike, or
// a test could not tell where it is.
func headings(t *testing.T) map[string]string {
	t.Helper()
	var words map[string]string
	must(t, json.Unmarshal([]byte(read(t, "../../pages/words/en.json")), &words))
	byPage, seen := map[string]string{}, map[string]bool{}
	for page := range statuses {
		heading := words[page+".heading"]
		if heading == "" || seen[heading] {
			t.Fatalf("page %s has no heading of its own: %q", page, heading)
		}
		byPage[page], seen[heading] = heading, true
	}
	return byPage
}

// usual is where the faults of a stage end, unless they are in special.
var usual = map[onelogin.Stage]string{
	onelogin.AtDiscovery: "unreachable",
	onelogin.AtJWKS:      "unreachable",
	onelogin.AtDID:       "unreachable",
	onelogin.AtAuthorize: "sign-in-problem", // an error that is our mistake or One Login's
	onelogin.AtCode:      "start-again",     // invalid_grant
	onelogin.AtCallback:  "sign-in-problem",
	onelogin.AtToken:     "sign-in-problem",
	onelogin.AtIDToken:   "sign-in-problem",
	onelogin.AtUserinfo:  "sign-in-problem",
	onelogin.AtIdentity:  "sign-in-problem", // a core identity that is false is never "not verified"
}

// special are the faults that end elsewhere, by what One Login's documentation
// says of them.
var special = map[string]string{
	// The document came, and vouches for nothing.
	"jwks-key-removed": "sign-in-problem", "jwks-no-keys": "sign-in-problem", "jwks-kid-reused": "sign-in-problem",
	"jwks-kids-left-out": "sign-in-problem", "jwks-for-encryption": "sign-in-problem", "jwks-symmetric": "sign-in-problem",
	"did-other-controller": "sign-in-problem", "did-no-keys": "sign-in-problem",
	"did-kid-reused": "sign-in-problem", "did-other-curve": "sign-in-problem",

	// Errors with a meaning of their own.
	"authorize-access-denied in sign-in":  "not-signed-in",
	"authorize-access-denied in identity": "not-verified",
	"authorize-session-lost":              "start-again",
	"authorize-deactivated":               "switched-off",
	"authorize-deprecated":                "switched-off",
	"authorize-unauthorized-client":       "switched-off",
	"authorize-busy":                      "busy",
	"authorize-busy-silent":               "busy",
	"authorize-login-required":            "signed-out-there",
	"authorize-page-400":                  "one-login",
	"authorize-page-403":                  "one-login",
	"authorize-page-500":                  "one-login",
	"authorize-page-502":                  "one-login",

	// A callback of nobody's flow.
	"callback-state-wrong": "start-again", "callback-state-long": "start-again", "callback-twice": "start-again",
	"callback-code-unknown": "start-again",

	"code-other-nonce":       "sign-in-problem",
	"code-other-person":      "sign-in-problem",
	"code-no-identity":       "not-verified",
	"token-invalid-grant":    "start-again",
	"userinfo-invalid-token": "start-again",

	// Nobody vouches for the person at the level asked for, or for too little
	// to find a record by.
	"identity-not-proven": "not-verified", "identity-not-proven-silent": "not-verified", "identity-null": "not-verified",
	"identity-p0": "not-verified", "identity-p1": "not-verified", "identity-vot-missing": "not-verified", "identity-vot-credential": "not-verified",
	"identity-no-names": "not-verified", "identity-former-name-only": "not-verified", "identity-no-subject": "not-verified",
	"identity-no-birth-date": "not-verified", "identity-birth-date-odd": "not-verified",
}

// causes are the rules a relying party breaks because of a fault.
var causes = map[string]string{
	"code-other-challenge":  "code_verifier does not fit the challenge",
	"code-other-client":     "the code was issued to another client",
	"code-other-redirect":   "redirect_uri must be that of the authorisation request",
	"callback-code-unknown": "the code is unknown or has expired",
}

// endOf is the page at which a fault must end.
func endOf(fault onelogin.Fault, journey onelogin.Journey) string {
	if page, ok := special[fault.Name+" in "+string(journey)]; ok {
		return page
	}
	if page, ok := special[fault.Name]; ok {
		return page
	}
	return usual[fault.Stage]
}

// TestEndings: every name in the tables is a fault's.
func TestEndings(t *testing.T) {
	names := map[string]bool{}
	for _, f := range onelogin.Faults() {
		for _, name := range []string{f.Name, f.Name + " in sign-in", f.Name + " in identity"} {
			names[name] = true
		}
	}
	for name := range special {
		if !names[name] {
			t.Errorf("no fault is called %q", name)
		}
	}
	for name := range causes {
		if !names[name] {
			t.Errorf("no fault is called %q", name)
		}
	}
}
