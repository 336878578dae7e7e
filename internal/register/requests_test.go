package register

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// outcome is how the rule ends, in the words of the known answers.
type outcome struct {
	Outcome    string
	Record     string
	Candidates []string
}

func (a applicant) outcome(all ...*people) outcome {
	theirs, maybe := a.match(all...)
	switch {
	case theirs != nil:
		return outcome{Outcome: "DefiniteMatch", Record: theirs.TRN}
	case len(maybe) == 0:
		return outcome{Outcome: "NoMatches"}
	}
	o := outcome{Outcome: "PotentialMatches"}
	for _, s := range maybe {
		o.Candidates = append(o.Candidates, s.TRN)
	}
	return o
}

// asked is a request for a TRN as the known answers have it.
type asked struct{ FirstName, MiddleName, LastName, DateOfBirth, NINO, Email, Gender string }

func (a asked) of(records []json.RawMessage, synonyms map[string][]string) (outcome, error) {
	data, err := json.Marshal(map[string]any{"people": records})
	if err != nil {
		return outcome{}, err
	}
	all, err := parse("known", data)
	if err != nil {
		return outcome{}, err
	}
	f, also := newFolding(), nicknames{}
	for name, others := range synonyms {
		also[f.key(name)] = f.keys(others...)
	}
	return newApplicant(journey.Application{
		FirstName: a.FirstName, MiddleName: a.MiddleName, LastName: a.LastName,
		BirthDate: a.DateOfBirth, NINO: a.NINO, Email: a.Email,
	}, a.Gender, also).outcome(newPeople(all, also)), nil
}

// requestsOtherwise are the rows that end otherwise here, with how and why. One
// that is listed but agrees with TRS fails.
var requestsOtherwise = map[string]struct {
	why  string
	ours outcome
}{
	"TR-3": {"who is linked is the caller's to know", outcome{Outcome: "DefiniteMatch", Record: "1234567"}},
}

func TestKnownRequests(t *testing.T) {
	data, err := os.ReadFile("testdata/matching.json")
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		Synonyms        map[string][]string
		TRNRequestMatch []struct {
			ID, Reason string
			Records    []json.RawMessage
			Input      asked
			Expected   outcome
		}
		TRNRequestMatrix struct {
			Record  json.RawMessage
			Columns []string
			Values  map[string]map[string]string
			Rows    [][]any
		}
	}
	if err := json.Unmarshal(data, &known); err != nil {
		t.Fatal(err)
	}
	listed := 0
	for _, row := range known.TRNRequestMatch {
		got, err := row.Input.of(row.Records, known.Synonyms)
		if err != nil {
			t.Fatal(err)
		}
		want := row.Expected
		if otherwise, is := requestsOtherwise[row.ID]; is {
			listed++
			if fmt.Sprint(got) == fmt.Sprint(want) {
				t.Errorf("%s agrees with TRS, so it must not be listed (%s)", row.ID, otherwise.why)
			}
			want = otherwise.ours
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v: %s", row.ID, got, want, row.Reason)
		}
	}
	if len(known.TRNRequestMatch) == 0 || listed != len(requestsOtherwise) {
		t.Errorf("%d rows, %d of them listed", len(known.TRNRequestMatch), listed)
	}

	matrix := known.TRNRequestMatrix
	for _, row := range matrix.Rows {
		cells := map[string]string{}
		for i, column := range matrix.Columns {
			cells[column] = fmt.Sprint(row[i])
		}
		value := func(column string) string {
			text, known := matrix.Values[column][cells[column]]
			if !known {
				t.Fatalf("%s: no %s is %s", cells["id"], column, cells[column])
			}
			return text
		}
		got, err := asked{
			value("firstName"), value("middleName"), value("lastName"), value("dateOfBirth"), value("nino"), value("email"), value("gender"),
		}.of([]json.RawMessage{matrix.Record}, known.Synonyms)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != cells["outcome"] {
			t.Errorf("%s: got %s, want %s", cells["id"], got.Outcome, cells["outcome"])
		}
	}
	if len(matrix.Rows) == 0 {
		t.Error("the matrix is empty")
	}
}

