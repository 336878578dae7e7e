package trs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

// outcome is an answer in a word, for the metric.
func outcome(a answer, err error) string {
	switch {
	case errors.Is(err, errBusy):
		return "busy"
	case err != nil:
		return "failed"
	}
	switch a.status {
	case http.StatusOK, http.StatusNoContent:
		return "ok"
	case http.StatusPermanentRedirect:
		return "merged"
	case http.StatusNotFound:
		return "not-found"
	case http.StatusGone:
		return "deactivated"
	}
	return "refused"
}

// unexpected is what is said of an answer that has no meaning here. Its body is
// never looked at: "detail" repeats numbers and dates of birth.
func (c *Client) unexpected(ctx context.Context, endpoint string, a answer) error {
	switch a.status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		// Nobody but the operator can mend this.
		c.Logger.ErrorContext(ctx, "the Teaching Record System refuses our requests: check register trs url and api_key, and that the key has the role GetPerson",
			"endpoint", endpoint, "status", a.status)
	}
	return failed(endpoint, errors.New("status "+http.StatusText(a.status)))
}

// The shapes of the API at apiVersion, as far as they are read. What is unknown
// is left alone, so that additions break nothing.

type name struct {
	First  string `json:"firstName"`
	Middle string `json:"middleName"`
	Last   string `json:"lastName"`
}

type award struct {
	HoldsFrom string `json:"holdsFrom"`
}

type person struct {
	TRN       string `json:"trn"`
	BirthDate string `json:"dateOfBirth"`
	NINO      string `json:"nationalInsuranceNumber"`
	name
	Previous  []name `json:"previousNames"`
	QTS       *award `json:"qts"`
	EYTS      *award `json:"eyts"`
	Induction struct {
		Status string `json:"status"`
	} `json:"induction"`
	Alerts []json.RawMessage `json:"alerts"`
}

func (p person) record() journey.Record {
	rec := journey.Record{TRN: p.TRN, FirstName: p.First, LastName: p.Last, Induction: p.Induction.Status, Alerts: len(p.Alerts) > 0}
	if p.QTS != nil {
		rec.QTS = p.QTS.HoldsFrom
	}
	if p.EYTS != nil {
		rec.EYTS = p.EYTS.HoldsFrom
	}
	return rec
}

// candidate is the record for our rule.
func (p person) candidate() register.Candidate {
	c := register.Candidate{Record: p.record(), BirthDate: p.BirthDate, Names: []string{p.First, p.Middle, p.Last}}
	for _, former := range p.Previous {
		c.Names = append(c.Names, former.First, former.Middle, former.Last)
	}
	return c
}

var sevenDigits = regexp.MustCompile(`^[0-9]{7}$`)

// decode reads a good answer. The decoder's own error could quote a value.
func decode[T any](endpoint string, a answer) (value T, err error) {
	if json.Unmarshal(a.body, &value) != nil {
		return value, failed(endpoint, errors.New("an answer that is not the JSON expected"))
	}
	return value, nil
}

// retained is the TRN of the record that a merged one became part of.
func (c *Client) retained(endpoint string, a answer) (string, error) {
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || to.Host != "" && !strings.HasSuffix(c.URL, "//"+to.Host) {
		return "", failed(endpoint, errors.New("merged into a record elsewhere"))
	}
	trn := to.Path[strings.LastIndexByte(to.Path, '/')+1:]
	if !sevenDigits.MatchString(trn) {
		return "", failed(endpoint, errors.New("merged into no record that is named"))
	}
	return trn, nil
}
