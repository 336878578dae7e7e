package register

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// robert is the record most tests look for, and asRobert the question that
// finds it by National Insurance number.
func robert() *person {
	return &person{TRN: "1234567", FirstName: "Robert", MiddleName: "Quinn", LastName: "Carter", BirthDate: "1985-04-12",
		NINO: "AB123456C", PensionNINOs: []string{"CE654321A"}, Email: "robert@example.com", Status: active}
}

func asRobert() question {
	return question{who: identity("Robert Carter"), stated: journey.Stated{NINO: "AB123456C"}}
}

// identity is that of somebody born when Robert was. Names are split at single
// spaces into the parts that One Login gives; "_" stands for a space within one.
func identity(names ...string) journey.Identity {
	who := journey.Identity{BirthDates: []string{"1985-04-12"}}
	for _, name := range names {
		parts := strings.Split(name, " ")
		for i := range parts {
			parts[i] = strings.ReplaceAll(parts[i], "_", " ")
		}
		who.Names = append(who.Names, journey.Name{Given: parts[:1], Family: parts[1:]})
	}
	return who
}

// TestNamesFind asks by National Insurance number, so that all depends on names.
func TestNamesFind(t *testing.T) {
	for _, tt := range []struct {
		what   string
		record string // first, middle and last name between bars, then former names likewise
		names  []string
		found  bool
	}{
		{"the same", "Robert|Quinn|Carter", []string{"Robert Carter"}, true},
		{"another first name", "Robert|Quinn|Carter", []string{"Zebedee Carter"}, false},
		{"another last name", "Robert|Quinn|Carter", []string{"Robert Lane"}, false},
		{"no name", "Robert|Quinn|Carter", nil, false},
		{"a name of no parts", "Robert|Quinn|Carter", []string{""}, false},
		{"a first name alone", "Robert|Quinn|Carter", []string{"Robert"}, false},
		{"both in one part", "Robert|Quinn|Carter", []string{"Robert_Carter"}, false},
		{"an empty last name", "Robert|Quinn|Carter", []string{"Robert "}, false},
		{"an empty first name", "Robert|Quinn|Carter", []string{" Carter"}, false},
		{"an invisible first name", "Robert||Carter", []string{"\u200b Carter"}, false},
		{"empty on both sides", "||Carter", []string{" Carter"}, false},
		{"a dash for a name, on both sides", "-||Carter", []string{"- Carter"}, false},

		{"the register's middle name as the first", "Robert|Quinn|Carter", []string{"Quinn Carter"}, true},
		{"one's own middle name as the first", "Robert||Carter", []string{"Quinn Robert Carter"}, false},
		{"names in between", "Robert|Quinn|Carter", []string{"Robert Zebedee Ignatius Carter"}, true},
		{"the wrong way round", "Carter||Robert", []string{"Robert Carter"}, true},
		{"one name for both", "Robert||Lane", []string{"Robert Robert"}, true},
		{"a record of one name", "||Robert", []string{"Robert Robert"}, true},
		{"all names are pooled", "Anna||Jones", []string{"Anna Smith", "Beth Jones"}, true},
		{"the second verified name", "Anna||Jones", []string{"Beth Smith", "Anna Jones"}, true},

		{"half a last name", "Robert||Carter-Lane", []string{"Robert Lane"}, true},
		{"the other half", "Robert||Lane", []string{"Robert Carter-Lane"}, true},
		{"with a space", "Robert||Carter Lane", []string{"Robert Carter-Lane"}, true},
		{"with a space in a part", "Robert||Carter-Lane", []string{"Robert Carter_Lane"}, true},
		{"a third of a last name", "Robert||Aaa-Bbb-Ccc", []string{"Robert Ccc"}, true},
		{"of three on both sides", "Robert||Aaa Bbb-Ccc", []string{"Robert Ddd-Bbb-Eee"}, true},
		{"half a first name", "Anne-Marie||Lane", []string{"Marie Lane"}, true},
		{"all of a first name in one part", "Marie||Lane", []string{"Mary_Anne-Marie Lane"}, true},
		{"run together", "Robert||CarterLane", []string{"Robert Carter-Lane"}, false},
		{"an en dash", "Robert||Carter–Lane", []string{"Robert Carter-Lane"}, false},
		{"an en dash on both sides", "Robert||Carter–Lane", []string{"Robert Carter–Lane"}, true},
		{"a no-break space", "Robert||Carter\u00a0Lane", []string{"Robert Lane"}, false},

		{"a former last name", "Robert||Lane|Robert||Carter", []string{"Robert Carter"}, true},
		{"a former first name", "Bo||Carter|Robert||Lane", []string{"Robert Carter"}, true},
		{"both from different former names", "Bo||Lee|Robert||Lane|Jo|Carter|", []string{"Robert Carter"}, true},
		{"half a former name, behind others", "Mary||Current|Mary||Taylor-Brown|Mary||Old", []string{"Mary Brown"}, true},
		{"of three, before others", "Mary||Current|Mary||Aaa-Bbb-Ccc|Mary||Old-Er", []string{"Mary Ccc"}, true},
		{"the last half of the last", "Mary||Cur-Rent|Mary||Tay-Lor|Mary||Old-Er", []string{"Mary Er"}, true},

		{"' for ’", "Sean||O’Brien", []string{"Sean O'Brien"}, true},
		{"` for ´", "Sean||O´Brien", []string{"Sean O`Brien"}, true},
		{"‘ for '", "Sean||O'Brien", []string{"Sean O‘Brien"}, true},
		{"a letter for '", "Sean||O'Brien", []string{"Sean OʼBrien"}, false},
		{"that letter on both sides", "Sean||OʼBrien", []string{"Sean OʼBrien"}, true},
		{"no apostrophe", "Sean||O'Brien", []string{"Sean OBrien"}, false},
		{"a space for it", "Sean||O'Brien", []string{"Sean O_Brien"}, false},
		{"within a double-barrelled name", "Sean||Smith-O’Brien", []string{"Sean O'Brien"}, true},

		{"case", "ROBERT||CARTER", []string{"robert carter"}, true},
		{"composition", "Jose\u0301||García", []string{"José Garci\u0301a"}, true},
		{"no accents", "José||García", []string{"Jose Garcia"}, false},
		{"width", "Ｒｏｂｅｒｔ||Carter", []string{"Robert Ｃａｒｔｅｒ"}, true},
		{"a ligature", "Sofﬁa||Carter", []string{"Soffia Carter"}, true},
		{"what cannot be seen", "Rob\u200bert||Car\u00adter", []string{"\ufeffRobert Car\u2060ter"}, true},
		{"ß", "Robert||Strauß", []string{"Robert Strauss"}, false},
		{"ı", "Robert||Yıldız", []string{"Robert Yildiz"}, false},
		{"ł", "Robert||Michał", []string{"Robert Michal"}, false},
		{"Æ", "Robert||Æbel", []string{"Robert Aebel"}, false},

		{"the short form of the register's", "Robert||Carter", []string{"Bob Carter"}, true},
		{"the long form of the register's", "Bob||Carter", []string{"Robert Carter"}, true},
		{"two short forms of one", "Bob||Carter", []string{"Robbie Carter"}, true},
		{"a short form in other case", "ROBERT||Carter", []string{"bOB Carter"}, true},
		{"a short form of a former name", "Zoe||Carter|Elizabeth||Lane", []string{"Liz Carter"}, true},
		{"a short form in a double name", "Kate||Carter", []string{"Mary-Katherine Carter"}, true},
		{"a short form as the last name", "Anna||Robert", []string{"Anna Bob"}, false},
		{"by way of a short form shared", "Alexander||Carter", []string{"Alexandra Carter"}, false},
		{"a short form of either", "Alexander||Carter", []string{"Alex Carter"}, true},
	} {
		p := &person{TRN: "1234567", BirthDate: "1985-04-12", NINO: "AB123456C", Status: active}
		names := strings.Split(tt.record, "|")
		p.FirstName, p.MiddleName, p.LastName = names[0], names[1], names[2]
		for former := range slices.Chunk(names[3:], 3) {
			p.PreviousNames = append(p.PreviousNames, formerName{former[0], former[1], former[2]})
		}
		q := question{who: identity(tt.names...), stated: journey.Stated{NINO: "AB123456C"}}
		if _, found := newPeople([]*person{p}, englishNicknames()).find(q); found != tt.found {
			t.Errorf("%s: %s is found by %q: %t", tt.what, tt.record, tt.names, found)
		}
	}
}