// TestRequestsMatch starts from Robert, who asks although he has a record.
func TestRequestsMatch(t *testing.T) {
	const definite, none = "DefiniteMatch 1234567 []", "NoMatches  []"
	potential := func(trns string) string { return "PotentialMatches  [" + trns + "]" }
	for _, tt := range []struct {
		what   string
		change func(p *person, a *applicant)
		other  *person
		want   string
	}{
		{"everything", func(*person, *applicant) {}, nil, definite},
		{"nothing", func(_ *person, a *applicant) { *a = applicant{} }, nil, none},
		{"his number and birthday alone", func(_ *person, a *applicant) { a.FirstName, a.LastName, a.Email = "Zed", "Xu", "" }, nil, definite},
		{"his number alone", func(_ *person, a *applicant) { *a = applicant{Application: journey.Application{NINO: a.NINO}} }, nil, potential("1234567")},
		{"no birthday on either side", func(p *person, a *applicant) { p.BirthDate, a.BirthDate = "", "" }, nil, potential("1234567")},
		{"no number on either side", func(p *person, a *applicant) { p.NINO, p.PensionNINOs, a.NINO = "", []string{""}, "" }, nil, potential("1234567")},
		{"his address alone, in capitals", func(_ *person, a *applicant) {
			*a = applicant{Application: journey.Application{Email: "ROBERT@EXAMPLE.COM"}}
		}, nil, potential("1234567")},
		{"no address on either side", func(p *person, a *applicant) { p.Email = ""; *a = applicant{} }, nil, none},
		{"a name that is none, thrice", func(_ *person, a *applicant) {
			a.FirstName, a.MiddleName, a.LastName, a.NINO, a.Email = "-", " ", "\u200b", "", ""
		}, nil, none},
		{"one name for three", func(p *person, a *applicant) {
			p.FirstName, p.MiddleName, p.LastName, p.BirthDate = "Robert", "", "", "1970-01-01"
			a.FirstName, a.MiddleName, a.LastName, a.NINO, a.Email = "Robert", "Robert", "Robert", "", ""
		}, nil, potential("1234567")},
		{"a nickname as the middle name", func(p *person, a *applicant) {
			p.MiddleName = "Elizabeth"
			a.FirstName, a.MiddleName, a.NINO, a.Email = "Zed", "Liz", "", ""
		}, nil, potential("1234567")},
		{"a nickname as the last name", func(p *person, a *applicant) {
			a.FirstName, a.MiddleName, a.LastName, a.NINO, a.Email = "Carter", "", "Bob", "", ""
		}, nil, none},
		{"half of a former name", func(p *person, a *applicant) {
			p.PreviousNames = []formerName{{"Bo", "", "Lane"}, {"", "", "Old Taylor-Brown"}}
			a.LastName, a.NINO, a.Email = "Brown", "", ""
		}, nil, potential("1234567")},
		{"everything but the number, which is another", func(_ *person, a *applicant) { a.NINO, a.gender = "HK111222D", "Male" }, nil, potential("1234567")},
		{"everything but the number", func(_ *person, a *applicant) { a.NINO, a.gender = "", "Male" }, nil, definite},
		{"everything but the number, gender unknown", func(p *person, a *applicant) { p.Gender, a.NINO = "", "" }, nil, potential("1234567")},
		{"a deactivated record", func(p *person, _ *applicant) { p.Status = "Deactivated" }, nil, none},
		{"two with number and birthday", func(*person, *applicant) {},
			&person{TRN: "1234560", BirthDate: "1985-04-12", PensionNINOs: []string{"AB123456C"}, Status: active}, potential("1234567 1234560")},
		{"another with the number", func(*person, *applicant) {},
			&person{TRN: "1234560", BirthDate: "1985-04-13", NINO: "AB123456C", Status: active}, definite},
		{"two without doubt, but for a number", func(_ *person, a *applicant) { a.NINO, a.gender = "", "Male" },
			&person{TRN: "1234560", FirstName: "Bob", LastName: "Carter", BirthDate: "1985-04-12", Email: "robert@example.com", Gender: "Male", Status: active}, potential("1234567 1234560")},
		{"the number ranks first", func(p *person, _ *applicant) { p.NINO, p.PensionNINOs = "", nil },
			&person{TRN: "1234599", NINO: "AB123456C", Status: active}, potential("1234599 1234567")},
		{"then the address", func(p *person, a *applicant) { p.NINO, p.PensionNINOs, p.Email = "", nil, "" },
			&person{TRN: "1234599", Email: "robert@example.com", Status: active}, potential("1234599 1234567")},
		{"then what else is the same", func(p *person, a *applicant) { p.NINO, p.PensionNINOs, p.MiddleName, p.Email = "", nil, "", "" },
			&person{TRN: "1234599", FirstName: "Robert", MiddleName: "Quinn", LastName: "Carter", BirthDate: "1985-04-12", Status: active}, potential("1234599 1234567")},
		{"then the TRN", func(p *person, a *applicant) { p.NINO, p.PensionNINOs, p.Email = "", nil, "" },
			&person{TRN: "1234560", FirstName: "Robert", MiddleName: "Quinn", LastName: "Carter", BirthDate: "1985-04-12", Status: active}, potential("1234560 1234567")},
	} {
		p := robert()
		p.Gender = "Male"
		a := applicant{Application: journey.Application{
			FirstName: "Robert", MiddleName: "Quinn", LastName: "Carter", BirthDate: "1985-04-12", NINO: "AB123456C", Email: "robert@example.com",
		}}
		tt.change(p, &a)
		a = newApplicant(a.Application, a.gender, englishNicknames())
		file := newPeople([]*person{p}, englishNicknames())
		others := newPeople(nil, englishNicknames())
		if tt.other != nil {
			others = newPeople([]*person{tt.other}, englishNicknames())
		}
		for _, all := range [][]*people{{file, others}, {others, file}} {
			got := a.outcome(all...)
			if text := fmt.Sprintf("%s %s %v", got.Outcome, got.Record, got.Candidates); text != cmp.Or(tt.want, none) {
				t.Errorf("%s: got %s, want %s", tt.what, text, tt.want)
			}
		}
	}
}
