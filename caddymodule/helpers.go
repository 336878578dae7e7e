package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/allocation"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/findtrn"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/support"
	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// helpers reads notify and support. Nothing is sent yet.
func (r *resolver) helpers(c Config, s *settings) {
	if n := c.Notify; n != nil {
		s.notify = notify.Config{APIKey: r.required("notify api_key", n.APIKey)}
		if n.URL != "" {
			s.notify.URL = r.providerURL("notify url", n.URL, false, s.serviceURL)
		}
		if c.AllocateTRN || n.TRNAllocatedTemplate != "" {
			s.trnTemplate = r.uuid("notify trn_allocated_template", r.required("notify trn_allocated_template", n.TRNAllocatedTemplate))
		}
		if c.Support.Email != "" || n.SupportTemplate != "" {
			s.supportTemplate = r.uuid("notify support_template", r.required("notify support_template", n.SupportTemplate))
		}
		s.replyTo = r.uuid("notify reply_to", r.text("notify reply_to", n.ReplyTo))
		if _, err := notify.New(s.notifyConfig(slog.Default())); s.notify.APIKey != "" && err != nil {
			r.mistake("notify: %w", err)
		}
	}
	switch z := c.Support.Zendesk; {
	case z != nil && c.Support.Email != "":
		r.mistake("support: email and zendesk are there both; keep one")
	case c.Support.Email != "":
		s.supportMailbox = r.email("support email", c.Support.Email)
		if c.Notify == nil {
			r.mistake("support email needs notify, through which the e-mails go; write: %s", examples["notify"])
		}
	case z != nil:
		r.zendesk(z, s)
	}
}

// findALostTRN reads what we agreed on with Find a lost TRN. It follows the
// assertion, whose audience names the service.
func (r *resolver) findALostTRN(f *FindALostTRN, s *settings) {
	if f == nil {
		return
	}
	c := findtrn.Config{
		SharedKey: r.required("find_a_lost_trn shared_key", f.SharedKey),
		ClientID:  cmp.Or(r.text("find_a_lost_trn client_id", f.ClientID), s.audience), ClientTitle: s.serviceName,
	}
	if c.URL = r.required("find_a_lost_trn url", f.URL); c.URL != "" {
		c.URL = r.providerURL("find_a_lost_trn url", c.URL, false, s.serviceURL)
	}
	r.each("find_a_lost_trn api_key", f.APIKeys, func(key string) error {
		c.APIKeys = append(c.APIKeys, key)
		return nil
	})
	if s.serviceURL != nil {
		c.ClientURL = s.serviceURL.String()
		c.RedirectURL = c.ClientURL + s.pathPrefix + "/find-a-lost-trn/callback"
	}
	if len(r.mistakes) > 0 { // or they would be told twice
		return
	}
	if _, err := findtrn.New(c); err != nil {
		r.mistake("find_a_lost_trn: %w", err)
	}
	s.find = &c
}

func (r *resolver) zendesk(z *Zendesk, s *settings) {
	c := support.ZendeskConfig{
		ClientID: r.required("support zendesk client_id", z.ClientID), ClientSecret: r.required("support zendesk client_secret", z.ClientSecret),
		Tags: z.Tags, ShowNINO: z.ShowNINO,
		GroupID: r.number("support zendesk group_id", z.GroupID), FormID: r.number("support zendesk form_id", z.FormID), BrandID: r.number("support zendesk brand_id", z.BrandID),
	}
	if z.URL != "" {
		c.URL = r.providerURL("support zendesk url", z.URL, false, s.serviceURL)
	} else {
		c.Subdomain = r.required("support zendesk subdomain", z.Subdomain)
	}
	for id, value := range z.Fields {
		if c.Fields == nil {
			c.Fields = map[string]string{}
		}
		c.Fields[id] = r.text("support zendesk field "+id, value)
	}
	s.zendesk = &c
	if _, err := support.NewZendesk(s.zendeskConfig(slog.Default())); len(r.mistakes) == 0 && err != nil {
		r.mistake("support zendesk: %w", err)
	}
}

// number is a number of Zendesk's, 0 when there is none.
func (r *resolver) number(setting, value string) int64 {
	if value = r.text(setting, value); value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		r.mistake("%s: %q is not a number; write: %s", setting, value, examples[setting])
	}
	return n
}

// uuid checks an id of Notify's.
func (r *resolver) uuid(setting, value string) string {
	if value != "" && uuid.Validate(value) != nil {
		r.mistake("%s: %q is not an id of GOV.UK Notify; write: %s", setting, value, examples[setting])
	}
	return value
}

func (s settings) notifyConfig(logger *slog.Logger) notify.Config {
	c := s.notify
	c.UserAgent, c.HTTP, c.Logger = s.userAgent(), &http.Client{}, logger
	return c
}

