package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// size is of a window, in CSS pixels.
type size struct {
	name          string
	width, height int64
}

var (
	narrow = size{"narrow", 320, 640} // the least that WCAG 1.4.10 wants, and 1280 at 400 %
	phone  = size{"phone", 390, 844}
	wide   = size{"desktop", 1280, 900}
)

func (s size) emulate() chromedp.Action[chromedp.Void] {
	return chromedp.EmulateViewport(s.width, s.height)
}

// at is a page of ours: where they are, and that nothing is wrong with it.
func (v *tab) at(path string) *tab { v.t.Helper(); return v.shown(200, path) }

// wrong is a page of ours that came back because of an answer.
func (v *tab) wrong(path, message string) *tab {
	v.t.Helper()
	v.shown(422, path)
	for _, complaint := range v.summary(message) {
		v.t.Errorf("%s: %s", path, complaint)
	}
	return v
}

// shown is a page of ours with its status.
func (v *tab) shown(status int64, path string) *tab {
	v.t.Helper()
	v.stands(status, path)
	v.views++
	if status == 200 {
		title := eval[string](v, "document.title")
		if other, taken := v.titles.LoadOrStore(title, path); taken && other != path {
			v.t.Errorf("%s and %s have the same title: %s", path, other, title)
		}
	}
	for _, complaint := range v.look() {
		v.t.Errorf("%s: %s", path, complaint)
	}
	return v
}

// stands checks the status and the address only: of a page that is not ours.
func (v *tab) stands(status int64, path string) *tab {
	v.t.Helper()
	got, _, _ := strings.Cut(v.address(), "?state=") // which One Login brings back to signed-out
	if got != path || v.resp.Status != status {
		v.t.Fatalf("at %s (%d), want %s (%d): %s", got, v.resp.Status, path, status, eval[string](v, "document.body.innerText"))
	}
	return v
}

// says checks for a text on any page.
func (v *tab) says(text string) *tab {
	v.t.Helper()
	if body := eval[string](v, "document.body.innerText"); !strings.Contains(body, text) {
		v.t.Fatalf("%s does not say %q: %s", v.address(), text, body)
	}
	return v
}

// look is all that is wrong with the page they are on.
func (v *tab) look() (complaints []string) {
	v.t.Helper()
	add := func(where string, more []string) {
		for _, complaint := range more {
			complaints = append(complaints, where+complaint)
		}
	}
	add("", v.overheard())
	if !v.first() {
		return complaints
	}
	if ran := eval[bool](v, `document.body.classList.contains("js-enabled")`); ran != v.script {
		add("", []string{fmt.Sprintf("scripts ran: %t, want %t", ran, v.script)})
	}
	add("", eval[[]string](v, fmt.Sprintf("(%s)(%q)", structure, v.finder)))

	// axe waits for timers, which need scripts: those of the page stay unrun.
	v.allowScript(true)
	for _, s := range []size{narrow, wide} {
		v.do("resizing", s.emulate())
		add(s.name+": ", v.axe())
		add(s.name+": ", eval[[]string](v, overflow))
	}
	eval[bool](v, `document.documentElement.style.fontSize = "200%", true`)
	add("text at 200%: ", eval[[]string](v, overflow))
	eval[bool](v, `document.documentElement.style.fontSize = "", true`)
	v.photograph()
	v.allowScript(v.script)
	v.do("resizing", v.size.emulate())
	add("after looking: ", v.overheard())
	return complaints
}

// first reports whether nobody has looked at this page yet, exactly as it is.
func (v *tab) first() bool {
	v.t.Helper()
	page := strings.ReplaceAll(eval[string](v, "document.documentElement.outerHTML"), v.site, "")
	_, seen := v.seen.LoadOrStore(fmt.Sprint(v.script, page), true)
	return !seen
}

