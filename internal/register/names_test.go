package register

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// TestNameEquality has what ICU says for und-u-ks-level2, the collation of the
// Teaching Record System. "" is what is ignored.
func TestNameEquality(t *testing.T) {
	f := newFolding()
	for _, group := range []struct {
		what  string
		equal bool
		pairs [][2]string
	}{
		{"case", true, [][2]string{{"SMITH", "smith"}, {"ÉLAN", "élan"}, {"Ǆ", "ǅ"}, {"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"Ж", "ж"}, {"Þór", "þór"}, {"ẞ", "ß"}}},
		{"composition", true, [][2]string{{"José", "Jose\u0301"}, {"Å", "A\u030a"}, {"\u212b", "Å"}, {"ậ", "a\u0323\u0302"}, {"a\u0302\u0323", "a\u0323\u0302"}, {"각", "\u1100\u1161\u11a8"}}},
		{"width and ligatures", true, [][2]string{{"Ｓｍｉｔｈ", "Smith"}, {"ﬁ", "fi"}, {"ﬀ", "ff"}, {"ﬃ", "FFI"}, {"Ĳ", "ij"}, {"ǆ", "dž"}, {"ª", "a"}, {"＇", "'"}}},
		{"what cannot be seen", true, [][2]string{{"Sm\u00adith", "Smith"}, {"Sm\u200bith", "Smith"}, {"\ufeffSmith", "Smith"}, {"Smi\u2060th\u200d", "Smith"}, {"e\u200b\u0301", "é"}, {"Smith\u0000", "Smith"}, {"Smith\ufe0f", "Smith"}, {"S\u034fmith", "Smith"}, {"\u2066Smith\u2069", "Smith"}}},
		{"accents", false, [][2]string{{"José", "Jose"}, {"García", "Garcia"}, {"Zoë", "Zoe"}, {"Zoë", "Zoé"}, {"Ŵyn", "Wyn"}, {"Siân", "Sian"}, {"ậ", "â"}, {"ậ", "ạ"}, {"ç", "c"}, {"ñ", "n"}, {"ё", "е"}, {"İ", "I"}, {"İ", "i"}}},
		{"other letters", false, [][2]string{{"ø", "o"}, {"ł", "l"}, {"ß", "ss"}, {"Æ", "AE"}, {"æ", "ae"}, {"œ", "oe"}, {"đ", "d"}, {"ð", "d"}, {"þ", "th"}, {"ı", "I"}, {"ı", "i"}, {"ſ", "s"}, {"А", "A"}, {"ŋ", "n"}}},
		{"marks", false, [][2]string{{"O'Brien", "OBrien"}, {"O'Brien", "O’Brien"}, {"O'Brien", "OʼBrien"}, {"Smith-Jones", "SmithJones"}, {"Smith-Jones", "Smith Jones"}, {"A–B", "A-B"}, {"A\u00a0B", "AB"}, {"St.", "St"}}},
	} {
		for _, pair := range group.pairs {
			if got := f.key(pair[0]) == f.key(pair[1]); got != group.equal {
				t.Errorf("%s: %+q and %+q: equal is %t", group.what, pair[0], pair[1], got)
			}
		}
	}
}

// latin are the letters of Latin-1, Latin Extended-A and -B.
func latin() (letters []rune) {
	for r := 'A'; r <= 'ɏ'; r++ {
		if unicode.IsLetter(r) {
			letters = append(letters, r)
		}
	}
	return letters
}

// caseless are letters whose other case is another letter: İ and ı pair with i
// and I only in Turkish, and the long s is not the round one.
func caseless(r rune) bool { return strings.ContainsRune("İıſ", r) }

// TestEveryLetter holds the rules for one letter, for all of them.
func TestEveryLetter(t *testing.T) {
	f := newFolding()
	for _, r := range latin() {
		letter := string(r)
		if upper := strings.ToUpper(letter); !caseless(r) && f.key(upper) != f.key(letter) {
			t.Errorf("%s is not %s", letter, upper)
		}
		for _, form := range []norm.Form{norm.NFC, norm.NFD} {
			if f.key(form.String(letter)) != f.key(letter) {
				t.Errorf("%s is not itself in another form of Unicode", letter)
			}
		}
		if wide := width.Widen.String(letter); f.key(wide) != f.key(letter) {
			t.Errorf("%s is not %s", letter, wide)
		}
		if plain := []rune(norm.NFD.String(letter)); len(plain) > 1 && f.key(string(plain[0])) == f.key(letter) {
			t.Errorf("%s is the same without its accent", letter)
		}
		for _, accent := range "\u0300\u0301\u0302\u0303\u0306\u0307\u0308\u030a\u030b\u030c\u031b\u0323\u0327\u0328" {
			if accented := letter + string(accent); f.key(accented) == f.key(letter) {
				t.Errorf("%s is the same as %s", accented, letter)
			}
		}
	}
	seen := make(map[string]rune)
	for _, r := range latin() {
		if unicode.ToUpper(r) != r || strings.ContainsRune("ªºǅǈǋǲ", r) {
			continue // one of each pair, and none that is a form of another
		}
		key := f.key(string(r))
		if other, taken := seen[key]; taken {
			t.Errorf("%c is the same as %c", r, other)
		}
		seen[key] = r
	}
}

// TestAnySpelling spells random names in other ways that mean the same.
func TestAnySpelling(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	f := newFolding()
	letters := slices.DeleteFunc(latin(), caseless)
	pick := func(from []rune) rune { return from[random.IntN(len(from))] }
	invisible := []rune("\u200b\u200c\u200d\u2060\ufeff\u00ad")
	separators := []rune("- \t\n\u2003\u3000")
	for range 3000 {
		var plain, spelled []string
		for range 1 + random.IntN(3) {
			var name, other strings.Builder
			for range 1 + random.IntN(6) {
				r := pick(letters)
				name.WriteRune(r)
				switch s := string(r); random.IntN(5) {
				case 0:
					s = strings.ToUpper(s)
					fallthrough
				case 1:
					other.WriteString(norm.NFD.String(s))
				case 2:
					other.WriteString(norm.NFC.String(strings.ToLower(s)))
				case 3:
					other.WriteString(width.Widen.String(s) + string(pick(invisible)))
				default:
					other.WriteString(s)
				}
			}
			plain, spelled = append(plain, name.String()), append(spelled, other.String())
		}
		var gap strings.Builder
		for range 1 + random.IntN(3) {
			gap.WriteRune(pick(separators))
		}
		one, other := f.keys(plain...), f.keys(gap.String()+strings.Join(spelled, gap.String())+gap.String())
		if !slices.Equal(one, other) {
			t.Fatalf("%+q is not %+q", plain, spelled)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name string
		want string // parts between bars
	}{
		{"Anne-Marie", "Anne|Marie"},
		{"Mary Anne-Marie", "Mary|Anne|Marie"},
		{"Aaa-Bbb-Ccc Ddd", "Aaa|Bbb|Ccc|Ddd"},
		{"  Anne  -  Marie -", "Anne|Marie"},
		{"-", ""},
		{"", ""},
		{"A\tB\nC\u2003D\u3000E", "A|B|C|D|E"},
		{"A\u00a0B\u202fC\u2007D", "A\u00a0B\u202fC\u2007D"}, // no-break spaces
		{"A–B—C‐D‑E", "A–B—C‐D‑E"},                           // dashes
		{"O'Brien O`Brien O´Brien O‘Brien O’Brien", strings.Repeat("|O'Brien", 5)[1:]}, // apostrophes
		{"OʼBrien", "OʼBrien"}, // a letter
		{"D’Arcy-O`Neill", "D'Arcy|O'Neill"},
	} {
		if got := strings.Join(split(tt.name), "|"); got != tt.want {
			t.Errorf("%+q: got %+q, want %+q", tt.name, got, tt.want)
		}
	}
}

// TestNoEmptyPart: TRS has empty parts, and two of them are the same. Ours has
// none, nor one of characters that do not count.
func TestNoEmptyPart(t *testing.T) {
	if keys := newFolding().keys("", " ", "-", "\u200b", " - \u00ad -", "\u0000"); len(keys) != 0 {
		t.Errorf("%d keys", len(keys))
	}
	if keys := newFolding().keys("Ann ann ANN", "A\u200bnn"); len(keys) != 1 {
		t.Errorf("%d keys for Ann", len(keys))
	}
}
