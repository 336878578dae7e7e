package e2e

import (
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// foundByKeyboard is the second main journey without a mouse, from the first
// page to the service.
func foundByKeyboard(v *tab) {
	v.open("/").tabTo("found-by-trn").enter().at(ninoPage)

	// The first stop of every page leads past its head.
	v.tabTo("Skip to main content").key("following", kb.Enter)
	if focus := eval[string](v, "document.activeElement.id"); focus != "main-content" {
		v.t.Errorf("Skip to main content leads to %q", focus)
	}
	v.tabTo("Continue").enter().wrong(ninoPage, "Select yes if you have a National Insurance number")

	// One stop for all radio buttons; arrows choose among them.
	v.tabTo("Yes").key("choosing", kb.ArrowDown).picked("No")
	v.tabTo("Continue").enter().at(trnPage)
	v.tabTo("Back").enter().at(ninoPage).tabTo("No").tabTo("Continue").enter().at(trnPage)

	// Enter in a field is Continue, not the other button.
	v.tabTo("Teacher reference number").key("typing", "73841").enter().wrong(trnPage, "Teacher reference number must be 7 digits")
	v.key("typing", kb.End+"68").holds("Teacher reference number", "7384168").enter().at(connectedPage)
	v.tabTo("Continue").leave("pressing", keys(" ")).stands(200, "/").says("You are signed in")
}

// focused is what has the focus: its words or, for a field, its label's; and
// whether that can be seen. After the last stop the body has it for one Tab.
const focused = `(() => {
	const e = document.activeElement, label = e.labels && e.labels[0];
	const marked = s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 1 || s.boxShadow !== "none";
	return {
		words: (label || e).innerText.replace(/\s+/g, " ").trim(),
		seen: e === document.body || marked(getComputedStyle(e)) || !!label && marked(getComputedStyle(label, "::before")),
	};
})()`

// tabTo presses Tab until something has the focus. Whatever has it on the way
// shows that it does.
func (v *tab) tabTo(words string) *tab {
	v.t.Helper()
	var passed []string
	for range 30 {
		v.key("going on", kb.Tab)
		on := eval[struct {
			Words string
			Seen  bool
		}](v, focused)
		if !on.Seen {
			v.t.Errorf("%s: nobody sees that the focus is on %q", v.address(), on.Words)
		}
		if on.Words == words {
			return v
		}
		passed = append(passed, fmt.Sprintf("%.30q", on.Words))
	}
	v.t.Fatalf("%s: Tab never comes to %q, only to %v", v.address(), words, passed)
	return nil
}

// key presses keys that do not leave the page.
func (v *tab) key(what, pressed string) *tab {
	v.t.Helper()
	v.do(what, keys(pressed))
	return v
}

// keys presses keys as a keyboard does: what follows from a key going down
// keeps its character from whatever has the focus by then.
func keys(pressed string) chromedp.Action[chromedp.Void] {
	return chromedp.KeyEvent(pressed, func(key *input.DispatchKeyEventParams) {
		if key.Type == input.DispatchKeyEventTypeKeyDown {
			key.Type = input.DispatchKeyEventTypeRawKeyDown
		}
	})
}

// enter presses Enter, which leaves the page.
func (v *tab) enter() *tab {
	v.t.Helper()
	return v.leave("pressing Enter", keys(kb.Enter))
}
