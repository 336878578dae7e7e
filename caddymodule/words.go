package caddymodule

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// A reader reads what follows a word. Setting is that word with the names of
// the blocks around it, such as "one_login client_id".
type reader func(setting string, d *caddyfile.Dispenser) error

// The words that can be repeated, once for each key or field; api_key only where
// somebody else presents it to us.
const (
	privateKey = "private_key"
	field      = "field"
	apiKey     = "api_key"
)

// repeated are the settings that can be.
var repeated = []string{"one_login private_key", "assertion private_key", "support zendesk field", "find_a_lost_trn api_key"}

// examples show how a setting is written, to those who wrote it otherwise.
var examples = map[string]string{
	"service_name":                  `service_name "Name of your service"`,
	"service_url":                   "service_url https://teaching.example.gov.uk",
	"path_prefix":                   "path_prefix /teaching-record",
	"public":                        "public /healthcheck /assets/*",
	"support_email":                 "support_email help@example.gov.uk",
	"one_login":                     "one_login { … }",
	"one_login environment":         "environment integration",
	"one_login client_id":           "client_id {env.ONE_LOGIN_CLIENT_ID}",
	"one_login private_key":         "private_key {file./run/secrets/one-login.pem}",
	"one_login issuer":              "issuer https://oidc.example/",
	"one_login did_url":             "did_url https://identity.example/.well-known/did.json",
	"one_login identity_issuer":     "identity_issuer https://identity.example/",
	"redis":                         "redis {env.REDIS_URL}",
	"secrets":                       "secrets {env.TEACHING_RECORD_SECRET}",
	"register":                      "register embedded people.json",
	"register embedded":             "register embedded people.json",
	"register trs":                  "register trs { … }",
	"register trs url":              "url https://preprod.teacher-qualifications-api.education.gov.uk",
	"register trs api_key":          "api_key {env.TRS_API_KEY}",
	"register trs webhook":          "webhook on",
	"allocate_trn":                  "allocate_trn",
	"find_a_lost_trn":               "find_a_lost_trn { … }",
	"find_a_lost_trn url":           "url https://find-a-lost-trn.education.gov.uk/identity",
	"find_a_lost_trn shared_key":    "shared_key {env.FIND_SHARED_KEY}",
	"find_a_lost_trn api_key":       "api_key {env.FIND_API_KEY}",
	"find_a_lost_trn client_id":     "client_id your-service",
	"notify":                        "notify { … }",
	"notify api_key":                "api_key {env.NOTIFY_API_KEY}",
	"notify trn_allocated_template": "trn_allocated_template 2f4b1c9e-5f0a-4f0e-9c77-1f2d3e4a5b6c",
	"notify support_template":       "support_template 2f4b1c9e-5f0a-4f0e-9c77-1f2d3e4a5b6c",
	"notify reply_to":               "reply_to 2f4b1c9e-5f0a-4f0e-9c77-1f2d3e4a5b6c",
	"notify url":                    "url http://localhost:8085",
	"support":                       "support email help@example.gov.uk, or support zendesk { … }",
	"support email":                 "support email help@example.gov.uk",
	"support zendesk":               "support zendesk { … }",
	"support zendesk subdomain":     "subdomain example",
	"support zendesk client_id":     "client_id {env.ZENDESK_CLIENT_ID}",
	"support zendesk client_secret": "client_secret {env.ZENDESK_CLIENT_SECRET}",
	"support zendesk tags":          "tags teaching_record",
	"support zendesk group_id":      "group_id 360001234567",
	"support zendesk form_id":       "form_id 360001234567",
	"support zendesk brand_id":      "brand_id 360001234567",
	"support zendesk field":         "field 4419328659089 request_from_teaching_record",
	"support zendesk show_nino":     "show_nino on",
	"support zendesk url":           "url http://localhost:8086",
	"assertion":                     "assertion { … }",
	"assertion audience":            "audience your-service",
	"assertion private_key":         "private_key {file./run/secrets/assertion.pem}",
	"assertion bind":                "bind request",
	"assertion claims":              "claims email name birthdate record",
	"assertion plain_headers":       "plain_headers on",
	"session":                       "session idle 2h absolute 12h cache 2s",
	"lookup_limit":                  "lookup_limit 5 24h",
	"languages":                     "languages en",
	"branding":                      "branding govuk",
}

