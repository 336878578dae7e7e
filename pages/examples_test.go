package pages

import "golang.org/x/net/html"

// examples are compared with the fixtures by TestComponents, which tells of
// fixtures that no example draws.
var examples = []example{
	{
		component: "back-link", fixture: "with custom text and link",
		words: map[string]string{"layout.back": "Back to home"},
		draw:  "back-link", with: "/home",
	},
	{
		component: "button", fixture: "prevent double click",
		draw: "button", with: newButton("primary", "Submit"),
	},
	{
		component: "button", fixture: "secondary",
		draw: "button", with: button{Text: "Secondary button", Name: "secondary", Secondary: true},
		differ: decisions(oneClick),
	},
	{
		component: "button", fixture: "name",
		draw: "button", with: button{Text: "Submit", Name: "start-now"},
		differ: decisions(oneClick),
	},
	{
		component: "button", fixture: "value",
		draw: "button", with: button{Text: "Submit", Value: "start"},
		differ: decisions(oneClick),
	},
	{
		component: "error-summary", fixture: "default",
		words: map[string]string{
			"error.heading": "There is a problem",
			"error.past":    "The date your passport was issued must be in the past",
			"error.code":    "Enter a postcode, like AA1 1AA",
		},
		draw: "error-summary", with: []wrong{{"example-error-1", "past"}, {"example-error-2", "code"}},
	},
	{
		component: "footer", fixture: "with meta",
		config: Config{PathPrefix: "/p", SupportEmail: "help@example.com"},
		words: map[string]string{
			"footer.heading": "Items", "footer.accessibility": "Item 1", "footer.cookies": "Item 2", "footer.contact": "Item 3",
			"footer.licence":   "All content is available under the [Open Government Licence v3.0], except where otherwise stated",
			"footer.copyright": "© Crown copyright",
		},
		draw: "footer",
		differ: decisions(noDrawings,
			items("govuk-footer__inline-list-item", map[int]string{0: "/p/accessibility", 1: "/p/cookies", 2: "mailto:help@example.com"})),
	},
	{
		component: "generic-header", fixture: "custom url",
		config: Config{ServiceName: "Some logo text", ServiceURL: "https://www.pizza.gov.uk"},
		draw:   "header", with: Frame{},
	},
	{
		component: "header", fixture: "custom homepage url",
		config: Config{Branding: "govuk"},
		words:  map[string]string{"layout.service": "Service information"},
		draw:   "header", with: Frame{},
		differ: decisions(namedNotDrawn),
	},
	{
		component: "input", fixture: "default",
		words: map[string]string{"label": "National Insurance number"},
		draw:  "input", with: input{Name: "test-name", Label: "label"},
		differ: decisions(noSpelling),
	},
	{
		component: "input", fixture: "value",
		words: map[string]string{"label": "With value"},
		draw:  "input", with: input{Name: "with-value", Label: "label", Value: "QQ 12 34 56 C"},
		differ: decisions(noSpelling, setAttr("govuk-input", "name", "with-value")),
	},
	{
		component: "input", fixture: "with error and hint",
		words: map[string]string{
			"label": "National insurance number", "layout.error": "Error:",
			"hint":         "It’s on your National Insurance card, benefit letter, payslip or P60. For example, ‘QQ 12 34 56 C’.",
			"error.format": "Enter a National Insurance number in the correct format",
		},
		draw: "input", with: input{Name: "with-error-hint", Label: "label", Hint: "hint", Error: "format"},
		differ: decisions(noSpelling),
	},
	{
		component: "input", fixture: "with extra letter spacing",
		words: map[string]string{"label": "National insurance number"},
		draw:  "input", with: input{
			Name: "input-with-extra-letter-spacing", Label: "label", Value: "QQ 12 34 56 C",
			Classes: "govuk-input--width-30 govuk-input--extra-letter-spacing",
		},
		differ: decisions(noSpelling),
	},
	{
		component: "input", fixture: "inputmode",
		words: map[string]string{"label": "With inputmode"},
		draw:  "input", with: input{Name: "with-inputmode", Label: "label", Numeric: true},
		differ: decisions(noSpelling, setAttr("govuk-input", "inputmode", "numeric")),
	},
	{
		component: "input", fixture: "with spellcheck disabled",
		words: map[string]string{"label": "Spellcheck is disabled"},
		draw:  "input", with: input{Name: "input-with-spellcheck-disabled", Label: "label"},
		differ: decisions(setAttr("govuk-input", "name", "input-with-spellcheck-disabled")), // the id is the name
	},
	{
		component: "panel", fixture: "default",
		words: map[string]string{"title": "Application complete", "body": "Your reference number"},
		draw:  "panel", with: panel{"title", "body", "HDJ2123F"},
	},
	{
		component: "panel", fixture: "title with no body text",
		words: map[string]string{"title": "Application complete"},
		draw:  "panel", with: panel{Title: "title"},
	},
	{
		component: "radios", fixture: "with legend as page heading",
		words: map[string]string{
			"legend": "Which part of the Housing Act was your licence issued under?", "hint": "Select one of the options below.",
			"two":   "Part 2 of the Housing Act 2004 For properties that are 3 or more stories high and occupied by 5 or more people",
			"three": "Part 3 of the Housing Act 2004 For properties that are within a geographical area defined by a local council",
		},
		draw: "radios", with: radios{Name: "housing-act", Legend: "legend", Hint: "hint", Items: []radio{
			{ID: "housing-act", Value: "part-2", Text: "two"}, {ID: "housing-act-2", Value: "part-3", Text: "three"},
		}},
		differ: decisions(plainLabels),
	},
	{
		component: "radios", fixture: "with hint and error message",
		words: map[string]string{
			"legend": "Have you changed your name?", "hint": "This includes changing your last name or spelling your name differently.",
			"layout.error": "Error:", "error.missing": "Please select an option", "yes": "Yes", "no": "No",
		},
		draw: "radios", with: radios{Name: "example-error-message-hint", Legend: "legend", Hint: "hint", Error: "missing", Items: []radio{
			{ID: "example-error-message-hint", Value: "yes", Text: "yes"}, {ID: "example-error-message-hint-2", Value: "no", Text: "no"},
		}},
		differ: decisions(legendIsHeading),
	},
	{
		component: "radios", fixture: "with fieldset and error message",
		words: map[string]string{
			"legend": "Have you changed your name?", "layout.error": "Error:", "error.missing": "Please select an option", "yes": "Yes", "no": "No",
		},
		draw: "radios", with: radios{Name: "example", Legend: "legend", Error: "missing", Items: []radio{
			{ID: "example", Value: "yes", Text: "yes"}, {ID: "example-2", Value: "no", Text: "no", Checked: true},
		}},
		differ: decisions(legendIsHeading),
	},
	{
		component: "radios", fixture: "with hints on items",
		words: map[string]string{
			"legend": "How do you want to sign in?", "gateway": "Sign in with Government Gateway", "verify": "Sign in with GOV.UK Verify",
			"user-id": "You’ll have a user ID if you’ve registered for Self Assessment or filed a tax return online before.",
			"account": "You’ll have an account if you’ve already proved your identity with either Barclays, CitizenSafe, Digidentity, Experian, Post Office, Royal Mail or SecureIdentity.",
		},
		draw: "radios", with: radios{Name: "gov", Legend: "legend", Items: []radio{
			{ID: "gateway", Value: "gateway", Text: "gateway", Hint: "user-id"}, {ID: "verify", Value: "verify", Text: "verify", Hint: "account"},
		}},
	},
	{
		component: "service-navigation", fixture: "with service name and navigation",
		config: navigation("govuk", "https://account.example/"),
		words:  map[string]string{"layout.service": "Service information", "layout.menu": "Menu", "layout.sign-out": "Navigation item 3"},
		draw:   "header", with: Frame{SignedIn: true},
		differ: decisions(accountAndSignOut),
	},
	{
		component: "service-navigation", fixture: "with a single navigation item",
		config: navigation("govuk", ""),
		words:  map[string]string{"layout.service": "Service information", "layout.menu": "Menu", "layout.sign-out": "Log out"},
		draw:   "header", with: Frame{SignedIn: true},
		differ: decisions(items("govuk-service-navigation__item", map[int]string{0: "/p/sign-out"})),
	},
	{
		component: "service-navigation", fixture: "with service link",
		config: Config{Branding: "govuk", ServiceName: "Service name", ServiceURL: "#/"},
		words:  map[string]string{"layout.service": "Service information"},
		draw:   "header", with: Frame{},
	},
	{
		component: "service-navigation", fixture: "with navigation with a current item",
		config: navigation("generic", "https://account.example/"),
		words:  map[string]string{"layout.menu": "Menu", "layout.sign-out": "Navigation item 3"},
		draw:   "header", with: Frame{SignedIn: true},
		differ: decisions(accountAndSignOut),
	},
	{
		component: "skip-link", fixture: "default",
		words:  map[string]string{"layout.skip": "Skip to main content"},
		draw:   "skip-link",
		differ: decisions(setAttr("govuk-skip-link", "href", "#main-content")),
	},
	{
		component: "summary-list", fixture: "with falsy values",
		words: map[string]string{"summary.not-provided": "Not provided", "one": "Name", "two": "Name 2", "said": "Firstname2 Lastname2"},
		draw:  "summary-list", with: summary{{Key: "one", Value: "Firstname Lastname"}, {Key: "two", Text: "said"}},
	},
	{
		component: "summary-list", fixture: "with some actions",
		words: map[string]string{
			"summary.not-provided": "Not provided", "summary.change": "Edit",
			"name": "Name", "hidden": "name", "birth": "Date of birth", "contact": "Contact information",
		},
		draw: "summary-list", with: summary{
			{Key: "name", Value: "Firstname Lastname", Change: "#", Hidden: "hidden"},
			{Key: "birth", Value: "13/08/1980"},
			{Key: "contact", Value: "email@email.com Address line 1 Address line 2 Address line 3 Address line 4 Address line 5"},
		},
		differ: decisions(plainRows),
	},
}

func decisions(d ...func(*html.Node)) []func(*html.Node) { return d }

func navigation(branding, account string) Config {
	return Config{Branding: branding, PathPrefix: "/p", ServiceName: "Apply for a juggling license", ServiceURL: "#/", AccountURL: account}
}

// accountAndSignOut is the navigation that we have, of the four items published.
func accountAndSignOut(n *html.Node) {
	items("govuk-service-navigation__item", map[int]string{0: "https://account.example/", 2: "/p/sign-out"})(n)
	for a := range withClass(n, "govuk-service-navigation__link") {
		if value(a, "href") == "https://account.example/" {
			fill(a, &html.Node{Type: html.TextNode, Data: "GOV.UK One Login"})
		}
	}
}
