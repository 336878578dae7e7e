package caddymodule

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// browserHost is a host, and a port where there is one, as browsers send it:
// lower case, and other alphabets than ASCII as punycode.
var browserHost = regexp.MustCompile(`^([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:[0-9]+)?$`)

// serviceURL reads the public origin. It is compared with what browsers and
// One Login say, so it must be written as they write it.
func (r *resolver) serviceURL(value string) *url.URL {
	value = r.required("service_url", value)
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") {
		r.mistake("service_url: must be an address; write: %s", examples["service_url"])
		return nil
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	switch origin := u.Scheme + "://" + host; {
	case !browserHost.MatchString(host):
		r.mistake("service_url: must be an address; write: %s", examples["service_url"])
		return nil
	case value != origin:
		r.mistake("service_url: must be the origin only, as browsers write it: %s", origin)
		return nil
	case u.Scheme == "http" && !isLoopback(u):
		r.mistake("service_url: http is for loopback addresses only; write https://%s", host)
	}
	return u
}

// providerURL reads one of the addresses of a One Login that is neither the
// integration nor the production one.
func (r *resolver) providerURL(setting, value string, isIssuer bool, service *url.URL) string {
	value = r.text(setting, value)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(value, "?#"):
		r.mistake("%s: must be an address; write: %s", setting, examples[setting])
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u)):
		r.mistake("%s: must be https; http is for loopback addresses only", setting)
	case isLoopback(u) && service != nil && !isLoopback(service):
		// Nobody's browser could reach it, and a stand-in believes anyone.
		r.mistake("%s: a loopback address goes with a loopback service_url only", setting)
	case isIssuer && !strings.HasSuffix(value, "/"):
		r.mistake("%s: must end in a slash, as the tokens of One Login have it", setting)
	}
	return value
}

// redis looks at the scheme; the store reads the rest. The value may hold a
// password and so may what url.Parse says of it: neither is repeated.
func (r *resolver) redis(value string, service *url.URL) string {
	value = r.required("redis", value)
	if value == "" {
		return ""
	}
	if value == store.Embedded {
		if service != nil && !isLoopback(service) {
			r.mistake("redis embedded: goes with a loopback service_url only, because it forgets everyone when it stops; write: redis {env.REDIS_URL}")
		}
		return value
	}
	scheme, rest, found := strings.Cut(value, "://")
	if !found || rest == "" || !slices.Contains(store.Schemes, scheme) {
		r.mistake("redis: must be an address that begins with one of %s://, or the word embedded", strings.Join(store.Schemes, "://, "))
	}
	return value
}

// branding is how the pages look. The GOV.UK branding is for services on GOV.UK
// domains; a loopback address may try it out.
func (r *resolver) branding(value string, service *url.URL) string {
	value = r.oneOf("branding", cmp.Or(value, "generic"), brandings)
	if value == "govuk" && service != nil && !isLoopback(service) && !strings.HasSuffix("."+service.Hostname(), ".gov.uk") {
		r.mistake("branding govuk: is allowed on gov.uk domains only, and %s is not one; write: branding generic", service.Hostname())
	}
	return value
}

// isLoopback reports whether an address stays on this machine (RFC 6761
// section 6.3 for the names).
func isLoopback(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

var cleanPrefix = regexp.MustCompile(`^(/[a-z0-9_~-][a-z0-9._~-]*)+$`)

func (r *resolver) pathPrefix(value string) string {
	value = cmp.Or(r.text("path_prefix", value), "/teaching-record")
	if !cleanPrefix.MatchString(value) {
		r.mistake("path_prefix: %q must be like /teaching-record: a slash in front, none at the end, lower-case letters, digits and - . _ ~", value)
	}
	return value
}

// publicPath is what a public pattern may look like. A wildcard in front would
// open every protected path that can be made to end so; escapes, queries and
// the other signs of a glob would not match what they seem to.
var publicPath = regexp.MustCompile(`^/$|^(/[^/%?#\\{}\[\]\s]+)+/?$`)

func (r *resolver) public(values []string, prefix string) caddyhttp.MatchPath {
	if len(values) == 0 {
		return nil
	}
	var patterns caddyhttp.MatchPath
	r.each("public", values, func(value string) error {
		pattern := strings.ToLower(value) // Caddy's matcher ignores case
		switch {
		case pattern == "*" || pattern == "/*":
			return fmt.Errorf("%q would open every path and leave nothing to protect; name the open ones, such as /assets/*", value)
		case !publicPath.MatchString(pattern) || path.Clean(pattern) != cmp.Or(strings.TrimSuffix(pattern, "/"), "/"):
			return fmt.Errorf("%q must be a plain path such as /healthcheck, or one that ends in a wildcard such as /assets/*", value)
		case overlaps(pattern, prefix):
			return fmt.Errorf("%q covers paths of path_prefix %q, which the module answers itself; change one of them", value, prefix)
		case slices.Contains(patterns, pattern):
			return fmt.Errorf("%q is there twice; keep one", value)
		}
		patterns = append(patterns, pattern)
		return nil
	})
	return patterns
}

// overlaps reports whether a pattern of Caddy's path matcher can match prefix
// or a path below it.
func overlaps(pattern, prefix string) bool {
	if head, found := strings.CutSuffix(pattern, "*"); found && !strings.Contains(head, "*") {
		return strings.HasPrefix(head, prefix+"/") || strings.HasPrefix(prefix+"/", head)
	}
	segments := strings.Split(pattern, "/")
	for i, segment := range strings.Split(prefix, "/") {
		if i >= len(segments) {
			return false
		}
		if match, _ := path.Match(segments[i], segment); !match {
			return false
		}
	}
	return true
}
