package gate

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

const (
	askNINO = journey.NationalInsuranceNumber
	askTRN  = journey.TeacherReferenceNumber
)

// TestAnswers: every answer there is to each question, and where it leads.
func TestAnswers(t *testing.T) {
	nothing := func(journey.Stated) bool { return false }
	for _, tt := range []struct {
		name  string
		step  journey.Step
		form  []string
		to    string // where it leads, or
		error string // what the page says
	}{
		{"has one", askNINO, []string{"have", "yes"}, "/teaching-record/national-insurance-number?have=yes", ""},
		{"has none", askNINO, []string{"have", "no"}, "/teaching-record/teacher-reference-number", ""},
		{"says nothing", askNINO, nil, "", "Select yes if you have a National Insurance number"},
		{"says something else", askNINO, []string{"have", "maybe"}, "", "Select yes if you have a National Insurance number"},
		{"types nothing", askNINO, []string{"have", "yes", "number", " "}, "", "Enter a National Insurance number"},
		{"types something else", askNINO, []string{"have", "yes", "number", "ten"}, "", "Enter a National Insurance number in the correct format"},
		{"types it", askNINO, []string{"have", "yes", "number", "qq 12-34 56c"}, "/teaching-record/teacher-reference-number", ""},
		{"goes on without it", askNINO, []string{"have", "no", "number", "QQ1"}, "/teaching-record/teacher-reference-number", ""},
		{"types no TRN", askTRN, []string{"have", "yes", "number", ""}, "", "Enter your teacher reference number"},
		{"types six digits", askTRN, []string{"have", "yes", "number", "123456"}, "", "Teacher reference number must be 7 digits"},
		{"types zeros", askTRN, []string{"have", "yes", "number", "0000000"}, "", "must not be all zeros"},
		{"types a TRN", askTRN, []string{"have", "yes", "number", "RP73/00001"}, "/teaching-record/check-answers", ""},
		{"does not know it", askTRN, []string{"have", "unknown"}, "/teaching-record/check-answers", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.register.finds = nothing
			b := h.browser().verifies("/records")
			if tt.step == askTRN {
				b.post(askNINO, "have", "no")
			}
			b.post(tt.step, tt.form...)
			if tt.to != "" {
				b.goes(tt.to)
				return
			}
			b.shows(http.StatusUnprocessableEntity, tt.error).shows(422, "<title>Error: ")
			for i := 0; i+1 < len(tt.form); i += 2 {
				if tt.form[i] == "number" && strings.TrimSpace(tt.form[i+1]) != "" {
					b.shows(422, `value="`+tt.form[i+1]+`"`)
				}
			}
		})
	}
}

// TestOutOfOrder: a page that is not on the person's path leads to the one that is.
func TestOutOfOrder(t *testing.T) {
	h := newHouse(t)
	b := h.browser().verifies("/records")
	for step := range journeyPages {
		if step == askNINO {
			continue
		}
		b.get("/teaching-record/" + string(step)).goes("/teaching-record/national-insurance-number")
		b.post(step, "have", "yes", "number", "7300001", "again", "yes").goes("/teaching-record/national-insurance-number")
	}
	b.get("/teaching-record/verify-identity").goes("/teaching-record/national-insurance-number")
	b.get("/teaching-record/sign-in?return_to=/elsewhere").goes("/teaching-record/national-insurance-number")

	for step := range journeyPages {
		stranger := h.browser()
		stranger.get("/teaching-record/" + string(step)).goes("/teaching-record/sign-in?return_to=%2F")
		stranger.post(step, "have", "no").shows(http.StatusForbidden, "sign")
	}
	b.finishesFrom()
	b.get("/teaching-record/national-insurance-number").goes("/elsewhere")
	b.get("/elsewhere").shows(200, "the service")
}

func (b *browser) finishesFrom() {
	b.t.Helper()
	b.post(askNINO, "have", "yes", "number", "QQ123456C").goes("/teaching-record/connected")
	b.get("/teaching-record/connected")
	b.post(journey.Connected).goes("/elsewhere")
}

