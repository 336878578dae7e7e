package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A site in a real browser:
//
//	browser_test.go           Chromium, and a person at a tab of it
//	browser_keyboard_test.go  who have no mouse
//	browser_look_test.go      what every page of ours is looked at for
//	browser_console_test.go   what the browser itself complains of
//	axe_test.go               what axe-core complains of
//	browser_stories_test.go   the journeys
//	browser_find_test.go      those to Find a lost TRN and back
//	browser_faulty_test.go    pages with every fault, each of which is found
//
// With E2E_SCREENSHOTS=folder every page is saved there as it looks on a phone
// and on a desktop.

// patience bounds every wait for the browser. It is long, because the machine
// may be busy, and nobody waits for it unless something is broken.
const patience = time.Minute

// chromium is one browser process.
type chromium struct {
	browser context.Context
	seen    sync.Map // pages that were looked at, as they were: see look
	titles  sync.Map // the address of the page with a title
}

// startChromium starts a browser and ends it with the test.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("the browser tests need chromium: make -f xcaddy.mk tools installs it, or on Debian: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), // a profile of its own is the default
		chromedp.NoSandbox, // which refuses to run as root, as containers do
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// Back fetches a page anew: what a browser keeps of it differs from
		// version to version, what we answer does not.
		chromedp.Flag("disable-features", "Translate,BackForwardCache"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	must(t, chromedp.Do(ctx)) // starts it
	return &chromium{browser: ctx}
}

// tab is a person at a tab of their own, which shares no cookies with any
// other. Like a teacher, they know what they see: labels and buttons.
type tab struct {
	*chromium
	t       *testing.T
	ctx     context.Context
	stack   *stack
	site    string // origin of the pages that are ours
	finder  string // origin of Find a lost TRN, where one form of ours leads
	setUp          // how they browse
	console *console
	resp    *network.Response // of the page they are on
	failed  map[string]bool   // addresses of the pages so far with a status of 400 or more
	views   int               // pages of ours they have looked at
}

// setUp is how somebody browses.
type setUp struct {
	size   size // of their window
	script bool // whether pages may run scripts
}

const (
	withScript = true
	noScript   = false
)

// tab opens a tab on a stack.
func (c *chromium) tab(t *testing.T, s *stack, how setUp) *tab {
	t.Helper()
	v := c.blank(t, s.site, how)
	v.stack, v.finder = s, s.finder()
	return v
}

// blank opens a tab on any site.
func (c *chromium) blank(t *testing.T, site string, how setUp) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(c.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	must(t, chromedp.Do(ctx, how.size.emulate())) // the tab lives as long as the context of its first step
	v := &tab{t: t, ctx: ctx, site: site, setUp: how, console: &console{}, failed: map[string]bool{}, chromium: c}
	go v.console.hear(chromedp.Console(ctx))
	v.allowScript(how.script)
	return v
}

// allowScript lets the page run scripts, or not. A page that was loaded
// without does not make up for it.
func (v *tab) allowScript(allow bool) {
	v.t.Helper()
	v.do("turning scripts on or off", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allow})
		return chromedp.Void{}, err
	})
}

func (v *tab) within(limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(v.ctx, limit)
}

// do does something that does not leave the page.
func (v *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := v.within(patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatalf("%s: %v", what, err)
	}
}

// leave does something that leads to another page and waits until that is
// there, with everything on it.
func (v *tab) leave(what string, step chromedp.Action[chromedp.Void]) *tab {
	v.t.Helper()
	if err := v.tryLeave(step); err != nil {
		v.t.Fatalf("%s, at %s: %v", what, v.address(), err)
	}
	return v
}

func (v *tab) tryLeave(step chromedp.Action[chromedp.Void]) error {
	ctx, cancel := v.within(patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		return fmt.Errorf("%w; %s", err, strings.Join(v.overheard(), "; "))
	}
	if v.resp = resp; resp.Status >= 400 {
		v.failed[resp.URL] = true
	}
	return nil
}

// eval is the value of an expression in the page.
func eval[T any](v *tab, expression string, options ...chromedp.EvaluateOption) T {
	v.t.Helper()
	ctx, cancel := v.within(patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		v.t.Fatalf("%.80s: %v", expression, err)
	}
	return value
}

