package trs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// zelda is a request that finds nobody. Edits change its members by their paths.
func zelda(id string, edits ...any) string {
	body := map[string]any{
		"requestId": id, "identityVerified": true, "oneLoginUserSubject": "urn:" + id,
		"person": map[string]any{"firstName": "Zelda", "middleName": "Q", "lastName": "Quist", "dateOfBirth": "1991-02-03", "emailAddresses": []any{id + "@people.example"}},
	}
	for i := 0; i < len(edits); i += 2 {
		path, in := strings.Split(edits[i].(string), "."), body
		if len(path) == 2 {
			in = body[path[0]].(map[string]any)
		}
		if in[path[len(path)-1]] = edits[i+1]; edits[i+1] == gone {
			delete(in, path[len(path)-1])
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// gone takes a member away.
const gone = "(gone)"

func (a *asker) create(body string, edits ...func(*http.Request)) answer {
	a.t.Helper()
	got, err := a.ask(a.request(http.MethodPost, "/v3/trn-requests", body, edits...))
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

// stands is how a request stands: status, TRN, and whether it may be a duplicate.
func stands(got answer) string {
	if got.status != http.StatusOK {
		return fmt.Sprint(got.status, " ", got.body["errorCode"])
	}
	return fmt.Sprint(got.body["status"], " ", got.body["trn"], " ", got.body["potentialDuplicate"])
}

// TestRequests goes through the life of some requests.
func TestRequests(t *testing.T) {
	a := newAsker(t, trs.Config{})
	rosa := []any{"person.firstName", "Rosa", "person.lastName", "Lane", "person.dateOfBirth", "1985-04-12"}
	numbered := append(rosa, "person.nationalInsuranceNumber", "qq 65-43 21 f")
	read := func(id string) answer { return a.get("/v3/trn-requests?requestId=" + id) }
	for _, step := range []struct {
		what string
		got  func() answer
		want string
	}{
		{"nobody's", func() answer { return read("new") }, "404 10031"},
		{"a new one", func() answer { return a.create(zelda("new")) }, "Completed 5000001 false"},
		{"read", func() answer { return read("new") }, "Completed 5000001 false"},
		{"made again", func() answer { return a.create(zelda("new")) }, "409 10029"},
		{"made again, for another", func() answer { return a.create(zelda("new", numbered...)) }, "409 10029"},
		{"the id in capitals", func() answer { return read("NEW") }, "404 10031"},
		{"the same subject", func() answer { return a.create(zelda("linked", append(numbered, "oneLoginUserSubject", "urn:new")...)) }, "Completed 5000001 false"},
		{"by number and birthday", func() answer { return a.create(zelda("number", numbered...)) }, "Completed 1000001 false"},
		{"by names and birthday", func() answer { return a.create(zelda("names", append(rosa, "person.middleName", "May")...)) }, "Pending <nil> true"},
		{"resolved", func() answer { must(t, a.api.ResolveRequest("names", "1000001")); return read("names") }, "Completed 1000001 true"},
		{"by an address", func() answer {
			return a.create(zelda("address", "person.emailAddresses", []any{"ROSA@people.example"}))
		}, "Pending <nil> true"},
		{"resolved with a new one", func() answer { must(t, a.api.ResolveRequest("address", "")); return read("address") }, "Completed 5000002 true"},
		{"who was made", func() answer { return a.create(zelda("again")) }, "Pending <nil> true"},
		{"rejected", func() answer { must(t, a.api.RejectRequest("again")); return read("again") }, "Rejected <nil> true"},
		{"for a deactivated one", func() answer {
			return a.create(zelda("lou", "person.firstName", "Lou", "person.middleName", nil, "person.lastName", "Lane", "person.dateOfBirth", "1985-04-12", "person.emailAddresses", nil))
		}, "Completed 5000003 false"},
		{"with further checks", func() answer { a.api.FurtherChecks(true); return a.create(zelda("checks", numbered...)) }, "Pending <nil> false"},
		{"nothing to check", func() answer {
			return a.create(zelda("kim", "oneLoginUserSubject", "urn:new"))
		}, "Completed 5000001 false"},
	} {
		if got := step.got(); stands(got) != step.want {
			t.Errorf("%s: %s, want %s", step.what, stands(got), step.want)
		}
	}
	if violations := a.api.Record().Violations; len(violations) != 0 {
		t.Errorf("%+v", violations)
	}

	for want, decide := range map[error]error{
		trs.ErrNoRequest: a.api.ResolveRequest("nobody's", ""), trs.ErrNotPending: a.api.ResolveRequest("new", ""),
		trs.ErrNoRecord: a.api.ResolveRequest("checks", "9999999"), trs.ErrNotActive: a.api.ResolveRequest("checks", "1000004"),
	} {
		if !errors.Is(decide, want) {
			t.Errorf("got %v, want %v", decide, want)
		}
	}
	if err := a.api.RejectRequest("again"); !errors.Is(err, trs.ErrNotPending) {
		t.Error(err)
	}
	all := a.api.Requests()
	want := trs.Requested{ID: "again", Subject: "urn:again", FirstName: "Zelda", LastName: "Quist", BirthDate: "1991-02-03", Status: trs.Rejected, Maybe: []string{"5000001", "5000002"}}
	if len(all) != 9 || all[0].ID != "new" {
		t.Fatalf("%+v", all)
	}
	if diff := cmp.Diff(want, all[5]); diff != "" {
		t.Error(diff)
	}
	if got := a.get("/v3/persons/5000001"); got.status != http.StatusOK || got.body["lastName"] != "Quist" || got.body["emailAddress"] != "new@people.example" {
		t.Errorf("the record that was made: %d %s", got.status, got.text)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestRequestShape: every member, and the shapes of the two errors.
func TestRequestShape(t *testing.T) {
	a := newAsker(t, trs.Config{})
	got := a.create(zelda("new"))
	link, _ := got.body["accessYourTeachingQualificationsLink"].(string)
	if !strings.HasPrefix(link, "https://qualifications.example/qualifications/start?trn_token=") {
		t.Errorf("the link is %q", link)
	}
	want := map[string]any{"requestId": "new", "oneLoginUserSubject": "urn:new", "status": "Completed", "trn": "5000001", "potentialDuplicate": false, "accessYourTeachingQualificationsLink": link}
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Error(diff)
	}
	got = a.create(zelda("maybe", "oneLoginUserSubject", nil, "identityVerified", gone))
	want = map[string]any{"requestId": "maybe", "oneLoginUserSubject": nil, "status": "Pending", "trn": nil, "potentialDuplicate": true, "accessYourTeachingQualificationsLink": nil}
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Error(diff)
	}
	for code, got := range map[int]answer{10029: a.create(zelda("new")), 10031: a.get("/v3/trn-requests?requestId=none")} {
		if got.header.Get("Content-Type") != "application/problem+json; charset=utf-8" || got.body["errorCode"] != float64(code) || got.body["detail"] == "" {
			t.Errorf("%d: %v %s", code, got.header, got.text)
		}
	}
}

// TestRequestRules: what is refused, each rule broken by itself.
func TestRequestRules(t *testing.T) {
	a := newAsker(t, trs.Config{})
	name := strings.Repeat("x", 100)
	for _, row := range []struct {
		why    string
		body   string
		status int
		field  string // of the validation error
		live   string
	}{
		{"no JSON", "{", 400, "", ""},
		{"an array", "[]", 400, "", ""},
		{"null", "null", 400, "requestId", "400"},
		{"two objects", zelda("x") + "{}", 400, "$", "400"},
		{"an unknown property", zelda("x", "more", 1), 400, "", ""},
		{"an unknown property of the person", zelda("x", "person.trn", "1000001"), 400, "", ""},
		{"a name that is a number", zelda("x", "person.firstName", 1), 400, "", ""},
		{"no id", zelda("x", "requestId", gone), 400, "requestId", "400"},
		{"an empty id", zelda("x", "requestId", ""), 400, "requestId", "400"},
		{"an id with a space", zelda("x", "requestId", "a b"), 400, "requestId", "400"},
		{"a long id", zelda("x", "requestId", name+"x"), 400, "requestId", "400"},
		{"no person", zelda("x", "person", nil), 400, "person.firstName", "400"},
		{"no first name", zelda("x", "person.firstName", gone), 400, "person.firstName", "400"},
		{"a null last name", zelda("x", "person.lastName", nil), 400, "person.lastName", "400"},
		{"a blank first name", zelda("x", "person.firstName", " "), 400, "person.firstName", "400"},
		{"an empty last name", zelda("x", "person.lastName", ""), 400, "person.lastName", "400"},
		{"a long first name", zelda("x", "person.firstName", name+"x"), 400, "person.firstName", "400"},
		{"a long middle name", zelda("x", "person.middleName", name+"x"), 400, "person.middleName", "400"},
		{"a long last name, of 51 characters that .NET counts twice", zelda("x", "person.lastName", strings.Repeat("𝒳", 51)), 400, "person.lastName", "400"},
		{"no birthday", zelda("x", "person.dateOfBirth", gone), 400, "person.dateOfBirth", "400"},
		{"a birthday with a time", zelda("x", "person.dateOfBirth", "1991-02-03T00:00:00"), 400, "person.dateOfBirth", "400"},
		{"a birthday too early", zelda("x", "person.dateOfBirth", "1939-12-31"), 400, "person.dateOfBirth", "400"},
		{"a birthday today", zelda("x", "person.dateOfBirth", "2026-09-01"), 400, "person.dateOfBirth", "400"},
		{"a number that is none", zelda("x", "person.nationalInsuranceNumber", "QQ12345"), 400, "person.nationalInsuranceNumber", "400"},
		{"a number with O second", zelda("x", "person.nationalInsuranceNumber", "AO123456C"), 400, "person.nationalInsuranceNumber", "400"},
		{"a number that begins with GB", zelda("x", "person.nationalInsuranceNumber", "GB123456C"), 400, "person.nationalInsuranceNumber", "400"},
		{"a number with an en dash", zelda("x", "person.nationalInsuranceNumber", "QQ–123456C"), 400, "person.nationalInsuranceNumber", "400"},
		{"a number with an administrative suffix", zelda("x", "person.nationalInsuranceNumber", "QQ123456P"), 400, "person.nationalInsuranceNumber", "400"},
		{"no gender that is one", zelda("x", "person.gender", "female"), 400, "person.gender", "400"},
		{"no address", zelda("x", "person.emailAddresses", []any{"zelda"}), 400, "person.emailAddresses[0]", "400"},
		{"an address at no domain", zelda("x", "person.emailAddresses", []any{"z@example"}), 400, "person.emailAddresses[0]", "400"},
		{"an address with two dots", zelda("x", "person.emailAddresses", []any{"z..z@people.example"}), 400, "person.emailAddresses[0]", "400"},
		{"an address at a number", zelda("x", "person.emailAddresses", []any{"z@people.123"}), 400, "person.emailAddresses[0]", "400"},
		{"an address with a long label", zelda("x", "person.emailAddresses", []any{"z@" + name[:64] + ".example"}), 400, "person.emailAddresses[0]", "400"},
		{"a long address", zelda("x", "person.emailAddresses", []any{name + "@people.example"}), 400, "person.emailAddresses[0]", "400"},
		{"a null address", zelda("x", "person.emailAddresses", []any{"z@people.example", nil}), 400, "person.emailAddresses[1]", "400"},
		{"two addresses", zelda("x", "person.emailAddresses", []any{"z@people.example", "q@people.example"}), 400, "", ""},
		{"a subject whose identity is not verified", zelda("x", "identityVerified", false), 400, "", ""},
		{"an identity of no subject", zelda("x", "oneLoginUserSubject", gone), 400, "", ""},
		{"a long subject", zelda("x", "oneLoginUserSubject", name+name+name), 400, "", "500"},
		{"white space around a name", zelda("x", "person.lastName", "Quist "), 400, "", ""},
	} {
		a.api.Reset()
		got := a.create(row.body)
		fields, _ := got.body["errors"].(map[string]any)
		field := ""
		for only := range fields {
			field = only
		}
		violations := a.api.Record().Violations
		if got.status != row.status || field != row.field || len(violations) != 1 || violations[0].Live != row.live || violations[0].Endpoint != trs.AtCreate {
			t.Errorf("%s: %d %s, %+v", row.why, got.status, got.text, violations)
		}
	}
	a.api.Reset()
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		if got := a.create(zelda("x"), func(r *http.Request) { r.Header.Set("Content-Type", contentType) }); got.status != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %d", contentType, got.status)
		}
	}
	if got := a.create(zelda("x", "more", strings.Repeat("x", 1<<20))); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", got.status)
	}
	if got := a.create(zelda("x"), func(r *http.Request) { r.Header.Del("Authorization") }); got.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", got.status)
	}
	if got := a.create(zelda("x"), func(r *http.Request) { r.URL.RawQuery = "requestId=x" }); got.status != http.StatusBadRequest {
		t.Errorf("with a query: %d", got.status)
	}
	for _, query := range []string{"", "?requestId=", "?requestId=x&requestId=x", "?requestid=x", "?requestId=x&status=Completed"} {
		if got := a.get("/v3/trn-requests" + query); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	if all := a.api.Requests(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	// What is at the edge of each rule passes.
	for _, body := range []string{
		zelda(name, "person.emailAddresses", []any{}, "person.firstName", name, "person.lastName", strings.Repeat("𝒳", 50), "person.dateOfBirth", "1940-01-01", "person.nationalInsuranceNumber", ""),
		zelda("b", "person.dateOfBirth", "2026-08-31", "person.nationalInsuranceNumber", "12 a 34567", "person.gender", "Other", "person.middleName", nil, "person.emailAddresses", nil),
		zelda("c_-1", "person.emailAddresses", []any{"z'z+q@sub.xn--e1afmkfd.xn--p1ai"}, "person.nationalInsuranceNumber", nil),
	} {
		if got := a.create(body); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
}

// TestRequestFaults: each fault that can be played at the two endpoints changes
// what comes; and the request is made, or with the untaken ones it is not.
func TestRequestFaults(t *testing.T) {
	for _, f := range trs.Faults() {
		for _, at := range []trs.Endpoint{trs.AtCreate, trs.AtRequest} {
			a := newAsker(t, trs.Config{Stall: 1})
			ask := func(fault string) (answer, error) {
				if fault != "" {
					a.play(trs.Play{Fault: fault, Endpoint: at, Every: f.Name == "refused"}) // else net/http hides it
					defer a.api.StopFaults()
				}
				if at == trs.AtCreate {
					return a.ask(a.request(http.MethodPost, "/v3/trn-requests", zelda("new")))
				}
				return a.ask(a.request(http.MethodGet, "/v3/trn-requests?requestId=new", ""))
			}
			if a.api.Play(trs.Play{Fault: f.Name, Endpoint: at}) != nil {
				if f.At == nil {
					t.Errorf("%s cannot be played at %s", f.Name, at)
				}
				continue
			}
			a.api.StopFaults()
			if at == trs.AtRequest {
				a.create(zelda("new"))
			}
			got, err := ask(f.Name)
			right := a.get("/v3/trn-requests?requestId=new")
			late := strings.HasPrefix(f.Name, "slow") // later, but right
			if untaken := right.status == http.StatusNotFound; untaken != f.Untaken {
				t.Errorf("after %s at %s the request is untaken: %t", f.Name, at, untaken)
			}
			if same := err == nil && got.status == right.status && got.text == right.text; same != late {
				t.Errorf("%s at %s: %d %.200s %v", f.Name, at, got.status, got.text, err)
			}
			if f.Untaken {
				if got := a.create(zelda("new")); stands(got) != "Completed 5000001 false" {
					t.Errorf("after %s: %s", f.Name, stands(got))
				}
			}
		}
	}
}
