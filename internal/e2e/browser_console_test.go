package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"sync"

	"github.com/chromedp/chromedp"
)

// console keeps what a tab's console says: of scripts that throw, of requests
// that fail, and of everything the policy of a page forbids.
type console struct {
	mu     sync.Mutex
	said   []chromedp.ConsoleMessage
	mark   string // of our own: what came before it has been heard
	marked func()
}

// hear collects messages until the tab is closed.
func (c *console) hear(messages iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range messages {
		if err != nil {
			return
		}
		c.add(m)
	}
}

func (c *console) add(m chromedp.ConsoleMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.marked != nil && m.Text == c.mark {
		c.marked()
		c.marked = nil
	}
	c.said = append(c.said, m)
}

// overheard is what the console has said since it was asked last, as far as it
// is a complaint. Chromium also calls it a failure when a page that it shows
// has a status of 400 or more; whoever comes there knows the status they want.
func (v *tab) overheard() (complaints []string) {
	v.t.Helper()
	ctx, cancel := v.within(patience)
	defer cancel()
	ctx, marked := context.WithCancel(ctx)
	c := v.console
	c.mu.Lock()
	c.mark, c.marked = "e2e "+rand.Text(), marked
	mark := c.mark
	c.mu.Unlock()
	v.do("marking the console", chromedp.Evaluate[chromedp.Void](fmt.Sprintf("console.debug(%q)", mark)))
	if <-ctx.Done(); ctx.Err() == context.DeadlineExceeded {
		v.t.Fatal("the console says nothing")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.said {
		expected := m.Source == "network" && v.failed[m.URL]
		if (m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException()) && !expected {
			complaints = append(complaints, fmt.Sprintf("console: %s (%s)", m, m.URL))
		}
	}
	c.said = nil
	return complaints
}
