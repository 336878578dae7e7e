package caddymodule

import "github.com/caddyserver/caddy/v2"

// Config is the directive in its JSON form, and its field comments are the
// manual. The words of the Caddyfile are the JSON names, but for private_key,
// which stands there once for each key of private_keys, and lookup_limit, which
// has its two values behind it.
//
// Text values may hold the placeholders {env.NAME} and {file./path}. They are
// expanded once, at start, never per request; any other placeholder, and one
// that comes out empty, is refused. Keys and secrets belong in placeholders,
// because Caddy's admin API shows the configuration as it was written.
type Config struct {
	// The name of the service, as teachers know it: in the header and in the
	// title of every page. Required.
	ServiceName string `json:"service_name,omitempty"`

	// The public origin of the service, such as
	// https://teaching.example.gov.uk: scheme and host exactly as the browser
	// shows them, no path. Redirect URIs, cookies and the issuer of the
	// assertion follow from it, never from the Host header. It must be https;
	// http is for loopback addresses. Required.
	ServiceURL string `json:"service_url,omitempty"`

	// The path below which the module serves its own pages and endpoints; the
	// service sees none of these requests. Default: /teaching-record
	PathPrefix string `json:"path_prefix,omitempty"`

	// Paths that are forwarded without sign-in and without identity, in the
	// form of Caddy's path matcher: /healthcheck is that path alone, /assets/*
	// all below it. Default: none, every path needs sign-in.
	Public []string `json:"public,omitempty"`

	// The e-mail address shown to teachers on end pages and error pages.
	// Required.
	SupportEmail string `json:"support_email,omitempty"`

	// GOV.UK One Login, and who we are there. Required.
	OneLogin OneLogin `json:"one_login,omitzero"`

	// Where visits, flows and links are kept: a redis://, rediss://,
	// redis+cluster://, rediss+cluster://, redis+sentinel:// or unix:// URL.
	// The word embedded keeps them inside the process instead and loses them
	// when it stops; it is for trials, with a loopback service_url only.
	// Required.
	Redis string `json:"redis,omitempty"`

	// What seals the values in Redis: 32 or more random bytes each, in base64.
	// The first seals, all open. To rotate, in three steps, each on all replicas
	// before the next: add the new one last; make it first; take the old one
	// away when no visit sealed with it can be alive (session absolute), the log
	// says that all links were moved, and four days have passed: so long the old
	// one knows of webhooks that come again. Required.
	Secrets []string `json:"secrets,omitempty"`

	// Where teaching records are looked up. Required.
	Register Register `json:"register,omitzero"`

	// Whether a teacher who has no TRN may request one. The register must give
	// TRNs: with trs the API key needs the role CreateTrn; embedded gives out
	// those from 9000000. Default: no (false)
	AllocateTRN bool `json:"allocate_trn,omitempty"`

	// Find a lost TRN, which finds out TRNs from what people remember. Without it
	// pages only link to it.
	FindALostTRN *FindALostTRN `json:"find_a_lost_trn,omitempty"`

	// GOV.UK Notify, which tells a teacher of a TRN that was allocated later, and
	// takes requests for help to a mailbox. Without it nobody is written to.
	Notify *Notify `json:"notify,omitempty"`

	// Where requests for help go. Without it they are only in the log, and pages
	// ask teachers to write to support_email.
	Support Support `json:"support,omitzero"`

	// What the service is told about the teacher. Required: its private key.
	Assertion Assertion `json:"assertion,omitzero"`

	// How long a teacher stays signed in.
	Session Session `json:"session,omitzero"`

	// How often one person may look for a record.
	LookupLimit LookupLimit `json:"lookup_limit,omitzero"`

	// The languages of the pages. This version has English only. Default: en
	Languages []string `json:"languages,omitempty"`

	// How the pages look: generic, or govuk with the GOV.UK header, crown and
	// typeface, which are allowed on gov.uk domains only. Default: generic
	Branding string `json:"branding,omitempty"`
}

// OneLogin says which GOV.UK One Login signs teachers in and how it knows us.
type OneLogin struct {
	// integration or production. Required, unless the three addresses below
	// are all given in its place.
	Environment string `json:"environment,omitempty"`

	// The client ID that One Login gave the service. Required.
	ClientID string `json:"client_id,omitempty"`

	// RSA private keys of 2048 bits or more, PEM (PKCS #8 or PKCS #1). The
	// first signs, all are published for One Login to fetch. To rotate, add
	// the new key as the second, make it the first a day later, and remove
	// the old one a day after that. Required: one.
	PrivateKeys []string `json:"private_keys,omitempty"`

	// The issuer of another environment or of a stand-in, exactly as its ID
	// tokens have it, slash at the end included. https, or http on loopback.
	Issuer string `json:"issuer,omitempty"`

	// The address of its DID document, which holds the keys that sign verified
	// identities.
	DIDURL string `json:"did_url,omitempty"`

	// The issuer of its core identity tokens, slash at the end included.
	IdentityIssuer string `json:"identity_issuer,omitempty"`
}

// Register says where teaching records are looked up: one of the two.
type Register struct {
	// The path of a JSON file of people, for trials and tests.
	Embedded string `json:"embedded,omitempty"`

	// The Teaching Record System.
	TRS *TRS `json:"trs,omitempty"`
}

