package support

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ZendeskConfig is what Zendesk needs. One of URL and Subdomain is required, and
// the OAuth client, user agent and logger; the rest is optional.
type ZendeskConfig struct {
	URL       string // base of the API, such as https://example.zendesk.com
	Subdomain string // instead of URL: "example"

	// The OAuth client: confidential, with the grant type client credentials and
	// the scopes tickets:read and tickets:write.
	ClientID     string
	ClientSecret string

	Tags    []string          // of every ticket: lower case, digits, "_", "-" and "/"
	GroupID int64             // whose ticket it is
	FormID  int64             // ticket_form_id
	BrandID int64             // brand_id
	Fields  map[string]string // custom field id -> value

	// ShowNINO puts the whole National Insurance number into tickets.
	ShowNINO bool

	UserAgent string           // product and version
	HTTP      *http.Client     // default: a plain one; redirects are never followed
	Now       func() time.Time // default: time.Now
	Logger    *slog.Logger
}

// Zendesk opens tickets with the Zendesk Tickets API. It is safe for concurrent
// use.
type Zendesk struct {
	ZendeskConfig
	fields []customField

	mu    sync.Mutex
	token token
}

var (
	subdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	tag       = regexp.MustCompile(`^[a-z0-9_/-]+$`)
)

// NewZendesk checks c. It makes no call: Zendesk may be down when we start.
func NewZendesk(c ZendeskConfig) (*Zendesk, error) {
	if (c.URL == "") == (c.Subdomain == "") {
		return nil, errors.New("Zendesk needs its URL or its subdomain, and not both")
	}
	if c.Subdomain != "" && !subdomain.MatchString(c.Subdomain) {
		return nil, errors.New("the subdomain of Zendesk must be one word, such as example for example.zendesk.com")
	}
	c.URL = strings.TrimSuffix(cmp.Or(c.URL, "https://"+c.Subdomain+".zendesk.com"), "/")
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL of Zendesk must be an address without a path, such as https://example.zendesk.com")
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return nil, errors.New("the URL of Zendesk must be https; http is for loopback addresses only")
	case c.ClientID == "" || c.ClientSecret == "":
		return nil, errors.New("Zendesk needs the identifier and the secret of an OAuth client")
	case strings.TrimSpace(c.UserAgent) == "" || c.Logger == nil:
		return nil, errors.New("Zendesk needs a user agent and a logger")
	}
	for _, t := range c.Tags {
		if !tag.MatchString(t) {
			return nil, fmt.Errorf("%q is no tag of Zendesk: lower-case letters, digits, _, - and / only", t)
		}
	}
	z := &Zendesk{ZendeskConfig: c}
	for id, value := range c.Fields {
		number, err := strconv.ParseInt(id, 10, 64)
		if err != nil || number <= 0 {
			return nil, fmt.Errorf("%q is no id of a custom field: it must be a number", id)
		}
		z.fields = append(z.fields, customField{number, value})
	}
	// The same ticket must give the same bytes, and a map has no order.
	slices.SortFunc(z.fields, func(a, b customField) int { return cmp.Compare(a.ID, b.ID) })
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	z.HTTP = &client
	if z.Now == nil {
		z.Now = time.Now
	}
	return z, nil
}

// The body of POST /api/v2/tickets. A comment is public unless told otherwise,
// and a public one may be mailed to the requester: Public has no omitempty.
type (
	opening struct {
		Ticket newTicket `json:"ticket"`
	}
	newTicket struct {
		Subject    string        `json:"subject"`
		Comment    comment       `json:"comment"`
		Requester  *requester    `json:"requester,omitempty"`
		ExternalID string        `json:"external_id"`
		Tags       []string      `json:"tags,omitempty"`
		Fields     []customField `json:"custom_fields,omitempty"`
		GroupID    int64         `json:"group_id,omitempty"`
		FormID     int64         `json:"ticket_form_id,omitempty"`
		BrandID    int64         `json:"brand_id,omitempty"`
	}
	comment struct {
		Body   string `json:"body"`
		Public bool   `json:"public"`
	}
	requester struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	customField struct {
		ID    int64  `json:"id"`
		Value string `json:"value"`
	}
)

// Open opens the ticket and returns its number. Set again for every attempt but
// the first: then the ticket is looked for before it is opened. Zendesk itself
// knows a key for two hours only; after that the look is what prevents a second
// ticket, and before it the key, should the list not show the ticket yet.
func (z *Zendesk) Open(ctx context.Context, t Ticket, again bool) (id string, err error) {
	if t.Key == "" || t.Reference == "" {
		return "", fmt.Errorf("zendesk: a ticket without a key or a reference: %w", ErrRefused)
	}
	if again {
		if id, err := z.find(ctx, t.Reference); id != "" || err != nil {
			return id, err
		}
	}
	n := newTicket{
		Subject: t.Title(), Comment: comment{Body: t.Body(z.ShowNINO)}, ExternalID: t.Reference,
		Tags: z.Tags, Fields: z.fields, GroupID: z.GroupID, FormID: z.FormID, BrandID: z.BrandID,
	}
	if t.Email != "" {
		// Zendesk wants a name for a requester it does not know, of 255 characters at most.
		n.Requester = &requester{cmp.Or(clip(line(t.Identity.Name().String()), 255), "Teacher "+t.Reference), t.Email}
	}
	body, err := json.Marshal(opening{n})
	if err != nil {
		return "", failed("open", errors.New("the ticket is no JSON"))
	}
	a, err := z.ask(ctx, "open", http.MethodPost, "/api/v2/tickets", body, t.Key)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusCreated {
		return "", z.unexpected(ctx, "open", a)
	}
	return opened(a.body)
}

// find is the number of the ticket with this reference, "" when there is none
// (GET /api/v2/tickets?external_id=). Several can have the same: the first is it.
func (z *Zendesk) find(ctx context.Context, reference string) (id string, err error) {
	a, err := z.ask(ctx, "find", http.MethodGet, "/api/v2/tickets?"+url.Values{"external_id": {reference}}.Encode(), nil, "")
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", z.unexpected(ctx, "find", a)
	}
	return listed(a.body, reference)
}

// State reports whether the ticket is still to be dealt with: not solved, closed
// or deleted (GET /api/v2/tickets/{id}).
func (z *Zendesk) State(ctx context.Context, id string) (open bool, err error) {
	a, err := z.ask(ctx, "state", http.MethodGet, "/api/v2/tickets/"+url.PathEscape(id), nil, "")
	if err != nil {
		return false, err
	}
	switch {
	case a.status == http.StatusNotFound && code(a.body) == "RecordNotFound":
		return false, nil
	case a.status != http.StatusOK:
		return false, z.unexpected(ctx, "state", a)
	}
	return stillOpen(a.body, id)
}

// Check reports whether Zendesk takes the OAuth client and lets it read tickets.
// That it may write cannot be found out without writing.
func (z *Zendesk) Check(ctx context.Context) error {
	_, err := z.find(ctx, "no-such-reference")
	return err
}

// loopback reports whether host names this machine, without asking DNS.
func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
