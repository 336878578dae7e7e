package register

import (
	"bufio"
	_ "embed"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// level2 is the collation that the Teaching Record System compares names with:
// letters and accents count, case and width do not. So are equal: SMITH and
// smith, composed and decomposed é, ﬁ and fi, full-width and plain letters.
// Different are: José and Jose, ø and o, ß and ss, O'Brien and OBrien.
var level2 = language.MustParse("und-u-ks-level2")

// folding turns names into keys: two names are equal exactly when their keys
// are. It works in place, so each goroutine makes its own.
type folding struct {
	collator *collate.Collator
	buffer   collate.Buffer
}

func newFolding() *folding { return &folding{collator: collate.New(level2)} }

// key is the key of one part of a name.
func (f *folding) key(part string) string {
	// The collation ignores these too, but knows only those of Unicode 6.2.
	part = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, part)
	defer f.buffer.Reset()
	return string(f.collator.KeyFromString(&f.buffer, part))
}

// keys are the keys of all parts of the names, each once and none that is empty.
func (f *folding) keys(names ...string) []string {
	var keys []string
	nothing := f.key("")
	for _, name := range names {
		for _, part := range split(name) {
			if key := f.key(part); key != nothing && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// apostrophes makes one of the marks people write for an apostrophe. U+02BC,
// the letter, stays what it is, as in the Teaching Record System.
var apostrophes = strings.NewReplacer("`", "'", "´", "'", "‘", "'", "’", "'")

// split parts a name at every white space and hyphen, so that one half of a
// double-barrelled name is enough to match. The Teaching Record System has the
// same separators but, by a slip, heeds only the first of each name.
//
// No-break spaces and dashes other than "-" do not separate, as there.
func split(name string) []string {
	return strings.FieldsFunc(apostrophes.Replace(name), func(r rune) bool {
		switch r {
		case '-':
			return true
		case '\u0085', '\u00a0', '\u2007', '\u202f':
			return false
		}
		return unicode.IsSpace(r)
	})
}

// nicknames leads from the key of a first name to the keys of those that the
// same person may go by.
type nicknames map[string][]string

//go:embed nicknames.txt
var english string

// englishNicknames are the common ones, from nicknames.txt.
func englishNicknames() nicknames {
	var groups [][]string
	for lines := bufio.NewScanner(strings.NewReader(english)); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			groups = append(groups, strings.Fields(line))
		}
	}
	return newNicknames(groups)
}

// newNicknames takes groups of names, each as good as any other in its group. A
// name may be in several groups: Alex is short for Alexander and for Alexandra,
// which does not make those two the same.
func newNicknames(groups [][]string) nicknames {
	f, n := newFolding(), nicknames{}
	for _, group := range groups {
		keys := f.keys(group...)
		for _, key := range keys {
			n[key] = append(n[key], keys...)
		}
	}
	return n
}

// with adds to the keys of first names those of their other forms.
func (n nicknames) with(keys []string) []string {
	all := slices.Clone(keys)
	for _, key := range keys {
		all = append(all, n[key]...)
	}
	return all
}
