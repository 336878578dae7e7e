package onelogin

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// FuzzCallback: row 9: whatever comes back with a browser, nobody arrives without
// the right state and the right code, the code is never sent otherwise, and nothing
// of the query is repeated.
func FuzzCallback(f *testing.F) {
	p := newProvider(f)
	rp := p.relyingParty()
	sent, flow := p.depart(rp, journey.VerifyIdentity)
	granted := p.grants[sent.Get("code")]
	if err := rp.Ready(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Add("code=CODE&state=STATE")
	f.Add("code=CODE&state=STATE&iss=https%3A%2F%2Fevil.example%2F")
	f.Add("code=CODE&code=other&state=STATE")
	f.Add("code=other&state=STATE")
	f.Add("code=CODE&state=other")
	f.Add("error=access_denied&error_description=Access+denied+for+security+reasons&state=STATE")
	f.Add("error=access_denied&state=STATE&code=CODE")
	f.Add("error=login_required")
	f.Add("state=STATE;code=CODE&%zz=%00&=&code=%ff")
	f.Fuzz(func(t *testing.T, raw string) {
		p.t = t
		defer func() { p.t = f }()
		p.log.take()
		p.grants[granted.code] = granted // as if it were a new trip: signing one takes long
		raw = strings.NewReplacer("CODE", sent.Get("code"), "STATE", flow.State).Replace(raw)
		query, _ := url.ParseQuery(raw) // as net/url.URL.Query does: what can be read
		before := p.hits("/token")
		arrival, err := rp.Arrive(t.Context(), query, flow)

		stateIsRight := len(query["state"]) == 1 && query.Get("state") == flow.State
		codeIsRight := len(query["code"]) == 1 && query.Get("code") == sent.Get("code")
		if calls := p.hits("/token") - before; calls > 1 || calls == 1 && !(stateIsRight && query.Get("error") == "") {
			t.Errorf("%q: the code was sent %d times", raw, calls)
		}
		switch {
		case err != nil && journey.TroubleIn(err) == "":
			t.Errorf("%q: an error without a trouble: %v", raw, err)
		case err != nil && (arrival.Subject != "" || arrival.Verification != journey.NotAsked):
			t.Errorf("%q: something came with the error", raw)
		case err == nil && !stateIsRight:
			t.Errorf("%q: believed without the state", raw)
		case err == nil && arrival.Subject != "" && !codeIsRight:
			t.Errorf("%q: somebody arrived without the code", raw)
		case err == nil && arrival.Subject == "" && (arrival.Verification != journey.Refused || query.Get("error") != "access_denied"):
			t.Errorf("%q: nobody arrived, and nobody was refused", raw)
		}
		said := p.log.take()
		if err != nil {
			said += err.Error()
		}
		for parameter, values := range query {
			for _, value := range append(values, parameter) {
				if len(value) > 12 && !strings.Contains(ourWords, value) && strings.Contains(said, value) {
					t.Errorf("%q: %q is repeated: %s", raw, value, said)
				}
			}
		}
	})
}

// ourWords may be said whatever a query says.
var ourWords = func() string {
	var b strings.Builder
	for _, table := range [][]refusal{callbackRefusals, tokenRefusals, {unknown}} {
		for _, r := range table {
			b.WriteString(r.code + "\n" + r.meaning + "\n")
		}
	}
	return b.String()
}()

// FuzzDocuments: no document makes a parser panic, or gives a key or an address that
// the rules do not allow.
func FuzzDocuments(f *testing.F) {
	const issuer, controller = "https://one-login.example/", "did:web:one-login.example"
	private := newKey("key")
	key := private.Public()
	for _, seed := range []any{
		map[string]any{"issuer": issuer, "authorization_endpoint": issuer + "a", "token_endpoint": issuer + "t", "userinfo_endpoint": issuer + "u", "jwks_uri": issuer + "k", "end_session_endpoint": issuer + "l"},
		map[string]any{"keys": []any{key, jose.JSONWebKey{Key: otherRSA().Public(), KeyID: "rsa", Algorithm: "RS256"}}},
		map[string]any{"id": controller, "assertionMethod": []any{map[string]any{"id": controller + "#key", "controller": controller, "publicKeyJwk": key}}},
	} {
		f.Add(must(json.Marshal(seed)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, err := parseMetadata(body, issuer); err == nil {
			for _, address := range []string{m.Authorize, m.Token, m.Userinfo, m.Keys, m.Logout} {
				if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
					t.Errorf("address %q", address)
				}
			}
		}
		keys, _ := parseKeys(body)
		did, _ := parseDID(body, controller)
		for _, set := range []keySet{keys, did} {
			for kid, key := range set {
				if !key.IsPublic() || !key.Valid() || kid != key.KeyID || key.Algorithm != "ES256" && key.Algorithm != "RS256" {
					t.Errorf("key %q for %q", kid, key.Algorithm)
				}
			}
		}
		for kid, key := range did {
			if key.Algorithm != "ES256" {
				t.Errorf("a core identity key %q for %q", kid, key.Algorithm)
			}
		}
	})
}

// FuzzUserinfo: no userinfo makes the parser panic, no error quotes it, and no
// address that is not verified gets through.
func FuzzUserinfo(f *testing.F) {
	f.Add([]byte(`{"sub":"s","email":"e@example.com","email_verified":true,"` + returnCodeClaim + `":[{"code":"A"}],"` + coreIdentityClaim + `":"a.b.c"}`))
	f.Add([]byte(`{"sub":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		info, err := parseUserinfo(body)
		if err != nil && err.Error() != "not the JSON expected" {
			t.Errorf("error %v", err)
		}
		if info.Email != "" && (!info.EmailVerified || err != nil) {
			t.Error("an address that is not verified")
		}
		for _, letter := range returnCodes(info) {
			if len(letter) != 1 || letter < "A" || letter > "Z" {
				t.Errorf("return code %q", letter)
			}
		}
	})
}

// FuzzCoreIdentity: whatever One Login signs, nobody is verified without its level,
// a name in use and a birth date.
func FuzzCoreIdentity(f *testing.F) {
	p := newProvider(f)
	rp := p.relyingParty()
	f.Add(`"vot":"P2","vc":{"credentialSubject":{"name":[{"nameParts":[{"type":"GivenName","value":"A"}]}],"birthDate":[{"value":"1965-07-08"}]}}`)
	f.Add(`"vot":"P2","vc":{"credentialSubject":{"name":[{"validUntil":"2020","nameParts":[{"type":"FamilyName","value":"A"}]}],"birthDate":[{"value":"x"}]}}`)
	f.Add(`"vot":"P1","vc":null`)
	f.Fuzz(func(t *testing.T, members string) {
		now := p.clock().Unix()
		head := string(must(json.Marshal(map[string]any{"iss": p.URL + "/identity/", "aud": clientID, "sub": subject, "exp": now + 60})))
		raw := signRaw(p.identity, strings.TrimSuffix(head, "}")+","+members+"}")
		identity, err := rp.checkIdentity(t.Context(), &raw, subject)
		if err != nil {
			if len(identity.Names)+len(identity.BirthDates) != 0 {
				t.Error("an identity came with the error")
			}
			return
		}
		var claims struct {
			VOT string `json:"vot"`
		}
		if json.Unmarshal([]byte("{"+members+"}"), &claims) != nil || claims.VOT != "P2" && claims.VOT != "P3" {
			t.Errorf("verified at level %q", claims.VOT)
		}
		if strings.TrimSpace(identity.Name().String()) == "" {
			t.Error("verified without a name")
		}
		for _, date := range identity.BirthDates {
			if _, err := time.Parse(time.DateOnly, date); err != nil {
				t.Errorf("birth date %q", date)
			}
		}
		if identity.BirthDate() == "" {
			t.Error("verified without a birth date")
		}
	})
}

// FuzzToken: no token makes the checks panic, and none that One Login did not sign
// gets through.
func FuzzToken(f *testing.F) {
	p := newProvider(f)
	rp := p.relyingParty()
	other := newKey(p.signing.KeyID)
	f.Add(signRaw(other, "{}"))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("....")
	f.Add(`{"payload":"e30","signatures":[]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := rp.checkIDToken(t.Context(), tokens{Access: "a", ID: raw}, "nonce"); err == nil || journey.TroubleIn(err) == "" {
			t.Errorf("ID token: %v", err)
		}
		if _, err := rp.checkIdentity(t.Context(), &raw, subject); err == nil || journey.TroubleIn(err) == "" {
			t.Errorf("core identity: %v", err)
		}
	})
}
