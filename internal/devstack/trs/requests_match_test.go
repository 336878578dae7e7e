package trs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// TestKnownRequests puts the known answers about requests to the stand-in.
func TestKnownRequests(t *testing.T) {
	text, err := os.ReadFile("../../register/testdata/matching.json")
	if err != nil {
		t.Fatal(err)
	}
	type input struct {
		FirstName, MiddleName, LastName, DateOfBirth, NINO, Email, Gender string
		OneLoginUserSubject                                               string
		LinkedSubjects                                                    map[string]string
	}
	var known struct {
		TRNRequestMatch []struct {
			ID, Reason string
			Records    []map[string]any
			Input      input
			Expected   struct {
				Outcome, Record string
				Candidates      []string
			}
		}
		TRNRequestMatrix struct {
			Record  map[string]any
			Columns []string
			Values  map[string]map[string]string
			Rows    [][]any
		}
	}
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	ask := func(records []map[string]any, in input) (outcome string, last trs.Requested) {
		file, err := json.Marshal(map[string]any{"people": records})
		if err != nil {
			t.Fatal(err)
		}
		a := newAsker(t, trs.Config{People: file})
		for subject, trn := range in.LinkedSubjects { // by a request of before
			for _, record := range records {
				if record["trn"] == trn {
					a.create(zelda("before", "oneLoginUserSubject", subject, "person.firstName", record["firstName"], "person.middleName", record["middleName"],
						"person.lastName", record["lastName"], "person.dateOfBirth", record["dateOfBirth"]))
					must(t, a.api.ResolveRequest("before", trn))
				}
			}
		}
		got := a.create(zelda("known", "person.firstName", in.FirstName, "person.middleName", in.MiddleName, "person.lastName", in.LastName, "person.dateOfBirth", in.DateOfBirth,
			"person.nationalInsuranceNumber", in.NINO, "person.emailAddresses", []any{in.Email}, "person.gender", in.Gender,
			"oneLoginUserSubject", in.OneLoginUserSubject, "identityVerified", in.OneLoginUserSubject != ""))
		all := a.api.Requests()
		last = all[len(all)-1]
		switch {
		case got.body["status"] == "Pending":
			return "PotentialMatches", last
		case last.TRN == "5000001":
			return "NoMatches", last
		default:
			return "DefiniteMatch", last
		}
	}
	for _, row := range known.TRNRequestMatch {
		outcome, last := ask(row.Records, row.Input)
		if want := row.Expected; outcome != want.Outcome || outcome == "DefiniteMatch" && last.TRN != want.Record || fmt.Sprint(last.Maybe) != fmt.Sprint(want.Candidates) {
			t.Errorf("%s: %s %+v, want %+v: %s", row.ID, outcome, last, want, row.Reason)
		}
	}
	matrix := known.TRNRequestMatrix
	for _, row := range matrix.Rows {
		cell := map[string]string{}
		for i, column := range matrix.Columns {
			cell[column] = fmt.Sprint(row[i])
		}
		value := func(column string) string { return matrix.Values[column][cell[column]] }
		outcome, _ := ask([]map[string]any{matrix.Record}, input{
			FirstName: value("firstName"), MiddleName: value("middleName"), LastName: value("lastName"), DateOfBirth: value("dateOfBirth"),
			NINO: value("nino"), Email: value("email"), Gender: value("gender"),
		})
		if outcome != cell["outcome"] {
			t.Errorf("%s: %s, want %s", cell["id"], outcome, cell["outcome"])
		}
	}
	if len(known.TRNRequestMatch) == 0 || len(matrix.Rows) == 0 {
		t.Error("there are no known answers")
	}
}

// TestRequestMatches: what the known answers do not tell.
func TestRequestMatches(t *testing.T) {
	const twins = `{"people": [
		{"trn": "1000009", "firstName": "Rosa", "lastName": "Lane", "dateOfBirth": "1985-04-12", "emailAddress": "rosa@people.example", "nationalInsuranceNumber": "QQ123456C"},
		{"trn": "1000001", "firstName": "Rosa", "lastName": "Lane", "dateOfBirth": "1985-04-12", "gender": "Female", "nationalInsuranceNumber": "QQ123456C"},
		{"trn": "1000002", "firstName": "Ann", "lastName": "Smith", "dateOfBirth": "1985-04-12", "emailAddress": "ann@people.example"},
		{"trn": "1000003", "firstName": "Bo", "lastName": "Former", "dateOfBirth": "1985-04-12", "previousNames": [{"firstName": "Bo", "lastName": "Taylor-Brown"}]}
	]}`
	for _, row := range []struct {
		why   string
		edits []any // to a request without middle name, address and subject
		want  string
	}{
		{"two with number and birthday, the address first", []any{"person.firstName", "Rosa", "person.lastName", "Lane", "person.nationalInsuranceNumber", "QQ123456C", "person.emailAddresses", []any{"ROSA@people.example"}}, "[1000009 1000001]"},
		{"the same without an address", []any{"person.firstName", "Rosa", "person.lastName", "Lane", "person.nationalInsuranceNumber", "QQ123456C"}, "[1000001 1000009]"},
		{"the number counts more than names", []any{"person.firstName", "Ann", "person.lastName", "Smith", "person.nationalInsuranceNumber", "QQ123456C", "person.dateOfBirth", "1985-04-12", "person.emailAddresses", []any{"ann@people.example"}}, "[1000001 1000009 1000002]"},
		{"all but a gender, on both sides unknown", []any{"person.firstName", "Ann", "person.lastName", "Smith", "person.emailAddresses", []any{"ann@people.example"}}, "[1000002]"},
		{"half a former name, which the real one does not split", []any{"person.firstName", "Bo", "person.lastName", "Brown"}, "[]"},
	} {
		a := newAsker(t, trs.Config{People: []byte(twins)})
		a.create(zelda("known", append([]any{
			"person.middleName", nil, "person.emailAddresses", nil, "oneLoginUserSubject", nil, "identityVerified", false, "person.dateOfBirth", "1985-04-12",
		}, row.edits...)...))
		if got := fmt.Sprint(a.api.Requests()[0].Maybe); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
	// Who has no subject is linked to nothing, and neither is who still waits.
	a := newAsker(t, trs.Config{People: []byte(twins)})
	for _, row := range []struct{ id, firstName, want string }{{"first", "Una", "Completed 5000001 false"}, {"second", "Ula", "Completed 5000002 false"}} {
		if got := a.create(zelda(row.id, "person.firstName", row.firstName, "person.middleName", nil, "oneLoginUserSubject", nil, "identityVerified", false)); stands(got) != row.want {
			t.Errorf("%s: %s", row.id, stands(got))
		}
	}
	waiting := []any{"person.firstName", "Rosa", "person.lastName", "Lane", "person.dateOfBirth", "1985-04-12", "oneLoginUserSubject", "urn:waiting"}
	for _, id := range []string{"waiting", "waiting-2"} {
		if got := a.create(zelda(id, waiting...)); stands(got) != "Pending <nil> true" {
			t.Errorf("%s: %s", id, stands(got))
		}
	}
	must(t, a.api.ResolveRequest("waiting-2", "1000001"))
	if got := a.create(zelda("waiting-3", waiting...)); stands(got) != "Completed 1000001 false" {
		t.Errorf("who was linked: %s", stands(got))
	}
}
