package onelogin

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// identityOf is what comes of a core identity with this credentialSubject.
func identityOf(t *testing.T, edit func(map[string]any)) journey.Arrival {
	t.Helper()
	p := newProvider(t)
	p.editIdentity = subjectOf(edit)
	arrival, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
	if err != nil {
		t.Fatal(err)
	}
	return arrival
}

// parts are a name's parts in the order of One Login: G: and F: for given and family.
func parts(spelled ...string) map[string]any {
	items := []any{}
	for _, s := range spelled {
		kind, value, _ := strings.Cut(s, ":")
		items = append(items, map[string]any{"type": map[string]string{"G": "GivenName", "F": "FamilyName", "X": "MiddleName"}[kind], "value": value})
	}
	return map[string]any{"nameParts": items}
}

// TestNameSamples: row 31: the kinds of names in One Login's official samples, all
// kept as they came. What to make of accents, hyphens and titles is the register's.
func TestNameSamples(t *testing.T) {
	for _, row := range []struct {
		name          string
		came          []string
		given, family []string
	}{
		{"row 31: single given name", []string{"G:KENNETH", "F:DECERQUEIRA"}, []string{"KENNETH"}, []string{"DECERQUEIRA"}},
		{"row 31: several given names, several parts", []string{"G:SARAH", "G:JANE", "G:ELIZABETH", "F:EDWARDS"}, []string{"SARAH", "JANE", "ELIZABETH"}, []string{"EDWARDS"}},
		{"row 31: several given names, one part", []string{"G:SARAH JANE", "F:EDWARDS"}, []string{"SARAH JANE"}, []string{"EDWARDS"}},
		{"row 31: family name of two words", []string{"G:ANNA", "F:VAN DIJK"}, []string{"ANNA"}, []string{"VAN DIJK"}},
		{"row 31: family name of two parts", []string{"G:ANNA", "F:VAN", "F:DIJK"}, []string{"ANNA"}, []string{"VAN", "DIJK"}},
		{"row 31: hyphen kept", []string{"G:MARY-ANN", "F:SMITH-JONES"}, []string{"MARY-ANN"}, []string{"SMITH-JONES"}},
		{"row 31: hyphen replaced by a space", []string{"G:MARY ANN", "F:SMITH JONES"}, []string{"MARY ANN"}, []string{"SMITH JONES"}},
		{"row 31: hyphen removed", []string{"G:MARYANN", "F:SMITHJONES"}, []string{"MARYANN"}, []string{"SMITHJONES"}},
		{"row 31: apostrophe kept", []string{"G:SEAN", "F:O'NEILL"}, []string{"SEAN"}, []string{"O'NEILL"}},
		{"row 31: apostrophe dropped", []string{"G:SEAN", "F:ONEILL"}, []string{"SEAN"}, []string{"ONEILL"}},
		{"row 31: given name truncated", []string{"G:CHRISTOPHERALEXANDERJONA", "F:LEE"}, []string{"CHRISTOPHERALEXANDERJONA"}, []string{"LEE"}},
		{"row 31: family name truncated", []string{"G:LI", "F:FEATHERSTONEHAUGHCHOLMONDE"}, []string{"LI"}, []string{"FEATHERSTONEHAUGHCHOLMONDE"}},
		{"row 31: accents flattened", []string{"G:CHLOE", "F:NUNEZ"}, []string{"CHLOE"}, []string{"NUNEZ"}},
		{"row 31: title as the first given name", []string{"G:DR", "G:AMINA", "F:KHAN"}, []string{"DR", "AMINA"}, []string{"KHAN"}},
		{"row 31: letters after the family name", []string{"G:JOHN", "F:SMITH OBE"}, []string{"JOHN"}, []string{"SMITH OBE"}},
		{"row 31: JNR in the family name", []string{"G:JOHN", "F:SMITH JNR"}, []string{"JOHN"}, []string{"SMITH JNR"}},
		{"row 31: III in the family name", []string{"G:JOHN", "F:SMITH III"}, []string{"JOHN"}, []string{"SMITH III"}},
		{"row 31: initials as given names", []string{"G:J", "G:R", "F:HARTLEY"}, []string{"J", "R"}, []string{"HARTLEY"}},

		{"row 31: parts in any order", []string{"F:EDWARDS", "G:SARAH", "F:JONES", "G:JANE"}, []string{"SARAH", "JANE"}, []string{"EDWARDS", "JONES"}},
		{"row 31: one given name and nothing else", []string{"G:SUKARNO"}, []string{"SUKARNO"}, nil},
		{"row 31: one family name and nothing else", []string{"F:SUKARNO"}, nil, []string{"SUKARNO"}},
		{"row 31: empty parts are none", []string{"G:", "G: ", "G:ANN", "F:LEE", "F:\u00a0"}, []string{"ANN"}, []string{"LEE"}},
		{"row 31: parts of another type are passed over", []string{"X:Middle", "G:ANN", "F:LEE"}, []string{"ANN"}, []string{"LEE"}},
		{"row 31: any characters, kept literally", []string{"G:Ŵyn\u0308 <b>", "F:李; DROP\x00"}, []string{"Ŵyn\u0308 <b>"}, []string{"李; DROP\x00"}},
		{"row 31: any length", []string{"G:" + strings.Repeat("A", 5000), "F:B"}, []string{strings.Repeat("A", 5000)}, []string{"B"}},
		{"row 31: any number", append(strings.Split(strings.Repeat("G:A ", 200), " ")[:200], "F:B"), strings.Split(strings.Repeat("A ", 200), " ")[:200], []string{"B"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			arrival := identityOf(t, set("name", []any{parts(row.came...)}))
			want := journey.Name{Given: row.given, Family: row.family}
			if arrival.Verification != journey.Verified || !reflect.DeepEqual(arrival.Identity.Names, []journey.Name{want}) {
				t.Errorf("%s with %q, want %q", arrival.Verification, arrival.Identity.Names, want)
			}
		})
	}
}

