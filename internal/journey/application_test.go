package journey

import (
	"errors"
	"strings"
	"testing"
)

func TestApplyTellsWhatWasVerified(t *testing.T) {
	long, hundred := strings.Repeat("x", 101), strings.Repeat("é", 100)
	person := func(given, family string, births ...string) Identity {
		return Identity{Names: []Name{{Given: strings.Fields(given), Family: strings.Fields(family)}, {Given: []string{"Former"}, Family: []string{"Name"}}}, BirthDates: births}
	}
	for name, c := range map[string]struct {
		who   Identity
		email string
		want  Application
		err   error
	}{
		"one name each":               {person("Ada", "Lovelace", "1990-12-10"), "a@b.example", Application{"Ada", "", "Lovelace", "1990-12-10", "a@b.example", "QQ123456C"}, nil},
		"names between":               {person("Ada Augusta King", "Byron Lovelace", "1990-12-10"), "", Application{"Ada", "Augusta King", "Byron Lovelace", "1990-12-10", "", "QQ123456C"}, nil},
		"the most certain birth date": {person("Ada", "Lovelace", "1990-12-10", "1991-12-10"), "", Application{"Ada", "", "Lovelace", "1990-12-10", "", "QQ123456C"}, nil},
		"blank parts":                 {Identity{Names: []Name{{Given: []string{" ", "Ada"}, Family: []string{"", "Lovelace"}}}, BirthDates: []string{"1990-12-10"}}, "", Application{"Ada", "", "Lovelace", "1990-12-10", "", "QQ123456C"}, nil},
		"a hundred characters":        {person(hundred, hundred, "1940-01-01"), "", Application{hundred, "", hundred, "1940-01-01", "", "QQ123456C"}, nil},
		"middle names that fit":       {person("Ada "+hundred+" Augusta", "Lovelace", "1990-12-10"), "", Application{"Ada", hundred, "Lovelace", "1990-12-10", "", "QQ123456C"}, nil},
		"a middle name that does not": {person("Ada "+long+" Augusta", "Lovelace", "1990-12-10"), "", Application{"Ada", "", "Lovelace", "1990-12-10", "", "QQ123456C"}, nil},
		"a long e-mail address":       {person("Ada", "Lovelace", "1990-12-10"), long, Application{"Ada", "", "Lovelace", "1990-12-10", "", "QQ123456C"}, nil},
		"a first name alone":          {person("Ada", "", "1990-12-10"), "", Application{}, ErrOneName},
		"a last name alone":           {person("", "Lovelace", "1990-12-10"), "", Application{}, ErrOneName},
		"no name":                     {Identity{BirthDates: []string{"1990-12-10"}}, "", Application{}, ErrOneName},
		"a long first name":           {person(long, "Lovelace", "1990-12-10"), "", Application{}, ErrLongName},
		"a long last name":            {person("Ada", hundred+" x", "1990-12-10"), "", Application{}, ErrLongName},
		"born too early":              {person("Ada", "Lovelace", "1939-12-31"), "", Application{}, ErrBirthDate},
		"no date of birth":            {person("Ada", "Lovelace"), "", Application{}, ErrBirthDate},
	} {
		got, err := Apply(c.who, c.email, "QQ123456C")
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, c.want, c.err)
		}
	}
}
