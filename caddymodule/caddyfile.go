package caddymodule

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

const directive = "teaching_record"

func init() {
	httpcaddyfile.RegisterDirective(directive, parseDirective)
	httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "invoke")
}

// parseDirective makes the handler of one teaching_record directive. It is not
// registered as a handler directive, since those take a matcher.
func parseDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if order, changed := h.Option("order").([]string); changed && !guards(order) {
		h.Next() // to the directive's name, whose line the error tells
		return nil, h.Errf("the global option order would let requests reach the service without %s, or change after it; "+
			"keep it after %s, and before %s", directive, list(editors), list(answerers))
	}
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, handler), nil
}

// What our directive must come after, so that it judges and signs the request
// that the service gets and nothing can forge our headers, and what it must
// come before, so that nothing answers or forwards in its stead.
var (
	editors   = []string{"method", "rewrite", "uri", "try_files", "request_header"}
	answerers = []string{"invoke", "handle", "handle_path", "route", "respond", "reverse_proxy", "php_fastcgi", "file_server"}
)

// guards reports whether our directive has its place in an order of directives.
func guards(order []string) bool {
	ours := slices.Index(order, directive)
	at := func(name string) int { return slices.Index(order, name) }
	return !slices.ContainsFunc(editors, func(name string) bool { return at(name) > ours }) &&
		!slices.ContainsFunc(answerers, func(name string) bool { return at(name) < ours })
}

// list writes words as a sentence has them.
func list(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// UnmarshalCaddyfile reads the directive; Config says what its words mean.
// Every word is given once at most, private_key as often as there are keys.
//
//	teaching_record {
//	    service_name   <name>
//	    service_url    <origin>
//	    path_prefix    <path>
//	    public         <path> ...
//	    support_email  <address>
//	    one_login {
//	        environment     integration|production
//	        client_id       <id>
//	        private_key     <pem>
//	        issuer          <url>
//	        did_url         <url>
//	        identity_issuer <url>
//	    }
//	    redis          <url>|embedded
//	    secrets        <base64> ...
//	    register       embedded <file>
//	    # or
//	    register       trs {
//	        url             <url>
//	        api_key         <key>
//	        webhook         on|off
//	    }
//	    allocate_trn
//	    find_a_lost_trn {
//	        url             <url>
//	        shared_key      <key>
//	        api_key         <key>
//	        client_id       <id>
//	    }
//	    notify {
//	        api_key         <key>
//	        trn_allocated_template <uuid>
//	        support_template       <uuid>
//	        reply_to               <uuid>
//	        url                    <url>
//	    }
//	    support        email <address>
//	    # or
//	    support        zendesk {
//	        subdomain       <name>
//	        client_id       <id>
//	        client_secret   <secret>
//	        tags            <tag> ...
//	        group_id        <number>
//	        form_id         <number>
//	        brand_id        <number>
//	        field           <number> <value>
//	        show_nino       on|off
//	        url             <url>
//	    }
//	    assertion {
//	        audience       <name>
//	        private_key    <pem>
//	        bind           request|session
//	        claims         [email] [name] [birthdate] [record]
//	        plain_headers  on|off
//	    }
//	    session        [idle <duration>] [absolute <duration>] [cache <duration>]
//	    lookup_limit   <lookups> <duration>
//	    languages      en
//	    branding       generic|govuk
//	}
func (c *Config) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.Errf("%s takes no matcher and no arguments, but has %q: requests that a matcher leaves out "+
			"would reach the service unchecked; name the paths that need no sign-in under public", directive, d.Val())
	}
	return block(map[string]reader{
		"service_name":  one(&c.ServiceName),
		"service_url":   one(&c.ServiceURL),
		"path_prefix":   one(&c.PathPrefix),
		"public":        several(&c.Public),
		"support_email": one(&c.SupportEmail),
		"one_login": block(map[string]reader{
			"environment":     choice(&c.OneLogin.Environment, environments),
			"client_id":       one(&c.OneLogin.ClientID),
			privateKey:        another(&c.OneLogin.PrivateKeys),
			"issuer":          one(&c.OneLogin.Issuer),
			"did_url":         one(&c.OneLogin.DIDURL),
			"identity_issuer": one(&c.OneLogin.IdentityIssuer),
		}),
		"redis":           one(&c.Redis),
		"secrets":         several(&c.Secrets),
		"register":        c.Register.read,
		"allocate_trn":    bare(&c.AllocateTRN),
		"find_a_lost_trn": c.readFind,
		"notify":          c.readNotify,
		"support":         c.Support.read,
		"assertion": block(map[string]reader{
			"audience":      one(&c.Assertion.Audience),
			privateKey:      another(&c.Assertion.PrivateKeys),
			"bind":          choice(&c.Assertion.Bind, bindings),
			"claims":        several(&c.Assertion.Claims),
			"plain_headers": onOff(&c.Assertion.PlainHeaders),
		}),
		"session":      c.Session.read,
		"lookup_limit": c.LookupLimit.read,
		"languages":    several(&c.Languages),
		"branding":     choice(&c.Branding, brandings),
	})(directive, d)
}

