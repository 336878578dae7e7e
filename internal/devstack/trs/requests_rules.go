package trs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// application is the body of a request for a TRN.
type application struct {
	RequestID string `json:"requestId"`
	Person    struct {
		FirstName  string    `json:"firstName"`
		MiddleName string    `json:"middleName"`
		LastName   string    `json:"lastName"`
		BirthDate  string    `json:"dateOfBirth"`
		Emails     []*string `json:"emailAddresses"`
		NINO       string    `json:"nationalInsuranceNumber"`
		Gender     string    `json:"gender"`
	} `json:"person"`
	Verified bool   `json:"identityVerified"`
	Subject  string `json:"oneLoginUserSubject"`
}

// email is the address that counts.
func (a application) email() string {
	if len(a.Person.Emails) == 0 {
		return ""
	}
	return *a.Person.Emails[0]
}

const (
	longest       = 100 // characters as .NET counts them: UTF-16
	longestColumn = 255 // of the subject; the real one fails on more
	earliestBirth = "1940-01-01"
)

var (
	requestID = regexp.MustCompile(`^[0-9a-zA-Z_-]+$`)

	// The forms of a National Insurance number, and the prefixes nobody has.
	permanent = regexp.MustCompile(`^[ABCEGHJKLMNOPQRSTWXYZ][ABCEGHJKLMNPQRSTWXYZ][0-9]{6}[ABCDFMU]$`)
	temporary = regexp.MustCompile(`^[0-9]{2}[A-Z][0-9]{5}$`)
	noPrefix  = regexp.MustCompile(`^(BG|GB|KN|NK|NT|TN|ZZ)`)

	// E-mail addresses, as GOV.UK Notify takes them.
	mailbox  = regexp.MustCompile("^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~\\\\-]+@([^.@][^@\\s]+)$")
	hostPart = regexp.MustCompile(`(?i)^(xn|[a-z0-9]+)(-?-[a-z0-9]+)*$`)
	topLevel = regexp.MustCompile(`(?i)^([a-z]{2,63}|xn--([a-z0-9]+-)*[a-z0-9]+)$`)
)

// readApplication reads the body and puts it to the rules. The real one ignores
// properties that it does not know, every e-mail address but the first, and a
// subject whose identity was not verified.
func readApplication(r *http.Request, now time.Time) (a application, err error) {
	if mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(mediaType), "application/json") {
		return a, violation{http.StatusUnsupportedMediaType, "415", "the body must be application/json", ""}
	}
	if _, err := parameters(r); err != nil {
		return a, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
	if err != nil {
		return a, violation{http.StatusRequestEntityTooLarge, "413", "the body is too large", ""}
	}
	reader := json.NewDecoder(strings.NewReader(string(body)))
	reader.DisallowUnknownFields()
	if reader.Decode(&a) != nil {
		return a, stricter("the body must be a JSON object of the documented properties and types, and have no other")
	}
	if _, err := reader.Token(); err != io.EOF {
		return a, invalid("$", "The JSON value is followed by something.")
	}
	if err := missing(body); err != nil {
		return a, err
	}
	p := a.Person
	for _, name := range []struct{ field, text string }{{"person.firstName", p.FirstName}, {"person.lastName", p.LastName}} {
		if strings.TrimSpace(name.text) == "" {
			return a, invalid(name.field, "The name must not be empty.")
		}
	}
	for _, text := range []struct{ field, text string }{
		{"requestId", a.RequestID}, {"person.firstName", p.FirstName}, {"person.middleName", p.MiddleName}, {"person.lastName", p.LastName},
	} {
		if tooLong(text.text) {
			return a, invalid(text.field, "The length must be 100 characters or fewer.")
		}
	}
	switch {
	case !requestID.MatchString(a.RequestID):
		return a, invalid("requestId", "The request id may have letters, digits, _ and - only.")
	case !isDate(p.BirthDate):
		return a, invalid("person.dateOfBirth", "The JSON value could not be converted to a date.")
	case p.BirthDate < earliestBirth || p.BirthDate >= now.UTC().Format(time.DateOnly):
		return a, invalid("person.dateOfBirth", "Birth date is out of expected range.")
	case p.NINO != "" && !isNINO(compact(p.NINO)):
		return a, invalid("person.nationalInsuranceNumber", "The National Insurance number is invalid.")
	case !slices.Contains([]string{"", "Male", "Female", "Other"}, p.Gender):
		return a, invalid("person.gender", "The JSON value could not be converted to a gender.")
	}
	for i, address := range p.Emails {
		if address == nil || tooLong(*address) || !isEmail(*address) {
			return a, invalid(fmt.Sprintf("person.emailAddresses[%d]", i), "The e-mail address is not valid.")
		}
	}
	return a, firstBroken(
		rule{len(p.Emails) > 1, http.StatusBadRequest, "", "only the first e-mail address is used: do not send more"},
		rule{a.Verified && a.Subject == "", http.StatusBadRequest, "", "identityVerified says nothing without oneLoginUserSubject"},
		rule{a.Subject != "" && !a.Verified, http.StatusBadRequest, "", "a oneLoginUserSubject whose identity is not verified is linked to nothing"},
		rule{len(a.Subject) > longestColumn, http.StatusBadRequest, "500", "oneLoginUserSubject must be 255 characters or fewer"},
		rule{p.FirstName != strings.TrimSpace(p.FirstName) || p.MiddleName != strings.TrimSpace(p.MiddleName) || p.LastName != strings.TrimSpace(p.LastName),
			http.StatusBadRequest, "", "names are sent without white space around them"},
	)
}

// missing is about properties that must be there, and not null.
func missing(body []byte) error {
	var have struct {
		RequestID any            `json:"requestId"`
		Person    map[string]any `json:"person"`
	}
	if json.Unmarshal(body, &have) != nil || have.RequestID == nil {
		return invalid("requestId", "The requestId field is required.")
	}
	for _, property := range []string{"firstName", "lastName", "dateOfBirth"} {
		if have.Person[property] == nil {
			return invalid("person."+property, "The field is required.")
		}
	}
	return nil
}

func tooLong(text string) bool { return len(utf16.Encode([]rune(text))) > longest }

func isNINO(number string) bool {
	return (permanent.MatchString(number) || temporary.MatchString(number)) && !noPrefix.MatchString(number)
}

func isEmail(address string) bool {
	found := mailbox.FindStringSubmatch(address)
	if found == nil || len(address) > 320 || strings.Contains(address, "..") {
		return false
	}
	parts := strings.Split(found[1], ".")
	for _, part := range parts {
		if len(part) > 63 || !hostPart.MatchString(part) {
			return false
		}
	}
	return len(parts) >= 2 && topLevel.MatchString(parts[len(parts)-1])
}
