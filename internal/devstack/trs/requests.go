package trs

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"
)

// asked is what the one application asked for. Ids are unique per application:
// another one may have the same.
type asked struct {
	requests      []*request // oldest first
	furtherChecks bool       // the caller is on the list of those whose matches are looked at
}

// request is one request for a TRN.
type request struct {
	application
	Status    RequestStatus
	TRN       string   // of the record, when completed
	duplicate bool     // somebody may have a record already
	maybe     []string // TRNs of those records, most likely first
	made      bool     // the record was made for it
}

// RequestStatus is how a request for a TRN stands.
type RequestStatus string

// The statuses. Dormant is what the real one's own sign-in makes; no caller can.
const (
	Pending   RequestStatus = "Pending"
	Completed RequestStatus = "Completed"
	Rejected  RequestStatus = "Rejected"
	Dormant   RequestStatus = "Dormant"
)

// The TRNs of records made here, unless a people file has them.
const firstMade, lastMade = 5_000_001, 5_999_999

// create makes a request for a TRN and decides it, if that needs nobody.
func (s *Server) create(r *http.Request) (reply, error) {
	a, err := readApplication(r, s.config.Now())
	if err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.requestWith(a.RequestID) != nil {
		return problem(http.StatusConflict, codeRequestUsed, "TRN request has already been created.", "TRN request ID", a.RequestID), nil
	}
	made := &request{application: a, Status: Pending}
	switch theirs, maybe := s.whose(a); {
	case theirs != nil && s.asked.furtherChecks && (theirs.QTS != "" || theirs.EYTS != "" || theirs.Alerts):
		// Support staff look at it, although nobody doubts whose record it is.
	case theirs != nil:
		made.complete(theirs)
	case len(maybe) > 0:
		made.duplicate, made.maybe = true, maybe
	default:
		made.complete(s.newRecord(made))
	}
	s.asked.requests = append(s.asked.requests, made)
	return reply{status: http.StatusOK, body: made.shape(), undo: func() { s.forget(made) }}, nil
}

// readRequest tells how a request stands.
func (s *Server) readRequest(r *http.Request) (reply, error) {
	query, err := parameters(r, "requestId")
	if err == nil && query["requestId"] == "" {
		err = invalid("requestId", "The requestId field is required.")
	}
	if err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.requestWith(query["requestId"])
	if found == nil {
		return problem(http.StatusNotFound, codeNoRequest, "TRN request does not exist.", "TRN request ID", query["requestId"]), nil
	}
	return reply{status: http.StatusOK, body: found.shape()}, nil
}

// shape is the request as the API shows it.
func (r *request) shape() object {
	o := object{
		"requestId": r.RequestID, "oneLoginUserSubject": orNull(r.Subject), "status": string(r.Status), "potentialDuplicate": r.duplicate,
		"trn": nil, "accessYourTeachingQualificationsLink": nil,
	}
	if r.Status == Completed {
		token := uuid.NewSHA1(uuid.NameSpaceOID, []byte("stand-in: token of "+r.RequestID)).String()
		o["trn"], o["accessYourTeachingQualificationsLink"] = r.TRN, "https://qualifications.example/qualifications/start?trn_token="+token
	}
	return o
}

// complete answers the request with a record. Its subject is linked to the record
// from then on, if the identity was verified.
func (r *request) complete(p *person) { r.Status, r.TRN = Completed, p.TRN }

// newRecord makes a record for the request.
func (s *Server) newRecord(r *request) *person {
	number := firstMade
	for s.people[strconv.Itoa(number)] != nil {
		number++
	}
	if number > lastMade {
		panic("trs: a stand-in has no more TRNs")
	}
	p := &person{
		TRN: strconv.Itoa(number), FirstName: r.Person.FirstName, MiddleName: r.Person.MiddleName, LastName: r.Person.LastName,
		BirthDate: r.Person.BirthDate, NINO: compact(r.Person.NINO), Gender: r.Person.Gender, Email: r.email(), Status: Active,
	}
	s.people[p.TRN], r.made = p, true
	return p
}

// forget takes a request back, as if it had never arrived.
func (s *Server) forget(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.requests = slices.DeleteFunc(s.asked.requests, func(other *request) bool { return other == r })
	if r.made {
		delete(s.people, r.TRN)
	}
}

// requestWith is the request with the id, nil when there is none.
func (s *Server) requestWith(id string) *request {
	for _, r := range s.asked.requests {
		if r.RequestID == id {
			return r
		}
	}
	return nil
}