// TestCurrentName: row 31: a name in use has no validUntil, wherever it stands, and
// whatever its validUntil says a name that has one does not pass for it.
func TestCurrentName(t *testing.T) {
	from := func(n map[string]any, validFrom any) map[string]any { n["validFrom"] = validFrom; return n }
	null := func(n map[string]any) map[string]any { n["validUntil"] = nil; return n }
	for label, row := range map[string]struct {
		came []any
		want string // family names, the current one first
	}{
		"row 31: one name, since birth":              {[]any{name("A", "Born", nil)}, "Born"},
		"row 31: validUntil null":                    {[]any{null(name("A", "Born", nil))}, "Born"},
		"row 31: validUntil and validFrom null":      {[]any{from(null(name("A", "Born", nil)), nil)}, "Born"},
		"row 31: the current name last":              {[]any{name("A", "Born", "2010-06-01"), from(name("A", "Married", nil), "2010-06-01")}, "Married Born"},
		"row 31: the current name first":             {[]any{from(name("A", "Married", nil), "2010-06-01"), name("A", "Born", "2010-06-01")}, "Married Born"},
		"row 31: the current name between two":       {[]any{name("A", "Born", "2010"), name("A", "Again", nil), name("A", "Married", "2020")}, "Again Born Married"},
		"row 31: validUntil in the future":           {[]any{name("A", "Until", "2999-01-01"), name("A", "Now", nil)}, "Now Until"},
		"row 31: two in use, in the order they came": {[]any{name("A", "Stage", nil), name("A", "Legal", nil)}, "Stage Legal"},
		"row 31: an empty name is none":              {[]any{name("", "", nil), name("A", "Born", nil)}, "Born"},
		"row 31: the same name twice":                {[]any{name("A", "Born", nil), name("A", "Born", "2010")}, "Born Born"},
	} {
		t.Run(label, func(t *testing.T) {
			var families []string
			for _, n := range identityOf(t, set("name", row.came)).Identity.Names {
				families = append(families, n.Family...)
			}
			if got := strings.Join(families, " "); got != row.want {
				t.Errorf("names %q, want %q", got, row.want)
			}
		})
	}
}