// address is where they are, without the origin if that is ours.
func (v *tab) address() string {
	v.t.Helper()
	return strings.TrimPrefix(eval[string](v, "location.href"), v.site)
}

// open follows an address, given in full or below the site.
func (v *tab) open(address string) *tab {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.site + address
	}
	return v.leave("opening "+address, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.Navigate, page.NavigateParams{URL: address})
		return chromedp.Void{}, err
	})
}

// choose signs in with One Login as a person, where One Login asks who.
func (v *tab) choose(person string) *tab { v.t.Helper(); return v.press(person) }

// press presses a button.
func (v *tab) press(text string) *tab {
	v.t.Helper()
	return v.leave("pressing "+text, v.clickOn("button", text))
}

// follow follows a link.
func (v *tab) follow(text string) *tab {
	v.t.Helper()
	return v.leave("following "+text, v.clickOn("a", text))
}

// back is the browser's own Back.
func (v *tab) back() *tab {
	v.t.Helper()
	return v.leave("going back", chromedp.Evaluate[chromedp.Void]("history.back()"))
}

// pick picks a radio button by its label.
func (v *tab) pick(label string) *tab {
	v.t.Helper()
	v.do("picking "+label, v.clickOn("label", label))
	return v
}

// fill types into the field with a label, in place of what stands in it.
func (v *tab) fill(label, value string) *tab {
	v.t.Helper()
	v.do("going to "+label, v.clickOn("label", label))
	eval[bool](v, "document.activeElement.select(), true")
	v.do("typing", keys(value))
	return v
}

// holds checks what stands in the field with a label.
func (v *tab) holds(label, value string) *tab {
	v.t.Helper()
	if got := eval[string](v, labelled(label)+".value"); got != value {
		v.t.Errorf("%s: %s holds %q, want %q", v.address(), label, got, value)
	}
	return v
}

// picked checks that a radio button is chosen.
func (v *tab) picked(label string) *tab {
	v.t.Helper()
	if !eval[bool](v, labelled(label)+".checked") {
		v.t.Errorf("%s: %q is not chosen", v.address(), label)
	}
	return v
}

// labelled is an expression for the field with a label.
func labelled(label string) string {
	return fmt.Sprintf("[...document.querySelectorAll('label')].find(l => l.innerText.trim() === %q).control", label)
}

// cookie is the value of a cookie of the site.
func (v *tab) cookie(name string) (value string) {
	v.t.Helper()
	v.do("reading cookies", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		got, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{URLs: []string{v.site}})
		for _, c := range got.Cookies {
			if c.Name == name {
				value = c.Value
			}
		}
		return chromedp.Void{}, err
	})
	return value
}

// whereIs finds an element that can be seen by its text, brings it into view
// and tells a point on it. Somebody who cannot see it could not click it.
const whereIs = `((kind, text) => {
	const words = e => e.innerText.replace(/\s+/g, " ").trim();
	const e = [...document.querySelectorAll(kind)].find(e => e.checkVisibility({visibilityProperty: true}) && words(e) === text);
	if (!e) return {problem: "there is none; the page says: " + words(document.body)};
	e.scrollIntoView({block: "center", behavior: "instant"});
	const box = e.getClientRects()[0], x = box.x + box.width / 2, y = box.y + box.height / 2;
	const top = document.elementFromPoint(x, y);
	if (!e.contains(top)) return {problem: "it is covered by " + (top ? top.outerHTML.slice(0, 80) : "nothing")};
	return {x, y};
})`

// clickOn is a click with the mouse.
func (v *tab) clickOn(kind, text string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		args, err := json.Marshal([]string{kind, text})
		if err != nil {
			return chromedp.Void{}, err
		}
		at, err := chromedp.Evaluate[struct {
			X, Y    float64
			Problem string
		}](whereIs+"(..."+string(args)+")")(ctx, t)
		if err == nil && at.Problem != "" {
			err = errors.New(at.Problem)
		}
		if err != nil {
			return chromedp.Void{}, err
		}
		return chromedp.MouseClickXY(at.X, at.Y)(ctx, t)
	}
}
