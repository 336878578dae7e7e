package onelogin

import (
	"crypto/x509"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// forgeries are what can be wrong with any signed token, whatever it is for.
func forgeries(prefix, what string) []Fault {
	sentence := func(does string) string { return strings.ToUpper(what[:1]) + what[1:] + " " + does }
	name := func(suffix string) string { return prefix + "-" + suffix }
	return []Fault{
		{Name: name("alg-none"), Does: sentence("is not signed: its algorithm is none."), token: finish(func(compact string) string {
			return withHeader(compact, `{"alg":"none"}`) + "."
		})},
		{Name: name("alg-none-signed"), Does: sentence("claims the algorithm none and keeps its signature."), token: finish(func(compact string) string {
			return withHeader(compact, `{"alg":"none"}`) + compact[strings.LastIndex(compact, "."):]
		})},
		{Name: name("alg-hs256"), Does: sentence("is signed with HS256, with the public key as the secret."), token: func(_ *Server, d *draft) {
			public := (&jose.JSONWebKey{Key: d.key}).Public()
			secret, err := x509.MarshalPKIXPublicKey(public.Key)
			if err != nil {
				panic(err) // a key of ours
			}
			d.alg, d.key = jose.HS256, secret
		}},
		{Name: name("alg-other"), Does: sentence("is signed with an RSA key under the id of the right one."), token: func(_ *Server, d *draft) {
			d.alg, d.key = jose.RS256, newRSAKey().Key
		}},
		{Name: name("signature-damaged"), Does: sentence("has a signature that is wrong in one place."), token: finish(func(compact string) string {
			at, other := strings.LastIndex(compact, ".")+1, "A"
			if compact[at:at+1] == other {
				other = "B"
			}
			return compact[:at] + other + compact[at+1:]
		})},
		{Name: name("signature-missing"), Does: sentence("has an empty signature."), token: finish(func(compact string) string {
			return compact[:strings.LastIndex(compact, ".")+1]
		})},
		{Name: name("payload-changed"), Does: sentence("was changed after it was signed."), token: finish(func(compact string) string {
			parts := strings.Split(compact, ".")
			payload, _ := base64.RawURLEncoding.DecodeString(parts[1]) // just made
			return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("{\"changed\":true,"+string(payload[1:]))) + "." + parts[2]
		})},
		{Name: name("kid-missing"), Does: sentence("does not name its key."), token: func(_ *Server, d *draft) { d.kid = "" }},
		{Name: name("kid-unlisted"), Does: sentence("is signed with a key that is not published: an incident."), token: func(_ *Server, d *draft) {
			controller, id, did := strings.Cut(d.kid, "#")
			fresh := newKey()
			if d.key, d.kid = fresh.Key, fresh.KeyID; did {
				d.kid = controller + "#" + strings.Repeat("0", len(id))
			}
		}},
		{Name: name("own-jwk"), Does: sentence("brings its own key in the header (jwk)."), token: func(_ *Server, d *draft) {
			own := newKey()
			d.key = own.Key
			d.header = map[jose.HeaderKey]any{"jwk": own.Public()}
		}},
		{Name: name("own-jku"), Does: sentence("says in the header where to fetch its key (jku)."), token: func(s *Server, d *draft) {
			d.key = newKey().Key
			d.header = map[jose.HeaderKey]any{"jku": s.config.Issuer + "keys-of-a-stranger.json", "x5u": s.config.Issuer + "certificates-of-a-stranger.pem"}
		}},
		{Name: name("critical-header"), Does: sentence("has a critical header that nobody understands (RFC 7515, section 4.1.11)."), token: func(_ *Server, d *draft) {
			d.header = map[jose.HeaderKey]any{"crit": []string{"urn:example:new"}, "urn:example:new": true}
		}},
		{Name: name("aud-other"), Does: sentence("is for another client."), token: set("aud", "another")},
		{Name: name("aud-missing"), Does: sentence("is for nobody."), token: leaveOut("aud")},
		{Name: name("expired"), Does: sentence("has expired."), token: func(s *Server, d *draft) {
			d.claims["iat"], d.claims["exp"] = s.config.Now().Add(-time.Hour).Unix(), s.config.Now().Add(-5*time.Minute).Unix()
		}},
		{Name: name("exp-missing"), Does: sentence("never expires."), token: leaveOut("exp")},
		{Name: name("exp-1e300"), Does: sentence("expires at 1e300, which no two readers understand alike."), token: set("exp", 1e300)},
		{Name: name("exp-text"), Does: sentence("expires at a text."), token: set("exp", "tomorrow")},
		{Name: name("sub-mistyped"), Does: sentence("has a subject that is a number."), token: set("sub", 42)},
		{Name: name("claims-array"), Does: sentence("holds an array instead of claims, well signed."), token: func(_ *Server, d *draft) { d.array = true }},
		{Name: name("dots"), Does: sentence("is 900,000 dots."), token: finish(func(string) string { return strings.Repeat(".", 900_000) })},
		{Name: name("jwe-bomb"), Does: sentence("is encrypted, and asks for a billion rounds of PBES2 to open it."), token: finish(func(string) string {
			header := `{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","zip":"DEF","p2c":1000000000,"p2s":"c2FsdHNhbHRzYWx0"}`
			return base64.RawURLEncoding.EncodeToString([]byte(header)) + ".AAAA.AAAA.AAAA.AAAA"
		})},
		{Name: name("huge-header"), Does: sentence("has a header of 400,000 arrays in arrays."), token: finish(func(compact string) string {
			return withHeader(compact, `{"alg":"ES256","x":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)+"}") + compact[strings.LastIndex(compact, "."):]
		})},
	}
}

// withHeader is the header given and the payload of the token, without a
// signature.
func withHeader(compact, header string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(compact, ".")[1]
}

func finish(f func(compact string) string) func(*Server, *draft) {
	return func(_ *Server, d *draft) { d.finish = f }
}

func set(claim string, value any) func(*Server, *draft) {
	return func(_ *Server, d *draft) { d.claims[claim] = value }
}

func leaveOut(claim string) func(*Server, *draft) {
	return func(_ *Server, d *draft) { delete(d.claims, claim) }
}

func changeEach(claim string, f func(any) any) func(*Server, *draft) {
	return func(_ *Server, d *draft) { d.claims[claim] = f(d.claims[claim]) }
}

// later moves a time in the token to so long from now.
func later(claim string, by time.Duration) func(*Server, *draft) {
	return func(s *Server, d *draft) { d.claims[claim] = s.config.Now().Add(by).Unix() }
}

func idRing(s *Server) *keyring  { return &s.idKeys }
func didRing(s *Server) *keyring { return &s.didKeys }

// rotate makes a new key sign, and publishes it beside those before it.
func rotate(ring func(*Server) *keyring) func(*Server, *draft) {
	return func(s *Server, d *draft) {
		fresh := newKey()
		s.mu.Lock()
		defer s.mu.Unlock()
		r := ring(s)
		r.signing, r.published = fresh, append(r.published, fresh)
		controller, _, did := strings.Cut(d.kid, "#")
		if d.key, d.kid = fresh.Key, fresh.KeyID; did {
			d.kid = controller + "#" + fresh.KeyID
		}
	}
}
