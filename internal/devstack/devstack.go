// Package devstack puts the stand-ins together: everything the module talks to,
// on one machine, for the demo and the tests.
//
//	devstack.go     New: the stand-ins, knowing of each other
//	helpers.go      GOV.UK Notify and its templates, Zendesk, Find a lost TRN
//	operators.go    what operators of the module decide, by its admin endpoint
//	environment.go  what Caddyfile.example and the service are told of them
//	onelogin/       GOV.UK One Login, stricter than the real one, with every fault
//	trs/            the Teaching Record System's API and webhooks, stricter too, with
//	                its faults
//	notify/         GOV.UK Notify: e-mails go to an in-box, with its faults
//	zendesk/        Zendesk: tickets, with its faults
//	find/           Find a lost TRN: questions, an answer behind the browser's back,
//	                with every way in which the trip can end
//	people/         who can sign in, and the records behind them
//	service/        the service behind the module, which verifies the assertion
//	console/        a page that links everything, explains it and plays the faults
//	page/           the plain frame of their pages
//
// Each stand-in is an http.Handler; the caller chooses the ports and listens.
package devstack

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/console"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/service"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// prefix is the path_prefix of the module, as Caddyfile.example has it.
const prefix = "/teaching-record"

// Config says where everything is. The addresses are those a browser uses.
type Config struct {
	Site        string // origin of the module's site, such as "http://localhost:8080"
	OneLogin    string // origin of the One Login stand-in, such as "http://localhost:8082"
	Notify      string // origin of the stand-in for GOV.UK Notify
	Zendesk     string // origin of the stand-in for Zendesk
	Find        string // origin of the stand-in for Find a lost TRN
	ClientID    string // of the module at One Login
	ServiceName string // shown by One Login and by the service

	// Verify is how the service verifies an assertion.
	Verify func(*http.Request) (map[string]any, error)

	Allocating bool // whether the module gives TRNs

	// Admin is host and port of the admin endpoint of the Caddy with the module, by
	// which the console decides on requests for TRNs when there is no TRSKey.
	Admin string

	TRSKey     string          // the module's API key at the Teaching Record System; "" leaves that out
	TRSRetries []time.Duration // how long after each failed webhook of it the next try comes; default: as the real one

	HTTP   *http.Client  // of One Login, for the module's keys, and of Find a lost TRN; default: plain ones, 5 s
	Stall  time.Duration // of One Login's "slow" faults; default 35 s
	Logger *slog.Logger  // default: none
}

// Stack is the stand-ins, ready to be served.
type Stack struct {
	OneLogin *onelogin.Server
	TRS      *trs.Server // nil without a key; its Close ends the deliveries of webhooks
	Notify   *notify.Server
	Zendesk  *zendesk.Server
	Find     *find.Server
	Service  http.Handler
	Console  http.Handler
}

// New makes the stand-ins.
func New(config Config) (*Stack, error) {
	issuer := strings.TrimSuffix(config.OneLogin, "/") + "/"
	provider, err := onelogin.New(onelogin.Config{
		Issuer: issuer,
		Clients: []onelogin.Client{{
			ID:             config.ClientID,
			Name:           config.ServiceName,
			RedirectURIs:   []string{config.Site + prefix + "/callback"},
			PostLogoutURIs: []string{config.Site + prefix + "/signed-out"},
			JWKSURL:        config.Site + prefix + "/one-login-jwks.json",
		}},
		HTTP:   config.HTTP,
		Stall:  config.Stall,
		Logger: config.Logger,
	})
	if err != nil {
		return nil, err
	}
	upstream, err := service.New(service.Config{Name: config.ServiceName, Prefix: prefix, Verify: config.Verify})
	if err != nil {
		return nil, err
	}
	var records *trs.Server
	if config.TRSKey != "" {
		records, err = trs.New(trs.Config{
			People: people.RegisterFile(), APIKey: config.TRSKey, Webhook: config.Site + prefix + "/webhooks/trs",
			Retries: config.TRSRetries, Stall: config.Stall, Logger: config.Logger,
		})
		if err != nil {
			return nil, err
		}
	}
	mail, desk, err := newHelpers(config)
	if err != nil {
		return nil, err
	}
	finder, err := newFinder(config)
	if err != nil {
		return nil, err
	}
	var staff console.Staff // the Teaching Record System has its own
	if records == nil && config.Admin != "" {
		staff = operators{config.Admin}
	}
	control, err := console.New(console.Config{
		Site: config.Site, Prefix: prefix, OneLoginURL: issuer, OneLogin: provider, Notify: mail, Zendesk: desk, Find: finder,
		TRS: records, Staff: staff, People: people.Everyone(), Allocating: config.Allocating,
	})
	if err != nil {
		return nil, err
	}
	return &Stack{OneLogin: provider, TRS: records, Notify: mail, Zendesk: desk, Find: finder, Service: upstream, Console: control}, nil
}
