package support

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// longest is how many characters of a value are shown. One Login's names have
// any number of parts of any length.
const longest = 1000

// line is a value as one line. White space of any kind becomes a space, and what
// cannot be seen is dropped, so that no value looks like another label or runs
// backwards. Braces and brackets become parentheses: Zendesk fills in {{…}} in a
// comment, and makes links of [text](address).
func line(value string) string {
	value = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r) || r == unicode.ReplacementChar:
			return -1
		case r == '{' || r == '[':
			return '('
		case r == '}' || r == ']':
			return ')'
		}
		return r
	}, value)
	return clip(strings.Join(strings.Fields(value), " "), longest)
}

// clip shortens text to so many characters.
func clip(text string, characters int) string {
	if runes := []rune(text); len(runes) > characters {
		return string(runes[:characters-1]) + "…"
	}
	return text
}

// nameLine says which part is the family name: it is the one to search by.
func nameLine(n journey.Name) string {
	whole, family := line(n.String()), line(strings.Join(n.Family, " "))
	switch {
	case whole == "":
		return ""
	case family == "":
		return whole + " (no family name)"
	}
	return whole + " (family name: " + family + ")"
}

// ending is the last three characters of a National Insurance number, or nothing
// of one so short that they would be most of it.
func ending(nino string) string {
	runes := []rune(line(nino))
	if len(runes) < 8 {
		return "something unreadable"
	}
	return string(runes[len(runes)-3:])
}

func numbered(label string, i int) string {
	if i == 0 {
		return label
	}
	return fmt.Sprintf("%s %d", label, i+1)
}

// day is a date, YYYY-MM-DD, as GOV.UK writes dates; anything else as it is.
func day(date string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return at.Format("2 January 2006")
}

// moment is in UTC, so that the text does not depend on where it is made.
func moment(at time.Time) string {
	if at.IsZero() {
		return "at an unknown time"
	}
	return at.UTC().Format("2 January 2006 at 15:04 UTC")
}

func language(code string) string {
	switch code {
	case "en":
		return "English"
	case "cy":
		return "Welsh"
	}
	return code
}