func (s settings) zendeskConfig(logger *slog.Logger) support.ZendeskConfig {
	c := *s.zendesk
	c.UserAgent, c.HTTP, c.Logger = s.userAgent(), &http.Client{}, logger
	return c
}

// mail is GOV.UK Notify for the parts that write to somebody; nil if there is none.
func (s settings) mail(logger *slog.Logger) (*post, error) {
	if s.notify.APIKey == "" {
		return nil, nil
	}
	client, err := notify.New(s.notifyConfig(logger))
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	return &post{client, s}, nil
}

// opener is who opens tickets; nil if nobody does.
func (s settings) opener(mail *post, logger *slog.Logger) (support.Opener, error) {
	switch {
	case s.zendesk != nil:
		zendesk, err := support.NewZendesk(s.zendeskConfig(logger))
		if err != nil {
			return nil, fmt.Errorf("support zendesk: %w", err)
		}
		return zendesk, nil
	case s.supportMailbox != "":
		mailbox, err := support.NewEmail(support.EmailConfig{Sender: mail, To: s.supportMailbox, Template: s.supportTemplate})
		if err != nil {
			return nil, fmt.Errorf("support email: %w", err)
		}
		return mailbox, nil
	}
	return nil, nil
}

// post writes to people through GOV.UK Notify.
type post struct {
	*notify.Client
	settings settings
}

// TRNAllocated tells a teacher their TRN.
func (m *post) TRNAllocated(ctx context.Context, r allocation.Request, again bool) error {
	err := m.Client.Send(ctx, notify.Email{
		To: r.Email, Template: m.settings.trnTemplate, Reference: r.ID, ReplyTo: m.settings.replyTo,
		Personalisation: map[string]string{
			"name": strings.TrimSpace(r.FirstName + " " + r.LastName), "trn": r.TRN,
			"service": m.settings.serviceName, "sign_in_url": m.settings.serviceURL.String() + "/",
		},
		Sanitise: []string{"name"},
	}, again)
	later := notify.Later{}
	switch {
	case errors.Is(err, notify.ErrRefused):
		return fmt.Errorf("%w: %w", background.ErrHopeless, err)
	case errors.As(err, &later):
		return background.NotYet{In: later.Wait}
	}
	return err
}

// Send sends a request for help to its mailbox.
func (m *post) Send(ctx context.Context, to, template string, values map[string]string, reference string, again bool) error {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	err := m.Client.Send(ctx, notify.Email{To: to, Template: template, Reference: reference, Personalisation: values, Sanitise: names}, again)
	later := notify.Later{}
	switch {
	case errors.Is(err, notify.ErrRefused):
		return fmt.Errorf("%w: %w", support.ErrRefused, err)
	case errors.As(err, &later):
		return support.Later{Wait: later.Wait}
	}
	return err
}

// check says in the log what is wrong with the helpers, as far as they can be
// reached, so that it does not show with the first teacher.
func (s settings) check(mail *post, opener support.Opener, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tell := func(part string, err error) {
		switch {
		case errors.Is(err, notify.ErrRefused), errors.Is(err, support.ErrRefused):
			logger.Error("what is configured will not work", "part", part, "error", err)
		case err != nil:
			logger.Warn("could not be checked at start", "part", part, "error", err)
		}
	}
	if mail != nil && s.trnTemplate != "" {
		tell("notify trn_allocated_template", mail.Check(ctx, s.trnTemplate, []string{"name", "trn", "service", "sign_in_url"}))
	}
	if mail != nil && s.supportTemplate != "" {
		tell("notify support_template", mail.Check(ctx, s.supportTemplate, []string{"title", "ticket"}))
	}
	if zendesk, ok := opener.(*support.Zendesk); ok {
		tell("support zendesk", zendesk.Check(ctx))
	}
}

// finder is Find a lost TRN for the gate.
type finder struct{ *findtrn.Handover }

func (f finder) Depart(journeyID, email, sessionID, previousURL string) (to string, fields []pages.Field, err error) {
	to, form, err := f.Handover.Depart(journeyID, email, sessionID, previousURL)
	for _, field := range form {
		fields = append(fields, pages.Field(field))
	}
	return to, fields, err
}

// ledger keeps what an embedded register gives out.
type ledger struct{ store.Files[json.RawMessage] }

func (l ledger) Read(ctx context.Context, name string) ([]byte, error) {
	text, _, err := l.Files.Read(ctx, name)
	return text, err
}

func (l ledger) Update(ctx context.Context, name string, f func(old []byte) ([]byte, error)) error {
	_, err := l.Files.Change(ctx, name, func(old json.RawMessage, _ bool) (json.RawMessage, error) { return f(old) })
	return err
}
