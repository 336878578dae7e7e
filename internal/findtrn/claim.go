package findtrn

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Path is where Find's PUT goes, as a pattern of http.ServeMux. It is at the root
// of the host: Find discards the path of the address it is configured with.
const Path = "/api/find-trn/user/{" + PathValue + "}"

// PathValue is the name of the path value that is the journey id.
const PathValue = "journeyId"

const (
	longestBody = 16 << 10 // bytes
	longestName = 255      // characters; Find allows an official name as many
)

// ReadClaim reads Find's PUT: whether it has a key of ours, which journey it is
// about, and what it says of the person. The journey id is r.PathValue(PathValue),
// which a caller that uses no ServeMux sets; it is returned in lower case. Whether
// there is such a journey, and whether it waits for this, the caller knows.
//
// The error is a *Refusal. Nothing but the key is looked at before it is right.
func (h *Handover) ReadClaim(r *http.Request) (journeyID string, c journey.Claim, err error) {
	from := h.caller(r)
	if from == nil {
		return "", journey.Claim{}, refused(http.StatusUnauthorized, "")
	}
	if !from.limit.Allow() {
		return "", journey.Claim{}, refused(http.StatusTooManyRequests, "too many requests with this key")
	}
	id, err := uuid.Parse(r.PathValue(PathValue))
	if err != nil || !strings.EqualFold(id.String(), r.PathValue(PathValue)) { // there are other ways to write one
		return "", journey.Claim{}, refused(http.StatusNotFound, "there is no such journey")
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return "", journey.Claim{}, refused(http.StatusUnsupportedMediaType, "the body must be application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, longestBody+1))
	switch {
	case err != nil:
		return "", journey.Claim{}, refused(http.StatusBadRequest, "the body could not be read")
	case len(body) > longestBody:
		return "", journey.Claim{}, refused(http.StatusRequestEntityTooLarge, "the body must have at most 16 KB")
	}
	c, err = parseClaim(body)
	if err != nil {
		return "", journey.Claim{}, err
	}
	return id.String(), c, nil
}

// caller is whose key r presents, or nil. Hashes have one length, and all are
// compared to the end, so that the time it takes says nothing of a key.
func (h *Handover) caller(r *http.Request) (found *caller) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return nil
	}
	scheme, key, _ := strings.Cut(values[0], " ")
	presented := sha256.Sum256([]byte(key))
	for i := range h.callers {
		if subtle.ConstantTimeCompare(presented[:], h.callers[i].hash[:]) == 1 {
			found = &h.callers[i]
		}
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return found
}

// parseClaim reads the body. Property names are as Find writes them, to the case.
// Those it used until November 2022, and its specification still has, count where
// the newer ones are missing. Null is as good as nothing; what it does not know it
// ignores; what comes twice it refuses, since no two programs agree which counts.
func parseClaim(body []byte) (journey.Claim, error) {
	all, ok := members(body)
	if !ok {
		return journey.Claim{}, refused(http.StatusBadRequest, "the body must be a JSON object in UTF-8, with each property once")
	}
	p := properties{all, map[string]string{}}
	c := journey.Claim{
		FirstName:          p.name("officialFirstName", "firstName"),
		LastName:           p.name("officialLastName", "lastName"),
		PreferredFirstName: p.name("preferredFirstName"),
		PreferredLastName:  p.name("preferredLastName"),
		BirthDate:          p.date("dateOfBirth"),
		TRN:                p.trn("trn"),
		NINO:               p.nino("nationalInsuranceNumber"),
		SupportTicket:      p.flag("supportTicketCreated"),
	}
	p.need(c.FirstName, "officialFirstName", "is required")
	p.need(c.LastName, "officialLastName", "is required")
	p.need(c.BirthDate, "dateOfBirth", "is required") // Find asks everybody
	if c.PreferredLastName != "" {
		p.need(c.PreferredFirstName, "preferredFirstName", "is required with preferredLastName")
	}
	if c.PreferredFirstName != "" {
		p.need(c.PreferredLastName, "preferredLastName", "is required with preferredFirstName")
	}
	if len(p.wrong) > 0 {
		return journey.Claim{}, &Refusal{Status: http.StatusBadRequest, Detail: "properties are missing or wrong", Errors: p.wrong}
	}
	return c, nil
}

// members are the members of a JSON object, each of which may occur once.
func members(body []byte) (map[string]json.RawMessage, bool) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, false
	}
	// What is valid has no errors below.
	d := json.NewDecoder(bytes.NewReader(body))
	if open, _ := d.Token(); open != json.Delim('{') {
		return nil, false
	}
	all := map[string]json.RawMessage{}
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if _, twice := all[name]; twice || d.Decode(&value) != nil {
			return nil, false
		}
		all[name] = value
	}
	return all, true
}

// properties are the members of a PUT, and by name what is wrong with them.
type properties struct {
	all   map[string]json.RawMessage
	wrong map[string]string
}

// read puts a property into value and reports whether it was there.
func (p properties) read(name string, value any, kind string) bool {
	raw := p.all[name]
	if raw == nil || string(raw) == "null" {
		return false
	}
	if json.Unmarshal(raw, value) != nil {
		p.wrong[name] = "must be " + kind
		return false
	}
	return true
}

func (p properties) text(name string) (value string, given bool) {
	given = p.read(name, &value, "a string")
	return value, given
}

// name is the first name given under any of the spellings.
func (p properties) name(spellings ...string) (first string) {
	for _, spelling := range spellings {
		value, _ := p.text(spelling)
		value = strings.TrimSpace(value)
		switch {
		case utf8.RuneCountInString(value) > longestName:
			p.wrong[spelling] = "must have at most 255 characters"
		case !oneLine(value):
			p.wrong[spelling] = "must be one line of text, without control characters"
		case first == "":
			first = value
		}
	}
	return first
}

func (p properties) date(name string) string {
	value, given := p.text(name)
	if _, err := time.Parse(time.DateOnly, value); given && err != nil {
		p.wrong[name] = "must be a date, as in 1990-12-31"
	}
	return value
}

func (p properties) trn(name string) string {
	value, given := p.text(name)
	if given && (len(value) != 7 || strings.Trim(value, "0123456789") != "") {
		p.wrong[name] = "must have exactly seven digits"
	}
	return value
}

// nino is lenient: Find's own check lets numbers pass that cannot be, and the
// person would pay for it there with an error page.
func (p properties) nino(name string) string {
	value, _ := p.text(name)
	number, _ := journey.ParseNINO(value)
	return number
}

func (p properties) flag(name string) (value bool) {
	p.read(name, &value, "true or false")
	return value
}

// need says what a property lacks whose value is missing, unless more is known.
func (p properties) need(value, name, says string) {
	if value == "" && p.wrong[name] == "" {
		p.wrong[name] = says
	}
}
