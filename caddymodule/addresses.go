package caddymodule

import (
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// serviceURL reads the public origin. It is compared with what browsers and
// One Login say, so it must be written as they write it.
func (r *resolver) serviceURL(value string) *url.URL {
	value = r.required("service_url", value)
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		r.mistake("service_url: this is not an address such as https://teaching.example.gov.uk")
		return nil
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	if origin := u.Scheme + "://" + host; value != origin {
		r.mistake("service_url: must be an origin only, as browsers write it; write %s", origin)
		return nil
	}
	if u.Scheme == "http" && !isLoopback(u) {
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
		r.mistake("%s: this is not an address such as https://oidc.integration.account.gov.uk/", setting)
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

var redisSchemes = []string{"redis", "rediss", "redis+cluster", "rediss+cluster", "redis+sentinel", "unix"}

// redis looks at the scheme; the store reads the rest. The value may hold a
// password and so may what url.Parse says of it: neither is repeated.
func (r *resolver) redis(value string, service *url.URL) string {
	value = r.required("redis", value)
	if value == "" {
		return ""
	}
	if value == "embedded" {
		if service != nil && !isLoopback(service) {
			r.mistake("redis embedded: goes with a loopback service_url only, because it forgets everyone when it stops; write: redis {env.REDIS_URL}")
		}
		return value
	}
	scheme, rest, found := strings.Cut(value, "://")
	if !found || rest == "" || !slices.Contains(redisSchemes, scheme) {
		r.mistake("redis: must be an address that begins with one of %s://, or the word embedded", strings.Join(redisSchemes, "://, "))
	}
	return value
}

// branding reports whether the pages carry the GOV.UK branding, which is for
// services on GOV.UK domains; a loopback address may try it out.
func (r *resolver) branding(value string, service *url.URL) bool {
	if r.oneOf("branding", value, brandings) != "govuk" {
		return false
	}
	if service != nil && !isLoopback(service) && !strings.HasSuffix("."+service.Hostname(), ".gov.uk") {
		r.mistake("branding govuk: is allowed on gov.uk domains only, and %s is not one; write: branding generic", service.Hostname())
	}
	return true
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
	value = orDefault(r.text("path_prefix", value), "/teaching-record")
	if !cleanPrefix.MatchString(value) {
		r.mistake("path_prefix: %q must be like /teaching-record: a slash in front, none at the end, lower-case letters, digits and - . _ ~", value)
	}
	return value
}

// publicPath is what a public pattern may look like: a wildcard in front would
// open every protected path that can be made to end so, and escapes, queries
// and dots would never match the path that goes upstream.
var publicPath = regexp.MustCompile(`^(/|(/[^/%?#\\{}\s]+)+/?)$`)

func (r *resolver) public(values []string, prefix string) caddyhttp.MatchPath {
	var patterns caddyhttp.MatchPath
	for _, value := range values {
		pattern := strings.ToLower(r.text("public", value)) // Caddy's matcher ignores case
		if pattern == "" {
			continue
		}
		_, badGlob := path.Match(pattern, "/")
		switch {
		case pattern == "*" || pattern == "/*":
			r.mistake("public: %q would open every path, and nothing would be left to protect; name the open paths, such as /assets/*", value)
		case !publicPath.MatchString(pattern) || badGlob != nil || path.Clean(pattern) != strings.TrimSuffix(pattern, "/") && pattern != "/":
			r.mistake("public: %q must be a plain path such as /healthcheck, or one with a wildcard at the end such as /assets/*", value)
		case overlaps(pattern, prefix):
			r.mistake("public: %q covers paths below path_prefix %q, which the module answers itself; choose another of the two", value, prefix)
		case slices.Contains(patterns, pattern):
			r.mistake("public: %q is there twice", value)
		}
		patterns = append(patterns, pattern)
	}
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
