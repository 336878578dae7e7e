package trs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

// details are what is asked for beside what a record always tells.
const details = "Induction,Alerts,PreviousNames"

// Find returns the one record that is without doubt the person's, and false when
// none is or more than one could be. The person must state a National Insurance
// number or a TRN.
//
// By TRN it costs one call, or two where the last name differs and both numbers
// are stated; by National Insurance number one search for each distinct last
// name and date of birth, and one call for each record whose names fit. Records
// that were merged or deactivated are nobody's, as in TRS itself.
//
// The same question, asked twice at once, is asked once. Who asks is part of it.
func (c *Client) Find(ctx context.Context, who journey.Identity, stated journey.Stated) (journey.Record, bool, error) {
	type found struct {
		record journey.Record
		ok     bool
	}
	question, err := json.Marshal([]any{who, stated})
	if err != nil {
		return journey.Record{}, false, failed("find", errFailed)
	}
	// It outlives the request that began it, because another may wait for it.
	flight := c.flights.DoChan(string(question), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pageLimit)
		defer cancel()
		rec, ok, err := c.find(ctx, who, stated)
		return found{rec, ok}, err
	})
	select {
	case landed := <-flight:
		f, _ := landed.Val.(found)
		return f.record, f.ok, landed.Err
	case <-ctx.Done():
		return journey.Record{}, false, failed("find", ctx.Err())
	}
}

func (c *Client) find(ctx context.Context, who journey.Identity, stated journey.Stated) (journey.Record, bool, error) {
	var candidates []register.Candidate
	var err error
	if stated.TRN != "" {
		candidates, err = c.byTRN(ctx, who, stated)
	} else {
		candidates, err = c.byNINO(ctx, who, stated)
	}
	if err != nil {
		return journey.Record{}, false, err
	}
	rec, ok := c.rule.Match(who, stated, candidates)
	return rec, ok, nil
}

// byTRN is the record with the stated TRN, if it is active.
func (c *Client) byTRN(ctx context.Context, who journey.Identity, stated journey.Stated) ([]register.Candidate, error) {
	p, found, err := c.person(ctx, stated.TRN, url.Values{"include": {details}})
	if err != nil || !found {
		return nil, err
	}
	candidate := p.candidate()
	number, unreadable := journey.ParseNINO(p.NINO)
	candidate.NINO = unreadable == nil && number == stated.NINO
	if _, ok := c.rule.Match(who, stated, []register.Candidate{candidate}); ok || candidate.NINO || stated.NINO == "" {
		return []register.Candidate{candidate}, nil
	}
	// Only with both numbers a last name may differ, and the number may be one
	// that Teachers' Pensions knows and the record does not show.
	if c.rule.Plausible(who, stated, candidate) {
		_, candidate.NINO, err = c.person(ctx, stated.TRN, url.Values{"nationalInsuranceNumber": {stated.NINO}})
	}
	return []register.Candidate{candidate}, err
}

// byNINO are the records of the person's last names and dates of birth that have
// the stated National Insurance number.
func (c *Client) byNINO(ctx context.Context, who journey.Identity, stated journey.Stated) ([]register.Candidate, error) {
	seen := map[string]bool{}
	var candidates []register.Candidate
	for _, lastName := range register.LastNames(who) {
		for _, birthDate := range who.BirthDates {
			some, err := c.search(ctx, lastName, birthDate)
			if err != nil {
				return nil, err
			}
			for _, p := range some {
				if seen[p.TRN] || !c.rule.Plausible(who, stated, p.candidate()) {
					continue
				}
				seen[p.TRN] = true
				full, theirs, err := c.person(ctx, p.TRN, url.Values{"nationalInsuranceNumber": {stated.NINO}, "include": {details}})
				if err != nil {
					return nil, err
				}
				if theirs {
					candidate := full.candidate()
					candidate.NINO = true
					candidates = append(candidates, candidate)
				}
			}
		}
	}
	return candidates, nil
}

// search lists the active records of a last name, present or former, and a date
// of birth (GET /v3/persons).
func (c *Client) search(ctx context.Context, lastName, birthDate string) ([]person, error) {
	const endpoint = "persons"
	a, err := c.ask(ctx, endpoint, "/v3/persons", url.Values{
		"findBy": {"LastNameAndDateOfBirth"}, "lastName": {lastName}, "dateOfBirth": {birthDate},
	})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, c.unexpected(ctx, endpoint, a)
	}
	list, err := decode[struct {
		Results []person `json:"results"`
	}](endpoint, a)
	if err != nil {
		return nil, err
	}
	for _, p := range list.Results {
		if !sevenDigits.MatchString(p.TRN) {
			return nil, failed(endpoint, errors.New("a record without a TRN"))
		}
	}
	return list.Results, nil
}

// person reads one active record, if it passes the checks in the query (GET
// /v3/persons/{trn}). One that is unknown, merged or deactivated, or does not
// pass, is not found.
func (c *Client) person(ctx context.Context, trn string, query url.Values) (p person, found bool, err error) {
	const endpoint = "person"
	a, err := c.ask(ctx, endpoint, "/v3/persons/"+url.PathEscape(trn), query)
	if err != nil {
		return person{}, false, err
	}
	switch a.status {
	case http.StatusOK:
		p, err = decode[person](endpoint, a)
		if err == nil && p.TRN != trn {
			err = failed(endpoint, errors.New("an answer about another record"))
		}
		return p, err == nil, err
	case http.StatusNotFound, http.StatusPermanentRedirect, http.StatusGone:
		return person{}, false, nil
	}
	return person{}, false, c.unexpected(ctx, endpoint, a)
}
