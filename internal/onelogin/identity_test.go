package onelogin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestIdentityFaults breaks a core identity JWT in one way a row. Every one is a
// security event: nobody is verified, and nobody is quietly taken for unverified.
func TestIdentityFaults(t *testing.T) {
	start := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC).Unix()
	by := func(key func(p *provider) jose.JSONWebKey) func(*provider, map[string]any) string {
		return func(p *provider, c map[string]any) string { return signWith(key(p), c) }
	}
	for _, row := range []struct {
		name string
		edit func(map[string]any)
		sign func(p *provider, claims map[string]any) string
		says string
	}{
		{name: "row 25: alg HS256", says: "algorithm", sign: by(func(p *provider) jose.JSONWebKey {
			return jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: p.identity.KeyID, Algorithm: "HS256"}
		})},
		{name: "row 25: alg RS256", says: "algorithm", sign: by(func(p *provider) jose.JSONWebKey {
			return jose.JSONWebKey{Key: otherRSA(), KeyID: p.identity.KeyID, Algorithm: "RS256"}
		})},
		{name: "row 25: alg ES384", says: "algorithm", sign: by(func(p *provider) jose.JSONWebKey {
			return jose.JSONWebKey{Key: secp384(), KeyID: p.identity.KeyID, Algorithm: "ES384"}
		})},
		{name: "row 25: alg none", says: "algorithm", sign: func(p *provider, c map[string]any) string {
			raw := reheader(signWith(p.identity, c), `{"alg":"none","kid":"`+p.identity.KeyID+`"}`)
			return raw[:strings.LastIndexByte(raw, '.')+1]
		}},
		{name: "row 25: not a JWS", says: "not a JWS", sign: func(*provider, map[string]any) string { return "P2" }},
		{name: "row 25: empty", says: "not a JWS", sign: func(*provider, map[string]any) string { return "" }},
		{name: "row 25: signature of another key", says: "signature", sign: by(func(p *provider) jose.JSONWebKey { return newKey(p.identity.KeyID) })},
		{name: "row 25: signed with the key of ID tokens", says: "signature", sign: by(func(p *provider) jose.JSONWebKey {
			key := p.signing
			key.KeyID = p.identity.KeyID
			return key
		})},
		{name: "row 25: a claim changed after signing", says: "signature", sign: func(p *provider, c map[string]any) string {
			low, high := strings.Split(signWith(p.identity, c), "."), strings.Split(signWith(p.identity, map[string]any{"vot": "P2"}), ".")
			return low[0] + "." + high[1] + "." + low[2]
		}},
		{name: "row 4: unknown kid of the right controller", says: "kid is not in One Login's DID document", sign: by(func(p *provider) jose.JSONWebKey { return newKey(p.controller() + "#key-2") })},
		{name: "row 25: kid of the fragment alone", says: "another controller", sign: by(func(p *provider) jose.JSONWebKey { return newKey("key-1") })},
		{name: "row 25: kid of the controller alone", says: "kid is not in", sign: by(func(p *provider) jose.JSONWebKey { return newKey(p.controller()) })},
		{name: "row 25: no kid", says: "another controller", sign: by(func(p *provider) jose.JSONWebKey { return withoutKid(p.identity) })},
		{name: "row 25: a controller that begins alike", says: "another controller", sign: by(func(p *provider) jose.JSONWebKey { return newKey(p.controller() + ".evil.example#key-1") })},
		{name: "row 25: kid of the ID token's key", says: "another controller", sign: by(func(p *provider) jose.JSONWebKey { return p.signing })},
		{name: "row 25: iss of the OIDC host", says: "different provider", edit: func(c map[string]any) { c["iss"] = strings.TrimSuffix(c["iss"].(string), "identity/") }},
		{name: "row 25: iss without its slash", says: "different provider", edit: func(c map[string]any) { c["iss"] = strings.TrimSuffix(c["iss"].(string), "/") }},
		{name: "row 25: no iss", says: "different provider", edit: drop("iss")},
		{name: "row 25: aud of another client", says: "audience", edit: set("aud", "somebody-else")},
		{name: "row 25: no aud", says: "audience", edit: drop("aud")},
		{name: "row 25: sub of another person", says: "sub", edit: set("sub", subject+"x")},
		{name: "row 25: no sub", says: "sub", edit: drop("sub")},
		{name: "row 25: expired", says: "exp", edit: set("exp", start-31)},
		{name: "row 25: no exp", says: "exp", edit: drop("exp")},
		{name: "row 25: not valid yet", says: "nbf", edit: set("nbf", start+31)},
		{name: "row 25: issued in the future", says: "iat", edit: set("iat", start+31)},
		{name: "row 25: exp of a string", says: "check core identity", edit: set("exp", "tomorrow")},
		{name: "row 25: exp beyond all numbers", says: "wrong type", edit: set("exp", 1e300)},
		{name: "row 27: vot an array", says: "wrong type", edit: set("vot", []string{"P2"})},
		{name: "row 27: vot twice", says: "twice", sign: func(p *provider, c map[string]any) string {
			return signRaw(p.identity, strings.Replace(string(must(json.Marshal(c))), `"vot":`, `"vot":"P0","vot":`, 1))
		}},
		{name: "row 31: vc a string", says: "wrong type", edit: set("vc", "P2")},
		{name: "row 31: names an object", says: "wrong type", edit: subjectOf(set("name", map[string]any{}))},
		{name: "row 31: a name part of a number", says: "wrong type", edit: subjectOf(set("name", []any{map[string]any{"nameParts": []any{map[string]any{"type": "GivenName", "value": 1}}}}))},
		{name: "row 31: validUntil of a number", says: "wrong type", edit: subjectOf(set("name", []any{name("A", "B", 1)}))},
		{name: "row 31: a birth date of a number", says: "wrong type", edit: subjectOf(set("birthDate", []any{map[string]any{"value": 19650708}}))},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newProvider(t)
			p.editIdentity = row.edit
			if row.sign != nil {
				p.signIdentity = func(c map[string]any) string { return row.sign(p, c) }
			}
			arrival, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
			wantTrouble(t, err, journey.SignInProblem, row.says)
			if arrival.Verification != journey.NotAsked || arrival.Subject != "" || len(arrival.Identity.Names) != 0 {
				t.Error("something came with the error")
			}
			if !strings.Contains(p.log.String(), "security event") {
				t.Errorf("nobody is told:\n%s", &p.log)
			}
		})
	}
}

