package trs

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// byLastName is the only way to find people.
	byLastName = "LastNameAndDateOfBirth"

	// mostAtOnce is how many people can be asked for in one request.
	mostAtOnce = 500
)

// find answers with the active records that have, or had, one part of the last
// name and have the date of birth.
func (s *Server) find(r *http.Request) (reply, error) {
	query, err := parameters(r, "findBy", "lastName", "dateOfBirth")
	if err != nil {
		return reply{}, err
	}
	findBy, lastName, date := query["findBy"], query["lastName"], query["dateOfBirth"]
	switch {
	case findBy == "":
		return reply{}, invalid("findBy", "Invalid matching policy.")
	case findBy != byLastName:
		return reply{}, invalid("findBy", "The value is not valid for FindBy.")
	case strings.TrimSpace(lastName) == "":
		return reply{}, invalid("lastName", "'Last Name' must not be empty.")
	case !isDate(date):
		return reply{}, invalid("dateOfBirth", "'Date Of Birth' must be a date.")
	}
	c := newComparison()
	wanted := c.parts(lastName)
	answer := s.list(func(p *person) bool {
		return p.BirthDate == date && overlap(wanted, c.parts(p.lastNames()...))
	})
	answer.body["query"] = object{"findBy": findBy, "lastName": lastName, "dateOfBirth": date}
	return answer, nil
}

// batch answers with the active records among those asked for that have the date
// of birth given with them.
func (s *Server) batch(r *http.Request) (reply, error) {
	var body struct {
		Persons []struct {
			TRN       string `json:"trn"`
			BirthDate string `json:"dateOfBirth"`
		} `json:"persons"`
	}
	if mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(mediaType), "application/json") {
		return reply{}, violation{http.StatusUnsupportedMediaType, "415", "the body must be application/json", ""}
	}
	reader := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	reader.DisallowUnknownFields() // the real one ignores them
	if reader.Decode(&body) != nil || body.Persons == nil {
		return reply{}, invalid("persons", "The body must be an object with the list persons of objects with trn and dateOfBirth.")
	}
	if len(body.Persons) > mostAtOnce {
		return reply{}, invalid("persons", "Only 500 persons or less can be specified.")
	}
	dates := map[string]string{}
	for _, asked := range body.Persons {
		switch _, again := dates[asked.TRN]; {
		case !sevenDigits.MatchString(asked.TRN):
			return reply{}, stricter("a TRN is sent as its seven digits")
		case !isDate(asked.BirthDate):
			return reply{}, invalid("persons", "Each dateOfBirth must be a date.")
		case again:
			return reply{}, stricter("a TRN may be asked for once; the real one heeds only the first date of birth")
		}
		dates[asked.TRN] = asked.BirthDate
	}
	return s.list(func(p *person) bool { return p.BirthDate != "" && dates[p.TRN] == p.BirthDate }), nil
}

// list is the active records that are wanted, in the order of their TRNs.
func (s *Server) list(wanted func(*person) bool) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []object{}
	for _, p := range slices.SortedFunc(maps.Values(s.people), func(a, b *person) int { return cmp.Compare(a.TRN, b.TRN) }) {
		if p.Status == Active && wanted(p) {
			results = append(results, p.found())
		}
	}
	return reply{status: http.StatusOK, body: object{"total": len(results), "results": results}}
}

func isDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}
