package journey

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Why a number that somebody typed is not one. The texts hold nothing of what
// was typed, and each stands for one message on the page.
var (
	ErrNumberEmpty  = errors.New("no number was entered")
	ErrNumberFormat = errors.New("the number is not in the correct format")
	ErrNumberZeros  = errors.New("a teacher reference number cannot be all zeros")
)

// nino is what the Teaching Record System takes for a National Insurance
// number: HMRC's form, with the prefix QQ and the suffixes F, M and U that
// occur in pension records besides, or a temporary number.
var nino = regexp.MustCompile(`^(?:[A-CEGHJ-TW-Z][A-CEGHJ-NP-TW-Z][0-9]{6}[A-DFMU]|[0-9]{2}[A-Z][0-9]{5})$`)

// ninoNever are prefixes that HMRC does not issue.
var ninoNever = []string{"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}

// ParseNINO reads a National Insurance number as people type it and returns it
// as it is stored: upper case without spaces, such as "QQ123456C", or the
// temporary form "12A34567". Every spelling of a number gives the same result.
//
// The error is ErrNumberEmpty or ErrNumberFormat.
func ParseNINO(typed string) (string, error) {
	number := strings.Map(func(r rune) rune {
		switch {
		case insignificant(r):
			return -1
		case 'a' <= r && r <= 'z':
			// Not unicode.ToUpper: that makes an S of a long s.
			return r - 'a' + 'A'
		}
		return r
	}, typed)
	switch {
	case blank(typed):
		return "", ErrNumberEmpty
	case !nino.MatchString(number) || slices.Contains(ninoNever, number[:2]):
		return "", ErrNumberFormat
	}
	return number, nil
}

// FormatNINO writes a stored National Insurance number the way GOV.UK shows it:
// "QQ 12 34 56 C". A temporary number has no such grouping and stays as it is.
func FormatNINO(number string) string {
	if len(number) != len("QQ123456C") {
		return number
	}
	return strings.Join([]string{number[:2], number[2:4], number[4:6], number[6:8], number[8:]}, " ")
}

// ParseTRN reads a teacher reference number as people type it, "RP99/12345" or
// "99 12345", and returns its seven digits.
//
// The error is ErrNumberEmpty, ErrNumberFormat or ErrNumberZeros.
func ParseTRN(typed string) (string, error) {
	number := digits(typed)
	switch {
	case blank(typed):
		return "", ErrNumberEmpty
	case len(number) != 7 || strings.ContainsFunc(typed, foreignDigit):
		return "", ErrNumberFormat
	case number == "0000000":
		return "", ErrNumberZeros
	}
	return number, nil
}

// digits are the ASCII digits of s: the Teaching Record System drops all else.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// foreignDigit reports whether r is a digit that digits would drop. A number with
// one is not the number without it.
func foreignDigit(r rune) bool { return r > unicode.MaxASCII && unicode.IsDigit(r) }

// blank reports whether nothing was typed that one could see. A dash or "none"
// is an answer in the wrong format.
func blank(typed string) bool { return strings.TrimFunc(typed, invisible) == "" }

// invisible reports whether r is white space or one of the invisible characters
// that come along with copied text.
func invisible(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc) }

// insignificant reports whether r says nothing in a National Insurance number:
// the invisible and ASCII punctuation.
//
// Typographic dashes are significant, because the Teaching Record System
// refuses a National Insurance number with one (`–` for `-`).
func insignificant(r rune) bool {
	return invisible(r) || r <= unicode.MaxASCII && unicode.IsPunct(r)
}