// TestWhatFinds starts from Robert and his question and changes what it says.
func TestWhatFinds(t *testing.T) {
	others := []*person{
		{TRN: "7654321", FirstName: "Zoe", LastName: "Lane", BirthDate: "1970-01-01", Status: active},
		{TRN: "7654322", FirstName: "Zoe", LastName: "Lane", Status: active}, // no birth date
	}
	for _, tt := range []struct {
		what   string
		change func(p *person, q *question)
		found  bool
	}{
		{"nothing", func(*person, *question) {}, true},
		{"a pension's number", func(_ *person, q *question) { q.stated.NINO = "CE654321A" }, true},
		{"the TRN", func(_ *person, q *question) { q.stated = journey.Stated{TRN: "1234567"} }, true},
		{"both numbers", func(_ *person, q *question) { q.stated.TRN = "1234567" }, true},
		{"the TRN, and a wrong number", func(_ *person, q *question) { q.stated = journey.Stated{NINO: "HK111222D", TRN: "1234567"} }, true},
		{"the number, and a wrong TRN", func(_ *person, q *question) { q.stated.TRN = "7654321" }, false},
		{"the number, and a TRN of nobody", func(_ *person, q *question) { q.stated.TRN = "9999999" }, false},
		{"no number", func(_ *person, q *question) { q.stated = journey.Stated{} }, false},
		{"no number, and none on the record", func(p *person, q *question) { p.NINO, p.PensionNINOs, q.stated.NINO = "", []string{""}, "" }, false},
		{"an e-mail address", func(_ *person, q *question) { q.stated.NINO = ""; q.email = "robert@example.com" }, false},

		{"a TRN in a link", func(_ *person, q *question) { q.stated.NINO = ""; q.hinted = "1234567" }, true},
		{"a wrong TRN in a link", func(_ *person, q *question) { q.hinted = "7654321" }, true},
		{"a wrong TRN, hidden by one in a link", func(_ *person, q *question) { q.stated.TRN = "7654321"; q.hinted = "1234567" }, true},

		{"another last name", func(_ *person, q *question) { q.who = identity("Robert Zimmer") }, false},
		{"another last name, by TRN", func(_ *person, q *question) {
			q.who = identity("Robert Zimmer")
			q.stated = journey.Stated{TRN: "1234567"}
		}, false},
		{"another last name, by both", func(_ *person, q *question) { q.who = identity("Robert Zimmer"); q.stated.TRN = "1234567" }, true},
		{"another last name, by both, one in a link", func(_ *person, q *question) { q.who = identity("Robert Zimmer"); q.hinted = "1234567" }, true},
		{"a first name alone, by both", func(_ *person, q *question) { q.who = identity("Robert"); q.stated.TRN = "1234567" }, true},
		{"another first name, by both", func(_ *person, q *question) { q.who = identity("Zed Carter"); q.stated.TRN = "1234567" }, false},

		{"one of several birth dates", func(_ *person, q *question) { q.who.BirthDates = []string{"1985-04-13", "1985-04-12"} }, true},
		{"another birth date, by both", func(_ *person, q *question) { q.who.BirthDates[0] = "1985-04-13"; q.stated.TRN = "1234567" }, false},
		{"no birth date, by both", func(_ *person, q *question) { q.who.BirthDates = nil; q.stated.TRN = "1234567" }, false},
		{"no birth date on either side", func(p *person, q *question) { p.BirthDate, q.who.BirthDates = "", []string{""} }, false},

		{"a deactivated record", func(p *person, _ *question) { p.Status = "Deactivated" }, false},
		{"a merged record, by both", func(p *person, q *question) { p.Status = "Merged"; q.stated.TRN = "1234567" }, false},
	} {
		p, q := robert(), asRobert()
		tt.change(p, &q)
		only, found := newPeople(append(others, p), englishNicknames()).find(q)
		if found != tt.found || found && only.person != p {
			t.Errorf("%s: found is %t", tt.what, found)
		}
	}
}

