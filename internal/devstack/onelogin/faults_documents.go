package onelogin

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

func discoveryFaults() []Fault {
	without := func(member string) func(http.Header, claims) {
		return func(_ http.Header, document claims) { delete(document, member) }
	}
	with := func(member string, value any) func(http.Header, claims) {
		return func(_ http.Header, document claims) { document[member] = value }
	}
	return at(AtDiscovery, eitherJourney, brokenAnswers(AtDiscovery, "the discovery document"), []Fault{
		{Name: "discovery-max-age-1", Does: "The discovery document may be kept for one second only.", Tolerable: true, edit: shortLived},
		{Name: "discovery-new-members", Does: "The discovery document has members that nobody knows yet.", Tolerable: true, edit: with("a_new_member", map[string]any{"of": []any{1, "kind"}})},
		{Name: "discovery-issuer-other", Does: "The discovery document is of another issuer.", edit: with("issuer", "https://oidc.evil.test/")},
		{Name: "discovery-issuer-no-slash", Does: "The issuer lacks its trailing slash.", edit: func(_ http.Header, document claims) {
			document["issuer"] = strings.TrimSuffix(document.text("issuer"), "/")
		}},
		{Name: "discovery-issuer-missing", Does: "No issuer is named.", edit: without("issuer")},
		{Name: "discovery-no-authorize", Does: "No authorisation endpoint is named.", edit: without("authorization_endpoint")},
		{Name: "discovery-no-token", Does: "No token endpoint is named.", edit: without("token_endpoint")},
		{Name: "discovery-no-userinfo", Does: "No userinfo endpoint is named.", edit: without("userinfo_endpoint")},
		{Name: "discovery-no-jwks", Does: "No key set is named.", edit: without("jwks_uri")},
		{Name: "discovery-plain-http", Does: "The token endpoint is elsewhere, over plain http.", edit: with("token_endpoint", "http://oidc.evil.test/token")},
		{Name: "discovery-script", Does: "The authorisation endpoint is a javascript: address.", edit: with("authorization_endpoint", "javascript:alert(1)")},
		{Name: "discovery-mistyped", Does: "The token endpoint is a number.", edit: with("token_endpoint", 8)},
	})
}

func jwksFaults() []Fault {
	each := func(change func(key map[string]any)) func(http.Header, claims) {
		return func(_ http.Header, document claims) {
			for _, key := range document["keys"].([]any) {
				change(key.(map[string]any))
			}
		}
	}
	return at(AtJWKS, eitherJourney, brokenAnswers(AtJWKS, "the key set"), []Fault{
		{Name: "jwks-max-age-1", Does: "The key set may be kept for one second only.", Tolerable: true, edit: shortLived},
		{Name: "jwks-use-alg-left-out", Does: "The keys do not say use and alg, as at the official simulator.", Tolerable: true, edit: each(func(key map[string]any) {
			delete(key, "use")
			delete(key, "alg")
		})},
		{Name: "jwks-odd-keys", Does: "Beside the right keys are keys of kinds that nobody knows.", Tolerable: true, edit: func(_ http.Header, document claims) {
			odd := []any{map[string]any{"kty": "PQ", "kid": "new", "x": "AA"}, map[string]any{}, map[string]any{"kty": "EC", "crv": "P-256", "kid": "broken", "x": "!", "y": ""}}
			document["keys"] = append(odd, document["keys"].([]any)...)
		}},
		{Name: "jwks-key-removed", Does: "The key that signs is no longer listed: it is dead.", edit: func(_ http.Header, document claims) {
			document["keys"] = document["keys"].([]any)[:1] // the unrelated one
		}},
		{Name: "jwks-no-keys", Does: "The key set lists no key.", edit: func(_ http.Header, document claims) { document["keys"] = []any{} }},
		{Name: "jwks-no-keys-member", Does: "The key set has no member keys.", edit: func(_ http.Header, document claims) { delete(document, "keys") }},
		{Name: "jwks-kid-reused", Does: "The key ids stay, but stand for other keys.", edit: each(replaceKey)},
		{Name: "jwks-kids-left-out", Does: "No key has an id, so that none can be chosen.", edit: each(func(key map[string]any) { delete(key, "kid") })},
		{Name: "jwks-for-encryption", Does: "The keys are for encryption, not for signatures.", edit: each(func(key map[string]any) { key["use"] = "enc" })},
		{Name: "jwks-symmetric", Does: "The key ids stand for secrets of HS256, which anybody can read.", edit: each(func(key map[string]any) {
			kid := key["kid"]
			clear(key)
			key["kty"], key["alg"], key["kid"], key["k"] = "oct", "HS256", kid, "cHVibGlzaGVkIGZvciBhbGwgdG8gc2lnbiB3aXRoIQ"
		})},
	})
}

