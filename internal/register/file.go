package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// parse reads a people file. Its errors begin with name and line, such as
// "people.json:12: trn: must be 7 digits", and never quote the file: what stands
// there is personal data, and unknown words may be so too. Where the file is not
// JSON, they show the one character at fault.
func parse(name string, data []byte) ([]*person, error) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	f := &file{data: data, json: json.NewDecoder(bytes.NewReader(data)), taken: make(map[string]bool)}
	f.json.UseNumber() // else a number too large would be an error that quotes it
	all, err := f.people()
	if err, ok := errors.AsType[fault](err); ok {
		return nil, fmt.Errorf("%s:%d: %w", name, 1+bytes.Count(data[:err.at], []byte("\n")), err)
	}
	return all, err
}

// byteOrderMark is what some editors put first. RFC 8259 lets readers ignore it.
var byteOrderMark = []byte("\ufeff")

// fault is what is wrong at one place of the file.
type fault struct {
	at      int    // offset
	subject string // most often the member's name; "" for who reads it to fill in
	text    string
}

func (f fault) Error() string { return f.subject + ": " + f.text }

// file is a people file being read, token by token, because that is the way to
// know where each value stands, and to refuse members that are unknown or twice.
type file struct {
	data  []byte
	json  *json.Decoder
	taken map[string]bool // TRNs of the records before
}

// next is the offset of the next token.
func (f *file) next() int { return f.after(" \t\r\n,:") }

// after is the offset of what follows here after any of the characters.
func (f *file) after(characters string) int {
	return len(f.data) - len(bytes.TrimLeft(f.data[f.json.InputOffset():], characters))
}

// token reads the next token.
func (f *file) token() (token json.Token, at int, err error) {
	at = f.next()
	switch token, err = f.json.Token(); err {
	case nil:
		return token, at, nil
	case io.EOF, io.ErrUnexpectedEOF:
		return nil, at, fault{at, "not JSON", "the file ends too early"}
	default:
		// The decoder stands before what it does not expect, which can be a comma.
		return nil, at, fault{int(f.json.InputOffset()), "not JSON", err.Error()}
	}
}

// value reads one value.
type value func() error

// members are the members that an object may have.
type members map[string]value

// object reads an object and returns which members it has.
func (f *file) object(known members) (seen map[string]bool, err error) {
	token, at, err := f.token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, fault{at, "", "must be an object"}
	}
	seen = make(map[string]bool, len(known))
	for f.json.More() {
		token, at, err := f.token()
		if err != nil {
			return nil, err
		}
		key := token.(string) // the decoder lets nothing else pass as a key
		read, ok := known[key]
		if !ok {
			return nil, fault{at, "unknown member", "the known ones are " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")}
		}
		if seen[key] {
			return nil, fault{at, key, "given twice"}
		}
		seen[key] = true
		if err := read(); err != nil {
			return nil, about(key, err)
		}
	}
	_, _, err = f.token()
	return seen, err
}

// about says what a fault is about, if it does not say so itself.
func about(subject string, err error) error {
	if err, ok := errors.AsType[fault](err); ok && err.subject == "" {
		return fault{err.at, subject, err.text}
	}
	return err
}

// list is a list of items; null is an empty one.
func (f *file) list(item value) value {
	return func() error {
		token, at, err := f.token()
		if err != nil || token == nil {
			return err
		}
		if token != json.Delim('[') {
			return fault{at, "", "must be a list"}
		}
		for f.json.More() {
			if err := item(); err != nil {
				if err, ok := errors.AsType[fault](err); ok && err.subject == "" {
					return fault{err.at, "", "each " + err.text}
				}
				return err
			}
		}
		_, _, err = f.token()
		return err
	}
}

// text is a string that keeps a rule. The rule returns how the string is stored,
// and its error says what must be. Null and "" leave into as it is.
func (f *file) text(into *string, rule func(string) (string, error)) value {
	return func() error {
		token, at, err := f.token()
		if err != nil || token == nil {
			return err
		}
		s, ok := token.(string)
		if !ok {
			return fault{at, "", "must be a string"}
		}
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		if s, err = rule(s); err != nil {
			return fault{at, "", err.Error()}
		}
		*into = s
		return nil
	}
}

