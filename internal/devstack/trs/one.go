package trs

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// one answers with a record, if the extra check holds.
func (s *Server) one(r *http.Request) (reply, error) {
	trn, err := trnOf(r)
	if err != nil {
		return reply{}, err
	}
	query, err := parameters(r, "include", "dateOfBirth", "nationalInsuranceNumber")
	if err != nil {
		return reply{}, err
	}
	date, byDate := query["dateOfBirth"]
	number, byNumber := query["nationalInsuranceNumber"]
	blocks, err := included(query["include"])
	if err == nil {
		err = firstBroken(
			rule{byDate && byNumber, http.StatusBadRequest, "400", "dateOfBirth and nationalInsuranceNumber exclude each other"},
			rule{byDate && !isDate(date), http.StatusBadRequest, "400", "dateOfBirth must be a date, as 1985-04-12"},
			rule{byNumber && compact(number) == "", http.StatusBadRequest, "", "an empty nationalInsuranceNumber checks nothing"},
		)
	}
	if err != nil {
		return reply{}, err
	}
	asked := []string{"TRN", trn}
	if byDate {
		asked = append(asked, "Date of birth", date)
	}
	if byNumber {
		asked = append(asked, "National Insurance number", number)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, answer, ok := s.active(trn, "/v3/persons/", asked)
	switch {
	case !ok:
		return answer, nil
	case byDate && p.BirthDate != date, byNumber && !p.hasNINO(number):
		return notFound(asked), nil
	case p.BirthDate == "": // the real one fails on those without
		return reply{status: http.StatusInternalServerError, body: object{"title": "An error occurred while processing your request.", "status": http.StatusInternalServerError}}, nil
	}
	return reply{status: http.StatusOK, body: p.whole(blocks)}, nil
}

// live answers 204 for a record in use.
func (s *Server) live(r *http.Request) (reply, error) {
	trn, err := trnOf(r)
	if err == nil {
		_, err = parameters(r)
	}
	if err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, answer, ok := s.active(trn, "/v3/trns/", []string{"TRN", trn}); !ok {
		return answer, nil
	}
	return reply{status: http.StatusNoContent}, nil
}

// active is the record with the TRN, if it is in use; otherwise the answer that
// says what became of it. The redirect of a merged record drops the query, and
// with it the check: whoever follows it blindly has checked nothing.
func (s *Server) active(trn, path string, asked []string) (*person, reply, bool) {
	switch p := s.people[trn]; {
	case p == nil:
		return nil, notFound(asked), false
	case p.retained != "":
		return nil, reply{status: http.StatusPermanentRedirect, location: path + p.retained}, false
	case p.Status != Active:
		return nil, problem(http.StatusGone, codeDeactivated, "Person record is deactivated.", "TRN", trn), false
	default:
		return p, reply{}, true
	}
}

func notFound(asked []string) reply {
	return problem(http.StatusNotFound, codeNotFound, "Person not found.", asked...)
}

// blocks are the optional parts of a record: what include calls them, in lower
// case, and the members they are.
var blocks = map[string][]string{
	"induction":                      {"induction"},
	"routestoprofessionalstatuses":   {"routesToProfessionalStatuses"},
	"mandatoryqualifications":        {"mandatoryQualifications"},
	"pendingdetailchanges":           {"pendingNameChange", "pendingDateOfBirthChange"},
	"alerts":                         {"alerts"},
	"previousnames":                  {"previousNames"},
	"_allowidsigninwithprohibitions": nil,
}

// included are the members of the blocks asked for. The real one seems to take a
// list with a word it does not know for no list, and says nothing.
func included(list string) ([]string, error) {
	var members []string
	if list == "" {
		return nil, nil
	}
	seen := map[string]bool{}
	for word := range strings.SplitSeq(list, ",") {
		word = strings.ToLower(strings.TrimSpace(word))
		names, known := blocks[word]
		if !known || seen[word] {
			return nil, stricter("include may have, each once: " + strings.Join(slices.Sorted(maps.Keys(blocks)), ", "))
		}
		seen[word] = true
		members = append(members, names...)
	}
	return members, nil
}