// structure is what we ask of a page besides axe, as a list of complaints.
// Only the signed form for Find a lost TRN may leave us, and for there.
const structure = `(finder => {
	const wrong = [], all = s => [...document.querySelectorAll(s)];
	const words = e => e.innerText.replace(/\s+/g, " ").trim();
	const no = (bad, complaint) => bad && wrong.push(complaint);

	no(document.documentElement.lang !== "en", "the language is " + document.documentElement.lang);
	const h1 = all("h1"), summary = document.querySelector(".govuk-error-summary");
	no(h1.length !== 1, h1.length + " h1");
	const title = (summary ? "Error: " : "") + (h1[0] ? words(h1[0]) : "") + " – Access your teaching qualifications";
	no(document.title !== title, "the title is " + document.title + ", want " + title);
	no(all("main").length !== 1, "no main, or several");
	const skip = document.querySelector("a");
	no(!skip || skip.getAttribute("href") !== "#main-content" || !document.getElementById("main-content"), "the first link skips nothing");

	const ids = all("[id]").map(e => e.id);
	ids.forEach((id, i) => no(ids.indexOf(id) !== i, "two elements have the id " + id));
	for (const name of ["aria-describedby", "aria-labelledby", "aria-controls", "for"])
		for (const e of all("[" + name + "]"))
			for (const id of e.getAttribute(name).split(" ")) no(!ids.includes(id), name + " names " + id + ", which is not there");

	// What GOV.UK pages do without, and what the policy forbids.
	for (const e of all("[required], [maxlength], [placeholder], [autofocus], [style], [onclick], [onsubmit], style"))
		wrong.push("not wanted: " + e.outerHTML.slice(0, 120));
	for (const form of all("form")) {
		no(!form.noValidate, "a form without novalidate");
		no(form.method !== "post", "a form that does not post");
		no(new URL(form.action).origin !== (form.elements.sig ? finder : location.origin), "a form that posts elsewhere");
	}
	for (const a of all("a[target]")) {
		no(!words(a).includes("(opens in new tab)"), "opens a tab unasked: " + words(a));
		no(!/noreferrer/.test(a.rel) || !/noopener/.test(a.rel), "tells where it leads from: " + words(a));
	}
	for (const e of all("a[href], button")) no(!words(e) && e.checkVisibility(), "a link or button without words: " + e.outerHTML.slice(0, 120));
	return wrong;
})`

// overflow is what does not fit: to read it one would have to scroll sideways,
// or could not read it at all.
const overflow = `(() => {
	const wrong = [], root = document.documentElement;
	const past = [...document.body.querySelectorAll("*")].filter(e => e.checkVisibility() &&
		(e.getBoundingClientRect().right > root.clientWidth + 1 || e.clientWidth && e.scrollWidth > e.clientWidth + 1));
	if (root.scrollWidth > root.clientWidth)
		wrong.push(root.scrollWidth + " px do not fit into " + root.clientWidth + ": " + past.slice(-2).map(e => e.outerHTML.slice(0, 120)).join(" "));
	for (const e of document.body.querySelectorAll("*")) {
		const hides = getComputedStyle(e).overflow !== "visible" && !e.closest(".govuk-visually-hidden, .govuk-skip-link") && e.checkVisibility();
		if (hides && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1) && e.clientWidth > 1 && e.tagName !== "INPUT")
			wrong.push("cut off: " + e.outerHTML.slice(0, 120));
	}
	return wrong;
})()`

// summary is what is wrong with the summary of errors on the page. With
// scripts it has the focus; with or without, its link leads to the field.
func (v *tab) summary(message string) (complaints []string) {
	v.t.Helper()
	shown := eval[struct {
		Summary, Inline string
		Focused         bool
		Target          string
	}](v, `(() => {
		const words = s => [...document.querySelectorAll(s)].map(e => e.innerText.replace(/\s+/g, " ").trim()).join("|");
		const link = document.querySelector(".govuk-error-summary a");
		return {summary: words(".govuk-error-summary li"), inline: words(".govuk-error-message"),
			focused: !!document.activeElement.closest(".govuk-error-summary"), target: link ? link.hash.slice(1) : ""};
	})()`)
	if shown.Summary != message || shown.Inline != "Error: "+message {
		complaints = append(complaints, fmt.Sprintf("the summary says %q and the field %q, want %q", shown.Summary, shown.Inline, message))
	}
	if shown.Focused != v.script {
		complaints = append(complaints, fmt.Sprintf("the summary has the focus: %t, want %t", shown.Focused, v.script))
	}
	if v.script { // it has the focus, so the link in it is the next stop
		v.do("following the error", keys(kb.Tab+kb.Enter))
	} else {
		v.do("following the error", v.clickOn(".govuk-error-summary a", message))
	}
	if focus := eval[string](v, "document.activeElement.id"); focus != shown.Target || focus == "" {
		complaints = append(complaints, fmt.Sprintf("the summary's link to %q leads to %q", shown.Target, focus))
	}
	return complaints
}

// photograph saves the page as people see it on a phone and on a desktop, where
// E2E_SCREENSHOTS names a folder.
func (v *tab) photograph() {
	v.t.Helper()
	folder := os.Getenv("E2E_SCREENSHOTS")
	if folder == "" {
		return
	}
	must(v.t, os.MkdirAll(folder, 0o755))
	_, story, _ := strings.Cut(v.t.Name(), "/")
	page := regexp.MustCompile(`[^a-z-]+`).ReplaceAllString(filepath.Base(v.address()), "-")
	for _, s := range []size{phone, wide} {
		v.do("resizing", s.emulate())
		ctx, cancel := v.within(patience)
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		cancel()
		must(v.t, err)
		name := fmt.Sprintf("%s-%02d-%s-%s.png", strings.ReplaceAll(story, "/", "-"), v.views, page, s.name)
		must(v.t, os.WriteFile(filepath.Join(folder, name), picture, 0o644))
	}
}
