package findtrn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// longestContext is how many bytes the names and values of the form may have
// together, without the signature. Find keeps them in a cookie, and fails with a
// page nobody comes back from when that is full: from 1.6 KB, by its source.
const longestContext = 1500

// Journey is the name of the query parameter by which a browser that comes back
// says from which departure. The redirect_url is signed with it and followed to the
// byte; without it, a browser that never left could not be told whose data to void.
const Journey = "journey"

// Field is a hidden input of the form.
type Field struct{ Name, Value string }

// Depart makes the form that takes a browser to Find: the address it is posted to
// (application/x-www-form-urlencoded), and its fields, the signature last.
//
// The journey id is a UUID in lower case, fresh for each departure: Find names it
// in its PUT. The e-mail address is the verified one. The session id is what the
// service gave at sign-in, for analytics; "" leaves it out. PreviousURL is the
// absolute address of the page with the button, where Back of Find's first page
// leads.
//
// The error says what Find, or the browser on the way there, would not take. The
// signature never expires, so the PUT must be held against the state of the journey.
func (h *Handover) Depart(journeyID, email, sessionID, previousURL string) (to string, fields []Field, err error) {
	if id, err := uuid.Parse(journeyID); err != nil || id.String() != journeyID {
		return "", nil, errors.New("depart for Find a lost TRN: journey_id must be a UUID in lower case")
	}
	if err := checkAddress(previousURL); err != nil {
		return "", nil, fmt.Errorf("depart for Find a lost TRN: previous_url %w", err)
	}
	context := map[string]string{
		"client_id":    h.cfg.ClientID, // in no table of the specification, but in all code
		"client_title": h.cfg.ClientTitle,
		"client_url":   h.cfg.ClientURL,
		"email":        email,
		"journey_id":   journeyID,
		"previous_url": previousURL,
		"redirect_url": h.cfg.RedirectURL + "?" + Journey + "=" + journeyID,
	}
	if sessionID != "" {
		context["session_id"] = sessionID
	}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(context)) {
		value := context[name]
		switch {
		case value == "":
			return "", nil, fmt.Errorf("depart for Find a lost TRN: %s is missing", name)
		case !oneLine(value):
			// Browsers make CR LF of every line break, and the signature wrong.
			return "", nil, fmt.Errorf("depart for Find a lost TRN: %s must be one line of text, without control characters", name)
		}
		size += len(name) + len(value)
		fields = append(fields, Field{name, value})
	}
	if size > longestContext {
		return "", nil, fmt.Errorf("depart for Find a lost TRN: the form has %d bytes and may have %d", size, longestContext)
	}
	return h.cfg.URL, append(fields, Field{"sig", sign(h.cfg.SharedKey, context)}), nil
}

// sign is the signature of a context: HMAC-SHA256 in lower-case hexadecimal, as in
// the specification's example. Find compares it ignoring case.
func sign(key string, context map[string]string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(canonical(context)))
	return hex.EncodeToString(mac.Sum(nil))
}

// canonical is what is signed: the parameters sorted by name, bytewise, with their
// values percent-encoded but for the unreserved characters of RFC 3986, section
// 2.3. QueryEscape leaves exactly those, and has "+" for a space only: one that
// was there is %2B by then.
//
// Names stay as they are: so Find signs them. Ours are of a-z and "_".
func canonical(context map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(context)) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(context[name]), "+", "%20"))
	}
	return b.String()
}
