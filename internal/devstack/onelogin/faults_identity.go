package onelogin

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// userinfoFaults spoil the claims about a person.
func userinfoFaults() []Fault {
	with := func(member string, value any) func(http.Header, claims) {
		return func(_ http.Header, answer claims) { answer[member] = value }
	}
	without := func(member string) func(http.Header, claims) {
		return func(_ http.Header, answer claims) { delete(answer, member) }
	}
	return at(AtUserinfo, eitherJourney, []Fault{
		{Name: "userinfo-no-email", Does: "No email address is told.", Tolerable: true, edit: func(_ http.Header, answer claims) {
			delete(answer, "email")
			delete(answer, "email_verified")
		}},
		{Name: "userinfo-email-not-verified", Does: "The email address is not verified, as only the official simulator can say.", Tolerable: true, edit: with("email_verified", false)},
		{Name: "userinfo-phone-not-verified", Does: "There is a phone number, and it is not verified.", Tolerable: true, edit: func(_ http.Header, answer claims) {
			answer["phone_number"], answer["phone_number_verified"] = "07700 900000", false
		}},
		{Name: "userinfo-new-claims", Does: "There are claims that nobody asked for.", Tolerable: true, edit: func(_ http.Header, answer claims) {
			answer["wallet_subject_id"], answer["https://vocab.account.gov.uk/v1/passport"] = "urn:fdc:wallet.account.gov.uk:2024:a", []any{claims{"documentNumber": "1"}}
		}},
		{Name: "userinfo-invalid-token", Does: "The access token is refused with 401: it is older than 180 seconds.", answer: func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="Invalid access token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}},
		{Name: "userinfo-other-sub", Does: "The claims are about somebody else.", edit: with("sub", "urn:fdc:gov.uk:2022:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
		{Name: "userinfo-sub-padded", Does: "The subject is padded with =, so it is not the same bytes.", edit: func(_ http.Header, answer claims) { answer["sub"] = answer.text("sub") + "=" }},
		{Name: "userinfo-no-sub", Does: "The claims do not say whom they are about.", edit: without("sub")},
		{Name: "userinfo-mistyped", Does: "The email address is an object.", edit: with("email", claims{"address": 1})},
	}, brokenAnswers(AtUserinfo, "the userinfo answer"))
}

// identityFaults spoil the result of an identity check.
func identityFaults() []Fault {
	return at(AtIdentity, IdentityJourney, slices.Concat(identityOutcomes(), identityNames(), []Fault{
		{Name: "identity-key-rotated", Does: "The core identity is signed with a new key, which is published.", Tolerable: true, token: rotate(didRing)},
		{Name: "identity-lives-a-day", Does: "The core identity is valid for 24 hours, as at the official simulator.", Tolerable: true, token: later("exp", 24*time.Hour)},
		{Name: "identity-iss-oidc", Does: "The issuer is that of ID tokens.", token: func(s *Server, d *draft) { d.claims["iss"] = s.config.Issuer }},
		{Name: "identity-iss-no-slash", Does: "The issuer lacks its trailing slash.", token: changeEach("iss", func(iss any) any { return strings.TrimSuffix(iss.(string), "/") })},
		{Name: "identity-sub-other", Does: "The core identity is somebody else's.", token: set("sub", "urn:fdc:gov.uk:2022:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
		{Name: "identity-sub-missing", Does: "The core identity is nobody's.", token: leaveOut("sub")},
		{Name: "identity-nbf-future", Does: "The core identity is not valid before ten minutes from now.", token: later("nbf", 10*time.Minute)},
		{Name: "identity-kid-other-controller", Does: "The key id is of another controller, did:web:evil.test, and the signature is right.", token: func(_ *Server, d *draft) {
			_, id, _ := strings.Cut(d.kid, "#")
			d.kid = "did:web:evil.test#" + id
		}},
		{Name: "identity-kid-no-controller", Does: "The key id has no controller.", token: func(_ *Server, d *draft) { _, d.kid, _ = strings.Cut(d.kid, "#") }},
		{Name: "identity-kid-no-fragment", Does: "The key id is the controller alone.", token: func(_ *Server, d *draft) { d.kid, _, _ = strings.Cut(d.kid, "#") }},
		{Name: "identity-signed-for-sign-in", Does: "The core identity is signed with the key of ID tokens, under its key id.", token: func(s *Server, d *draft) {
			key := s.signingKey(&s.idKeys)
			d.key, d.kid = key.Key, key.KeyID
		}},
		{Name: "identity-mistyped", Does: "The core identity is an object instead of a string.", edit: func(_ http.Header, answer claims) { answer[coreIdentityClaim] = claims{"vot": "P2"} }},
		{Name: "identity-vc-mistyped", Does: "The credential is a text.", token: set("vc", "PEREGRINE")},
	}, forgeries("identity", "the core identity")))
}

// identityOutcomes are the rows of what can come of an identity check.
func identityOutcomes() []Fault {
	return []Fault{
		{Name: "identity-with-codes", Does: "The identity is proven, and there are return codes too.", Tolerable: true, edit: func(_ http.Header, answer claims) {
			answer[returnCodeClaim] = []any{claims{"code": "A"}, claims{"code": "P"}}
		}},
		{Name: "identity-codes-left-out", Does: "The identity is proven, and return codes are not mentioned.", Tolerable: true, edit: func(_ http.Header, answer claims) { delete(answer, returnCodeClaim) }},
		{Name: "identity-type-other", Does: "The credential has the type of the documentation, not that of the live service.", Tolerable: true, token: credential(func(vc claims) {
			vc["type"] = []any{"VerifiableCredential", "VerifiableIdentityCredential"}
		})},
		{Name: "identity-not-proven", Does: "The identity is not proven, and a return code says why.", edit: func(_ http.Header, answer claims) {
			delete(answer, coreIdentityClaim)
			answer[returnCodeClaim] = []any{claims{"code": "F"}}
		}},
		{Name: "identity-not-proven-silent", Does: "The identity is not proven, and no return code says why.", edit: func(_ http.Header, answer claims) {
			delete(answer, coreIdentityClaim)
			delete(answer, returnCodeClaim)
		}},
		{Name: "identity-null", Does: "The core identity is null.", edit: func(_ http.Header, answer claims) { answer[coreIdentityClaim] = nil }},
		{Name: "identity-p0", Does: "The identity was not checked: its level is P0.", token: set("vot", "P0")},
		{Name: "identity-p1", Does: "The identity was proven at too low a level, P1.", token: set("vot", "P1")},
		{Name: "identity-vot-missing", Does: "The core identity has no level.", token: leaveOut("vot")},
		{Name: "identity-vot-credential", Does: "The level is one of credentials, which no core identity has.", token: set("vot", "Cl.Cm")},
	}
}

// identityNames are the shapes that names and birth dates come in.
func identityNames() []Fault {
	former := claims{"nameParts": nameParts([]string{"FORMER"}, []string{"EVERSHOLT"}), "validFrom": "1990-01-01", "validUntil": "2015-06-30"}
	subject := func(change func(subject claims)) func(*Server, *draft) {
		return credential(func(vc claims) { change(vc["credentialSubject"].(map[string]any)) })
	}
	return []Fault{
		{Name: "identity-former-name-first", Does: "There are two names, and the current one comes last.", Tolerable: true, token: subject(func(subject claims) {
			subject["name"] = append([]any{former}, subject["name"].([]any)...)
		})},
		{Name: "identity-valid-until-null", Does: "The current name says that its end is null.", Tolerable: true, token: subject(func(subject claims) {
			name := subject["name"].([]any)[0].(map[string]any)
			name["validFrom"], name["validUntil"] = nil, nil
		})},
		{Name: "identity-parts-reversed", Does: "The parts of the name come in another order.", Tolerable: true, token: subject(func(subject claims) {
			name := subject["name"].([]any)[0].(map[string]any)
			parts := slices.Clone(name["nameParts"].([]any))
			// "FamilyName" sorts before "GivenName"; given names keep their own order.
			slices.SortStableFunc(parts, func(a, b any) int {
				return strings.Compare(a.(map[string]any)["type"].(string), b.(map[string]any)["type"].(string))
			})
			name["nameParts"] = parts
		})},
		{Name: "identity-new-parts", Does: "The name has parts of a type that nobody knows, and an empty one.", Tolerable: true, token: subject(func(subject claims) {
			name := subject["name"].([]any)[0].(map[string]any)
			name["nameParts"] = append(name["nameParts"].([]any), claims{"type": "Patronymic", "value": "ODDS"}, claims{"type": "GivenName", "value": " "})
		})},
		{Name: "identity-birth-dates", Does: "There are several birth dates, the most certain first.", Tolerable: true, token: subject(func(subject claims) {
			subject["birthDate"] = append(subject["birthDate"].([]any), claims{"value": "1901-01-01"})
		})},
		{Name: "identity-no-names", Does: "The core identity has no name.", token: subject(func(subject claims) { subject["name"] = []any{} })},
		{Name: "identity-former-name-only", Does: "The only name is one the person no longer has.", token: subject(func(subject claims) { subject["name"] = []any{former} })},
		{Name: "identity-no-birth-date", Does: "The core identity has no birth date, as in one of the official samples.", token: subject(func(subject claims) { delete(subject, "birthDate") })},
		{Name: "identity-birth-date-odd", Does: "The birth date is no date.", token: subject(func(subject claims) { subject["birthDate"] = []any{claims{"value": "31 February"}} })},
		{Name: "identity-no-subject", Does: "The credential is empty.", token: credential(func(vc claims) { vc["credentialSubject"] = claims{} })},
	}
}

// credential changes the vc claim of a core identity JWT.
func credential(change func(vc claims)) func(*Server, *draft) {
	return func(_ *Server, d *draft) { change(d.claims["vc"].(map[string]any)) }
}
