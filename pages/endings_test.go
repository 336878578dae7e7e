package pages

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// What each ending says, and what it keeps to itself. Sentences are named by
// their keys, and found by how they begin.
func TestEndingsSay(t *testing.T) {
	const email = "amelia@example.com"
	support := []string{
		"support-requested.recorded", "support-requested.email", "support-requested.reply", "support-requested.look",
		"support-requested-solved.what", "contact.reference", "contact.from", "support-requested.different",
	}
	request := []string{
		"trn-requested.since", "trn-requested.email", "trn-requested.return", "trn-requested.waiting",
		"trn-request-declined.reference", "contact.reference", "contact.from",
	}
	tests := []struct {
		name string
		view View
		of   []string
		says []string
	}{
		{"write yourself", SupportRequested{"7K2M", email, false, ""}, support, []string{
			"support-requested.recorded", "support-requested.email", "contact.from", "support-requested.different"}},
		{"sent", SupportRequested{"7K2M", email, true, ""}, support, []string{
			"support-requested.recorded", "support-requested.reply", "contact.reference", "support-requested.different"}},
		{"sent, without an email address", SupportRequested{"7K2M", "", true, "open"}, support, []string{
			"support-requested.recorded", "support-requested.look", "contact.reference", "support-requested.different"}},
		{"solved", SupportRequested{"7K2M", email, true, "solved"}, support, []string{
			"support-requested-solved.what", "contact.reference", "contact.from", "support-requested.different"}},
		{"requested", TRNRequested{email, time.Date(2026, time.November, 24, 23, 59, 0, 0, time.UTC)}, request, []string{
			"trn-requested.since", "trn-requested.email", "trn-requested.waiting"}},
		{"requested, without an email", TRNRequested{}, request, []string{"trn-requested.return", "trn-requested.waiting"}},
		{"declined", TRNRequestDeclined{"7K2M", email}, request, []string{"trn-request-declined.reference", "contact.reference", "contact.from"}},
		{"declined, without an email address", TRNRequestDeclined{"7K2M", ""}, request, []string{"trn-request-declined.reference", "contact.reference"}},
	}
	s := newSet(t, brands[0])
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := parsed(t, show(t, s, Frame{}, tt.view))
			for _, key := range tt.of {
				begins, _, _ := strings.Cut(said(t, page, key), "{")
				if got := strings.Contains(text(page), begins); got != slices.Contains(tt.says, key) {
					t.Errorf("says %s: %t", key, got)
				}
			}
			if quoted := strings.Contains(text(page), "7K2M"); quoted != !strings.HasPrefix(tt.name, "requested") {
				t.Errorf("quotes the reference: %t", quoted)
			}
		})
	}
}

// Without scripts the holding page claims nothing about looking by itself, and
// has a link that does it.
func TestHoldingPage(t *testing.T) {
	s := newSet(t, brands[0])
	page := parsed(t, show(t, s, Frame{}, TRNRequested{Since: time.Date(2026, time.June, 2, 0, 30, 0, 0, time.FixedZone("BST", 3600))}))
	var modules, now []string
	for n := range all(only(t, page, "main")) {
		if module, ok := attr(n, "data-module"); ok {
			_, hidden := attr(n, "hidden")
			modules = append(modules, module)
			if !hidden {
				t.Errorf("%q is shown before a script runs", text(n))
			}
		}
		if n.Data == "a" && text(n) == "Check now" {
			now = append(now, value(n, "href"))
		}
	}
	if !slices.Equal(modules, []string{"waiting"}) || !slices.Equal(now, []string{"/teaching-record/trn-requested"}) {
		t.Errorf("what looks by itself is %q, the links are %q", modules, now)
	}
	if !strings.Contains(text(page), "on 2 June 2026.") {
		t.Errorf("it was not requested on the day it was: %s", text(page))
	}
}