// block reads the words of the block that follows, each of them once.
func block(words map[string]reader) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		if d.NextArg() {
			return d.Errf("%s takes only a block, not %q", setting, d.Val())
		}
		prefix := strings.TrimPrefix(setting+" ", directive+" ")
		seen := map[string]bool{}
		for last, nesting := "", d.Nesting(); d.NextBlock(nesting); {
			word := d.Val()
			read, known := words[word]
			switch {
			case last != "" && (word == "{" || word == "}"):
				return d.Errf("%s takes no block", prefix+last)
			case !known:
				return d.Errf("unknown word %q in %s; its words are: %s", word, setting,
					strings.Join(slices.Sorted(maps.Keys(words)), ", "))
			case seen[word] && !slices.Contains(repeated, prefix+word):
				return d.Errf("%s is there twice; keep one", prefix+word)
			}
			if err := read(prefix+word, d); err != nil {
				return err
			}
			seen[word], last = true, word
		}
		return nil
	}
}

// one reads exactly one value.
func one(to *string) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		values := d.RemainingArgs()
		if len(values) != 1 {
			return d.Errf("%s takes one value, not %d; write: %s", setting, len(values), examples[setting])
		}
		*to = values[0]
		return nil
	}
}

// another reads exactly one value of a word that can be repeated.
func another(to *[]string) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		var value string
		err := one(&value)(setting, d)
		*to = append(*to, value)
		return err
	}
}

// several reads one or more values.
func several(to *[]string) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		*to = d.RemainingArgs()
		if len(*to) == 0 {
			return d.Errf("%s has no value; write: %s", setting, examples[setting])
		}
		return nil
	}
}

// bare reads a word that stands alone.
func bare(to *bool) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		if d.NextArg() {
			return d.Errf("%s takes no value, but has %q; write: %s", setting, d.Val(), examples[setting])
		}
		*to = true
		return nil
	}
}

// pair reads a name and its value, of a word that can be repeated.
func pair(to *map[string]string) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		values := d.RemainingArgs()
		if len(values) != 2 {
			return d.Errf("%s takes two values, not %d; write: %s", setting, len(values), examples[setting])
		}
		if _, twice := (*to)[values[0]]; twice {
			return d.Errf("%s %s is there twice; keep one", setting, values[0])
		}
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[values[0]] = values[1]
		return nil
	}
}

// choice reads one of the words allowed. A placeholder is let through, to be
// checked when it is expanded.
func choice(to *string, allowed []string) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		if err := one(to)(setting, d); err != nil {
			return err
		}
		if !slices.Contains(allowed, *to) && !placeholder.MatchString(*to) {
			return d.Errf("%s: %q is not one of: %s", setting, *to, strings.Join(allowed, ", "))
		}
		return nil
	}
}

// onOff reads a switch. A placeholder is neither: true or false is all the JSON has.
func onOff(to *bool) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		var word string
		if err := one(&word)(setting, d); err != nil {
			return err
		}
		if word != "on" && word != "off" {
			return d.Errf("%s: %q is not one of: on, off", setting, word)
		}
		*to = word == "on"
		return nil
	}
}

// duration reads the next argument as a length of time. A zero would be taken
// for "not set" further on, so the least must be told here too.
func duration(to *caddy.Duration, least time.Duration) reader {
	return func(setting string, d *caddyfile.Dispenser) error {
		if !d.NextArg() {
			return d.Errf("%s has no duration; write one such as 2h, 90m or 30s", setting)
		}
		length, err := caddy.ParseDuration(d.Val())
		if err != nil {
			return d.Errf("%s: %q is not a duration; write one such as 2h, 90m or 30s", setting, d.Val())
		}
		if length < least {
			return d.Errf("%s: %q is too short; the least is %s", setting, d.Val(), least)
		}
		*to = caddy.Duration(length)
		return nil
	}
}
