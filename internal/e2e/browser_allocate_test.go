package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestBrowserAllocating walks the journeys of those who have no TRN, or whom
// people help, in Chromium; see TestBrowser.
func TestBrowserAllocating(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	for _, story := range []struct {
		name  string
		tell  func(*tab)
		setUp setUp
	}{
		{"no-trn", noTRN, setUp{wide, withScript}},
		{"no-trn-no-script", noTRN, setUp{phone, noScript}},
		{"possible-duplicate", possibleDuplicate, setUp{phone, withScript}},
		{"possible-duplicate-no-script", possibleDuplicate, setUp{wide, noScript}},
		{"rejected", rejected, setUp{wide, withScript}},
		{"rejected-no-script", rejected, setUp{phone, noScript}},
		{"cannot-request", cannotRequest, setUp{phone, withScript}},
		{"cannot-request-no-script", cannotRequest, setUp{wide, noScript}},
		{"solved", solved, setUp{wide, withScript}},
		{"solved-no-script", solved, setUp{phone, noScript}},
		{"nobody-writes", nobodyWrites, setUp{wide, withScript}},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			options := []option{}
			if story.name == "nobody-writes" {
				options = append(options, withoutHelpers)
			}
			story.tell(c.tab(t, registers["trs"](t, options...), story.setUp))
		})
	}
}

// noTRN is a TRN in one sitting, with every turn that the question for it offers.
func noTRN(v *tab) {
	const numberPage = trnPage + "?have=yes"
	v.open("/records?page=2").choose("no-trn").at(ninoPage).pick("No").press("Continue").at(trnPage)
	v.press("Continue").wrong(trnPage, "Select yes if you have a teacher reference number")
	v.pick("Yes").press("Continue").at(numberPage)
	v.press("Continue").wrong(trnPage, "Enter your teacher reference number")
	v.follow("go back").at(trnPage)
	v.pick("I do not know").press("Continue").at(checkPage)
	v.follow("Change teacher reference number (TRN)").at(trnPage).picked("I do not know")
	v.pick("No").press("Continue").at(requestPage)
	v.follow("change your answer").at(trnPage).picked("No").press("Continue").at(requestPage)
	v.follow("Change National Insurance number").at(ninoPage).pick("Yes").press("Continue").at(ninoPage + "?have=yes")
	v.fill("National Insurance number", "QQ 36 74 90 A").press("Continue").at(requestPage).says("QQ 36 74 90 A")
	v.press("Request a TRN").at(connectedPage).says("5000001")
	v.press("Continue").stands(200, "/records?page=2").says("You are signed in")
	v.back().stands(200, "/records?page=2")
}

// waits asks for a TRN as one of the cast, and ends where they wait.
func (v *tab) waits(person string) *tab {
	v.t.Helper()
	v.open("/records").choose(person).at(ninoPage).pick("No").press("Continue").at(trnPage).pick("No").press("Continue").at(requestPage)
	return v.press("Request a TRN").at(waitingPage)
}

// possibleDuplicate waits and goes on: with scripts the page does so by itself.
func possibleDuplicate(v *tab) {
	const promise = "You can also stay on this page."
	v.hurry(50)
	v.waits("possible-duplicate")
	v.back().at(waitingPage).follow("Check now").at(waitingPage)
	if says := strings.Contains(eval[string](v, "document.body.innerText"), promise); says != v.script {
		v.t.Errorf("the page says that it checks by itself: %t", says)
	}
	decide := func() { v.stack.decides(v.t, "EVADNE LARKHAMPTON is 7383917") }
	if !v.script {
		decide()
		v.stack.await("the decision to be heard of", func() bool { return len(v.stack.Notify.Inbox()) > 0 })
		v.follow("Check now").stands(200, "/records").says("You are signed in")
		return
	}
	// Ten minutes are over without an answer: it checks no longer, and says so.
	v.stack.await("the end of its checks", func() bool { return !strings.Contains(eval[string](v, "document.body.innerText"), promise) })
	if looks := eval[int](v, "looks"); looks != 40 {
		v.t.Errorf("in ten minutes it looked %d times", looks)
	}
	v.follow("Check now").at(waitingPage).says(promise)
	v.leave("waiting", func(context.Context, *chromedp.Target) (none chromedp.Void, _ error) { decide(); return })
	v.stands(200, "/records").says("You are signed in")
	if complaints := v.overheard(); len(complaints) > 0 {
		v.t.Error(complaints)
	}
}

