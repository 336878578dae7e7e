package find

import (
	_ "embed"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
)

// visit is somebody on their way through the questions.
type visit struct {
	form   map[string]string // what the service sent
	person Person
	known  bool // the e-mail address is somebody's
	until  time.Time

	// submitted is set before the service is told and stays set whatever comes of
	// it, so that nothing is sent twice: who goes on again is sent back.
	submitted bool
}

//go:embed questions.html
var questionsPage string

//go:embed end.html
var endPage string

var (
	questionsTemplate = page.Parse(questionsPage)
	endTemplate       = page.Parse(endPage)
)

// visit is the one whose key the request has, for two more hours; nil when there
// is none, or it is over.
func (s *Server) visit(r *http.Request) (key string, v *visit) {
	key = r.FormValue("visit")
	s.mu.Lock()
	defer s.mu.Unlock()
	v, now := s.visits[key], s.config.Now()
	if v == nil || !now.Before(v.until) {
		delete(s.visits, key)
		return key, nil
	}
	v.until = now.Add(sessionLife)
	return key, v
}

// questions asks, with the answers of the person who is expected filled in. Who
// has answered is sent back to the service.
func (s *Server) questions(w http.ResponseWriter, r *http.Request) error {
	key, v := s.visit(r)
	if v == nil {
		page.Write(w, http.StatusNotFound, endTemplate, map[string]any{"End": "over"})
		return nil
	}
	s.mu.Lock()
	submitted := v.submitted
	s.mu.Unlock()
	if submitted {
		http.Redirect(w, r, v.form["redirect_url"], http.StatusFound)
		return nil
	}
	s.ask(w, http.StatusOK, key, v, reply{FirstName: v.person.FirstName, LastName: v.person.LastName, BirthDate: v.person.BirthDate, NINO: v.person.NINO}, nil)
	return nil
}

func (s *Server) ask(w http.ResponseWriter, status int, key string, v *visit, a reply, wrong []string) {
	page.Write(w, status, questionsTemplate, map[string]any{
		"Visit": key, "Service": v.form["client_title"], "Home": v.form["client_url"], "Back": v.form["previous_url"], "Email": v.form["email"],
		"Known": v.known, "Answers": a, "Wrong": wrong,
	})
}

// reply is what somebody answered.
type reply struct {
	FirstName, LastName, PreferredFirstName, PreferredLastName, BirthDate, NINO string
}

var ninoShape = regexp.MustCompile(`(?i)^[a-z]{2}[0-9]{6}[a-d]$`)

// wrong are the rules of the real one's questions that the answers break.
func (a reply) wrong(now time.Time) (sentences []string) {
	born, err := time.Parse(time.DateOnly, a.BirthDate)
	for _, r := range []rule{
		{a.FirstName == "" || utf8.RuneCountInString(a.FirstName) > 255, "", "Enter a first name of at most 255 characters"},
		{a.LastName == "" || utf8.RuneCountInString(a.LastName) > 255, "", "Enter a last name of at most 255 characters"},
		{(a.PreferredFirstName == "") != (a.PreferredLastName == ""), "", "Enter both preferred names, or neither"},
		{err != nil || born.Year() < 1900 || born.AddDate(16, 0, 0).After(now), "", "Enter a date of birth at least 16 years ago, as in 1990-12-31"},
		{a.NINO != "" && !ninoShape.MatchString(a.NINO), "", "Enter a National Insurance number, as in QQ 12 34 56 C, or nothing"},
	} {
		if r.broken {
			sentences = append(sentences, r.text)
		}
	}
	return sentences
}

// answers tells the service what is found by them, and sends the browser back.
func (s *Server) answers(w http.ResponseWriter, r *http.Request) error {
	key, v := s.visit(r)
	if v == nil {
		return s.questions(w, r)
	}
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	a := reply{text("first-name"), text("last-name"), text("preferred-first-name"), text("preferred-last-name"), text("date-of-birth"),
		strings.NewReplacer(" ", "", "-", "").Replace(text("national-insurance-number"))}
	if wrong := a.wrong(s.config.Now()); len(wrong) > 0 {
		s.ask(w, http.StatusUnprocessableEntity, key, v, a, wrong)
		return nil
	}
	s.mu.Lock()
	again := v.submitted
	v.submitted, s.used[v.form["journey_id"]] = true, true
	s.mu.Unlock()
	if again {
		return s.questions(w, r)
	}
	s.follow(w, r, v, a)
	return nil
}

// follow does what follows the answers.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, v *visit, a reply) {
	p := plan{journey: v.form["journey_id"], key: s.config.APIKey, bodies: []object{v.found(a)}}
	for _, fault := range s.take(whenAnswered) {
		fault.change(s, &p)
	}
	if p.late {
		s.mu.Lock()
		s.late = append(s.late, p)
		s.mu.Unlock()
		p.bodies = nil
	}
	for i, status := range s.tell(r.Context(), p) {
		_, match := p.bodies[i]["trn"]
		switch {
		case status == http.StatusNoContent:
		case status == 0 && match: // people at Find look into it
			p.end = "submitted"
		default:
			p.end = "problem"
		}
	}
	if p.end == "" {
		http.Redirect(w, r, v.form["redirect_url"], http.StatusFound)
		return
	}
	status := http.StatusOK
	if p.end == "problem" {
		status = http.StatusInternalServerError
	}
	page.Write(w, status, endTemplate, map[string]any{"End": p.end, "Return": v.form["redirect_url"]})
}

// found is what the PUT says: the answers, and the TRN if they are those of the
// person expected. What is not there is left out.
func (v *visit) found(a reply) object {
	trn := ""
	if a.BirthDate == v.person.BirthDate && strings.EqualFold(a.LastName, v.person.LastName) {
		trn = v.person.TRN
	}
	body := object{}
	for name, value := range map[string]string{
		"officialFirstName": a.FirstName, "officialLastName": a.LastName, "preferredFirstName": a.PreferredFirstName, "preferredLastName": a.PreferredLastName,
		"dateOfBirth": a.BirthDate, "nationalInsuranceNumber": a.NINO, "trn": trn,
	} {
		if value != "" {
			body[name] = value
		}
	}
	return body
}
