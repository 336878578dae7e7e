package e2e

import (
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
)

// TestBrowserFinding walks to Find a lost TRN and back in Chromium; see TestBrowser.
func TestBrowserFinding(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	for _, story := range []struct {
		name    string
		tell    func(*tab)
		options []option
		setUp   setUp
	}{
		{"lost-trn", lostTRN, nil, setUp{wide, withScript}},
		{"lost-trn-no-script", lostTRN, nil, setUp{phone, noScript}},
		{"lost-trn-allocating", lostTRN, []option{allocating}, setUp{phone, withScript}},
		{"find-fails", findFails, nil, setUp{phone, withScript}},
		{"find-fails-no-script", findFails, nil, setUp{wide, noScript}},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.tell(c.tab(t, start(t, append([]option{finding}, story.options...)...), story.setUp))
		})
	}
}

// forgets is on the page from which people leave for Find, as one of the cast.
func (v *tab) forgets(person string) *tab {
	v.t.Helper()
	v.open("/records?page=2").choose(person).at(ninoPage).pick("No").press("Continue").at(trnPage)
	return v.unknown()
}

// unknown says that they do not know their TRN, whichever way the page asks.
func (v *tab) unknown() *tab {
	v.t.Helper()
	if strings.Contains(eval[string](v, "document.title"), "Do you have") {
		return v.pick("I do not know").press("Continue").at(findPage)
	}
	return v.press("I do not know my TRN").at(findPage)
}

// leaves goes to Find, which the policy of our page must allow, and reads its
// questions.
func (v *tab) leaves() *tab {
	v.t.Helper()
	v.press("Continue to Find a lost TRN").says("Your answers are filled in")
	if at := eval[string](v, "location.origin"); at != v.finder {
		v.t.Fatalf("at %s, want %s", at, v.finder)
	}
	return v
}

// returned is a page of ours at the address where Find sends people back to.
func (v *tab) returned(status int64) *tab {
	v.t.Helper()
	if at := v.address(); !strings.HasPrefix(at, findBack+"?journey=") {
		v.t.Fatalf("at %s, want to be back from Find a lost TRN", at)
	}
	return v.shown(status, v.address())
}

// lostTRN is there and back, with a look back from each side.
func lostTRN(v *tab) {
	v.forgets("lost-trn").follow("Back").at(trnPage).unknown()
	v.leaves().follow("Back").at(findPage) // Find's own link
	v.leaves().back().at(findPage)         // the browser's
	v.leaves().press("Continue").at(connectedPage)
	v.press("Continue").stands(200, "/records?page=2").says("You are signed in")
	v.back().stands(200, "/records?page=2")
	if complaints := v.overheard(); len(complaints) > 0 {
		v.t.Error(complaints)
	}
	v.stack.noFindRuleBroken(v.t)
}

// findFails is each page that there is when a trip comes to nothing, and its ways on.
func findFails(v *tab) {
	play := func(fault string) { must(v.t, v.stack.Find.Play(find.Play{Fault: fault})) }
	play("put-missing")
	v.forgets("lost-trn").leaves().press("Continue").returned(409).says("it has not told us what it found")
	v.press("Continue without finding your TRN").at(checkPage)
	v.follow("Change teacher reference number (TRN)").at(trnPage).unknown()

	play("put-late")
	v.leaves().press("Continue").returned(409)
	v.follow("Go to Find a lost TRN again").at(findPage)

	play("other-browser")
	v.leaves().press("Continue").says("Go back in another browser")
	back := eval[string](v, "document.links[0].href")
	other := v.chromium.tab(v.t, v.stack, v.setUp)
	other.open(back).returned(403).says("You came back in another browser")
	other.follow("Start again").says("Who are you?")
	v.open(back).at(findPage)

	v.open(findBack + "?journey=" + noJourney).returned(410).says("You were at Find a lost TRN for too long")
	v.press("Continue without finding your TRN").at(checkPage)
	v.follow("Change teacher reference number (TRN)").at(trnPage).unknown()

	play("other-trn")
	v.leaves().press("Continue").at(checkPage).says(somebodyElses)
	v.press("Confirm and send").at(requestedPage)
	v.back().at(requestedPage)
	v.stack.noFindRuleBroken(v.t)
}
