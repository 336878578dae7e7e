package register

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedFormat keeps docs/people-file.md true: its example is read as it
// says, and it has every member and word that the reader knows, and no other.
func TestDocumentedFormat(t *testing.T) {
	data, err := os.ReadFile("../../docs/people-file.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)

	_, example, _ := strings.Cut(doc, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	got, err := parse("example", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	want := []*person{{
		TRN: "1234567", FirstName: "Robert", MiddleName: "Quinn", LastName: "Carter-Lane",
		PreviousNames: []formerName{{FirstName: "Robert", LastName: "Carter"}},
		BirthDate:     "1985-04-12", NINO: "QQ123456C", PensionNINOs: []string{"QQ123456F"},
		Email: "robert.carter@example.com", Gender: "Male", Status: "Active", QTS: "2009-07-31", Induction: "Passed",
	}, {TRN: "0012345", FirstName: "Siobhan", LastName: "O’Brien", BirthDate: "1990-02-28", Status: "Active"}}
	if diff := cmp.Diff(want, got, asRead); diff != "" {
		t.Error(diff)
	}

	// The reader names the members it knows when it meets another one.
	_, err = parse("people.json", []byte(`{"people": [{"": 1}]}`))
	_, list, ok := strings.Cut(err.Error(), "the known ones are ")
	if !ok {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for member := range strings.SplitSeq(list, ", ") {
		known[member] = true
		if !regexp.MustCompile(`(?m)^\| [^|]*` + "`" + member + "`").MatchString(doc) {
			t.Errorf("%s has no row", member)
		}
		if !strings.Contains(example, `"`+member+`"`) {
			t.Errorf("%s is not in the example", member)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*)").FindAllStringSubmatch(doc, -1) {
		for _, member := range regexp.MustCompile("[a-zA-Z]+").FindAllString(row[1], -1) {
			if !known[member] {
				t.Errorf("%s is described and not known", member)
			}
		}
	}
	for _, words := range [][]string{statuses, genders, inductions} {
		for _, word := range words {
			if !strings.Contains(doc, "`"+word+"`") {
				t.Errorf("%s is not described", word)
			}
		}
	}
	if !strings.Contains(doc, "512 MiB") || mostBytes != 512<<20 {
		t.Error("the limit is another one")
	}
}
