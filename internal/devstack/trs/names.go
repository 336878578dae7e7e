package trs

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// comparison is the collation "und-u-ks-level2", in which the real one compares
// names: accents count, case and width do not. It is for one goroutine.
type comparison struct {
	collator *collate.Collator
	buffer   collate.Buffer
}

func newComparison() *comparison {
	return &comparison{collator: collate.New(language.MustParse("und-u-ks-level2"))}
}

// parts are the sort keys of the parts of the names. Equal parts have equal keys.
func (c *comparison) parts(names ...string) map[string]bool {
	keys := map[string]bool{}
	for _, name := range names {
		for _, part := range split(name) {
			part = strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Cf, r) { // ignored by ICU; not all of them by this library
					return -1
				}
				return r
			}, part)
			if part != "" {
				keys[string(c.collator.KeyFromString(&c.buffer, part))] = true
				c.buffer.Reset()
			}
		}
	}
	return keys
}

var (
	apostrophes = strings.NewReplacer("`", "'", "´", "'", "‘", "'", "’", "'")
	separator   = regexp.MustCompile(`[\s\x0b\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}-]+`)
)

// split parts a name as the real one's SQL does: at spaces, after the first run
// of other white space and hyphens has become one. The first only: the SQL lacks
// the flag for all of them, so "Mary Anne-Marie" is "Mary" and "Anne-Marie". That
// is kept, because a client has to find people in spite of it. (The real one can
// leave an empty part, and match it with another; that is not.)
func split(name string) []string {
	name = strings.Trim(apostrophes.Replace(name), " ")
	if at := separator.FindStringIndex(name); at != nil {
		name = name[:at[0]] + " " + name[at[1]:]
	}
	return strings.FieldsFunc(name, func(r rune) bool { return r == ' ' })
}

// overlap reports whether the two have a part in common.
func overlap(a, b map[string]bool) bool {
	for part := range a {
		if b[part] {
			return true
		}
	}
	return false
}
