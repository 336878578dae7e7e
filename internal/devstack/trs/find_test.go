package trs_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// TestFindBy: which names and dates find whom, in the order of their TRNs.
func TestFindBy(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for _, row := range []struct {
		why, lastName, date string
		want                []string
	}{
		{"one part of the record's name, active records only, sorted", "Lane", "1985-04-12", []string{"1000000", "1000001", "1000002"}},
		{"the other part", "carter", "1985-04-12", []string{"1000001"}},
		{"one part of the name asked for", "Jones-Carter", "1985-04-12", []string{"1000001"}},
		{"a previous name, another apostrophe, another case", "o'BRIEN", "1985-04-12", []string{"1000001"}},
		{"the second previous name", "Smith", "1985-04-12", []string{"1000001"}},
		{"an apostrophe counts", "OBrien", "1985-04-12", nil},
		{"another day", "Lane", "1985-04-13", nil},
		{"a first name is no last name", "Rosa", "1985-04-12", nil},
		{"an accent counts", "Láne", "1985-04-12", nil},
		{"full width does not, nor what cannot be seen", "Ｌane\u2066", "1985-04-12", []string{"1000000", "1000001", "1000002"}},
		{"only the first separator parts", "Jones-Smith-Lane", "1985-04-12", nil},
		{"but after it a space does", "Jones-Smith Lane", "1985-04-12", []string{"1000000", "1000001", "1000002"}},
		{"no parts", "-", "1985-04-12", nil},
		{"a record without a date of birth is not found", "Nodate", "1985-04-12", nil},
	} {
		got := a.get(findPath(row.lastName, row.date))
		if diff := cmp.Diff(row.want, trnsOf(got)); got.status != http.StatusOK || diff != "" || got.body["total"] != float64(len(row.want)) {
			t.Errorf("%s: %d %v %s", row.why, got.status, got.body["total"], diff)
		}
	}
	if violations := a.api.Record().Violations; len(violations) != 0 {
		t.Errorf("%+v", violations)
	}
}

// TestFoundShape: every member of a list, and none besides.
func TestFoundShape(t *testing.T) {
	a := newAsker(t, trs.Config{})
	got := a.get(findPath("Lane", "1985-04-12"))
	if results := got.body["results"].([]any); true {
		got.body["results"] = results[2:] // the plain one
	}
	want := object(t, `{"total":3,"query":{"findBy":"LastNameAndDateOfBirth","lastName":"Lane","dateOfBirth":"1985-04-12"},
		"results":[{"trn":"1000002","dateOfBirth":"1985-04-12","firstName":"Ann","middleName":"","lastName":"Lane","previousNames":[],
			"qts":null,"eyts":null,"alerts":[],"induction":{"status":"None","startDate":null,"completedDate":null,"exemptionReasons":[]},"qtlsStatus":"None"}]}`)
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Error(diff)
	}
	if got.text = got.header.Get("Content-Type"); got.text != "application/json; charset=utf-8" {
		t.Error(got.text)
	}
	full := a.get(findPath("Carter", "1985-04-12")).body["results"].([]any)[0].(map[string]any)
	if diff := cmp.Diff(object(t, `{"previousNames":[{"firstName":"Rosa","middleName":"","lastName":"O’Brien"},{"firstName":"","middleName":"","lastName":"Smith"}]}`)["previousNames"], full["previousNames"]); diff != "" {
		t.Error(diff)
	}
	for _, member := range []string{"nationalInsuranceNumber", "emailAddress"} {
		if _, has := full[member]; has {
			t.Errorf("a list has the member %s", member)
		}
	}
	if full["qts"] == nil || full["eyts"] == nil || len(full["alerts"].([]any)) != 1 {
		t.Errorf("%v", full)
	}
}

