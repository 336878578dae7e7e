package onelogin_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

func textOf(response *http.Response) string {
	text, _ := io.ReadAll(response.Body)
	return string(text)
}

// TestAccountPage: a button per person, in the order of the cast, and what the
// service asks for.
func TestAccountPage(t *testing.T) {
	p := newParty(t)
	for vector, asks := range map[string]string{"Cl.Cm": "sign in", "Cl.Cm.P2": "prove your identity"} {
		text := textOf(p.depart(query(p.jwt("one", p.object(vector)))))
		if !strings.Contains(text, "<strong>A service</strong> asks you to "+asks) {
			t.Errorf("%s: the page does not say what is asked", vector)
		}
		for _, person := range people.Everyone() {
			_, after, found := strings.Cut(text, `<button name="person" value="`+person.Value+`">`)
			if !found || !strings.Contains(after, person.About) {
				t.Errorf("%s: no button for %s, or out of order", vector, person.Value)
			}
			text = after
		}
	}
}

// TestAccount: a person chosen is signed in at every service, for an hour since
// they last came, and can sign out here.
func TestAccount(t *testing.T) {
	p := newParty(t)
	if text := textOf(p.get("")); !strings.Contains(text, "You are not signed in") {
		t.Errorf("before: %s", text)
	}
	if p.signIn("Cl.Cm", "known").Get("code") == "" {
		t.Fatal("not signed in")
	}
	if text := textOf(p.get("account")); !strings.Contains(text, "<strong>known</strong>: ottoline.brackenmoor@people.example") {
		t.Errorf("signed in: %s", text)
	}
	straight := func() bool { return arrive(p.depart(query(p.jwt("one", p.object("Cl.Cm"))))).Get("code") != "" }
	p.pass(59 * time.Minute)
	if !straight() {
		t.Error("asked again within the hour")
	}
	p.pass(59 * time.Minute)
	if !straight() {
		t.Error("coming by did not prolong the session")
	}
	p.pass(time.Hour)
	if straight() {
		t.Error("not asked again after an hour")
	}
	p.signIn("Cl.Cm", "known")
	response, err := p.browser.PostForm(p.issuer+"account/end", nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := textOf(p.read(response)); !strings.Contains(text, "You are not signed in") || straight() {
		t.Errorf("signed out here: %s", text)
	}
}

// TestChooseNobody: an unknown person, or a journey that is over, leads back to
// the page, which says so.
func TestChooseNobody(t *testing.T) {
	p := newParty(t)
	journey := p.depart(query(p.jwt("one", p.object("Cl.Cm")))).Request.URL.Query().Get("journey")
	choose := func(journey, person string) *http.Response {
		response, err := p.browser.PostForm(p.issuer+"account", url.Values{"journey": {journey}, "person": {person}})
		if err != nil {
			t.Fatal(err)
		}
		return p.read(response)
	}
	if text := textOf(choose(journey, "nobody")); !strings.Contains(text, "Who are you?") {
		t.Errorf("an unknown person: %s", text)
	}
	if arrive(choose(journey, "known")).Get("code") == "" {
		t.Error("the journey is lost after an unknown person")
	}
	if text := textOf(choose(journey, "known")); !strings.Contains(text, "This sign-in is over") {
		t.Errorf("a journey that is over: %s", text)
	}
}
