package onelogin

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// wantNothingPersonal looks in text for everything the provider knows about the
// person and the trip. It reads the log of every test that has a provider, and every
// error of an arrival.
func (p *provider) wantNothingPersonal(where, text string) {
	p.t.Helper()
	for _, planted := range p.planted() {
		if strings.Contains(text, planted) {
			p.t.Errorf("%s says %.40q:\n%.2000s", where, planted, text)
		}
	}
}

// planted is what must be in no log and no error.
func (p *provider) planted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	planted := append([]string{subject, email, phone, "KENNETH", "DECERQUEIRA", birthDate}, p.secrets...)
	for _, token := range p.tokens {
		for part := range strings.SplitSeq(token, ".") {
			if len(part) >= 20 { // shorter ones are the rubbish of some test
				planted = append(planted, part)
			}
		}
	}
	return planted
}

// TestPlanted: the watch over logs and errors knows what to look for.
func TestPlanted(t *testing.T) {
	p := newProvider(t)
	arrival, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
	if err != nil {
		t.Fatal(err)
	}
	call := p.calls["/token"][0].PostForm
	signature := arrival.IDToken[strings.LastIndexByte(arrival.IDToken, '.')+1:]
	for _, marker := range []string{arrival.Subject, arrival.Email, arrival.Identity.BirthDate(), arrival.Identity.Name().Family[0],
		call.Get("code"), call.Get("code_verifier"), signature} {
		if !slices.Contains(p.planted(), marker) {
			t.Errorf("%.20q is not looked for", marker)
		}
	}
	if len(p.planted()) != 6+4+1+3+3 { // constants, trip, access token, ID token, core identity
		t.Errorf("%d markers", len(p.planted()))
	}
	if !strings.Contains(p.log.String(), "identity checked by One Login") {
		t.Error("the log is not this relying party's")
	}
}
