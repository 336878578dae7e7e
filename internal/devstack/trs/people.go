package trs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// person is one record, in the members of a people file.
type person struct {
	TRN           string   `json:"trn"`
	FirstName     string   `json:"firstName"`
	MiddleName    string   `json:"middleName"`
	LastName      string   `json:"lastName"`
	PreviousNames []name   `json:"previousNames"`
	BirthDate     string   `json:"dateOfBirth"` // "": not known
	NINO          string   `json:"nationalInsuranceNumber"`
	PensionNINOs  []string `json:"employmentNinos"` // from employments in Teachers' Pensions
	Email         string   `json:"emailAddress"`
	Gender        string   `json:"gender"`
	Status        Status   `json:"status"`
	QTS           string   `json:"qts"`
	EYTS          string   `json:"eyts"`
	Induction     string   `json:"inductionStatus"`
	Alerts        bool     `json:"alerts"`
	Note          string   `json:"note"`

	retained string // TRN of the record it was merged into; "" if it was not
}

type name struct {
	FirstName  string `json:"firstName"`
	MiddleName string `json:"middleName"`
	LastName   string `json:"lastName"`
}

// Status says whether a record is in use.
type Status string

// The statuses. A people file cannot say which record one was merged into:
// until Merge does, it is answered for like a deactivated one.
const (
	Active      Status = "Active"
	Deactivated Status = "Deactivated"
	Merged      Status = "Merged"
)

// readPeople reads a people file. Its errors count records, because all that
// could be quoted is personal data.
func readPeople(file []byte) (map[string]*person, error) {
	var content struct {
		People []*person `json:"people"`
	}
	reader := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	reader.DisallowUnknownFields()
	if reader.Decode(&content) != nil || content.People == nil {
		return nil, errors.New("trs: this is no people file")
	}
	if _, err := reader.Token(); err != io.EOF {
		return nil, errors.New("trs: the people file does not end where it should")
	}
	people := map[string]*person{}
	for i, p := range content.People {
		if p == nil || !sevenDigits.MatchString(p.TRN) || people[p.TRN] != nil {
			return nil, fmt.Errorf("trs: record %d of the people file needs a TRN of its own", i+1)
		}
		for _, date := range []string{p.BirthDate, p.QTS, p.EYTS} {
			if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
				return nil, fmt.Errorf("trs: record %d of the people file has a date that is none", i+1)
			}
		}
		for _, text := range []*string{&p.FirstName, &p.MiddleName, &p.LastName, &p.Email} {
			*text = strings.TrimSpace(*text)
		}
		switch {
		case p.Status == "" || strings.EqualFold(string(p.Status), string(Active)):
			p.Status = Active
		case strings.EqualFold(string(p.Status), string(Merged)):
			p.Status = Merged
		case strings.EqualFold(string(p.Status), string(Deactivated)):
			p.Status = Deactivated
		default:
			return nil, fmt.Errorf("trs: record %d of the people file has a status that is none", i+1)
		}
		people[p.TRN] = p
	}
	return people, nil
}

// lastNames are those that find the record.
func (p *person) lastNames() []string {
	all := []string{p.LastName}
	for _, former := range p.PreviousNames {
		all = append(all, former.LastName)
	}
	return all
}

// hasNINO reports whether the number is the person's, in their record or in one
// of their employments.
func (p *person) hasNINO(number string) bool {
	number = compact(number)
	for _, theirs := range append([]string{p.NINO}, p.PensionNINOs...) {
		if number != "" && compact(theirs) == number {
			return true
		}
	}
	return false
}

// compact is a National Insurance number in upper case, without white space and
// hyphens. Other dashes stay and make it another number.
func compact(number string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, number))
}