func didFaults() []Fault {
	each := func(change func(method map[string]any)) func(http.Header, claims) {
		return func(_ http.Header, document claims) {
			for _, method := range document["assertionMethod"].([]any) {
				change(method.(map[string]any))
			}
		}
	}
	return at(AtDID, eitherJourney, brokenAnswers(AtDID, "the DID document"), []Fault{
		{Name: "did-max-age-1", Does: "The DID document may be kept for one second only.", Tolerable: true, edit: shortLived},
		{Name: "did-alg-left-out", Does: "The keys do not say alg.", Tolerable: true, edit: each(func(method map[string]any) { delete(method["publicKeyJwk"].(map[string]any), "alg") })},
		{Name: "did-odd-methods", Does: "Beside the right keys are a reference and a key of a kind that nobody knows.", Tolerable: true, edit: func(_ http.Header, document claims) {
			odd := []any{"#reference", map[string]any{"id": "#new", "type": "NewKey", "publicKeyJwk": map[string]any{"kty": "PQ"}}}
			document["assertionMethod"] = append(odd, document["assertionMethod"].([]any)...)
		}},
		{Name: "did-other-id", Does: "The DID document is of another controller.", edit: func(_ http.Header, document claims) { document["id"] = "did:web:evil.test" }},
		{Name: "did-other-controller", Does: "The keys belong to another controller.", edit: each(func(method map[string]any) { method["controller"] = "did:web:evil.test" })},
		{Name: "did-no-keys", Does: "The DID document lists no key: the one that signs was removed.", edit: func(_ http.Header, document claims) { document["assertionMethod"] = []any{} }},
		{Name: "did-plural-member", Does: "The keys are in assertionMethods, a slip of the documentation, and not in assertionMethod.", edit: func(_ http.Header, document claims) {
			document["assertionMethods"] = document["assertionMethod"]
			delete(document, "assertionMethod")
		}},
		{Name: "did-kid-reused", Does: "The key ids stay, but stand for other keys.", edit: each(func(method map[string]any) { replaceKey(method["publicKeyJwk"].(map[string]any)) })},
		{Name: "did-other-curve", Does: "The keys are not of P-256.", edit: each(func(method map[string]any) {
			method["publicKeyJwk"] = map[string]any{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"} // RFC 8037, A.2
		})},
	})
}

// at puts faults at a stage; each keeps its own journey, if it has one.
func at(stage Stage, journey Journey, chapters ...[]Fault) []Fault {
	faults := slices.Concat(chapters...)
	for i := range faults {
		faults[i].Stage, faults[i].Journey = stage, cmp.Or(faults[i].Journey, journey)
	}
	return faults
}

func shortLived(header http.Header, _ claims) { header.Set("Cache-Control", "max-age=1") }

// replaceKey puts a fresh key where another was, under the same name.
func replaceKey(jwk map[string]any) {
	key := newKey()
	fresh := plain(key.Public()).(map[string]any)
	jwk["x"], jwk["y"] = fresh["x"], fresh["y"]
}