func TestTwoRecords(t *testing.T) {
	for _, tt := range []struct {
		what   string
		change func(second *person, q *question)
		want   string
	}{
		{"the same twice", func(*person, *question) {}, ""},
		{"the TRN decides", func(_ *person, q *question) { q.stated.TRN = "1234568" }, "1234568"},
		{"a deactivated double", func(second *person, _ *question) { second.Status = "Deactivated" }, "1234567"},
		{"a number shared with a stranger", func(second *person, _ *question) { second.FirstName, second.MiddleName = "Zoe", "" }, "1234567"},
		{"a number shared through a pension", func(second *person, _ *question) { second.NINO, second.PensionNINOs = "", []string{"AB123456C"} }, ""},
		{"a namesake of the same day", func(second *person, _ *question) { second.NINO, second.PensionNINOs = "", nil }, "1234567"},
		{"one by TRN, one by a link", func(_ *person, q *question) { q.stated = journey.Stated{TRN: "1234567"}; q.hinted = "1234568" }, ""},
		{"the TRN is the stranger's", func(second *person, q *question) {
			*second = person{TRN: "1234568", FirstName: "Zoe", LastName: "Lane", Status: active}
			q.stated.TRN = "1234568"
		}, ""},
	} {
		first, second, q := robert(), robert(), asRobert()
		second.TRN = "1234568"
		tt.change(second, &q)
		for _, all := range [][]*person{{first, second}, {second, first}} {
			got := ""
			if only, ok := newPeople(all, englishNicknames()).find(q); ok {
				got = only.TRN
			}
			if got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.what, got, tt.want)
			}
		}
	}
}

