package find_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestRules: each broken by itself, in a form that is signed.
func TestRules(t *testing.T) {
	set := func(name string, values ...string) func(url.Values) {
		return func(f url.Values) { f[name] = values }
	}
	drop := func(name string) func(url.Values) {
		return func(f url.Values) { f.Del(name) }
	}
	for _, row := range []struct {
		why  string
		edit func(url.Values)
		rule string // in the words of the refusal; "" when the form is accepted
	}{
		{"as it is", func(url.Values) {}, ""},
		{"a session id", set("session_id", "a b/é"), ""},
		{"http on this machine", set("client_url", "http://localhost:8080/"), ""},
		{"http on 127.0.0.1", set("previous_url", "http://127.0.0.1:8080/before"), ""},
		{"no client id", drop("client_id"), "client_id is missing"},
		{"no client title", drop("client_title"), "client_title is missing"},
		{"no client URL", drop("client_url"), "client_url is missing"},
		{"no e-mail address", drop("email"), "email is missing"},
		{"no journey", drop("journey_id"), "journey_id is missing"},
		{"no previous page", drop("previous_url"), "previous_url is missing"},
		{"no way back", drop("redirect_url"), "redirect_url is missing"},
		{"an empty session id", set("session_id", ""), "session_id is empty"},
		{"an empty client title", set("client_title", ""), "client_title is empty"},
		{"a parameter of its own", set("trn_requirement", "optional"), "documented parameters only"},
		{"a parameter twice", set("client_title", "One", "Two"), "sent once"},
		{"a line break", set("client_title", "One\r\nTwo"), "client_title has a control character"},
		{"NUL", set("session_id", "\x00"), "session_id has a control character"},
		{"a relative client URL", set("client_url", "/"), "client_url must be an absolute https URL"},
		{"a client URL in the clear", set("client_url", "http://service.example"), "client_url must be an absolute https URL"},
		{"a previous page with a password", set("previous_url", "https://a:b@service.example/"), "previous_url must be an absolute https URL"},
		{"a previous page with a fragment", set("previous_url", "https://service.example/#a"), "previous_url must be an absolute https URL"},
		{"a script", set("client_url", "javascript:alert(1)"), "client_url must be an absolute https URL"},
		{"a script with a host", set("client_url", "javascript://service.example/"), "client_url must be an absolute https URL"},
		{"a callback that begins alike", set("redirect_url", back+"/"), "redirect_url must equal"},
		{"another client's callback", set("redirect_url", "https://another.example/"), "redirect_url must equal"},
		{"a relative callback", set("redirect_url", "/callback"), "redirect_url must be an absolute"},
		{"an unknown client", set("client_id", "nobody"), "client_id is not registered"},
		{"no address", set("email", "rosa"), "email must be"},
		{"a long address", set("email", strings.Repeat("e", 255-len("@people.example"))+"@people.example"), "email must be"},
		{"a journey id in capitals", set("journey_id", strings.ToUpper(journeyID)), "journey_id must be a UUID"},
		{"a journey id and more", set("journey_id", journeyID+"/.."), "journey_id must be a UUID"},
		{"too much for the cookie", set("client_title", strings.Repeat("t", 1400)), "less than 1,536 bytes"},
	} {
		tr := newTraveller(t)
		form := context()
		row.edit(form)
		got := tr.do(http.MethodPost, "/identity", urlencoded, signed(form))
		violations := tr.find.Record().Violations
		switch {
		case row.rule == "":
			if got.status != http.StatusFound || len(violations) != 0 {
				t.Errorf("%s: %d %+v", row.why, got.status, violations)
			}
		case got.status != http.StatusBadRequest || len(violations) != 1 || violations[0].Live != "" || violations[0].Endpoint != "identity" ||
			!strings.Contains(violations[0].Rule, row.rule) || !strings.Contains(got.text, "lets this pass today"):
			t.Errorf("%s: %d %+v", row.why, got.status, violations)
		}
	}
}

// TestRulesOfFind: what the real one refuses, too.
func TestRulesOfFind(t *testing.T) {
	good := signed(context())
	for _, row := range []struct {
		why, path, media, body string
		live                   string // "" when the form is accepted
		rule                   string
	}{
		{"capitals", "/identity", urlencoded, good[:len(good)-64] + strings.ToUpper(good[len(good)-64:]), "", ""},
		{"%20 for spaces", "/identity", urlencoded, strings.ReplaceAll(good, "+", "%20"), "", ""},
		{"a charset", "/identity", urlencoded + "; charset=UTF-8", good, "", ""},
		{"JSON", "/identity", "application/json", good, "500", "posted as application/x-www-form-urlencoded"},
		{"multipart", "/identity", "multipart/form-data; boundary=x", good, "500", "posted as application/x-www-form-urlencoded"},
		{"a query", "/identity?a=b", urlencoded, good, "500", "without a query"},
		{"no signature", "/identity", urlencoded, good[:strings.LastIndex(good, "&")], "500", "sig is missing"},
		{"no hexadecimal", "/identity", urlencoded, good[:len(good)-1] + "g", "500", "sig must be the signature"},
		{"a space before it", "/identity", urlencoded, strings.Replace(good, "sig=", "sig=+", 1), "500", "sig must be the signature"},
		{"another title", "/identity", urlencoded, strings.Replace(good, "service", "Service", 1), "500", "sig must be the signature"},
		{"a list", "/identity", urlencoded, good + "&foo%5B%5D=1", "500", "no brackets"},
		{"no UTF-8", "/identity", urlencoded, good + "&foo=%FF", "400", "percent-encoded UTF-8"},
		{"no escape", "/identity", urlencoded, good + "&foo=%zz", "400", "percent-encoded UTF-8"},
	} {
		tr := newTraveller(t)
		got := tr.do(http.MethodPost, row.path, row.media, row.body)
		violations := tr.find.Record().Violations
		switch {
		case row.live == "":
			if got.status != http.StatusFound || len(violations) != 0 {
				t.Errorf("%s: %d %+v", row.why, got.status, violations)
			}
		case len(violations) != 1 || violations[0].Live != row.live || !strings.Contains(violations[0].Rule, row.rule) ||
			!strings.Contains(got.text, "would answer with status <code>"+row.live) || got.status != map[string]int{"400": 400, "500": 500}[row.live]:
			t.Errorf("%s: %d %+v", row.why, got.status, violations)
		}
	}
	tr := newTraveller(t)
	for method, path := range map[string]string{http.MethodGet: "/identity", http.MethodPost: "/"} {
		if got := tr.do(method, path, urlencoded, good); got.status != http.StatusNotFound {
			t.Errorf("%s %s: %d", method, path, got.status)
		}
	}
	if hits := tr.find.Record().Hits; hits["elsewhere"] != 2 {
		t.Errorf("%v", hits)
	}
}

// TestFreshJourney: the form may come again until its journey was told of.
func TestFreshJourney(t *testing.T) {
	tr := newTraveller(t)
	tr.arrive(context())
	if got := tr.submit(tr.filled(tr.arrive(context()))); got.location != back {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if got := tr.do(http.MethodPost, "/identity", urlencoded, signed(context())); got.status != http.StatusBadRequest || !strings.Contains(got.text, "was used before") {
		t.Errorf("%d %s", got.status, got.text)
	}
}
