package register

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// splitEverywhere is the one thing decided otherwise than at TRS, where a slip
// in the splitter leaves all separators of a string but the first.
const splitEverywhere = "names are split at every separator"

// otherwise lists the rows decided otherwise, with the reason. A row that is
// listed but agrees with TRS fails, so the list stays exact.
var otherwise = map[string]string{
	"OL-D13": splitEverywhere + ": a former double-barrelled name is found by its half",
	"OL-D14": splitEverywhere + ": three-part last names too",
	"NS-03":  splitEverywhere,
	"NS-04":  splitEverywhere + ", and runs of them leave no empty part",
}

// known are known answers of TRS, as testdata/matching.json describes them.
type known struct {
	Synonyms            map[string][]string
	OneLoginMatch       []caseOf[matched]
	OneLoginSuggestions []caseOf[struct{ Order []string }]
	NameSplit           []struct {
		ID, Reason              string
		Input                   []string
		Expected                []string
		ExpectedIfSplitGlobally []string
	}
	NameEquality []struct {
		ID, Reason string
		A, B       string
		Expected   bool
	}
}

type matched struct {
	Match             string
	MatchedAttributes []string
}

type caseOf[T any] struct {
	ID, Reason string
	Records    []json.RawMessage
	Input      struct {
		Names                             [][]string
		DatesOfBirth                      []string
		Email, NINO, TRN, TRNTokenTRNHint string
	}
	Expected                T
	ExpectedIfSplitGlobally *T
}

func readKnown(t *testing.T) (k known) {
	t.Helper()
	data, err := os.ReadFile("testdata/matching.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &k); err != nil {
		t.Fatal(err)
	}
	for section, rows := range map[string]int{
		"oneLoginMatch": len(k.OneLoginMatch), "oneLoginSuggestions": len(k.OneLoginSuggestions),
		"nameSplit": len(k.NameSplit), "nameEquality": len(k.NameEquality), "synonyms": len(k.Synonyms),
	} {
		if rows == 0 {
			t.Errorf("testdata/matching.json: %s is empty", section)
		}
	}
	return k
}

// decide compares an answer with TRS's, and where ours is otherwise with what it
// then must be.
func decide(t *testing.T, id, reason string, got, trs, ours any) {
	t.Helper()
	sorted := cmpopts.SortSlices(strings.Compare)
	fromTRS := cmp.Diff(trs, got, sorted, cmpopts.EquateEmpty())
	why, listed := otherwise[id]
	switch {
	case !listed && fromTRS != "":
		t.Errorf("%s: %s\n%s", id, reason, fromTRS)
	case listed && fromTRS == "":
		t.Errorf("%s agrees with TRS, so it must not be listed as decided otherwise (%s)", id, why)
	case listed:
		if diff := cmp.Diff(ours, got, sorted); diff != "" {
			t.Errorf("%s: %s\n%s", id, why, diff)
		}
	}
}

// pose reads the records of a case as a people file, so that the reader is
// exercised too, and puts the case's question to them.
func (c caseOf[T]) pose(t *testing.T, synonyms map[string][]string) (terms, []*person) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"people": c.Records})
	if err != nil {
		t.Fatal(err)
	}
	all, err := parse(c.ID, data)
	if err != nil {
		t.Fatal(err)
	}
	f, also := newFolding(), nicknames{}
	for name, others := range synonyms { // in one direction, as listed
		also[f.key(name)] = f.keys(others...)
	}
	// What the pages do before a lookup, except that they refuse what is no
	// number: here it stays, as a number that nobody has.
	number, err := journey.ParseNINO(c.Input.NINO)
	if err != nil {
		number = c.Input.NINO
	}
	trn := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, c.Input.TRN)
	q := question{
		who:    journey.Identity{BirthDates: c.Input.DatesOfBirth},
		stated: journey.Stated{NINO: number, TRN: trn},
		hinted: c.Input.TRNTokenTRNHint,
		email:  c.Input.Email,
	}
	for _, parts := range c.Input.Names {
		// Where given names end does not matter: only the parts' order does.
		q.who.Names = append(q.who.Names, journey.Name{Given: parts[:len(parts)/2], Family: parts[len(parts)/2:]})
	}
	r := newPeople(all, also)
	terms := newTerms(q, r.nicknames)
	return terms, r.candidates(terms)
}

func TestKnownMatches(t *testing.T) {
	k := readKnown(t)
	names := map[attributes]string{
		sameFirstName: "FirstName", sameLastName: "LastName", sameBirthDate: "DateOfBirth",
		sameNINO: "NationalInsuranceNumber", sameTRN: "Trn", sameEmail: "EmailAddress",
	}
	for _, c := range k.OneLoginMatch {
		var got matched
		terms, candidates := c.pose(t, k.Synonyms)
		if only, ok := terms.match(candidates); ok {
			got.Match = only.TRN
			for attribute, name := range names {
				if only.common.has(attribute) {
					got.MatchedAttributes = append(got.MatchedAttributes, name)
				}
			}
		}
		if ours := c.ExpectedIfSplitGlobally; ours != nil && ours.MatchedAttributes == nil {
			ours.MatchedAttributes = got.MatchedAttributes // not known
		}
		decide(t, c.ID, c.Reason, got, c.Expected, pointed(c.ExpectedIfSplitGlobally))
	}
}

func TestKnownSuggestions(t *testing.T) {
	k := readKnown(t)
	for _, c := range k.OneLoginSuggestions {
		terms, candidates := c.pose(t, k.Synonyms)
		var got []string
		for _, s := range terms.suggest(candidates) {
			got = append(got, s.TRN)
		}
		if !slices.Equal(got, c.Expected.Order) {
			t.Errorf("%s: got %v, want %v: %s", c.ID, got, c.Expected.Order, c.Reason)
		}
	}
}

func TestKnownSplits(t *testing.T) {
	for _, c := range readKnown(t).NameSplit {
		parts := make(map[string]bool)
		for _, name := range c.Input {
			for _, part := range split(name) {
				parts[part] = true
			}
		}
		decide(t, c.ID, c.Reason, slices.Sorted(maps.Keys(parts)), c.Expected, c.ExpectedIfSplitGlobally)
	}
}

func TestKnownEqualities(t *testing.T) {
	for _, c := range readKnown(t).NameEquality {
		f := newFolding()
		decide(t, c.ID, c.Reason, f.key(c.A) == f.key(c.B), c.Expected, nil)
	}
}

// TestOtherwiseIsKnown refuses a listed row that does not exist.
func TestOtherwiseIsKnown(t *testing.T) {
	data, err := os.ReadFile("testdata/matching.json")
	if err != nil {
		t.Fatal(err)
	}
	for id := range otherwise {
		if !strings.Contains(string(data), `"`+id+`"`) {
			t.Errorf("%s is listed as decided otherwise but is no row", id)
		}
	}
}

// pointed is what p points at, or nil.
func pointed[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