// TRS says how to reach the API of the Teaching Record System.
type TRS struct {
	// Its address, such as
	// https://preprod.teacher-qualifications-api.education.gov.uk, without a
	// path. It must be https; http is for loopback addresses. Required.
	URL string `json:"url,omitempty"`

	// The API key that TRS gave the service, with the role GetPerson. Required.
	APIKey string `json:"api_key,omitempty"`

	// Whether TRS tells us of changes, at the address
	// <service_url><path_prefix>/webhooks/trs, which the people who run TRS must
	// register exactly so, for the events one_login_user.updated,
	// person.deactivated, alert.created, alert.updated and alert.deleted, and with
	// allocate_trn trn_request.completed. A link that is made or taken away there,
	// and a record that is deactivated, merged or has a new alert, then take effect
	// at once; without it, at the next sign-in. A TRN that is given later then
	// reaches the teacher at once; without it, within an hour. Default: off (false)
	Webhook bool `json:"webhook,omitempty"`
}

// FindALostTRN says what we agreed on with the people who run Find a lost TRN. It
// tells us what it found at <service_url>/api/find-trn/user/…, whatever path_prefix
// is, and sends teachers back to <service_url><path_prefix>/find-a-lost-trn/callback.
type FindALostTRN struct {
	// Where its handover begins, such as
	// https://find-a-lost-trn.education.gov.uk/identity. Required.
	URL string `json:"url,omitempty"`

	// The key that signs what we send, 16 characters or more. Required.
	SharedKey string `json:"shared_key,omitempty"`

	// The keys that it may present to us, 16 characters or more, none of them the
	// shared one. To rotate, add the new one, have it used there, and take the old
	// one away. Required: one.
	APIKeys []string `json:"api_keys,omitempty"`

	// What it knows the service by. Default: the audience of the assertion
	ClientID string `json:"client_id,omitempty"`
}

// Notify says how to send e-mails; docs/notify-template.md has the templates.
type Notify struct {
	// The API key of the service at Notify: a live one in production. Required.
	APIKey string `json:"api_key,omitempty"`

	// The id of the template that tells a teacher their TRN. Required with
	// allocate_trn.
	TRNAllocatedTemplate string `json:"trn_allocated_template,omitempty"`

	// The id of the template of a request for help. Required with support email.
	SupportTemplate string `json:"support_template,omitempty"`

	// The id of the address that teachers reply to, one of Notify's. Default:
	// the service's own default there
	ReplyTo string `json:"reply_to,omitempty"`

	// Where Notify is, if it is a stand-in. Default:
	// https://api.notifications.service.gov.uk
	URL string `json:"url,omitempty"`
}

// Support says where requests for help go: one of the two.
type Support struct {
	// The mailbox of the people who help. It is written to through Notify.
	Email string `json:"email,omitempty"`

	// Zendesk.
	Zendesk *Zendesk `json:"zendesk,omitempty"`
}

// Zendesk says how to open tickets; docs/support-tickets.md says what is in them.
type Zendesk struct {
	// The account: example for https://example.zendesk.com. Required.
	Subdomain string `json:"subdomain,omitempty"`

	// The confidential OAuth client, with the grant type client credentials and
	// the scopes tickets:read and tickets:write. Required.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`

	// Tags of every ticket. Default: none
	Tags []string `json:"tags,omitempty"`

	// The numbers of the group, form and brand of every ticket. Default: those of
	// the account.
	GroupID string `json:"group_id,omitempty"`
	FormID  string `json:"form_id,omitempty"`
	BrandID string `json:"brand_id,omitempty"`

	// Custom fields by their number, and what is put into them. Default: none
	Fields map[string]string `json:"fields,omitempty"`

	// Whether tickets show whole National Insurance numbers, and not only how
	// they end. Default: off (false)
	ShowNINO bool `json:"show_nino,omitempty"`

	// Where Zendesk is, in place of subdomain, if it is a stand-in.
	URL string `json:"url,omitempty"`
}

// Assertion says what the service is told, and how it can tell that it is true.
type Assertion struct {
	// The name of the service in the claim "aud", which it must check.
	// Default: the host of service_url.
	Audience string `json:"audience,omitempty"`

	// EC P-256 private keys, PEM (PKCS #8 or SEC 1). The first signs, all are
	// published for the service to fetch. To rotate, add the new key as the
	// second, make it the first ten minutes later, and remove the old one ten
	// minutes after that. Required: one.
	PrivateKeys []string `json:"private_keys,omitempty"`

	// What one assertion is good for. With request it names the method and the
	// path and is made anew each time; with session it is good for any request
	// of the session and may be used again for 30 seconds, which costs less
	// and proves less. Default: request
	Bind string `json:"bind,omitempty"`

	// Claims beyond the subject and the TRN: email, name, birthdate, record.
	// Name only what the service needs. Default: none.
	Claims []string `json:"claims,omitempty"`

	// Whether the headers Teaching-Record-Trn and One-Login-Subject are sent
	// too, for services that cannot read the assertion. They prove nothing to
	// a service that anyone else can reach. Default: off (false)
	PlainHeaders bool `json:"plain_headers,omitempty"`
}

// Session says how long a teacher stays signed in. In JSON a duration is text
// such as "2h" or a number of nanoseconds.
type Session struct {
	// The longest pause between two requests. At least 1m. Default: 2h
	Idle caddy.Duration `json:"idle,omitempty"`

	// The longest time altogether; at least as long as idle. Default: 12h
	Absolute caddy.Duration `json:"absolute,omitempty"`

	// How long a visit may be used without asking Redis again, and so how late
	// a sign-out elsewhere can take effect when Redis cannot tell us of it.
	// 0s asks every time. At most 10s. Default: 2s
	Cache *caddy.Duration `json:"cache,omitempty"`
}

// LookupLimit says how often one One Login subject may look for a record,
// whatever the browser; then the journey goes on to a request for help.
type LookupLimit struct {
	// The number of lookups. Default: 5
	Lookups int `json:"lookups,omitempty"`

	// The time in which they count. At least 1m. Default: 24h
	Window caddy.Duration `json:"window,omitempty"`
}
