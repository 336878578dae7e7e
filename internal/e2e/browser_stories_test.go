package e2e

import (
	"slices"
	"testing"
)

// TestBrowser walks the journeys in Chromium and looks at every page on the
// way: see browser_look_test.go for what is looked for.
func TestBrowser(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	for _, story := range []struct {
		name  string
		tell  func(*tab)
		setUp setUp
	}{
		{"found-by-nino", foundByNINO, setUp{wide, withScript}},
		{"found-by-nino-no-script", foundByNINO, setUp{phone, noScript}},
		{"found-by-trn", foundByTRN, setUp{phone, withScript}},
		{"found-by-trn-no-script", foundByTRN, setUp{wide, noScript}},
		{"found-by-trn-keyboard", foundByKeyboard, setUp{wide, withScript}},
		{"not-found", notFound, setUp{wide, withScript}},
		{"not-found-no-script", notFound, setUp{phone, noScript}},
		{"not-verified", notVerified, setUp{wide, withScript}},
		{"fixed-pages", fixedPages, setUp{wide, withScript}},
		{"troubles", troubles, setUp{wide, withScript}},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.tell(c.tab(t, start(t), story.setUp))
		})
	}
}

// foundByNINO is the first of the two main journeys, with every mistake on the
// way, and out again.
func foundByNINO(v *tab) {
	const numberPage = ninoPage + "?have=yes"
	v.open("/records?page=2").choose("found-by-nino").at(ninoPage)
	v.press("Continue").wrong(ninoPage, "Select yes if you have a National Insurance number")
	v.pick("Yes").press("Continue").at(numberPage)
	v.press("Continue").wrong(ninoPage, "Enter a National Insurance number")
	v.fill("National Insurance number", "27 49 16 B").press("Continue").wrong(ninoPage, "Enter a National Insurance number in the correct format")
	v.holds("National Insurance number", "27 49 16 B")
	v.fill("National Insurance number", "qq274916 b").press("Continue").at(connectedPage)
	v.press("Continue").stands(200, "/records?page=2").says("You are signed in")

	// A link of the service's own page signs out without asking again.
	v.follow("Sign out").at(signedOutPage)
	v.open("/records").says("Who are you?")
}

// foundByTRN is the other: nothing known but the TRN.
func foundByTRN(v *tab) {
	v.open("/").choose("found-by-trn").at(ninoPage)
	v.pick("No").press("Continue").at(trnPage)
	v.follow("Back").at(ninoPage).picked("No")
	v.press("Continue").at(trnPage)
	v.press("Continue").wrong(trnPage, "Enter your teacher reference number")
	v.fill("Teacher reference number", "73 84 16").press("Continue").wrong(trnPage, "Teacher reference number must be 7 digits")
	v.holds("Teacher reference number", "73 84 16")
	v.fill("Teacher reference number", "0000000").press("Continue").wrong(trnPage, "Teacher reference number must not be all zeros")
	v.fill("Teacher reference number", "RP73/84168").press("Continue").at(connectedPage)
	v.press("Continue").stands(200, "/").says("You are signed in")

	// The browser's own Back leads to no page that is over.
	v.back().stands(200, "/").says("You are signed in")
}

// notFound ends in a request for help, which can be taken up again.
func notFound(v *tab) {
	v.open("/").choose("not-found").at(ninoPage).pick("Yes").press("Continue").at(ninoPage + "?have=yes")
	v.follow("Back").at(ninoPage).pick("Yes").press("Continue")
	v.fill("National Insurance number", "QQ 58 12 67 D").press("Continue").at(trnPage)
	v.follow("Back").at(ninoPage).picked("Yes").press("Continue").at(ninoPage + "?have=yes")
	v.holds("National Insurance number", "QQ 58 12 67 D").press("Continue").at(trnPage)
	v.fill("Teacher reference number", "7389902").press("Continue").at(checkPage)
	v.follow("Change teacher reference number (TRN)").at(trnPage).holds("Teacher reference number", "7389902")
	v.press("I do not know my TRN").at(checkPage)
	v.follow("Change National Insurance number").at(ninoPage).pick("No").press("Continue").at(checkPage)
	v.press("Confirm and send").at(requestedPage)
	v.back().at(requestedPage)
	v.press("Try again with different details").at(ninoPage)
}

// notVerified can try again: a form of ours whose answer leads to One Login,
// which the policy of the page must allow at every hop.
func notVerified(v *tab) {
	v.open("/").choose("not-verified").at(notVerifiedPage)
	v.press("Try again").at(notVerifiedPage)
	if got, want := v.stack.OneLogin.Record().Vectors, []string{"Cl.Cm", "Cl.Cm.P2", "Cl.Cm.P2"}; !slices.Equal(got, want) {
		v.t.Errorf("One Login was asked for %v, want %v", got, want)
	}
	v.follow("Sign out").at(signedOutPage)
	v.follow("Sign in").says("Who are you?")
}

// fixedPages need no visit. They are reached as people reach them.
func fixedPages(v *tab) {
	v.open("/").choose("found-by-trn").at(ninoPage)
	v.follow("Accessibility").at("/teaching-record/accessibility")
	v.follow("Cookies").at("/teaching-record/cookies")

	// Who comes from nowhere is asked; the button's answer leads to One Login.
	v.open("/teaching-record/sign-out").at("/teaching-record/sign-out")
	v.press("Sign out").at(signedOutPage)
	if got := v.stack.OneLogin.Record().Hits["logout"]; got != 1 {
		v.t.Errorf("One Login was told %d times", got)
	}
}

// troubles are the pages for what comes to nothing, each with its way on.
func troubles(v *tab) {
	v.open("/teaching-record/no-such-page").shown(404, "/teaching-record/no-such-page").says("Page not found")
	v.open("/teaching-record/callback?error=access_denied").shown(502, "/teaching-record/callback?error=access_denied")
	v.follow("Try again").choose("found-by-trn").at(ninoPage)

	// The visit ends, here in another tab, while a question is on the screen.
	v.pick("Yes")
	must(v.t, v.stack.store().Delete(v.t.Context(), v.cookie("teaching-record")))
	v.press("Continue").shown(403, ninoPage).says("You’ve been signed out")

	v.stack.refuseRedis(v.t, true)
	v.open("/records").shown(503, "/records")
}
