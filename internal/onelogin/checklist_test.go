package onelogin

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// checklist is what One Login requires of a relying party, row by row, as its
// documentation and its public source say, and where this service keeps each. Tests
// here begin with the number of their row, so that "row 25:" finds all of it.
var checklist = []struct {
	requirement string
	keptBy      string // "" is this package
}{
	1:  {"a constant User-Agent on all five direct calls", ""},
	2:  {"discovery, JWKS and DID document are cached; stale ones serve while refresh fails", ""},
	3:  {"a key no longer listed is dead: replaced, never merged", ""},
	4:  {"an unknown kid is never trusted, and reported", ""},
	5:  {"alg is that of the chosen key; never HS256 or none", ""},
	6:  {"ID token: signature, iss, aud, exp, iat", ""},
	7:  {"ID token: nonce", ""},
	8:  {"ID token: vot is the credential level asked for", ""},
	9:  {"state: sent, unique, small, opaque, checked, on errors too", ""},
	10: {"nonce: sent, unguessable, per trip", ""},
	11: {"queries: 4096 bytes for authorize, 2048 for logout", ""},
	12: {"redirect_uri as registered, and the same at the token endpoint", ""},
	13: {"scope: openid, and only what is registered", ""},
	14: {"identity: one vector, claims of userinfo only", ""},
	15: {"two journeys, Cl.Cm and then Cl.Cm.P2", ""},
	16: {"a signed request object; in the query what is inside, and no more", ""},
	17: {"its exp, five minutes", ""},
	18: {"PKCE S256", ""},
	19: {"private_key_jwt with a fresh jti", ""},
	20: {"kid in all we sign", ""},
	21: {"our JWKS: RSA, unique kid, nothing private", ""},
	22: {"a code is sent once", ""},
	23: {"userinfo at once, by GET, with a bearer token", ""},
	24: {"sub of userinfo is that of the ID token", ""},
	25: {"core identity: ES256, kid of the DID document, iss, aud, sub, exp", ""},
	26: {"no address is made from a kid", ""},
	27: {"core identity: vot meets P2", ""},
	28: {"no core identity: not proven", ""},
	29: {"return codes: asked for, opaque, advisory", ""},
	30: {"the core identity JWT is not kept", ""},
	31: {"names of any kind, the current one; the first birth date", ""},
	32: {"people are known by more than sub, never by e-mail", "store and journey: links are by issuer and subject"},
	33: {"absent phone numbers and unknown claims are no fault", ""},
	34: {"unauthorized_client has a page of its own", ""},
	35: {"access_denied has two meanings", ""},
	36: {"temporarily_unavailable: try again in some minutes", ""},
	37: {"login_required ends the local session", ""},
	38: {"an error without state changes nothing", ""},
	39: {"sign-out of One Login, too", ""},
	40: {"our session ends first; the hint and the registered address go along", ""},
	44: {"one environment, one set of addresses", ""},
	46: {"no more claims than needed", ""},
}

// TestChecklist: every row this package keeps has a test that names it.
func TestChecklist(t *testing.T) {
	tested := map[int]bool{}
	for _, file := range must(filepath.Glob("*_test.go")) {
		if file == "checklist_test.go" {
			continue
		}
		for _, m := range regexp.MustCompile(`"row (\d+)[:,]|, row (\d+)[:,]`).FindAllSubmatch(must(os.ReadFile(file)), -1) {
			row, _ := strconv.Atoi(string(m[1]) + string(m[2]))
			tested[row] = true
		}
	}
	for row, r := range checklist {
		if r.requirement != "" && r.keptBy == "" && !tested[row] {
			t.Errorf("row %d has no test: %s", row, r.requirement)
		}
	}
	for row := range tested {
		if row >= len(checklist) || checklist[row].requirement == "" {
			t.Errorf("row %d is tested and not in the checklist", row)
		}
	}
}
