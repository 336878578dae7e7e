package assertion

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bind is what an assertion is good for.
type Bind string

// The two kinds.
const (
	// ToRequest: one method and one path. Made anew for each request.
	ToRequest Bind = "request"
	// ToSession: anything the teacher does in this session. The same assertion
	// is sent again for up to 30 seconds, which spares most of the signing.
	ToSession Bind = "session"
)

// keep is how long a session's assertion is sent again: half its lifetime, so
// that the service never gets one that is about to run out.
const keep = Lifetime / 2

// keepMost bounds the assertions kept, about 1 KB each.
const keepMost = 8192

// ErrTooLong: the method and path would make a header that services refuse.
// The request deserves a 414 rather than a 503.
var ErrTooLong = errors.New("method and path are too long to be signed")

// longest is the most bytes of method and path that are signed; base64 adds a
// third. largest is the most bytes of an assertion, whatever is asserted: many
// servers read no longer field.
const (
	longest = 4096
	largest = 8190
)

// minted is an assertion and when it was made.
type minted struct {
	token string
	at    time.Time
}

// target returns the method and the URI that a bound assertion names ("htm"
// and "htu", after RFC 9449): those the service will see in its request line,
// without the query.
func target(origin string, r *http.Request) (htm, htu string, err error) {
	path, ok := targetPath(r)
	if !ok {
		return "", "", errors.New("the request has no path")
	}
	htm = r.Method
	if opensWebSocket(r) {
		htm = http.MethodGet
	}
	if len(htm)+len(path) > longest {
		return "", "", ErrTooLong
	}
	return htm, origin + path, nil
}

// HasPath reports whether r asks for a path, as all requests do that a service
// can be asked to answer. No other should go upstream, signed or not: servers
// differ in where a CONNECT ends and the next request begins.
func HasPath(r *http.Request) bool {
	_, ok := targetPath(r)
	return ok
}

func targetPath(r *http.Request) (path string, ok bool) {
	// The path as net/http's client writes it, raw, whatever was decoded or
	// rewritten before; Caddy's reverse_proxy sends it through that client.
	path, _, _ = strings.Cut(r.URL.RequestURI(), "?")
	// "OPTIONS *", or an opaque "GET foo:bar", would run on from the host, and
	// what follows CONNECT is a host.
	return path, strings.HasPrefix(path, "/") && (r.Method != http.MethodConnect || opensWebSocket(r))
}

// opensWebSocket reports whether r is the extended CONNECT of HTTP/2 (RFC 8441)
// or HTTP/3 (RFC 9220), which reverse_proxy sends on as an HTTP/1.1 upgrade.
func opensWebSocket(r *http.Request) bool {
	return r.Method == http.MethodConnect && (r.Header.Get(":protocol") == "websocket" || r.Proto == "websocket")
}

// parseOrigin checks that service is an origin: scheme and host, nothing else.
// It becomes "iss" as it stands and is compared byte for byte.
func parseOrigin(service string) error {
	u, err := url.Parse(service)
	if err != nil {
		return fmt.Errorf("service URL: %w", err)
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || service != u.Scheme+"://"+u.Host {
		return fmt.Errorf("service URL %q must be an origin, such as https://teaching.example.gov.uk", service)
	}
	return nil
}
