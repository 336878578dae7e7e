package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Email is one e-mail: a template, what is filled in, and for whom.
type Email struct {
	To       string
	Template string // id of the template at Notify, a UUID

	// Personalisation are the values of the template's placeholders.
	Personalisation map[string]string

	// Sanitise are the names of those values that a person typed or brought:
	// names too. Notify takes Markdown and links out of them.
	Sanitise []string

	// Reference is ours: derived from what the e-mail is about, the same for
	// each attempt, and without personal data. Required.
	Reference string

	ReplyTo string // id of a reply-to address at Notify, a UUID; "" for the service's default
}

// The bodies of the API, with the properties that we use. It refuses any that it
// does not know.

type emailRequest struct {
	To              string            `json:"email_address"`
	Template        string            `json:"template_id"`
	Personalisation map[string]string `json:"personalisation,omitempty"`
	Reference       string            `json:"reference"`
	ReplyTo         string            `json:"email_reply_to_id,omitempty"`
	Sanitise        []string          `json:"sanitise_content_for,omitempty"`
}

type notification struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
	Status    string `json:"status"`
}

// Send sends an e-mail (POST /v2/notifications/email), and returns nil once
// Notify has it. Again says that an earlier attempt ended in an error of unknown
// outcome, or may have been under way when the process died: then Notify is
// asked first whether it has the reference, and if so nothing is sent.
//
// Notify remembers for 7 days, and may store an e-mail a little later than it
// answers: leave a few seconds before an attempt that is again, and make two for
// one reference neither at once nor a week apart.
func (c *Client) Send(ctx context.Context, e Email, again bool) error {
	if e.To == "" || e.Reference == "" { // a look-up without a reference finds anything
		return fmt.Errorf("send an e-mail: it needs an address and a reference: %w", ErrRefused)
	}
	if again {
		has, err := c.has(ctx, e.Reference)
		if err != nil {
			return fmt.Errorf("look up an e-mail at GOV.UK Notify: %w", err)
		}
		if has {
			c.Logger.InfoContext(ctx, "GOV.UK Notify has the e-mail of an earlier attempt; it is not sent again", "reference", e.Reference)
			return nil
		}
	}
	var sent notification
	err := c.call(ctx, http.MethodPost, "/v2/notifications/email", emailRequest{
		To: e.To, Template: e.Template, Personalisation: e.Personalisation, Reference: e.Reference, ReplyTo: e.ReplyTo, Sanitise: e.Sanitise,
	}, http.StatusCreated, &sent)
	if err == nil && (sent.ID == "" || sent.Reference != e.Reference) {
		err = errors.New("an answer about no e-mail of ours")
	}
	if err != nil {
		return fmt.Errorf("send an e-mail through GOV.UK Notify: %w", err)
	}
	return nil
}

// has reports whether Notify has an e-mail with the reference that is on its way
// or delivered (GET /v2/notifications). The newest are first, and one page has
// more than we ever made.
func (c *Client) has(ctx context.Context, reference string) (bool, error) {
	var list struct {
		Notifications *[]notification `json:"notifications"`
	}
	if err := c.call(ctx, http.MethodGet, "/v2/notifications?"+url.Values{"reference": {reference}}.Encode(), nil, http.StatusOK, &list); err != nil {
		return false, err
	}
	if list.Notifications == nil { // not the same as none
		return false, errors.New("an answer that is no list of e-mails")
	}
	all := *list.Notifications
	if slices.ContainsFunc(all, func(n notification) bool { return n.Reference != reference }) {
		return false, errors.New("an answer about other e-mails")
	}
	if slices.ContainsFunc(all, func(n notification) bool { return slices.Contains(onItsWay, n.Status) }) {
		return true, nil
	}
	if len(all) == 0 {
		return false, nil
	}
	switch all[0].Status {
	case "technical-failure": // between Notify and its provider: "you'll have to try sending your messages again"
		return false, nil
	case "permanent-failure":
		return false, fmt.Errorf("permanent-failure: the address takes no e-mail: %w", ErrRefused)
	case "temporary-failure": // after 72 hours of the provider's trying
		return false, fmt.Errorf("temporary-failure: the inbox is full, or its filter refuses the e-mail: %w", ErrRefused)
	}
	return false, errors.New("a status that we do not know")
}

// onItsWay are the statuses of an e-mail that is not to be sent again.
var onItsWay = []string{"created", "sending", "delivered"}
