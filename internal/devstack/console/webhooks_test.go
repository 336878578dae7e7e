package console_test

import (
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// subscriber takes every event, without a network, and refuses what is not signed.
type subscriber chan string

func (s subscriber) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sent := map[string][]string(r.Header) // names in lower case, as the real one's
	status := http.StatusNoContent
	if sent["signature"] == nil {
		status = http.StatusUnauthorized
	}
	s <- sent["ce-type"][0] + " " + string(body)
	return &http.Response{StatusCode: status, Body: http.NoBody}, nil
}

func newConsoleWithSubscriber(t *testing.T) (http.Handler, *trs.Server, subscriber) {
	t.Helper()
	told := make(subscriber, 10)
	handler, api := newConsoleWith(t, trs.Config{Webhook: "https://site.example/hook", HTTP: &http.Client{Transport: told}})
	return handler, api, told
}

// TestWebhooks: what each form tells the subscriber.
func TestWebhooks(t *testing.T) {
	handler, _, told := newConsoleWithSubscriber(t)
	known, _ := people.Find("known")
	user := `"oneLoginUser":{"emailAddress":"` + known.Email + `","subject":"` + known.Subject() + `"}}`
	for _, row := range []struct {
		path string
		form url.Values
		want string
	}{
		{"link", url.Values{"person": {"known"}, "trn": {"7382593"}}, `one_login_user.updated {"connectedPerson":{"trn":"7382593"},` + user},
		{"forge", url.Values{"name": {"unsigned"}}, `one_login_user.updated {"connectedPerson":null,` + user},
		{"unlink", url.Values{"person": {"known"}, "trn": {"7382593"}}, `one_login_user.updated {"connectedPerson":null,` + user},
		{"alert", url.Values{"trn": {"7381046"}, "on": {"yes"}}, `alert.created {"alert":`},
		{"alert", url.Values{"trn": {"7381046"}, "on": {"no"}}, `alert.deleted {"alert":`},
		{"ping", nil, `ping {"pingId":`},
		{"novelty", nil, `person.applauded {`},
		{"merge", url.Values{"from": {"7381046"}, "to": {"7382593"}}, `person.deactivated {"deactivatedPerson":{"trn":"7381046"},`},
	} {
		if w := post(handler, "/records/"+row.path, row.form, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
			t.Fatalf("%s: %d %s", row.path, w.Code, w.Body)
		}
		if got := <-told; !strings.HasPrefix(got, row.want) {
			t.Errorf("%s tells %s", row.path, got)
		}
	}
}

// TestRotateKey: the list of keys is another.
func TestRotateKey(t *testing.T) {
	handler, api := newConsoleWithRecords(t)
	keys := func() string {
		r := httptest.NewRequest(http.MethodGet, "/webhook-jwks", nil)
		r.Header.Set("User-Agent", "console-test/1.0")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w.Body.String()
	}
	before := keys()
	if w := post(handler, "/records/rotate-key", nil, nil); w.Code != http.StatusSeeOther || keys() == before {
		t.Errorf("%d %s", w.Code, before)
	}
}

// TestWebhooksRefused: what cannot be asked for, and is not told.
func TestWebhooksRefused(t *testing.T) {
	handler, api, _ := newConsoleWithSubscriber(t)
	for _, row := range []struct {
		path string
		form url.Values
	}{
		{"link", url.Values{"person": {"nobody"}, "trn": {"7382593"}}},
		{"link", url.Values{"person": {"known"}, "trn": {"9999999"}}},
		{"unlink", url.Values{"person": {""}}},
		{"alert", url.Values{"trn": {"7381046"}, "on": {"perhaps"}}},
		{"alert", url.Values{"trn": {"9999999"}, "on": {"yes"}}},
		{"forge", url.Values{"name": {"no-such"}}},
		{"forge", url.Values{"name": {"replay"}}},
	} {
		if w := post(handler, "/records/"+row.path, row.form, nil); w.Code != http.StatusBadRequest {
			t.Errorf("%s %v: %d", row.path, row.form, w.Code)
		}
	}
	if deliveries := api.Record().Deliveries; len(deliveries) != 0 {
		t.Errorf("%+v", deliveries)
	}
	without, _ := newConsoleWithRecords(t)
	for _, path := range []string{"ping", "novelty", "forge"} {
		if w := post(without, "/records/"+path, url.Values{"name": {"unsigned"}}, nil); w.Code != http.StatusBadRequest {
			t.Errorf("%s, to nobody: %d", path, w.Code)
		}
	}
}

// TestWebhooksPage: people, forgeries, alerts and what was delivered, the newest
// first and without whom it is about.
func TestWebhooksPage(t *testing.T) {
	handler, api, _ := newConsoleWithSubscriber(t)
	_, text := get(handler, "/")
	wants := []string{"Nothing has been delivered.", `action="/records/link"`, `formaction="/records/unlink"`, `action="/records/ping"`, `formaction="/records/novelty"`,
		`formaction="/records/rotate-key"`, `name="on" value="yes"><button name="trn" value="7381046">Set an alert on 7381046`}
	for _, p := range people.Everyone() {
		wants = append(wants, `<option value="`+p.Value+`">`+p.Value+`</option>`)
	}
	for _, f := range trs.Forgeries() {
		wants = append(wants, `name="name" value="`+f.Name+`"`, template.HTMLEscapeString(f.Does)+` <em>(must be `+string(f.Want)+`)`)
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	post(handler, "/records/alert", url.Values{"trn": {"7381046"}, "on": {"yes"}}, nil)
	post(handler, "/records/forge", url.Values{"name": {"unsigned"}}, nil)
	api.Close() // waits until the answer is on record
	_, text = get(handler, "/")
	want := []string{
		`<tr><th scope="row">one_login_user.updated</th><td>unsigned</td><td>401</td><td>dropped</td></tr>`,
		`<tr><th scope="row">alert.created</th><td>no</td><td>204</td><td>delivered</td></tr>`,
	}
	if diff := cmp.Diff(want, regexp.MustCompile(`<tr><th scope="row">(alert|one_login).*</tr>`).FindAllString(text, -1)); diff != "" {
		t.Error(diff)
	}
	if want := `name="on" value="no"><button name="trn" value="7381046">Remove the alert of 7381046`; !strings.Contains(text, want) {
		t.Errorf("the page does not have %q", want)
	}
}
