package register

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// whole is a people file with everything a file can have, in spellings that
// differ from how it is kept.
const whole = "\ufeff" + `{
  "people": [
    {
      "trn": "0123456",
      "firstName": " Zoë ",
      "middleName": "Anne Marie",
      "lastName": "O’Brien-Carter",
      "previousNames": [
        {"firstName": "Zoë", "middleName": "", "lastName": "Carter"},
        {"lastName": "Carter–Lane"}, {}
      ],
      "dateOfBirth": "2000-02-29",
      "nationalInsuranceNumber": "qq 12 34 56 c",
      "employmentNinos": ["AB-12-34-56-F", "12a34567"],
      "emailAddress": "zoe@example.com",
      "gender": "female",
      "status": "MERGED",
      "qts": "2021-07-31",
      "eyts": "2022-07-31",
      "inductionStatus": "failedinwales",
      "alerts": true,
      "note": "met at the console"
    },
    {"trn": "1234567", "lastName": "Cher", "dateOfBirth": null, "previousNames": null, "alerts": null, "employmentNinos": [], "status": ""}
  ]
}
`

func TestWholeFile(t *testing.T) {
	got, err := parse("people.json", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := []*person{{
		TRN: "0123456", FirstName: "Zoë", MiddleName: "Anne Marie", LastName: "O’Brien-Carter",
		PreviousNames: []formerName{{FirstName: "Zoë", LastName: "Carter"}, {LastName: "Carter–Lane"}, {}},
		BirthDate:     "2000-02-29", NINO: "QQ123456C", PensionNINOs: []string{"AB123456F", "12A34567"},
		Email: "zoe@example.com", Gender: "Female", Status: "Merged", QTS: "2021-07-31", EYTS: "2022-07-31",
		Induction: "FailedInWales", Alerts: true,
	}, {TRN: "1234567", LastName: "Cher", Status: "Active"}}
	if diff := cmp.Diff(want, got, asRead); diff != "" {
		t.Error(diff)
	}
}

// asRead compares people as they come from a file, before they are indexed.
var asRead = cmp.Options{cmp.AllowUnexported(person{}), cmpopts.EquateEmpty()}

// person27 is a file whose line 27 is a person with more members. The lines
// around it are faultless.
func person27(more string) string {
	return `{"people": [` + strings.Repeat("\n", 26) + `{"trn": "1234567", "lastName": "Carter", "dateOfBirth": "1985-04-12", ` + more + "}\n]}\n"
}

const (
	knownOfPerson = "the known ones are alerts, dateOfBirth, emailAddress, employmentNinos, eyts, firstName, gender, inductionStatus, " +
		"lastName, middleName, nationalInsuranceNumber, note, previousNames, qts, status, trn"
	knownOfFormer = "the known ones are firstName, lastName, middleName"
	tooEarly      = "not JSON: the file ends too early"
)

// faulty are files that are refused, with the error. What stands for personal
// data in them has the letters "secret" or is 7654321 or a part of that.
var faulty = []struct{ name, file, want string }{
	// Not JSON.
	{"empty", "", "1: " + tooEarly},
	{"blank", "\n\n", "3: " + tooEarly},
	{"only a byte order mark", "\ufeff", "1: " + tooEarly},
	{"cut off", "{\n\"people\": [\n{\"trn\": \"1234567\",\n", "4: " + tooEarly},
	{"cut off in a string", "{\n\"people\": [\n{\"firstName\": \"secr", "3: " + tooEarly},
	{"missing bracket", "{\"people\": [\n{\"trn\": \"1234567\", \"firstName\": \"Secret\", \"dateOfBirth\": null}\n}", "3: not JSON: invalid character '}' after array element"},
	{"missing comma", "{\"people\": [\n{\"trn\": \"1234567\"\n\"firstName\": \"Secret\"}]}", "3: not JSON: invalid character '\"' after object key:value pair"},
	{"missing colon", person27("\n\"firstName\" \"Secret\""), "28: not JSON: invalid character '\"' after object key"},
	{"missing quote", person27("\n\"firstName\": \"Secret,\n\"gender\": \"Female\""), "28: not JSON: invalid character '\\n' in string literal"},
	{"a comma too early commas", "{\"people\": [\n,\n]}", "2: not JSON: invalid character ',' looking for beginning of value"},
	{"trailing comma", "{\"people\": [\n" + minimal("1234567") + ",\n]}", "3: not JSON: invalid character ']' looking for beginning of value"},
	{"no quotes", "{people: []}", "1: not JSON: invalid character 'p'"},
	{"comment", "// secret\n{\"people\": []}", "1: not JSON: invalid character '/' looking for beginning of value"},
	{"Windows line ends", "{\r\n\"people\": [\r\nsecret\r\n]}", "3: not JSON: invalid character 's' looking for beginning of value"},
	{"UTF-16", "\xff\xfe{\x00}\x00", "1: not JSON: must be in UTF-8"},
	{"Latin-1", person27("\n\"firstName\": \"Zo\ufffd\",\n\"middleName\": \"Jos\xe9\""), "29: not JSON: must be in UTF-8"},
	{"trailing garbage", "{\"people\": []}\n\nsecret", "3: not JSON: the file must end here"},
	{"a second file", "{\"people\": []}\n{\"people\": []}", "2: not JSON: the file must end here"},
	{"trailing commas", "{\"people\": []}\n,", "2: not JSON: the file must end here"},
	{"trailing colon", "{\"people\": []}:", "1: not JSON: the file must end here"},

	// Not a people file.
	{"a list", "\n[]", "2: the file: must be an object"},
	{"a text", "\"secret\"", "1: the file: must be an object"},
	{"null", "null", "1: the file: must be an object"},
	{"no people", "{\n}", "1: people: missing"},
	{"unknown", "{\n\"secret\": 1}", "2: unknown member: the known ones are people"},
	{"twice", "{\"people\": [],\n\"people\": []}", "2: people: given twice"},
	{"people no list", "{\"people\":\n{}}", "2: people: must be a list"},
	{"people a text", "{\"people\": \"secret\"}", "1: people: must be a list"},
	{"a person no object", "{\"people\": [" + minimal("1234567") + ",\n\"secret\"]}", "2: people: each must be an object"},
	{"deep nesting", "{\"people\":\n" + strings.Repeat("[", 100_000), "2: people: each must be an object"},
	{"deep nesting in a person", person27("\"note\": " + strings.Repeat("[", 100_000)), "27: note: must be a string"},

	// Members.
	{"unknown in a person", person27("\n\"secretMember\": \"Secret\""), "28: unknown member: " + knownOfPerson},
	{"of other case", person27("\n\"TRN\": \"7654321\""), "28: unknown member: " + knownOfPerson},
	{"unknown in a former name", person27("\"previousNames\": [\n{\"secretName\": \"Secret\"}]"), "28: unknown member: " + knownOfFormer},
	{"twice in a person", person27("\"note\": \"a\",\n\"note\": \"Secret\""), "28: note: given twice"},
	{"twice, once escaped", person27("\"note\": \"a\",\n\"\\u006eote\": \"Secret\""), "28: note: given twice"},
	{"twice in a former name", person27("\"previousNames\": [{\"lastName\": \"Secret\",\n\"lastName\": \"Secret\"}]"), "28: lastName: given twice"},
	{"no number", "{\"people\": [\n{\"lastName\": \"Secret\", \"dateOfBirth\": null}]}", "2: trn: missing"},
	{"blank number", "{\"people\": [\n{\"trn\": \" \", \"lastName\": \"Secret\", \"dateOfBirth\": null}]}", "2: trn: missing"},
	{"no birth date", "{\"people\": [\n{\"trn\": \"1234567\", \"lastName\": \"Secret\"}]}", "2: dateOfBirth: missing"},
	{"no name", "{\"people\": [\n{\"trn\": \"1234567\", \"middleName\": \"Secret\", \"dateOfBirth\": null}]}", "2: lastName: missing"},

	// Types.
	{"a number for a text", person27("\n\"note\": 7654321"), "28: note: must be a string"},
	{"a number beyond all", person27("\n\"note\": 7654321e765432"), "28: note: must be a string"},
	{"true for a text", person27("\n\"firstName\": true"), "28: firstName: must be a string"},
	{"an object for a text", person27("\n\"firstName\": {\"secret\": 1}"), "28: firstName: must be a string"},
	{"a text for a flag", person27("\n\"alerts\": \"secret\""), "28: alerts: must be true or false"},
	{"a list for a flag", person27("\n\"alerts\": []"), "28: alerts: must be true or false"},
	{"a text for a list", person27("\n\"employmentNinos\": \"AB123456C\""), "28: employmentNinos: must be a list"},
	{"numbers in a list", person27("\"employmentNinos\": [\n7654321]"), "28: employmentNinos: each must be a string"},
	{"names in a list", person27("\"previousNames\": [\n\"Secret\"]"), "28: previousNames: each must be an object"},
	{"a type within a former name", person27("\"previousNames\": [\n{\"lastName\": []}]"), "28: lastName: must be a string"},

	// Values.
	{"a short TRN", "{\"people\": [{\n\"trn\": \"765432\"}]}", "2: trn: must be 7 digits, not all zeros"},
	{"a long TRN", "{\"people\": [{\n\"trn\": \"76543211\"}]}", "2: trn: must be 7 digits, not all zeros"},
	{"a TRN with a slash", "{\"people\": [{\n\"trn\": \"76/54321\"}]}", "2: trn: must be 7 digits, not all zeros"},
	{"a TRN of zeros", "{\"people\": [{\n\"trn\": \"0000000\"}]}", "2: trn: must be 7 digits, not all zeros"},
	{"a TRN in other digits", "{\"people\": [{\n\"trn\": \"٧٦٥٤٣٢١\"}]}", "2: trn: must be 7 digits, not all zeros"},
	{"a TRN twice", "{\"people\": [" + minimal("7654321") + ", {\n\"lastName\": \"Secret\",\n\"trn\": \"7654321\"}]}", "3: trn: another record has the same"},
	{"a National Insurance number", person27("\n\"nationalInsuranceNumber\": \"secret\""), "28: nationalInsuranceNumber: must be a National Insurance number"},
	{"one of the pension", person27("\"employmentNinos\": [\"QQ123456C\",\n\"ZZ765432A\"]"), "28: employmentNinos: each must be a National Insurance number"},
	{"a date as at home", person27("\n\"qts\": \"12/04/1985 secret\""), "28: qts: must be a date, as 1985-04-12"},
	{"a date with a time", person27("\n\"eyts\": \"1985-04-12T00:00:00Z\""), "28: eyts: must be a date, as 1985-04-12"},
	{"a date that never was", "{\"people\": [{\n\"dateOfBirth\": \"1985-02-29\"}]}", "2: dateOfBirth: must be a date, as 1985-04-12"},
	{"a month that never is", "{\"people\": [{\n\"dateOfBirth\": \"1985-13-01\"}]}", "2: dateOfBirth: must be a date, as 1985-04-12"},
	{"a status", person27("\n\"status\": \"secret\""), "28: status: must be one of Active, Deactivated, Merged"},
	{"a gender", person27("\n\"gender\": \"secret\""), "28: gender: must be one of Male, Female, Other"},
	{"an induction", person27("\n\"inductionStatus\": \"secret\""), "28: inductionStatus: must be one of None, RequiredToComplete, Exempt, InProgress, Passed, Failed, FailedInWales"},
}

// minimal is a person with the fewest members.
func minimal(trn string) string {
	return fmt.Sprintf(`{"trn": %q, "firstName": "Cher", "dateOfBirth": null}`, trn)
}

func TestFaultyFiles(t *testing.T) {
	personal := regexp.MustCompile(`(?i)secret|7654|Zo|Jos|12/04|\[\[`)
	for _, tt := range faulty {
		_, err := parse("people.json", []byte(tt.file))
		if err == nil {
			t.Errorf("%s: accepted", tt.name)
			continue
		}
		// The decoder's words after "invalid character 'x'" are its own.
		if got := err.Error(); !strings.HasPrefix(got, "people.json:"+tt.want) || !strings.Contains(tt.want, "invalid character") && got != "people.json:"+tt.want {
			t.Errorf("%s:\n got %s\nwant people.json:%s", tt.name, got, tt.want)
		} else if personal.MatchString(got) {
			t.Errorf("%s: the error quotes the file: %s", tt.name, got)
		}
	}
}

// TestFaultlessLine27 makes sure that the faults above are the only ones.
func TestFaultlessLine27(t *testing.T) {
	if _, err := parse("people.json", []byte(person27(`"note": "7654321"`))); err != nil {
		t.Error(err)
	}
	if _, err := parse("people.json", []byte(`{"people": [`+minimal("1234567")+`]}`)); err != nil {
		t.Error(err)
	}
}

// written is a person as a people file has them, the reverse of reading.
func written(p *person) map[string]any {
	former := []map[string]any{}
	for _, n := range p.PreviousNames {
		former = append(former, map[string]any{"firstName": n.FirstName, "middleName": n.MiddleName, "lastName": n.LastName})
	}
	return map[string]any{
		"trn": p.TRN, "firstName": p.FirstName, "middleName": p.MiddleName, "lastName": p.LastName, "previousNames": former,
		"dateOfBirth": p.BirthDate, "nationalInsuranceNumber": p.NINO, "employmentNinos": p.PensionNINOs,
		"emailAddress": p.Email, "gender": p.Gender, "status": p.Status, "qts": p.QTS, "eyts": p.EYTS,
		"inductionStatus": p.Induction, "alerts": p.Alerts,
	}
}

// toldBy are all errors there are: a line, and words that are ours or the
// decoder's. Of the file they can hold one character.
var toldBy = regexp.MustCompile(`^people\.json:([1-9][0-9]*): ([a-zA-Z ]+): (` + strings.Join([]string{
	`missing`, `given twice`, `another record has the same`, `the file ends too early`, `the file must end here`,
	`(each )?must be (a list|a string|an object|true or false|in UTF-8|7 digits, not all zeros|a National Insurance number|a date, as 1985-04-12|one of [a-zA-Z, ]+)`,
	`the known ones are [a-zA-Z, ]+`,
	`invalid character '.{1,8}'( [a-zA-Z:,\\ ()'"-]+)?`, `string (escape|literal)[a-z ]*`, `exceeded max depth`,
}, "|") + `)$`)

// FuzzPeopleFile reads what may stand in a people file, and what it read once
// more.
func FuzzPeopleFile(f *testing.F) {
	f.Add([]byte(whole))
	for _, seed := range faulty {
		if len(seed.file) < 1000 {
			f.Add([]byte(seed.file))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parse("people.json", data)
		if err != nil {
			told := toldBy.FindStringSubmatch(err.Error())
			if told == nil {
				t.Fatalf("unheard of: %s", err)
			}
			var line int
			if fmt.Sscan(told[1], &line); line > 1+bytes.Count(data, []byte("\n")) {
				t.Errorf("line %d is beyond the end", line)
			}
			return
		}
		if !json.Valid(bytes.TrimPrefix(data, byteOrderMark)) {
			t.Error("accepted, and is not JSON")
		}
		people := []any{}
		for _, p := range all {
			people = append(people, written(p))
		}
		again, err := json.Marshal(map[string]any{"people": people})
		if err != nil {
			t.Fatal(err)
		}
		same, err := parse("people.json", again)
		if err != nil {
			t.Fatalf("what was read is refused: %s\n%s", err, again)
		}
		if diff := cmp.Diff(all, same, asRead); diff != "" {
			t.Error(diff)
		}
		newPeople(all, nil)
	})
}
