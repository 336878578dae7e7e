package devstack

import (
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// What the module proves itself with at GOV.UK Notify, Zendesk and Find a lost TRN,
// what the last of them proves itself with here, and the ids of the templates. They are the same at every run and open nothing but stand-ins.
const (
	notifyKey           = "stand_in-3b1f6a52-7c0d-4e8a-9f61-2d5c8b40e7a3-c94e0d17-58b2-4f6e-a3d9-71f08e26b5c4"
	trnTemplate         = "5d0c1e7f-92a4-4b36-8c5e-f1a7d3b9602e"
	supportTemplate     = "a8f36b20-4d17-49ce-b65a-0e92c7d1f843"
	zendeskClient       = "teaching_record_stand_in"
	zendeskClientSecret = "stand-in-7f2c9ab4e1d85036"
	findSharedKey       = "stand-in-shared-0c6b91f4a7e3d852"
	findAPIKey          = "stand-in-presented-e58d2f7b0a94c316"
)

// templates are those of docs/notify-template.md.
var templates = []notify.Template{
	{
		ID: trnTemplate, Name: "TRN allocated",
		Subject: "Your teacher reference number (TRN)",
		Body: `Dear ((name))

You asked for a teacher reference number (TRN) when you signed in to ((service)).

Your TRN is ((trn)).

Keep it safe. You will need it when you deal with the Department for Education, and employers may ask for it.

# What to do next

Sign in to ((service)) with the same GOV.UK One Login as before:

((sign_in_url))

You will not be asked to prove your identity again.

If you did not ask for a TRN, reply to this email.
`,
	},
	{
		ID: supportTemplate, Name: "Support request",
		Subject: "((title))",
		Body: `A teacher needs help to be connected to their teaching record. They were shown the reference and may quote it.

((ticket))
`,
	},
}

// newHelpers makes those who write to teachers and to the people who help.
func newHelpers(config Config) (*notify.Server, *zendesk.Server, error) {
	mail, err := notify.New(notify.Config{APIKey: notifyKey, Templates: templates, Stall: config.Stall, Logger: config.Logger})
	if err != nil {
		return nil, nil, err
	}
	desk, err := zendesk.New(zendesk.Config{ClientID: zendeskClient, ClientSecret: zendeskClientSecret, Stall: config.Stall, Logger: config.Logger})
	return mail, desk, err
}

// newFinder makes Find a lost TRN. It knows everybody, and the record of who has
// one, whose TRN it finds by their name and date of birth. On request it finds
// somebody else's: that of Rosalind Hollowbrook.
func newFinder(config Config) (*find.Server, error) {
	_, host, _ := strings.Cut(config.Site, "://")
	return find.New(find.Config{
		APIBase: config.Site, APIKey: findAPIKey, SharedKey: findSharedKey, OtherTRN: "7386270",
		Clients: []find.Client{{ID: host, RedirectURLs: []string{config.Site + prefix + "/find-a-lost-trn/callback"}}},
		Find:    known, HTTP: config.HTTP, Logger: config.Logger,
	})
}

// known is what Find a lost TRN knows of who has an e-mail address.
func known(email string) (find.Person, bool) {
	for _, p := range people.Everyone() {
		if p.Email == email && p.Verified {
			return find.Person{FirstName: p.Given[0], LastName: p.Family[0], BirthDate: p.BirthDate, NINO: p.NINO, TRN: p.Own()}, true
		}
	}
	return find.Person{}, false
}
