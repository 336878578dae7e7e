package notify

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// emailRequest is the body of POST /v2/notifications/email. The real one also
// takes lists and files as values, no personalisation where there are no
// placeholders, and the URL for unsubscribing that only subscriptions have.
type emailRequest struct {
	To              string            `json:"email_address"`
	Template        string            `json:"template_id"`
	Personalisation map[string]string `json:"personalisation"`
	Reference       string            `json:"reference"`
	ReplyTo         *string           `json:"email_reply_to_id"`
	Sanitise        []string          `json:"sanitise_content_for"`
}

const (
	longestAddress   = 250       // characters, as in the OpenAPI file
	longestReference = 255       // characters; the real one's limit is not documented
	longestEmail     = 2_000_000 // bytes
)

var address = regexp.MustCompile(`^[^\s@<>(),;:"\\]+@([\pL\pN]([\pL\pN-]*[\pL\pN])?\.)+[\pL][\pL\pN-]*[\pL\pN]$`)

// sendEmail is answered with what would be sent; that it is in the in-box is for
// send, because a fault may lose it.
func (s *Server) sendEmail(r *http.Request) (reply, error) {
	var in emailRequest
	if err := readBody(r, &in, "email_address", "template_id", "personalisation", "reference", "email_reply_to_id", "sanitise_content_for"); err != nil {
		return reply{}, err
	}
	if err := s.checkEmail(in); err != nil {
		return reply{}, err
	}
	t, err := s.find(in.Template)
	if err != nil {
		return reply{}, unfit("template_id: template not found")
	}
	if err := t.check(in.Personalisation); err != nil {
		return reply{}, err
	}
	values, changed := sanitised(in.Personalisation, in.Sanitise)
	m := &message{Message: Message{
		ID: uuid.NewString(), To: in.To, Template: t.Name, Reference: in.Reference, At: s.config.Now().UTC(), Status: Created,
		Subject: fill(t.Subject, values), Body: fill(t.Body, values),
	}, template: t.ID}
	if len(m.Body) > longestEmail {
		return reply{}, unfit("e-mails cannot be longer than 2000000 bytes")
	}
	return reply{
		status: http.StatusCreated,
		body: object{
			"id": m.ID, "reference": m.Reference, "scheduled_for": nil, "uri": here(r, "/v2/notifications/"+m.ID),
			"content":           object{"subject": m.Subject, "body": m.Body, "from_email": "stand.in@notifications.service.gov.uk", "one_click_unsubscribe_url": nil},
			"template":          templateOf(r, t.ID),
			"sanitised_content": changed,
		},
		accept: func() { s.deliver(m) },
	}, nil
}

// checkEmail is the rules that need no template.
func (s *Server) checkEmail(in emailRequest) error {
	personal := []string{in.To}
	for _, value := range in.Personalisation {
		personal = append(personal, value)
	}
	says := func(value string) bool { return len(value) > 3 && strings.Contains(in.Reference, value) }
	sanitise := slices.Sorted(slices.Values(in.Sanitise))
	return firstBroken(
		rule{in.To == "", invalid("email_address is a required property")},
		rule{len([]rune(in.To)) > longestAddress || !address.MatchString(in.To), invalid("email_address is not a valid email address")},
		rule{in.Template == "", invalid("template_id is a required property")},
		rule{!isUUID.MatchString(in.Template), invalid("template_id is not a valid UUID")},
		rule{in.Reference == "", stricter("without a reference nobody can tell whether it was sent")},
		rule{len([]rune(in.Reference)) > longestReference, invalid("reference is too long")},
		rule{slices.ContainsFunc(personal, says), stricter("the reference holds the address or a value of the e-mail")},
		rule{in.ReplyTo != nil && !isUUID.MatchString(*in.ReplyTo), invalid("email_reply_to_id is not a valid UUID")},
		rule{in.ReplyTo != nil && !slices.Contains(s.config.ReplyTo, *in.ReplyTo), unfit("email_reply_to_id does not exist for the service")},
		rule{len(slices.Compact(sanitise)) != len(in.Sanitise), invalid("sanitise_content_for has a name twice")},
		rule{slices.ContainsFunc(in.Sanitise, func(name string) bool { _, has := in.Personalisation[name]; return !has }),
			invalid("sanitise_content_for names what is not in personalisation")},
	)
}

// here is an address of this server.
func here(r *http.Request, path string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + path
}