// subjectOf edits the credentialSubject of a core identity.
func subjectOf(edit func(map[string]any)) func(map[string]any) {
	return func(c map[string]any) {
		edit(c["vc"].(map[string]any)["credentialSubject"].(map[string]any))
	}
}

// TestForeignController: row 26: no address is ever made from a kid.
func TestForeignController(t *testing.T) {
	calls := 0
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { calls++ }))
	defer evil.Close()
	host := strings.ReplaceAll(strings.TrimPrefix(evil.URL, "http://"), ":", "%3A")
	for _, kid := range []string{"did:web:" + host + "#key-1", "did:web:" + host + ":path#key-1", evil.URL + "/.well-known/did.json#key-1", "#key-1"} {
		t.Run("row 26: "+kid[:min(len(kid), 8)], func(t *testing.T) {
			p := newProvider(t)
			p.signIdentity = func(c map[string]any) string { return signWith(newKey(kid), c) }
			_, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
			wantTrouble(t, err, journey.SignInProblem, "another controller")
			if calls != 0 || p.hits(didPath) != 0 {
				t.Errorf("called the foreign host %d times, our DID URL %d times", calls, p.hits(didPath))
			}
		})
	}
	t.Run("row 26: jku, x5u and jwk in a header are of no consequence", func(t *testing.T) {
		p := newProvider(t)
		p.signIdentity = func(c map[string]any) string {
			mine := newKey(p.identity.KeyID)
			options := (&jose.SignerOptions{EmbedJWK: true}).WithHeader("jku", evil.URL).WithHeader("x5u", evil.URL)
			signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: mine}, options))
			return must(must(signer.Sign(must(json.Marshal(c)))).CompactSerialize())
		}
		_, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
		wantTrouble(t, err, journey.SignInProblem, "check core identity")
		if calls != 0 {
			t.Errorf("called the foreign host %d times", calls)
		}
	})
}

