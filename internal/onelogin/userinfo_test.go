package onelogin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func TestUserinfo(t *testing.T) {
	t.Run("row 23: asked once, at once, by GET with a bearer token", func(t *testing.T) {
		p := newProvider(t)
		if _, err := p.trip(p.relyingParty(), journey.SignIn); err != nil {
			t.Fatal(err)
		}
		if p.hits("/userinfo") != 1 {
			t.Fatalf("called %d times", p.hits("/userinfo"))
		}
		call := p.calls["/userinfo"][0]
		if call.Method != http.MethodGet || call.URL.RawQuery != "" || !strings.HasPrefix(call.Header.Get("Authorization"), "Bearer access-") {
			t.Errorf("called with %s %s", call.Method, call.URL)
		}
	})
	t.Run("row 23: 401, and a new start is offered; nothing is tried again", func(t *testing.T) {
		p := newProvider(t)
		p.instead["/userinfo"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, err := p.trip(p.relyingParty(), journey.SignIn)
		wantTrouble(t, err, journey.StartAgain, "access token refused")
		if p.hits("/userinfo") != 1 || p.hits("/token") != 1 {
			t.Errorf("userinfo called %d times, token %d", p.hits("/userinfo"), p.hits("/token"))
		}
	})
	t.Run("row 24: the access token goes nowhere else", func(t *testing.T) {
		p := newProvider(t)
		p.instead["/userinfo"] = elsewhere(p, http.StatusTemporaryRedirect)
		_, err := p.trip(p.relyingParty(), journey.SignIn)
		wantTrouble(t, err, journey.SignInProblem, "status 307")
		if p.hits("/elsewhere") != 0 {
			t.Error("the redirect was followed")
		}
	})
	for _, code := range []int{http.StatusNoContent, http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError} {
		p := newProvider(t)
		p.instead["/userinfo"] = status(code)
		_, err := p.trip(p.relyingParty(), journey.SignIn)
		wantTrouble(t, err, journey.SignInProblem, "get userinfo: status")
	}

	for name, row := range map[string]struct {
		edit func(map[string]any)
		says string
	}{
		"row 24: sub of another person":          {set("sub", subject+"x"), "sub is not the ID token's"},
		"row 24: sub padded":                     {set("sub", subject+"="), "sub is not the ID token's"},
		"row 24: no sub":                         {drop("sub"), "sub is not the ID token's"},
		"row 24: sub in capitals":                {func(m map[string]any) { m["SUB"] = m["sub"]; delete(m, "sub") }, "sub is not the ID token's"},
		"sub of a number":                        {set("sub", 1), "not the JSON expected"},
		"email an array":                         {set("email", []string{"a@example.com"}), "not the JSON expected"},
		"email_verified a string":                {set("email_verified", "true"), "not the JSON expected"},
		"row 25: core identity of another type":  {set(coreIdentityClaim, map[string]any{"vot": "P2"}), "not the JSON expected"},
		"row 25: core identity an unsigned list": {set(coreIdentityClaim, []string{"a"}), "not the JSON expected"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, purpose := range []journey.Step{journey.SignIn, journey.VerifyIdentity} {
				p := newProvider(t)
				p.editUserinfo = row.edit
				arrival, err := p.trip(p.relyingParty(), purpose)
				wantTrouble(t, err, journey.SignInProblem, row.says)
				if arrival.Subject != "" || arrival.Email != "" {
					t.Error("somebody arrived with the error")
				}
			}
		})
	}

	for name, row := range map[string]struct {
		edit  func(map[string]any)
		email string
	}{
		"row 33: no phone number":          {func(m map[string]any) { delete(m, "phone_number"); delete(m, "phone_number_verified") }, email},
		"row 33: phone number of any type": {set("phone_number", []any{1, nil}), email},
		"row 33: phone not verified":       {set("phone_number_verified", false), email},
		"row 33: claims nobody asked for":  {set("https://vocab.account.gov.uk/v1/passport", []any{map[string]any{"documentNumber": "1"}}), email},
		"no e-mail":                        {drop("email"), ""},
		"e-mail null":                      {set("email", nil), ""},
		"e-mail not verified":              {set("email_verified", false), ""},
		"e-mail of unknown standing":       {drop("email_verified"), ""},
		"e-mail kept literally":            {set("email", "A@x@\u202ey.example"), "A@x@\u202ey.example"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.editUserinfo = row.edit
			arrival, err := p.trip(p.relyingParty(), journey.SignIn)
			if err != nil || arrival.Subject != subject || arrival.Email != row.email {
				t.Errorf("e-mail %q, want %q: %v", arrival.Email, row.email, err)
			}
		})
	}
}
