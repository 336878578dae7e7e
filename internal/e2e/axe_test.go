package e2e

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeVersion is of testdata/axe/axe.min.js.gz; the README beside it tells more.
const axeVersion = "4.13.0"

//go:embed testdata/axe/axe.min.js.gz
var axePacked []byte

// axeSource is axe-core, unpacked once.
var axeSource = sync.OnceValues(func() (string, error) {
	packed, err := gzip.NewReader(bytes.NewReader(axePacked))
	if err != nil {
		return "", err
	}
	source, err := io.ReadAll(packed)
	return string(source), err
})

// axeRun runs every rule of WCAG 2.2, levels A and AA, and no advice beyond it.
// What axe cannot decide is as good as a violation: nobody would look at it.
// preload would fetch stylesheets, which the policy of the pages forbids.
const axeRun = `axe.run(document, {
	runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
	preload: false,
}).then(found => ({
	version: axe.version,
	passed: found.passes.length,
	complaints: [...found.violations, ...found.incomplete].flatMap(rule => rule.nodes.map(node =>
		"axe: " + rule.id + " (" + rule.help + ") at " + node.target.join(" ") + ": " +
		[...node.any, ...node.all, ...node.none].map(check => check.message).join("; "))),
}))`

// axe is what axe-core complains of in the page as it is now.
func (v *tab) axe() []string {
	v.t.Helper()
	source, err := axeSource()
	must(v.t, err)
	if !eval[bool](v, `typeof axe === "object"`) {
		v.do("loading axe", chromedp.Evaluate[chromedp.Void](source))
	}
	found := eval[struct {
		Version    string
		Passed     int
		Complaints []string
	}](v, axeRun, chromedp.EvalAwaitPromise)
	// A run that looked at nothing must not pass for one that found nothing.
	if found.Version != axeVersion || found.Passed < 5 {
		return []string{fmt.Sprintf("axe %s passed %d rules", found.Version, found.Passed)}
	}
	return found.Complaints
}

func TestAxeSource(t *testing.T) {
	t.Parallel()
	source, err := axeSource()
	must(t, err)
	if !strings.HasPrefix(source, "/*! axe v"+axeVersion+"\n") {
		t.Errorf("axe.min.js begins %.60q", source)
	}
}