// TestDIDDocument: row 25: a DID document is believed when it is of our controller,
// and a key in it when it says so too.
func TestDIDDocument(t *testing.T) {
	method := func(edit func(map[string]any)) func(map[string]any) {
		return func(did map[string]any) { edit(did["assertionMethod"].([]any)[0].(map[string]any)) }
	}
	for name, row := range map[string]struct {
		edit    func(map[string]any)
		trouble journey.Trouble
		says    string
	}{
		"row 25: id of another":               {set("id", "did:web:evil.example"), journey.Unreachable, "DID document is of"},
		"row 25: no id":                       {drop("id"), journey.Unreachable, "DID document is of"},
		"row 25: no assertionMethod":          {drop("assertionMethod"), journey.Unreachable, "no assertionMethod"},
		"row 25: another controller of a key": {method(set("controller", "did:web:evil.example")), journey.SignInProblem, "kid is not in"},
		"row 25: a P-384 key":                 {method(set("publicKeyJwk", jose.JSONWebKey{Key: secp384().Public()})), journey.SignInProblem, "kid is not in"},
		"row 25: an RSA key":                  {method(set("publicKeyJwk", jose.JSONWebKey{Key: otherRSA().Public(), Algorithm: "RS256"})), journey.SignInProblem, "kid is not in"},
		"row 25: a key for encryption":        {method(func(m map[string]any) { k := m["publicKeyJwk"].(jose.JSONWebKey); k.Use = "enc"; m["publicKeyJwk"] = k }), journey.SignInProblem, "kid is not in"},
		"row 25: a reference to a key":        {set("assertionMethod", []any{"#key-1"}), journey.SignInProblem, "kid is not in"},
		"row 25: no key":                      {method(drop("publicKeyJwk")), journey.SignInProblem, "kid is not in"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.editDID = row.edit
			_, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
			wantTrouble(t, err, row.trouble, row.says)
			if security := strings.Contains(p.log.String(), "security event"); security == (row.trouble == journey.Unreachable) {
				t.Errorf("security event: %v:\n%s", security, &p.log)
			}
		})
	}
}

// TestNotProven: what One Login does not vouch for is an outcome, not a fault: the
// person is signed in, and no identity comes with them.
func TestNotProven(t *testing.T) {
	for name, row := range map[string]struct {
		userinfo, identity func(map[string]any)
		codes              []string
	}{
		"row 27: P0":                                 {identity: set("vot", "P0")},
		"row 27: P1":                                 {identity: set("vot", "P1")},
		"row 27: no level":                           {identity: drop("vot")},
		"row 27: a credential level":                 {identity: set("vot", "Cl.Cm")},
		"row 27: p2 in small letters":                {identity: set("vot", "p2")},
		"row 28: no core identity":                   {userinfo: drop(coreIdentityClaim)},
		"row 28: core identity null":                 {userinfo: set(coreIdentityClaim, nil)},
		"row 28: neither it nor return codes":        {userinfo: func(m map[string]any) { delete(m, coreIdentityClaim); delete(m, returnCodeClaim) }},
		"row 28, row 29: return codes in its place":  {userinfo: func(m map[string]any) { delete(m, coreIdentityClaim); m[returnCodeClaim] = letters("F", "Z") }, codes: []string{"F", "Z"}},
		"row 31: no names":                           {identity: subjectOf(drop("name"))},
		"row 31: an empty name":                      {identity: subjectOf(set("name", []any{name(" ", "", nil)}))},
		"row 31: former names only":                  {identity: subjectOf(set("name", []any{name("A", "B", "2020-01-01")}))},
		"row 31: no birth date":                      {identity: subjectOf(drop("birthDate"))},
		"row 31: a birth date that cannot be":        {identity: subjectOf(set("birthDate", []any{map[string]any{"value": "1965-02-30"}}))},
		"row 31: a less certain date is no stand-in": {identity: subjectOf(set("birthDate", []any{map[string]any{"value": "8 July 1965"}, map[string]any{"value": "1965-07-08"}}))},
		"row 31: no credential":                      {identity: drop("vc")},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.editUserinfo, p.editIdentity = row.userinfo, row.identity
			arrival, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
			if err != nil {
				t.Fatal(err)
			}
			if arrival.Verification != journey.Refused || arrival.Subject != subject || arrival.Email != email || arrival.IDToken == "" {
				t.Errorf("verification %q", arrival.Verification)
			}
			if len(arrival.Identity.Names) != 0 || len(arrival.Identity.BirthDates) != 0 {
				t.Error("an identity came with it")
			}
			if !reflect.DeepEqual(arrival.ReturnCodes, row.codes) {
				t.Errorf("return codes %q, want %q", arrival.ReturnCodes, row.codes)
			}
			if strings.Contains(p.log.String(), "security event") || !strings.Contains(p.log.String(), "outcome=refused") {
				t.Errorf("logged:\n%s", &p.log)
			}
		})
	}
	t.Run("row 15: the sign-in asks for no identity, and takes none", func(t *testing.T) {
		p := newProvider(t)
		p.editUserinfo = func(m map[string]any) { m[coreIdentityClaim], m[returnCodeClaim] = "anything", letters("A") }
		arrival, err := p.trip(p.relyingParty(), journey.SignIn)
		if err != nil || arrival.Verification != journey.NotAsked || arrival.ReturnCodes != nil || p.hits(didPath) != 0 {
			t.Errorf("verification %q, %q: %v", arrival.Verification, arrival.ReturnCodes, err)
		}
	})
}

func letters(codes ...string) []any {
	items := []any{}
	for _, c := range codes {
		items = append(items, map[string]any{"code": c})
	}
	return items
}