// TestFindRefused: what the real one's validation refuses, and more.
func TestFindRefused(t *testing.T) {
	a := newAsker(t, trs.Config{})
	good := "findBy=LastNameAndDateOfBirth&lastName=Lane&dateOfBirth=1985-04-12"
	for _, row := range []struct{ why, query, field, live string }{
		{"no policy", "lastName=Lane&dateOfBirth=1985-04-12", "findBy", "400"},
		{"another policy", "findBy=Name&lastName=Lane&dateOfBirth=1985-04-12", "findBy", "400"},
		{"no name", "findBy=LastNameAndDateOfBirth&dateOfBirth=1985-04-12", "lastName", "400"},
		{"a blank name", "findBy=LastNameAndDateOfBirth&lastName=+&dateOfBirth=1985-04-12", "lastName", "400"},
		{"no date", "findBy=LastNameAndDateOfBirth&lastName=Lane", "dateOfBirth", "400"},
		{"a date that never was", "findBy=LastNameAndDateOfBirth&lastName=Lane&dateOfBirth=1985-02-30", "dateOfBirth", "400"},
		{"twice", good + "&lastName=Lane", "", ""},
		{"another parameter", good + "&firstName=Rosa", "", ""},
		{"another spelling", "findby=LastNameAndDateOfBirth&lastName=Lane&dateOfBirth=1985-04-12", "", ""},
	} {
		a.api.Reset()
		got := a.get("/v3/persons?" + row.query)
		violations := a.api.Record().Violations
		if got.status != http.StatusBadRequest || len(violations) != 1 || violations[0].Live != row.live || violations[0].Endpoint != trs.AtFind {
			t.Errorf("%s: %d %+v", row.why, got.status, violations)
			continue
		}
		failed, _ := got.body["errors"].(map[string]any)
		if _, named := failed[row.field]; named != (row.field != "") || got.body["rule"] != violations[0].Rule || got.header.Get("Content-Type") != "application/problem+json; charset=utf-8" {
			t.Errorf("%s: %s", row.why, got.text)
		}
	}
}

func TestBatch(t *testing.T) {
	a := newAsker(t, trs.Config{})
	got := a.post(`{"persons": [{"trn": "1000003", "dateOfBirth": "1990-01-01"}, {"trn": "1000002", "dateOfBirth": "1985-04-12"},
		{"trn": "1000001", "dateOfBirth": "1985-04-13"}, {"trn": "1000004", "dateOfBirth": "1985-04-12"}, {"trn": "9999999", "dateOfBirth": "1985-04-12"}]}`)
	if diff := cmp.Diff([]string{"1000002", "1000003"}, trnsOf(got)); got.status != http.StatusOK || diff != "" || got.body["total"] != 2.0 {
		t.Errorf("%d %s %s", got.status, diff, got.text)
	}
	if _, has := got.body["query"]; has {
		t.Error("this list has no query")
	}
	if got := a.post(`{"persons": []}`); got.status != http.StatusOK || got.body["total"] != 0.0 {
		t.Errorf("nobody: %d %s", got.status, got.text)
	}
	many := func(n int) string {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(`{"trn": "%07d", "dateOfBirth": "1985-04-12"}`, i))
		}
		return `{"persons": [` + strings.Join(items, ",") + `]}`
	}
	if got := a.post(many(500)); got.status != http.StatusOK {
		t.Errorf("500 persons: %d", got.status)
	}
	for why, body := range map[string]string{
		"501 persons": many(501), "no list": `{}`, "no JSON": `persons`, "another member": `{"persons": [], "x": 1}`,
		"a TRN in pieces": `{"persons": [{"trn": "10/00001", "dateOfBirth": "1985-04-12"}]}`,
		"no date":         `{"persons": [{"trn": "1000001"}]}`,
		"a TRN twice":     `{"persons": [{"trn": "1000001", "dateOfBirth": "1985-04-12"}, {"trn": "1000001", "dateOfBirth": "1985-04-13"}]}`,
	} {
		if got := a.post(body); got.status != http.StatusBadRequest || got.body["rule"] == nil {
			t.Errorf("%s: %d %s", why, got.status, got.text)
		}
	}
	plain := a.request(http.MethodPost, "/v3/persons/find", `{"persons": []}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	if got, err := a.ask(plain); err != nil || got.status != http.StatusUnsupportedMediaType {
		t.Errorf("plain text: %d %v", got.status, err)
	}
}
