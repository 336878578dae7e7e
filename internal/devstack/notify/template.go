package notify

import (
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// version is that of every template: they do not change.
const version = 1

func templateOf(r *http.Request, id string) object {
	return object{"id": id, "version": version, "uri": here(r, "/v2/template/"+id)}
}

func (s *Server) find(id string) (Template, error) {
	i := slices.IndexFunc(s.config.Templates, func(t Template) bool { return t.ID == id })
	if i < 0 {
		return Template{}, notFound("no template has the id")
	}
	return s.config.Templates[i], nil
}

// asked is the template of the path.
func (s *Server) asked(r *http.Request) (Template, error) {
	id := r.PathValue("id")
	if !isUUID.MatchString(id) {
		return Template{}, invalid("id is not a valid UUID")
	}
	return s.find(id)
}

func (s *Server) template(r *http.Request) (reply, error) {
	t, err := s.asked(r)
	if err == nil {
		_, err = parameters(r)
	}
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: object{
		"id": t.ID, "name": t.Name, "type": "email", "created_at": "2026-01-05T09:00:00.000000Z", "updated_at": nil, "version": version,
		"created_by": "someone@digital.cabinet-office.gov.uk", "subject": t.Subject, "body": t.Body, "letter_contact_block": nil,
	}}, nil
}

func (s *Server) preview(r *http.Request) (reply, error) {
	t, err := s.asked(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Personalisation map[string]string `json:"personalisation"`
	}
	if err := readBody(r, &in, "personalisation"); err != nil {
		return reply{}, err
	}
	if err := t.check(in.Personalisation); err != nil {
		return reply{}, err
	}
	body := fill(t.Body, in.Personalisation)
	return reply{status: http.StatusOK, body: object{
		"id": t.ID, "type": "email", "version": version, "subject": fill(t.Subject, in.Personalisation), "body": body,
		"html": "<p>" + html.EscapeString(body) + "</p>", "postage": nil,
	}}, nil
}

// inBrackets is ((name)), or ((name??text)) where text is only there for a "yes".
var inBrackets = regexp.MustCompile(`\(\(([^()?]+)(\?\?[^()]*)?\)\)`)

// check compares values with the template's placeholders. The real one tolerates
// values that nothing asks for, and names spelled a little differently.
func (t Template) check(values map[string]string) error {
	unused := maps.Clone(values)
	for _, match := range inBrackets.FindAllStringSubmatch(t.Subject+t.Body, -1) {
		if _, has := values[match[1]]; !has {
			return unfit("missing personalisation: " + match[1])
		}
		delete(unused, match[1])
	}
	return firstBroken(rule{len(unused) > 0, stricter("personalisation has a value that the template has no placeholder for")})
}

// fill puts values in the place of their names.
func fill(text string, values map[string]string) string {
	return inBrackets.ReplaceAllStringFunc(text, func(bracket string) string {
		match := inBrackets.FindStringSubmatch(bracket)
		value := values[match[1]]
		if condition, is := strings.CutPrefix(match[2], "??"); is {
			if value != "yes" {
				return ""
			}
			return condition
		}
		return value
	})
}

var (
	link     = regexp.MustCompile(`https?://[^\s<>()"]+`)
	markdown = regexp.MustCompile("[\\\\\\[\\]()*_#^`~>]")
	escaped  = regexp.MustCompile("\\\\([\\\\\\[\\]()*_#^`~>])")
)

// sanitised takes links out of the values named and escapes their Markdown. It
// also returns what that changed, as the answer shows it.
func sanitised(values map[string]string, names []string) (safe map[string]string, changed object) {
	safe, changed = maps.Clone(values), object{}
	for _, name := range names {
		safe[name] = markdown.ReplaceAllString(link.ReplaceAllString(values[name], ""), `\$0`)
		if safe[name] != values[name] {
			changed[name] = object{"unsanitised": values[name], "sanitised": safe[name]}
		}
	}
	return safe, changed
}

// unescaped is text as a reader of the e-mail sees it.
func unescaped(text string) string { return escaped.ReplaceAllString(text, "$1") }