// TestRegisterDown: what was typed is kept, nobody is told "not found", and
// trying again works.
func TestRegisterDown(t *testing.T) {
	h := newHouse(t)
	h.register.err = errDown
	b := h.browser().verifies("/records")
	b.post(askNINO, "have", "yes", "number", "QQ123456C").shows(http.StatusServiceUnavailable, "Sorry, we cannot search for your teaching record")
	if b.last.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.get("/teaching-record/teacher-reference-number").goes("/teaching-record/national-insurance-number")
	b.get("/teaching-record/national-insurance-number?have=yes").shows(200, `value="QQ 12 34 56 C"`)
	h.register.err = nil
	b.post(askNINO, "have", "yes", "number", "QQ 12 34 56 C").goes("/teaching-record/connected")
}

// TestLookups: the register is asked anew for what is new, and not for a refresh.
func TestLookups(t *testing.T) {
	h := newHouse(t)
	h.register.finds = func(stated journey.Stated) bool { return stated == journey.Stated{NINO: "QQ123456C"} }
	b := h.browser().verifies("/records")
	asked := func(n int) {
		t.Helper()
		if len(h.register.asked) != n {
			t.Fatalf("the register was asked %d times, want %d: %+v", len(h.register.asked), n, h.register.asked)
		}
	}
	b.post(askNINO, "have", "yes", "number", "QQ999999A").goes("/teaching-record/teacher-reference-number")
	asked(1)
	b.post(askNINO, "have", "yes", "number", "qq 99 99 99 a").goes("/teaching-record/teacher-reference-number")
	asked(1)
	b.post(askTRN, "have", "yes", "number", "7300009").goes("/teaching-record/check-answers")
	asked(2)
	b.get("/teaching-record/check-answers").shows(200, "QQ 99 99 99 A").shows(200, "7300009")
	// The right number, and the wrong TRN beside it vetoes.
	b.post(askNINO, "have", "yes", "number", "QQ123456C").goes("/teaching-record/check-answers")
	asked(3)
	// Without the wrong TRN it is found.
	b.post(askTRN, "have", "unknown").goes("/teaching-record/connected")
	asked(4)
}

// TestLookupLimit: the sixth lookup is not made, in no browser and in no
// spelling; what was typed goes to the people who help.
func TestLookupLimit(t *testing.T) {
	h := newHouse(t)
	h.register.finds = func(journey.Stated) bool { return false }
	b := h.browser().verifies("/records")
	for i := range 5 {
		if i == 3 {
			b = h.browser().verifies("/records")
		}
		b.post(askNINO, "have", "yes", "number", fmt.Sprintf("QQ12345%dC", i)).goes("/teaching-record/teacher-reference-number")
	}
	h.register.finds = nil
	b.post(askTRN, "have", "yes", "number", "7300001").goes("/teaching-record/check-answers")
	if len(h.register.asked) != 5 {
		t.Errorf("the register was asked %d times", len(h.register.asked))
	}
	b.get("/teaching-record/check-answers").shows(200, "7300001")
	b.post(askTRN, "have", "yes", "number", "7300002").goes("/teaching-record/check-answers")
	b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
	if len(h.register.asked) != 5 {
		t.Errorf("the register was asked %d times", len(h.register.asked))
	}
}

// TestLookupGivenBack: what could not be asked does not count.
func TestLookupGivenBack(t *testing.T) {
	h := newHouse(t)
	b := h.browser().verifies("/records")
	h.register.err = errDown
	for range 7 {
		b.post(askNINO, "have", "yes", "number", "QQ123456C").shows(http.StatusServiceUnavailable, "Sorry")
	}
	h.register.err = nil
	b.post(askNINO, "have", "yes", "number", "QQ123456C").goes("/teaching-record/connected")
}