// flag is true or false; null is false.
func (f *file) flag(into *bool) value {
	return func() error {
		token, at, err := f.token()
		if err != nil || token == nil {
			return err
		}
		is, ok := token.(bool)
		if !ok {
			return fault{at, "", "must be true or false"}
		}
		*into = is
		return nil
	}
}

// The rules for texts.

func free(s string) (string, error) { return s, nil }

func (f *file) untakenTRN(s string) (string, error) {
	if trn, err := journey.ParseTRN(s); err != nil || trn != s {
		return "", errors.New("must be 7 digits, not all zeros")
	}
	if f.taken[s] {
		return "", errors.New("another record has the same")
	}
	f.taken[s] = true
	return s, nil
}

func nationalInsurance(s string) (string, error) {
	number, err := journey.ParseNINO(s)
	if err != nil {
		return "", errors.New("must be a National Insurance number")
	}
	return number, nil
}

func date(s string) (string, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", errors.New("must be a date, as 1985-04-12")
	}
	return s, nil
}

func oneOf(words []string) func(string) (string, error) {
	return func(s string) (string, error) {
		if i := slices.IndexFunc(words, func(word string) bool { return strings.EqualFold(s, word) }); i >= 0 {
			return words[i], nil
		}
		return "", errors.New("must be one of " + strings.Join(words, ", "))
	}
}

// people reads the file as a whole.
func (f *file) people() ([]*person, error) {
	at := 0
	for line := range bytes.Lines(f.data) {
		if !utf8.Valid(line) { // the decoder would put U+FFFD in a name
			return nil, fault{at, "not JSON", "must be in UTF-8"}
		}
		at += len(line)
	}
	var all []*person
	at = f.next()
	seen, err := f.object(members{"people": f.list(func() error {
		p, err := f.person()
		all = append(all, p)
		return err
	})})
	if err != nil {
		return nil, about("the file", err)
	}
	if !seen["people"] {
		return nil, fault{at, "people", "missing"}
	}
	if at := f.after(" \t\r\n"); at != len(f.data) {
		return nil, fault{at, "not JSON", "the file must end here"}
	}
	return all, nil
}

// person reads one record.
func (f *file) person() (*person, error) {
	p := &person{Status: active}
	var note string
	at := f.next()
	seen, err := f.object(members{
		"trn":                     f.text(&p.TRN, f.untakenTRN),
		"firstName":               f.text(&p.FirstName, free),
		"middleName":              f.text(&p.MiddleName, free),
		"lastName":                f.text(&p.LastName, free),
		"previousNames":           f.list(f.formerName(p)),
		"dateOfBirth":             f.text(&p.BirthDate, date),
		"nationalInsuranceNumber": f.text(&p.NINO, nationalInsurance),
		"employmentNinos":         f.list(f.pensionNINO(p)),
		"emailAddress":            f.text(&p.Email, free),
		"gender":                  f.text(&p.Gender, oneOf(genders)),
		"status":                  f.text(&p.Status, oneOf(statuses)),
		"qts":                     f.text(&p.QTS, date),
		"eyts":                    f.text(&p.EYTS, date),
		"inductionStatus":         f.text(&p.Induction, oneOf(inductions)),
		"alerts":                  f.flag(&p.Alerts),
		"note":                    f.text(&note, free), // JSON has no comments
	})
	switch {
	case err != nil:
		return nil, err
	case p.TRN == "":
		return nil, fault{at, "trn", "missing"}
	case !seen["dateOfBirth"]: // null says that it is not known
		return nil, fault{at, "dateOfBirth", "missing"}
	case p.FirstName+p.LastName == "": // some people have only one of them
		return nil, fault{at, "lastName", "missing"}
	}
	return p, nil
}

func (f *file) formerName(p *person) value {
	return func() error {
		var former formerName
		if _, err := f.object(members{
			"firstName":  f.text(&former.FirstName, free),
			"middleName": f.text(&former.MiddleName, free),
			"lastName":   f.text(&former.LastName, free),
		}); err != nil {
			return err
		}
		p.PreviousNames = append(p.PreviousNames, former)
		return nil
	}
}

func (f *file) pensionNINO(p *person) value {
	return func() error {
		var number string
		if err := f.text(&number, nationalInsurance)(); err != nil {
			return err
		}
		p.PensionNINOs = append(p.PensionNINOs, number)
		return nil
	}
}