// TestCertain goes through every set of what can be in common.
func TestCertain(t *testing.T) {
	names := []struct {
		attribute attributes
		letter    string
	}{{sameFirstName, "F"}, {sameLastName, "L"}, {sameBirthDate, "B"}, {sameNINO, "N"}, {sameTRN, "T"}}
	always := map[string]bool{"FLBT": true, "FLBNT": true, "FBNT": true}
	unlessTRNStated := map[string]bool{"FLBN": true}
	for common := range attributes(1 << 6) { // with an e-mail address too, which changes nothing
		set := ""
		for _, name := range names {
			if common.has(name.attribute) {
				set += name.letter
			}
		}
		for _, stated := range []string{"", "1234567"} {
			asked := terms{question: question{stated: journey.Stated{TRN: stated}}}
			if want := always[set] || unlessTRNStated[set] && stated == ""; asked.certain(common) != want {
				t.Errorf("%s, e-mail %t, TRN stated %t: certain is %t", set, common.has(sameEmail), stated != "", !want)
			}
		}
	}
}

func TestSuggestions(t *testing.T) {
	lane := func(trn string, change func(*person)) *person {
		p := &person{TRN: trn, FirstName: "Ann", LastName: "Lane", BirthDate: "1985-04-12", Status: active}
		change(p)
		return p
	}
	stranger := func(p *person) { p.FirstName, p.LastName, p.BirthDate = "Zoe", "Other", "1970-01-01" }
	r := newPeople([]*person{
		lane("1000001", func(p *person) { p.FirstName = "Zoe" }),                                 // last name and birth date: not enough
		lane("1000002", func(p *person) { p.LastName = "Other" }),                                // first name and birth date: no candidate
		lane("1000003", func(p *person) { p.BirthDate = "" }),                                    // both names: no candidate
		lane("1000004", func(p *person) { p.FirstName, p.Email = "Zoe", "Ann@Example.com" }),     // 4, and the e-mail address
		lane("1000005", func(*person) {}),                                                        // 5
		lane("1000006", func(p *person) { p.LastName, p.MiddleName = "Other", "Lane" }),          // 5
		lane("1000007", func(p *person) { stranger(p); p.NINO = "QQ123456C" }),                   // 10
		lane("1000008", func(p *person) { p.LastName, p.NINO = "Other", "QQ123456C" }),           // 13
		lane("1000009", func(p *person) { p.PensionNINOs = []string{"AB123456C", "QQ123456C"} }), // 15
		lane("1000010", stranger), // 20, TRN
		lane("1000011", func(p *person) { stranger(p); p.FirstName = "Ann" }),          // 21, TRN from a link
		lane("1000012", func(p *person) { p.NINO = "QQ123456C"; p.Status = "Merged" }), // nobody's
		lane("1000013", func(p *person) { stranger(p); p.Email = "ann@example.com" }),  // an e-mail address finds nobody
	}, englishNicknames())
	asked := newTerms(question{
		who:    journey.Identity{Names: []journey.Name{{Given: []string{"Ann"}, Family: []string{"Lane"}}}, BirthDates: []string{"", "1985-04-12"}},
		stated: journey.Stated{NINO: "QQ123456C", TRN: "1000010"}, hinted: "1000011", email: "ann@example.com",
	}, r.nicknames)
	var got []string
	for _, s := range asked.suggest(r.candidates(asked)) {
		got = append(got, s.TRN[5:])
	}
	if got, want := strings.Join(got, " "), "11 10 09 08 07 05 06 04"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	merged := newTerms(question{stated: journey.Stated{TRN: "1000012"}}, r.nicknames)
	if found := r.candidates(merged); len(found) != 0 {
		t.Error("a merged record is a candidate")
	}
}