// TestSupport: who is not found gets a reference, the same however often it is
// asked for, and can try again.
func TestSupport(t *testing.T) {
	h := newHouse(t)
	h.register.finds = func(journey.Stated) bool { return false }
	b := h.browser().verifies("/records")
	b.post(askNINO, "have", "no")
	b.post(askTRN, "have", "unknown").goes("/teaching-record/check-answers")
	b.get("/teaching-record/check-answers").shows(200, "PRUNELLA WINTERGREEN").shows(200, "prunella@people.example")
	b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
	b.post(journey.CheckAnswers).goes("/teaching-record/support-requested")
	b.get("/teaching-record/support-requested").shows(200, reference)
	b.get("/teaching-record/check-answers").goes("/teaching-record/support-requested")
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
	if log := h.log.String(); strings.Count(log, `msg="support requested"`) != 1 || !strings.Contains(log, reference) {
		t.Errorf("the log:\n%s", log)
	}
	if plea := h.help.pleas[0]; len(h.help.pleas) != 1 || plea.Subject != subject || plea.Reason != journey.NotFound ||
		plea.Identity.Name().String() != person.Name().String() || plea.Email != "prunella@people.example" {
		t.Errorf("the people who help were asked %d times, %s", len(h.help.pleas), plea.Reason)
	}
	// Whoever comes back while it is open reads so, in any browser.
	h.browser().signsIn("/records").goes("/teaching-record/support-requested")
	b.post(journey.SupportRequested, "again", "yes").goes("/teaching-record/national-insurance-number")

	h.help.solved = true
	c := h.browser().signsIn("/records").goes("/teaching-record/support-requested")
	c.get("/teaching-record/support-requested").shows(200, "dealt with")
}

// TestSupportSettled: who has a record needs no help any longer.
func TestSupportSettled(t *testing.T) {
	h := newHouse(t)
	b := h.browser().waits("/records")
	b.post(journey.SupportRequested, "again", "yes").goes("/teaching-record/national-insurance-number")
	b.post(askNINO, "have", "yes", "number", "QQ123456C").goes("/teaching-record/connected")
	if h.help.open {
		t.Error("the record was found, and help is still asked for")
	}
	h.help.open = true // an operator connected them, and the ticket is still there
	h.browser().signsIn("/records").goes("/records")
	if h.help.open {
		t.Error("a linked person came, and help is still asked for")
	}
}

// TestPleaTellsTheLookups, also those that could not be made.
func TestPleaTellsTheLookups(t *testing.T) {
	h := newHouse(t)
	h.register.finds = func(journey.Stated) bool { return false }
	b := h.browser().verifies("/records")
	h.register.err = errDown
	b.post(askNINO, "have", "yes", "number", "QQ123456C")
	h.register.err = nil
	b.post(askNINO, "have", "yes", "number", "QQ123456C")
	b.post(askTRN, "number", "7300009").goes("/teaching-record/check-answers")
	b.post(journey.CheckAnswers)
	var told []string
	for _, l := range h.help.pleas[0].Lookups {
		told = append(told, l.With+" "+string(l.Outcome))
	}
	if got, want := strings.Join(told, ", "), "nino no-answer, nino no-record, nino and trn no-record"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if stated := h.help.pleas[0].Stated; stated.NINO != "QQ123456C" || stated.TRN != "7300009" {
		t.Error("what was typed is not told")
	}
}

func TestNotVerified(t *testing.T) {
	h := newHouse(t)
	h.oneLogin.identity = journey.Arrival{Verification: journey.Refused}
	b := h.browser().signsIn("/records")
	b.returns(b.leaves("/teaching-record/verify-identity")).goes("/teaching-record/not-verified")
	b.get("/teaching-record/not-verified").shows(200, "Try again")
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
	b.get("/teaching-record/sign-in?return_to=%2Frecords").goes("/teaching-record/not-verified")
	b.post(journey.NotVerified, "again", "yes").goes("/teaching-record/verify-identity")
	h.oneLogin.identity = journey.Arrival{Subject: subject, Verification: journey.Verified, Identity: person}
	b.returns(b.leaves("/teaching-record/verify-identity")).goes("/teaching-record/national-insurance-number")
}

