package find_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
)

// rosa is what the PUT says of her.
func rosa() map[string]any {
	return map[string]any{"officialFirstName": "Rosa", "officialLastName": "Carter-Lane", "dateOfBirth": "1985-04-12", "nationalInsuranceNumber": "QQ123456C", "trn": "1000001"}
}

// TestTrip: form, questions, PUT, and back; and again, without a PUT.
func TestTrip(t *testing.T) {
	tr := newTraveller(t)
	form := context()
	form.Set("session_id", "session-1")
	questions := tr.arrive(form)
	page := tr.do(http.MethodGet, questions, "", "")
	for _, part := range []string{`<a href="https://service.example">A service + more</a>`, `<a href="https://service.example/before?lang=cy">Back</a>`, email} {
		if !strings.Contains(page.text, strings.ReplaceAll(part, "+", "&#43;")) {
			t.Errorf("the page has no %s: %s", part, page.text)
		}
	}
	answers := tr.filled(questions)
	if got := tr.submit(answers); got.status != http.StatusFound || got.location != back {
		t.Fatalf("%d %s %s", got.status, got.location, got.text)
	}
	// Refresh and Back.
	for _, got := range []answer{tr.do(http.MethodGet, questions, "", ""), tr.submit(answers)} {
		if got.status != http.StatusFound || got.location != back {
			t.Errorf("%d %s %s", got.status, got.location, got.text)
		}
	}
	calls := tr.took()
	if len(calls) != 1 || calls[0].path != "PUT /api/find-trn/user/"+journeyID {
		t.Fatalf("%+v", calls)
	}
	for name, want := range map[string]string{"Authorization": "Bearer " + apiKey, "Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Faraday v2.14.0"} {
		if got := calls[0].head.Get(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if diff := cmp.Diff(rosa(), calls[0].body); diff != "" {
		t.Error(diff)
	}
	want := find.Record{Hits: map[string]int{"identity": 1, "questions": 5}, PUTs: []int{204}, SessionIDs: []string{"session-1"}}
	if diff := cmp.Diff(want, tr.find.Record()); diff != "" {
		t.Error(diff)
	}
	tr.find.Reset()
	if diff := cmp.Diff(find.Record{Hits: map[string]int{}}, tr.find.Record()); diff != "" {
		t.Error(diff)
	}
}

// TestAnswers: what is found depends on what is typed.
func TestAnswers(t *testing.T) {
	for name, row := range map[string]struct {
		typed map[string]string
		want  func(map[string]any)
	}{
		"a last name in capitals": {map[string]string{"last-name": "CARTER-LANE "}, func(b map[string]any) { b["officialLastName"] = "CARTER-LANE" }},
		"another last name":       {map[string]string{"last-name": "Lane"}, func(b map[string]any) { b["officialLastName"] = "Lane"; delete(b, "trn") }},
		"another date of birth":   {map[string]string{"date-of-birth": "1985-04-13"}, func(b map[string]any) { b["dateOfBirth"] = "1985-04-13"; delete(b, "trn") }},
		"no NINO":                 {map[string]string{"national-insurance-number": ""}, func(b map[string]any) { delete(b, "nationalInsuranceNumber") }},
		"a NINO as typed":         {map[string]string{"national-insurance-number": "qq12-34-56c"}, func(b map[string]any) { b["nationalInsuranceNumber"] = "qq123456c" }},
		"preferred names": {map[string]string{"preferred-first-name": "Rosie", "preferred-last-name": "Lane"}, func(b map[string]any) {
			b["preferredFirstName"], b["preferredLastName"] = "Rosie", "Lane"
		}},
	} {
		tr := newTraveller(t)
		form := tr.filled(tr.arrive(context()))
		for field, value := range row.typed {
			form.Set(field, value)
		}
		want := rosa()
		row.want(want)
		if got := tr.submit(form); got.location != back {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		} else if diff := cmp.Diff(want, tr.took()[0].body); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestWrongAnswers: they are asked for again, with a sentence each.
func TestWrongAnswers(t *testing.T) {
	tr := newTraveller(t)
	good := tr.filled(tr.arrive(context()))
	for name, row := range map[string]struct{ field, value, says string }{
		"no first name":         {"first-name", " ", "Enter a first name"},
		"a last name of 256":    {"last-name", strings.Repeat("ŵ", 256), "Enter a last name"},
		"half a preferred name": {"preferred-last-name", "Lane", "Enter both preferred names"},
		"no date":               {"date-of-birth", "12 April 1985", "Enter a date of birth"},
		"a child":               {"date-of-birth", "2010-09-02", "Enter a date of birth"},
		"too long ago":          {"date-of-birth", "1899-12-31", "Enter a date of birth"},
		"no NINO":               {"national-insurance-number", "QQ123456Z", "Enter a National Insurance number"},
	} {
		form := map[string][]string{}
		for field, values := range good {
			form[field] = values
		}
		form[row.field] = []string{row.value}
		if got := tr.submit(form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.text, row.says) || strings.Count(got.text, "<li>") != 1 {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	if len(tr.took()) != 0 {
		t.Errorf("%+v", tr.took())
	}
	good.Set("date-of-birth", "2010-09-01") // sixteen today
	if got := tr.submit(good); got.location != back {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// TestStranger: who is not known is asked all the same, and nothing is found.
func TestStranger(t *testing.T) {
	tr := newTraveller(t)
	form := context()
	form.Set("email", "kim@people.example")
	answers := tr.filled(tr.arrive(form))
	if answers.Get("first-name") != "" || answers.Get("national-insurance-number") != "" {
		t.Errorf("%v", answers)
	}
	answers.Set("first-name", "Kim")
	answers.Set("last-name", "Carter-Lane")
	answers.Set("date-of-birth", "1985-04-12")
	if got := tr.submit(answers); got.location != back {
		t.Fatalf("%d %s", got.status, got.text)
	}
	want := map[string]any{"officialFirstName": "Kim", "officialLastName": "Carter-Lane", "dateOfBirth": "1985-04-12"}
	if diff := cmp.Diff(want, tr.took()[0].body); diff != "" {
		t.Error(diff)
	}
}

// TestVisitEnds: two hours after the last page.
func TestVisitEnds(t *testing.T) {
	tr := newTraveller(t)
	questions := tr.arrive(context())
	later := func(by time.Duration) answer {
		tr.mu.Lock()
		tr.now = tr.now.Add(by)
		tr.mu.Unlock()
		return tr.do(http.MethodGet, questions, "", "")
	}
	got := []int{later(119 * time.Minute).status, later(119 * time.Minute).status, later(2 * time.Hour).status,
		tr.submit(map[string][]string{"visit": {strings.TrimPrefix(questions, "/questions?visit=")}}).status,
		tr.do(http.MethodGet, "/questions", "", "").status}
	if diff := cmp.Diff([]int{200, 200, 404, 404, 404}, got); diff != "" {
		t.Error(diff)
	}
}

// TestNotTaken: every answer but 204 is a failure, told once, and nobody comes
// back; who goes on all the same comes back without another PUT.
func TestNotTaken(t *testing.T) {
	for _, status := range []int{200, 201, 302, 400, 401, 404, 409, 500, 503} {
		tr := newTraveller(t)
		tr.statuses = []int{status}
		answers := tr.filled(tr.arrive(context()))
		if got := tr.submit(answers); got.status != http.StatusInternalServerError || got.location != "" || !strings.Contains(got.text, "There is a problem with the service") {
			t.Errorf("%d: %d %s", status, got.status, got.text)
		}
		if got := tr.submit(answers); got.location != back {
			t.Errorf("%d, again: %d %s", status, got.status, got.text)
		}
		if diff := cmp.Diff([]int{status}, tr.find.Record().PUTs); diff != "" || len(tr.took()) != 1 {
			t.Errorf("%d: %s %v", status, diff, tr.took())
		}
	}
}

// TestNoAnswer: with a match, people at Find look into it; without, it fails.
func TestNoAnswer(t *testing.T) {
	for _, row := range []struct {
		birthDate string
		status    int
		says      string
	}{
		{"1985-04-12", 200, "We have received your request"},
		{"1985-04-13", 500, "There is a problem with the service"},
	} {
		tr := newTraveller(t, func(c *find.Config) { c.HTTP = &http.Client{Timeout: 50 * time.Millisecond} })
		tr.hold = make(chan struct{})
		answers := tr.filled(tr.arrive(context()))
		answers.Set("date-of-birth", row.birthDate)
		got := tr.submit(answers)
		close(tr.hold)
		if got.status != row.status || !strings.Contains(got.text, row.says) || got.location != "" {
			t.Errorf("%+v: %d %s", row, got.status, got.text)
		}
		if diff := cmp.Diff([]int{0}, tr.find.Record().PUTs); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := find.Config{APIBase: "http://localhost:8080/", APIKey: "a", SharedKey: "b", Find: people, Clients: []find.Client{{ID: "c", RedirectURLs: []string{"d"}}}}
	if _, err := find.New(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*find.Config){
		"no API base":               func(c *find.Config) { c.APIBase = "" },
		"an API base with a path":   func(c *find.Config) { c.APIBase = "http://localhost:8080/api" },
		"no API key":                func(c *find.Config) { c.APIKey = "" },
		"no shared key":             func(c *find.Config) { c.SharedKey = "" },
		"no people":                 func(c *find.Config) { c.Find = nil },
		"no client":                 func(c *find.Config) { c.Clients = nil },
		"a client without id":       func(c *find.Config) { c.Clients = []find.Client{{RedirectURLs: []string{"d"}}} },
		"a client without callback": func(c *find.Config) { c.Clients = []find.Client{{ID: "c"}} },
	} {
		config := good
		edit(&config)
		if _, err := find.New(config); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestLog: refusals and failures are told, people are not.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	tr := newTraveller(t, func(c *find.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	tr.statuses = []int{400}
	tr.trip()
	tr.do(http.MethodPost, "/identity", urlencoded, signed(context())+"0")
	if !strings.Contains(log.String(), "status=400") || !strings.Contains(log.String(), "sig must be the signature") {
		t.Error(log.String())
	}
	for _, planted := range []string{"Rosa", "Carter", "1985", "1000001", "QQ", "rosa", apiKey, sharedKey, journeyID} {
		if strings.Contains(log.String(), planted) {
			t.Errorf("%s is in the log: %s", planted, log.String())
		}
	}
}