// TestBirthDates: row 31: the birth date is the first item.
func TestBirthDates(t *testing.T) {
	for label, row := range map[string]struct{ came, want []string }{
		"row 31: one":                          {[]string{"1965-07-08"}, []string{"1965-07-08"}},
		"row 31: several, the first counts":    {[]string{"1965-07-08", "1965-08-07"}, []string{"1965-07-08", "1965-08-07"}},
		"row 31: a leap day":                   {[]string{"1984-02-29"}, []string{"1984-02-29"}},
		"row 31: a leap day that was not":      {[]string{"1985-02-29"}, nil},
		"row 31: no further than an odd one":   {[]string{"1965-07-08", "1965-7-8", "1965-08-07"}, []string{"1965-07-08"}},
		"row 31: day first":                    {[]string{"08-07-1965"}, nil},
		"row 31: with a time":                  {[]string{"1965-07-08T00:00:00Z"}, nil},
		"row 31: padded":                       {[]string{" 1965-07-08"}, nil},
		"row 31: digits of another script":     {[]string{"١٩٦٥-٠٧-٠٨"}, nil},
		"row 31: empty":                        {[]string{""}, nil},
		"row 31: a year of five digits":        {[]string{"11965-07-08"}, nil},
		"row 31: the first odd, the second ok": {[]string{"1965-13-08", "1965-07-08"}, nil},
	} {
		t.Run(label, func(t *testing.T) {
			items := []any{}
			for _, value := range row.came {
				items = append(items, map[string]any{"value": value})
			}
			arrival := identityOf(t, set("birthDate", items))
			if got := arrival.Identity.BirthDates; !reflect.DeepEqual(got, row.want) {
				t.Errorf("birth dates %q, want %q", got, row.want)
			}
			if (arrival.Verification == journey.Verified) != (row.want != nil) {
				t.Errorf("verification %q", arrival.Verification)
			}
		})
	}
}

// TestReturnCodes: row 29: letters are advisory and opaque, with a proven identity
// too; nothing else in their place goes any further, or refuses anybody.
func TestReturnCodes(t *testing.T) {
	for label, row := range map[string]struct {
		came any
		want []string
	}{
		"row 29: none":                           {[]any{}, nil},
		"row 29: null":                           {nil, nil},
		"row 29: with a proven identity":         {letters("A", "P"), []string{"A", "P"}},
		"row 29: a letter nobody has seen":       {letters("X"), []string{"X"}},
		"row 29: no letters":                     {letters("", "a", "AB", "1", "É", "KENNETH", "A\n"), nil},
		"row 29: odd ones among letters":         {letters("B", "KENNETH", "C"), []string{"B", "C"}},
		"row 29: further members":                {[]any{map[string]any{"code": "B", "why": 1}}, []string{"B"}},
		"row 29: an array, as the docs once say": {[]any{map[string]any{"code": []string{"B"}}}, nil},
		"row 29: plain strings":                  {[]any{"B"}, nil},
		"row 29: one object":                     {map[string]any{"code": "B"}, nil},
		"row 29: a string":                       {"B", nil},
	} {
		t.Run(label, func(t *testing.T) {
			p := newProvider(t)
			p.editUserinfo = set(returnCodeClaim, row.came)
			arrival, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
			if err != nil {
				t.Fatal(err)
			}
			if arrival.Verification != journey.Verified || !reflect.DeepEqual(arrival.ReturnCodes, row.want) {
				t.Errorf("%s with return codes %q, want %q", arrival.Verification, arrival.ReturnCodes, row.want)
			}
		})
	}
}

// TestIdentityKept: what a proven identity brings, and what of it is not kept.
func TestIdentityKept(t *testing.T) {
	p := newProvider(t)
	arrival, err := p.trip(p.relyingParty(), journey.VerifyIdentity)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("row 27: P2, and the ID token's level is that of the credential", func(t *testing.T) {
		if arrival.Verification != journey.Verified || arrival.VOT != "Cl.Cm" || arrival.Subject != subject {
			t.Errorf("%s at %q", arrival.Verification, arrival.VOT)
		}
	})
	t.Run("row 27: above P2", func(t *testing.T) {
		p := newProvider(t)
		p.editIdentity = set("vot", "P3")
		if arrival, err := p.trip(p.relyingParty(), journey.VerifyIdentity); arrival.Verification != journey.Verified {
			t.Errorf("%q: %v", arrival.Verification, err)
		}
	})
	t.Run("row 30: names and birth dates, and nothing of the JWT", func(t *testing.T) {
		want := journey.Identity{Names: []journey.Name{{Given: []string{"KENNETH"}, Family: []string{"DECERQUEIRA"}}}, BirthDates: []string{birthDate}}
		if !reflect.DeepEqual(arrival.Identity, want) {
			t.Errorf("identity %+v", arrival.Identity.Names)
		}
		kept := string(must(json.Marshal(arrival)))
		for _, raw := range p.tokens[2:] { // after the access and the ID token
			for part := range strings.SplitSeq(raw, ".") {
				if strings.Contains(kept, part) {
					t.Error("a part of the core identity JWT is kept")
				}
			}
		}
		if len(p.tokens) != 3 || strings.Contains(kept, "credentialSubject") || strings.Contains(kept, phone) {
			t.Error("more is kept than names and birth dates")
		}
	})
}
