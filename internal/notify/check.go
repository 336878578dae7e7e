package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Check asks whether a template (GET /v2/template/{id}) is for e-mail and has
// exactly the placeholders needs, so that a mistake shows at start and not with
// the first e-mail. An error that is ErrRefused says what to write instead, or
// that the key is wrong; with any other, Notify could not be asked.
func (c *Client) Check(ctx context.Context, template string, needs []string) error {
	var got struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Subject string `json:"subject"`
		Body    string `json:"body"`
	}
	err := c.call(ctx, http.MethodGet, "/v2/template/"+url.PathEscape(template), nil, http.StatusOK, &got)
	if err == nil && !strings.EqualFold(got.ID, template) {
		err = errors.New("an answer about another template")
	}
	if err == nil {
		err = fits(got.Type, placeholders(got.Subject+"\n"+got.Body), needs)
	}
	if err != nil {
		return fmt.Errorf("check template %q of GOV.UK Notify: %w", template, err)
	}
	return nil
}

// fits says what is wrong with a template, and what to write instead.
func fits(kind string, has, needs []string) error {
	if kind != "email" {
		return fmt.Errorf("it is not for e-mail: use the id of an e-mail template: %w", ErrRefused)
	}
	var wrong []string
	for _, name := range needs {
		if !slices.Contains(has, name) {
			wrong = append(wrong, "write (("+name+")) somewhere in it")
		}
	}
	for _, name := range has {
		if !slices.Contains(needs, name) {
			wrong = append(wrong, fmt.Sprintf("take out the placeholder %.60q, which we have no value for", name))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s (it may have ((%s)), spelled like this, and no others): %w",
		strings.Join(wrong, "; "), strings.Join(needs, ")), (("), ErrRefused)
}

var placeholder = regexp.MustCompile(`\(\(([^()]+)\)\)`)

// placeholders are the distinct names in a template, in their order. Of one with
// a condition, ((name??text)), that is what is before the question marks.
func placeholders(text string) (names []string) {
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		name, _, _ := strings.Cut(match[1], "??")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