func (c *Register) read(setting string, d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("%s has no value; write: %s", setting, examples[setting])
	}
	switch kind := setting + " " + d.Val(); {
	case kind == "register embedded":
		return one(&c.Embedded)(kind, d)
	case kind == "register trs":
		c.TRS = new(TRS)
		return block(map[string]reader{"url": one(&c.TRS.URL), "api_key": one(&c.TRS.APIKey), "webhook": onOff(&c.TRS.Webhook)})(kind, d)
	}
	return d.Errf("%s: unknown word %q; write: %s", setting, d.Val(), examples[setting])
}

func (c *Config) readFind(setting string, d *caddyfile.Dispenser) error {
	c.FindALostTRN = new(FindALostTRN)
	return block(map[string]reader{
		"url":        one(&c.FindALostTRN.URL),
		"shared_key": one(&c.FindALostTRN.SharedKey),
		apiKey:       another(&c.FindALostTRN.APIKeys),
		"client_id":  one(&c.FindALostTRN.ClientID),
	})(setting, d)
}

func (c *Config) readNotify(setting string, d *caddyfile.Dispenser) error {
	c.Notify = new(Notify)
	return block(map[string]reader{
		"api_key":                one(&c.Notify.APIKey),
		"trn_allocated_template": one(&c.Notify.TRNAllocatedTemplate),
		"support_template":       one(&c.Notify.SupportTemplate),
		"reply_to":               one(&c.Notify.ReplyTo),
		"url":                    one(&c.Notify.URL),
	})(setting, d)
}

func (c *Support) read(setting string, d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("%s has no value; write: %s", setting, examples[setting])
	}
	switch kind := setting + " " + d.Val(); {
	case kind == "support email":
		return one(&c.Email)(kind, d)
	case kind == "support zendesk":
		z := new(Zendesk)
		c.Zendesk = z
		return block(map[string]reader{
			"subdomain":     one(&z.Subdomain),
			"client_id":     one(&z.ClientID),
			"client_secret": one(&z.ClientSecret),
			"tags":          several(&z.Tags),
			"group_id":      one(&z.GroupID),
			"form_id":       one(&z.FormID),
			"brand_id":      one(&z.BrandID),
			field:           pair(&z.Fields),
			"show_nino":     onOff(&z.ShowNINO),
			"url":           one(&z.URL),
		})(kind, d)
	}
	return d.Errf("%s: unknown word %q; write: %s", setting, d.Val(), examples[setting])
}

func (c *Session) read(setting string, d *caddyfile.Dispenser) error {
	limits := map[string]reader{
		"idle":     duration(&c.Idle, leastIdle),
		"absolute": duration(&c.Absolute, leastIdle),
		"cache": func(setting string, d *caddyfile.Dispenser) error {
			c.Cache = new(caddy.Duration)
			return duration(c.Cache, 0)(setting, d)
		},
	}
	if d.CountRemainingArgs() == 0 {
		return d.Errf("%s has no value; write: %s", setting, examples[setting])
	}
	seen := map[string]bool{}
	for d.NextArg() {
		limit := d.Val()
		read, known := limits[limit]
		switch {
		case !known:
			return d.Errf("%s: unknown word %q; write: %s", setting, limit, examples[setting])
		case seen[limit]:
			return d.Errf("%s %s is there twice; keep one", setting, limit)
		}
		if err := read(setting+" "+limit, d); err != nil {
			return err
		}
		seen[limit] = true
	}
	return nil
}

func (c *LookupLimit) read(setting string, d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() != 2 {
		return d.Errf("%s takes a number and a duration; write: %s", setting, examples[setting])
	}
	d.NextArg()
	lookups, err := strconv.Atoi(d.Val())
	if err != nil || lookups < 1 {
		return d.Errf("%s: %q is not a number of lookups; write: %s", setting, d.Val(), examples[setting])
	}
	c.Lookups = lookups
	return duration(&c.Window, leastWindow)(setting, d)
}
