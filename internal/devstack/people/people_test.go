package people_test

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// TestEveryone: invented, unlike one another, and told apart by every value.
func TestEveryone(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range people.Everyone() {
		for _, value := range []string{p.Value, p.Email, strings.Join(p.Family, " "), p.BirthDate, p.Subject(), p.NINO, p.TRN, p.Lost} {
			if value != "" && seen[value] {
				t.Errorf("%s: %q is somebody else's too", p.Value, value)
			}
			seen[value] = true
		}
		if p.NINO != "" && !strings.HasPrefix(p.NINO, "QQ ") {
			t.Errorf("%s: the National Insurance number could be a real one", p.Value)
		}
		if !strings.HasSuffix(p.Email, ".example") {
			t.Errorf("%s: the address could be a real one", p.Value)
		}
		if !regexp.MustCompile(`^urn:fdc:gov\.uk:2022:[\w-]{43}$`).MatchString(p.Subject()) {
			t.Errorf("%s: subject %q", p.Value, p.Subject())
		}
		if found, ok := people.Find(p.Value); !ok || found.Email != p.Email {
			t.Errorf("%s is not found", p.Value)
		}
	}
	if _, ok := people.Find("nobody"); ok {
		t.Error("nobody was found")
	}
}

// TestRegisterFile: whoever ends at the service has a record, and whoever does
// not has none.
func TestRegisterFile(t *testing.T) {
	var file struct {
		People []struct {
			TRN, LastName, DateOfBirth string
			NINO                       string `json:"nationalInsuranceNumber"`
		}
	}
	if err := json.Unmarshal(people.RegisterFile(), &file); err != nil {
		t.Fatal(err)
	}
	for _, p := range people.Everyone() {
		has := false
		for _, record := range file.People {
			has = has || record.TRN == cmp.Or(p.TRN, p.Lost) && strings.EqualFold(record.LastName, p.Family[0]) && record.DateOfBirth == p.BirthDate
			if (p.Value == "found-by-trn" || p.Value == "lost-trn") && record.NINO == strings.ReplaceAll(p.NINO, " ", "") {
				t.Errorf("the National Insurance number of %s is on record", p.Value)
			}
		}
		if has != (p.Ends == "service") {
			t.Errorf("%s ends at %s; has a record: %v", p.Value, p.Ends, has)
		}
		if has != (p.Own() != "") || has && p.Own() != cmp.Or(p.TRN, p.Lost) {
			t.Errorf("%s: the TRN of their own record is %q", p.Value, p.Own())
		}
		looks := 0 // as theirs
		for _, record := range file.People {
			if !has && strings.EqualFold(record.LastName, p.Family[0]) && record.DateOfBirth == p.BirthDate && record.NINO != strings.ReplaceAll(p.NINO, " ", "") {
				looks++
			}
		}
		if want := p.EndsAt(true) == "trn-requested"; (looks == 1) != want {
			t.Errorf("%s: %d records look like theirs", p.Value, looks)
		}
	}
}

// TestEndsAt: a service that gives TRNs is another end only for who has none.
func TestEndsAt(t *testing.T) {
	for _, p := range people.Everyone() {
		if p.EndsAt(false) != p.Ends || (p.EndsAt(true) != p.Ends) != (p.EndsAllocating != "") {
			t.Errorf("%s ends at %s, or %s", p.Value, p.EndsAt(false), p.EndsAt(true))
		}
		if p.EndsAllocating != "" && p.TRN != "" {
			t.Errorf("%s has the TRN %s to type and gets another", p.Value, p.TRN)
		}
	}
}