// TestForms: what is not a form of ours is refused, and bounded.
func TestForms(t *testing.T) {
	h := newHouse(t)
	b := h.browser().verifies("/records")
	for body, status := range map[string]int{
		"have=no&x=" + strings.Repeat("x", longestForm): http.StatusBadRequest,
		"have=%zz": http.StatusBadRequest,
		"":         http.StatusUnprocessableEntity,
	} {
		r := httptest.NewRequest(http.MethodPost, "/teaching-record/national-insurance-number", io.NopCloser(strings.NewReader(body)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		b.send(r).shows(status, "<h1")
	}
}

// TestKept: when the journey is done the visit keeps only what the assertion and
// signing out need.
func TestKept(t *testing.T) {
	for _, claims := range []Claims{{}, {Email: true, Name: true, BirthDate: true, Record: true}} {
		h := newHouse(t)
		h.Claims = claims
		b := h.browser().finishes("/records")
		s, found, err := h.store.Load(t.Context(), b.cookie)
		must(t, err)
		if !found || s.Subject != subject || s.IDToken == "" || s.Record.TRN != trn || s.NINO.Given || s.Verification != journey.NotAsked {
			t.Errorf("%+v: kept %v %q", claims, found, s.Subject)
		}
		if kept := s.Email != ""; kept != claims.Email {
			t.Errorf("%+v: e-mail kept: %v", claims, kept)
		}
		if kept := s.Identity.Name().String() != ""; kept != claims.Name {
			t.Errorf("%+v: name kept: %v", claims, kept)
		}
		if kept := s.Identity.BirthDate() != ""; kept != claims.BirthDate {
			t.Errorf("%+v: birth date kept: %v", claims, kept)
		}
		if kept := s.Record.LastName != ""; kept != claims.Record {
			t.Errorf("%+v: record kept: %v", claims, kept)
		}
		// A returning teacher is told apart by nothing.
		again := h.browser().signsIn("/records").goes("/records")
		returned, _, err := h.store.Load(t.Context(), again.cookie)
		must(t, err)
		if (returned.Identity.Name().String() != "") != claims.Name || returned.Record != s.Record {
			t.Errorf("%+v: a returning teacher is kept otherwise", claims)
		}
	}
}

// TestEveryTrouble: each trouble has a page of its own, for machines a problem
// document, and is never followed by a redirect.
func TestEveryTrouble(t *testing.T) {
	seen := map[string]journey.Trouble{}
	for trouble := range troubles {
		h := newHouse(t)
		b := h.browser()
		state := b.leaves("/teaching-record/sign-in?return_to=%2Frecords")
		h.oneLogin.arrives = fmt.Errorf("cause that nobody may read: %w", trouble)
		b.returns(state).shows(troubles[trouble].status, "<h1")
		_, heading, _ := strings.Cut(b.text, "<title>")
		heading, _, _ = strings.Cut(heading, "</title>")
		if other := seen[heading]; other != "" {
			t.Errorf("%s and %s are both %q", trouble, other, heading)
		}
		seen[heading] = trouble
		if strings.Contains(b.text, "cause that nobody may read") {
			t.Errorf("%s: the page shows the cause", trouble)
		}
		if trouble == journey.SwitchedOff {
			continue // nothing to do but wait
		}
		if !strings.Contains(b.text, `href="https://teaching.example.gov.uk/teaching-record/sign-in?return_to=%2Frecords"`) {
			t.Errorf("%s: no way on to where they wanted to go:\n%s", trouble, b.text)
		}
	}
}

// FuzzAnswers: whatever is typed, it is an answer or a message, and shown as
// text only.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{"QQ123456C", `"><script>alert(1)</script>`, "{{.}}", "\x00", "7300001", strings.Repeat("9", 2000), "\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		h := newHouse(t)
		h.register.finds = func(journey.Stated) bool { return false }
		b := h.browser().verifies("/records")
		b.post(askNINO, "have", "yes", "number", typed)
		if b.last.StatusCode != http.StatusSeeOther && b.last.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", typed, b.last.StatusCode)
		}
		if strings.Contains(b.text, "<script>alert") {
			t.Errorf("%q is a script on the page", typed)
		}
		for _, asked := range h.register.asked {
			if n, err := journey.ParseNINO(asked.NINO); err != nil || n != asked.NINO {
				t.Errorf("%q: the register was asked for %q", typed, asked.NINO)
			}
		}
		if len(typed) > 4 && strings.Contains(h.log.String(), typed) {
			t.Errorf("%q is in the log", typed)
		}
	})
}