// hurry makes the pages' timers that repeat so many times quicker, and counts what
// the page on the screen fetches.
func (v *tab) hurry(times int) {
	v.t.Helper()
	source := fmt.Sprintf(`{
		const slow = setInterval, take = fetch;
		window.setInterval = (f, ms) => slow(f, ms / %d);
		window.looks = 0;
		window.fetch = (...what) => { looks++; return take(...what); };
	}`, times)
	v.do("hurrying", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
		return chromedp.Void{}, err
	})
}

// rejected reads so when the page looks again.
func rejected(v *tab) {
	v.waits("rejected")
	v.stack.decides(v.t, "Reject THADDEUS WEXCOMBE")
	v.stack.soon(v.t, hours, "the ticket", func() bool { return len(v.stack.Zendesk.Tickets()) > 0 })
	v.follow("Check now").at(declinedPage).says(v.stack.Zendesk.Tickets()[0].ExternalID)
	v.open("/records").at(declinedPage)
}

// cannotRequest has a name of one part, which the register takes no request with.
func cannotRequest(v *tab) {
	v.open("/records").choose("no-trn").at(ninoPage).pick("No").press("Continue").at(trnPage)
	_, err := v.stack.store().Change(v.t.Context(), v.cookie("teaching-record"), func(s journey.State) (journey.State, error) {
		s.Identity.Names = []journey.Name{{Given: []string{"HORATIA"}}}
		return s, nil
	})
	must(v.t, err)
	v.pick("No").press("Continue").at(checkPage).says("We cannot request a TRN for you automatically").says("You said that you do not have one")
	v.follow("Change teacher reference number (TRN)").at(trnPage).picked("No").press("Continue").at(checkPage)
	v.press("Confirm and send").at(requestedPage).says("We will look into it and then email")
	v.stack.await("the ticket", func() bool { return len(v.stack.Zendesk.Tickets()) > 0 })
	if body := v.stack.Zendesk.Tickets()[0].Body; !strings.Contains(body, "Reason: They have no TRN") || !strings.Contains(body, "(no family name)") {
		v.t.Error(body)
	}
}

// solved is what is read when people have dealt with a request otherwise.
func solved(v *tab) {
	v.open("/records").choose("not-found").at(ninoPage).pick("No").press("Continue").at(trnPage).pick("I do not know").press("Continue").at(checkPage)
	v.press("Confirm and send").at(requestedPage).says("We will look into it and then email")
	v.stack.await("the ticket", func() bool { return len(v.stack.Zendesk.Tickets()) > 0 })
	must(v.t, v.stack.Zendesk.Solve(v.stack.Zendesk.Tickets()[0].ID))
	v.stack.soon(v.t, 2*time.Hour, "the end of the ticket to be noticed", func() bool {
		s, found, err := v.stack.store().Load(v.t.Context(), v.cookie("teaching-record"))
		return err == nil && found && s.Stale != ""
	})
	v.open("/records").at(requestedPage).says("We have dealt with your request")
	v.press("Try again with different details").at(ninoPage)
}

// nobodyWrites is a site without GOV.UK Notify and Zendesk: pages promise no e-mail.
func nobodyWrites(v *tab) {
	v.waits("possible-duplicate").says("Sign in to Access your teaching qualifications again later")
	v.stack.decides(v.t, "Reject EVADNE LARKHAMPTON")
	v.stack.soon(v.t, hours, "the decision to be heard of", func() bool {
		s, found, err := v.stack.store().Load(v.t.Context(), v.cookie("teaching-record"))
		return err == nil && found && s.Stale != ""
	})
	v.follow("Check now").at(declinedPage).says("help@example.gov.uk")
	if v.resp.Status != http.StatusOK || len(v.stack.Notify.Inbox())+len(v.stack.Zendesk.Tickets()) != 0 {
		v.t.Error("somebody was written to")
	}
}

// withoutHelpers takes notify and support out of the Caddyfile.
func withoutHelpers(s *stack) {
	text := read(s.t, s.caddyfile)
	for _, block := range []string{"\t\tnotify {\n", "\t\tsupport zendesk {\n"} {
		before, after, found := strings.Cut(text, block)
		_, after, ends := strings.Cut(after, "\n\t\t}\n")
		if !found || !ends {
			s.t.Fatalf("Caddyfile.example has no block %q", block)
		}
		text = before + after
	}
	s.caddyfile = s.dir + "/Caddyfile"
	write(s.t, s.caddyfile, text)
}
