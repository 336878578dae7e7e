package support

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type sender func(ctx context.Context, to, template string, values map[string]string, reference string, again bool) error

func (s sender) Send(ctx context.Context, to, template string, values map[string]string, reference string, again bool) error {
	return s(ctx, to, template, values, reference, again)
}

// TestEmail: the ticket goes to the mailbox, under its key, and how it ended
// comes back as it was told.
func TestEmail(t *testing.T) {
	type mail struct {
		To, Template string
		Values       map[string]string
		Reference    string
		Again        bool
	}
	var sent []mail
	var outcome error
	config := EmailConfig{To: "help@example.gov.uk", Template: "a-template", Sender: sender(
		func(_ context.Context, to, template string, values map[string]string, reference string, again bool) error {
			sent = append(sent, mail{to, template, values, reference, again})
			return outcome
		})}
	email, err := NewEmail(config)
	if err != nil {
		t.Fatal(err)
	}
	config.ShowNINO = true
	telling, _ := NewEmail(config)
	ticket := prunella()
	if id, err := email.Open(t.Context(), ticket, false); id != ticket.Key || err != nil {
		t.Errorf("%q %v", id, err)
	}
	outcome = Later{1}
	if id, err := telling.Open(t.Context(), ticket, true); id != "" || !errors.Is(err, outcome) {
		t.Errorf("%q %v", id, err)
	}
	want := func(showNINO, again bool) mail {
		return mail{"help@example.gov.uk", "a-template", map[string]string{"title": ticket.Title(), "ticket": ticket.Body(showNINO)}, ticket.Key, again}
	}
	if diff := cmp.Diff([]mail{want(false, false), want(true, true)}, sent); diff != "" {
		t.Error(diff)
	}
}

// TestNewEmail: what is refused.
func TestNewEmail(t *testing.T) {
	nobody := sender(nil)
	for why, c := range map[string]EmailConfig{
		"no mailbox": {nobody, "", "a-template", false}, "no address": {nobody, "help", "a-template", false},
		"a name beside it": {nobody, "Help <help@example.gov.uk>", "a-template", false},
		"no template":      {nobody, "help@example.gov.uk", "", false}, "no sender": {nil, "help@example.gov.uk", "a-template", false},
	} {
		if _, err := NewEmail(c); err == nil {
			t.Error(why)
		}
	}
}
