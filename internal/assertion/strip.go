package assertion

import (
	"io"
	"net/http"
	"strings"
)

// family begins, folded, the name of every header that is ours to set.
var family = [...]string{"teachingrecord", "onelogin"}

// Strip removes from r everything a client could use to speak in our name, or
// to unsay what we say:
//
//   - headers of our family, in any spelling a service might fold into ours;
//   - the same among the trailers, those announced and those that simply
//     arrive after the body;
//   - options of Connection that would make the next hop drop our headers
//     (RFC 9110 section 7.6.1), and offers to speak h2c past us.
//
// It is for every request, signed in or not, and allocates nothing when there
// is nothing to remove.
func Strip(r *http.Request) {
	stripFamily(r.Header)
	// net/http moves announced trailers to r.Trailer. A Trailer field that it
	// left alone announces what cannot come.
	delete(r.Header, "Trailer")
	stripConnection(r.Header)
	stripTrailers(r)
}

func stripFamily(h http.Header) {
	for name := range h {
		if ofFamily(name) {
			delete(h, name)
		}
	}
}

// ofFamily reports whether name, reduced to its ASCII letters and digits in
// lower case, begins like one of ours. CGI, WSGI and Rack make '_' of '-', PHP
// of '.' too, and other token characters are as good (RFC 9110 section 5.6.2):
// no list of separators would be long enough.
func ofFamily(name string) bool {
	for _, prefix := range family {
		if foldedPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func foldedPrefix(name, prefix string) bool {
	matched := 0
	for i := 0; i < len(name) && matched < len(prefix); i++ {
		b := name[i]
		switch {
		case 'A' <= b && b <= 'Z':
			b += 'a' - 'A'
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9':
		default:
			continue
		}
		if b != prefix[matched] {
			return false
		}
		matched++
	}
	return matched == len(prefix)
}

// stripConnection leaves of Connection the options that concern connections.
// A proxy deletes every header that Connection names, after we have set ours:
// "Connection: close, Teaching-Record-Assertion" would make a teacher nobody.
func stripConnection(h http.Header) {
	// An upgrade to h2c (RFC 7540 section 3.2) opens a tunnel, and what a client
	// says in it passes by us. Some servers go along without HTTP2-Settings, so
	// the offer goes too; to a client it is as if the service declined.
	delete(h, "Http2-Settings")
	if offersH2C(h["Upgrade"]) {
		delete(h, "Upgrade")
	}

	lines, ok := h["Connection"]
	if !ok || onlyKept(lines) {
		return
	}
	var kept []string
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			if option = strings.Trim(option, " \t"); keptOption(option) {
				kept = append(kept, option)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Connection")
		return
	}
	h["Connection"] = []string{strings.Join(kept, ", ")}
}

func offersH2C(lines []string) bool {
	for _, line := range lines {
		for protocol := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(protocol, "/") // what follows is its version
			if strings.EqualFold(strings.Trim(name, " \t"), "h2c") {
				return true
			}
		}
	}
	return false
}

func onlyKept(lines []string) bool {
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			if !keptOption(strings.Trim(option, " \t")) {
				return false
			}
		}
	}
	return true
}

func keptOption(option string) bool {
	return strings.EqualFold(option, "close") || strings.EqualFold(option, "keep-alive") ||
		strings.EqualFold(option, "upgrade") || strings.EqualFold(option, "te")
}

// stripTrailers removes our family from the trailers announced, and sees to it
// that none appears later: net/http merges every trailer that arrives into
// r.Trailer, announced or not, in the Read that ends the body.
func stripTrailers(r *http.Request) {
	stripFamily(r.Trailer)
	// After a body of known length, HTTP/1 has no trailers and HTTP/2 only those
	// announced. HTTP/3 takes any.
	mayHave := r.Trailer != nil || r.ContentLength < 0 || r.ProtoMajor > 2
	if mayHave && r.Body != nil && r.Body != http.NoBody {
		r.Body = &strippedBody{ReadCloser: r.Body, of: r}
	}
}

// strippedBody removes our family from the trailers in the same Read that
// brought them, before the proxy that called Read can look.
type strippedBody struct {
	io.ReadCloser
	of *http.Request
}

func (b *strippedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		stripFamily(b.of.Trailer)
	}
	return n, err
}

// HideCookie removes the cookie of that name from the Cookie lines in h, each
// time it occurs. What remains is the same byte for byte, order and all. It is
// called once we have read the cookie ourselves, and before the service could.
func HideCookie(h http.Header, name string) {
	lines := h["Cookie"]
	var kept []string
	for i, line := range lines {
		rest, had := withoutCookie(line, name)
		if had && kept == nil {
			kept = append(make([]string, 0, len(lines)), lines[:i]...)
		}
		if kept != nil && rest != "" {
			kept = append(kept, rest)
		}
	}
	switch {
	case kept == nil: // there was none
	case len(kept) == 0:
		delete(h, "Cookie")
	default:
		h["Cookie"] = kept
	}
}

// withoutCookie returns line without the pairs of that name, and whether there
// were any. Pairs end at a semicolon even inside quotation marks, as they do
// for net/http and for browsers (RFC 6265 section 5.2).
func withoutCookie(line, name string) (rest string, had bool) {
	if !strings.Contains(line, name) {
		return line, false
	}
	var kept strings.Builder
	for start := 0; start <= len(line); {
		end := start + strings.IndexByte(line[start:]+";", ';')
		pair := line[start:end]
		start = end + 1

		key, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.Trim(key, " \t") == name:
			had = true
		case kept.Len() > 0:
			kept.WriteByte(';')
			kept.WriteString(pair)
		default: // the first that remains needs no space before it
			kept.WriteString(strings.TrimLeft(pair, " \t"))
		}
	}
	if !had { // the name stood somewhere else: in a value, in a longer name
		return line, false
	}
	return kept.String(), true
}
