package trs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	requestsPath = "/v3/trn-requests"

	atCreate  = "trn-request-create" // POST
	atRequest = "trn-request"        // GET
)

// RequestTRN asks for a TRN (POST /v3/trn-requests). Who is in no doubt gets one
// at once, of a record that there was or of a new one; for others people decide.
// However often it is asked with one id, and whatever became of the answers, it
// makes one request: the API refuses an id that it has.
//
// The error is journey.ErrRefusedApplication when the API refuses what is said of
// the person, which no repetition mends. Any other means that nobody knows whether
// the request was made: ask again.
func (c *Client) RequestTRN(ctx context.Context, r journey.TRNRequest) (journey.Allocation, error) {
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	body, err := json.Marshal(newApplication(r))
	if err != nil {
		return journey.Allocation{}, failed(atCreate, errFailed)
	}
	for range 2 {
		var a answer
		a, err = c.send(ctx, atCreate, requestsPath, body)
		refused := false
		switch {
		case err != nil:
		case a.status == http.StatusOK:
			var made journey.Allocation
			if made, err = allocation(atCreate, a, r.ID); err == nil {
				return made, nil
			}
		case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
			return journey.Allocation{}, c.unexpectedOfRequest(ctx, atCreate, a)
		default:
			refused = a.status == http.StatusBadRequest && isValidation(a)
			err = c.unexpectedOfRequest(ctx, atCreate, a)
		}
		// Short of a good answer the request may have been made all the same: by
		// this call, or by one of before. Only if it was not, it is made again.
		stands, readErr := c.TRNRequest(ctx, r.ID)
		switch {
		case !errors.Is(readErr, journey.ErrNoRequest):
			return stands, readErr
		case refused:
			return journey.Allocation{}, journey.ErrRefusedApplication
		}
	}
	return journey.Allocation{}, err
}

// TRNRequest tells how the request with the id stands (GET /v3/trn-requests). The
// error is journey.ErrNoRequest when the API has none of ours with that id.
func (c *Client) TRNRequest(ctx context.Context, id string) (journey.Allocation, error) {
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	a, err := c.ask(ctx, atRequest, requestsPath, url.Values{"requestId": {id}})
	switch {
	case err != nil:
		return journey.Allocation{}, err
	case a.status == http.StatusOK:
		return allocation(atRequest, a, id)
	case a.status == http.StatusNotFound && errorCode(a) == noRequest:
		return journey.Allocation{}, journey.ErrNoRequest
	}
	return journey.Allocation{}, c.unexpectedOfRequest(ctx, atRequest, a)
}

// noRequest is the error code of an id that the application has not used. Without
// it, a 404 is that of something in between.
const noRequest = 10031

func errorCode(a answer) int {
	var problem struct {
		Code int `json:"errorCode"`
	}
	_ = json.Unmarshal(a.body, &problem) // what is no problem has no code
	return problem.Code
}

// isValidation reports whether a 400 says that what was sent is not valid. What it
// says of it is not looked at.
func isValidation(a answer) bool {
	var problem struct {
		Errors map[string]json.RawMessage `json:"errors"`
	}
	return json.Unmarshal(a.body, &problem) == nil && len(problem.Errors) > 0
}

// unexpectedOfRequest is what is said of an answer that has no meaning here. Its
// body is never looked at: "detail" repeats what is personal.
func (c *Client) unexpectedOfRequest(ctx context.Context, endpoint string, a answer) error {
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		// Nobody but the operator can mend this.
		c.Logger.ErrorContext(ctx, "the Teaching Record System refuses our requests for TRNs: check register trs url and api_key, and that the key has the role CreateTrn",
			"endpoint", endpoint, "status", a.status)
	}
	return failed(endpoint, errors.New("status "+http.StatusText(a.status)))
}

// application is the body of a request. Its members are those of the API.
type application struct {
	RequestID        string    `json:"requestId"`
	Person           applicant `json:"person"`
	IdentityVerified bool      `json:"identityVerified"`
	Subject          string    `json:"oneLoginUserSubject,omitempty"`
}

type applicant struct {
	FirstName  string   `json:"firstName"`
	MiddleName string   `json:"middleName,omitempty"`
	LastName   string   `json:"lastName"`
	BirthDate  string   `json:"dateOfBirth"`
	Emails     []string `json:"emailAddresses,omitempty"`
	NINO       string   `json:"nationalInsuranceNumber,omitempty"`
}

func newApplication(r journey.TRNRequest) application {
	a := application{RequestID: r.ID, Person: applicant{
		FirstName: r.FirstName, MiddleName: r.MiddleName, LastName: r.LastName, BirthDate: r.BirthDate, NINO: r.NINO,
	}}
	if r.NINO == "" {
		// TRS connects the subject to whatever record it answers with. By a number that
		// was only typed that can be somebody else's, so then we connect them, or not.
		a.IdentityVerified, a.Subject = true, r.Subject
	}
	if r.Email != "" {
		a.Person.Emails = []string{r.Email}
	}
	return a
}

// allocation reads a good answer about the request with the id.
func allocation(endpoint string, a answer, id string) (journey.Allocation, error) {
	r, err := decode[struct {
		RequestID string        `json:"requestId"`
		Status    requestStatus `json:"status"`
		TRN       string        `json:"trn"`
	}](endpoint, a)
	switch {
	case err != nil:
		return journey.Allocation{}, err
	case r.RequestID != id:
		return journey.Allocation{}, failed(endpoint, errors.New("an answer about another request"))
	case r.Status == "":
		return journey.Allocation{}, failed(endpoint, errors.New("a request without a status"))
	}
	made := journey.Allocation{Status: journey.RequestStatus(r.Status)}
	if made.Status == journey.Completed {
		if !sevenDigits.MatchString(r.TRN) {
			return journey.Allocation{}, failed(endpoint, errors.New("a completed request without a TRN"))
		}
		made.TRN = r.TRN
	}
	return made, nil
}

// requestStatus is a status as the API has it, a name; webhooks have its number.
// One that is dormant was not decided, and so is taken one that is not known: it
// is asked about again, and people look at what stays so.
type requestStatus journey.RequestStatus

func (s *requestStatus) UnmarshalJSON(text []byte) error {
	var name string
	var number json.Number
	if json.Unmarshal(text, &name) != nil && json.Unmarshal(text, &number) != nil {
		return errors.New("a status that is neither a name nor a number")
	}
	switch {
	case name == "Completed", number == "1":
		*s = requestStatus(journey.Completed)
	case name == "Rejected", number == "2":
		*s = requestStatus(journey.Rejected)
	case name != "", number != "":
		*s = requestStatus(journey.Pending)
	}
	return nil
}
