package journey

import (
	"log/slog"
	"strings"
	"testing"
)

// every calls f with every combination of facts that Path looks at: reachable
// ones and, because stored facts can be old, unreachable ones too.
func every(f func(State)) {
	bools := []bool{false, true}
	answers := []Answer{{}, {Given: true}, {Given: true, Value: "x"}, {Given: true, Value: "x", Looked: true}}
	for _, subject := range []string{"", "urn:fdc:gov.uk:2022:a"} {
		for _, v := range []Verification{NotAsked, Verified, Refused} {
			for _, nino := range answers {
				for _, trn := range answers {
					for _, usedUp := range bools {
						for _, ticket := range []string{"", "ref"} {
							for _, record := range []string{"", "1234567"} {
								for _, confirmed := range bools {
									f(State{Subject: subject, Verification: v, NINO: nino, TRN: trn, LookupsUsedUp: usedUp,
										Ticket: ticket, Record: Record{TRN: record}, Confirmed: confirmed})
								}
							}
						}
					}
				}
			}
		}
	}
}

func TestEveryState(t *testing.T) {
	n, seen := 0, map[Step]int{}
	every(func(s State) {
		n++
		path := Path(s)
		once := map[Step]bool{}
		for _, step := range path {
			if once[step] {
				t.Errorf("%+v: %s twice on %v", s, step, path)
			}
			once[step] = true
		}
		next := Next(s)
		seen[next]++
		if !May(s, next) {
			t.Errorf("%+v may not see its own next step %s", s, next)
		}
		// Who reaches the service: signed in, matched, told so.
		if next == Done && (s.Subject == "" || s.Record.TRN == "" || !s.Confirmed) {
			t.Errorf("%+v reaches the service", s)
		}
		// Who is asked anything about themselves: only the verified.
		for _, step := range []Step{NationalInsuranceNumber, TeacherReferenceNumber, CheckAnswers, SupportRequested} {
			if May(s, step) && (s.Subject == "" || s.Verification != Verified) {
				t.Errorf("%+v: unverified at %s", s, step)
			}
		}
		// After an end nothing that was submitted can be entered again.
		if next == SupportRequested || next == Connected || next == Done {
			for _, step := range []Step{NationalInsuranceNumber, TeacherReferenceNumber, CheckAnswers} {
				if May(s, step) {
					t.Errorf("%+v: %s can be entered after %s", s, step, next)
				}
			}
		}
		for _, step := range path {
			if b := Back(s, step); b == SignIn || b == VerifyIdentity || b == Done || b == step {
				t.Errorf("%+v: back from %s is %q", s, step, b)
			}
		}
	})
	for _, step := range []Step{SignIn, VerifyIdentity, NotVerified, NationalInsuranceNumber, TeacherReferenceNumber,
		CheckAnswers, SupportRequested, Connected, Done} {
		if seen[step] == 0 {
			t.Errorf("no state leads to %s", step)
		}
	}
	t.Logf("%d states", n)
}

func TestPath(t *testing.T) {
	in := State{Subject: "s"}
	verified := State{Subject: "s", Verification: Verified}
	with := func(s State, change func(*State)) State { change(&s); return s }
	none, typed, missed := Answer{Given: true}, Answer{Given: true, Value: "x"}, Answer{Given: true, Value: "x", Looked: true}

	for _, tt := range []struct {
		name string
		s    State
		next Step
		back Step
	}{
		{"a stranger", State{}, SignIn, ""},
		{"signed in", in, VerifyIdentity, ""},
		{"signed in, linked before", with(in, func(s *State) { s.Record.TRN, s.Confirmed = "1234567", true }), Done, ""},
		{"identity refused", with(in, func(s *State) { s.Verification = Refused }), NotVerified, ""},
		{"verified", verified, NationalInsuranceNumber, ""},
		{"the register could not be asked", with(verified, func(s *State) { s.NINO = typed }), NationalInsuranceNumber, ""},
		{"no record by NINO", with(verified, func(s *State) { s.NINO = missed }), TeacherReferenceNumber, NationalInsuranceNumber},
		{"has no NINO", with(verified, func(s *State) { s.NINO = none }), TeacherReferenceNumber, NationalInsuranceNumber},
		{"no record by TRN", with(verified, func(s *State) { s.NINO, s.TRN = missed, missed }), CheckAnswers, TeacherReferenceNumber},
		{"knows neither", with(verified, func(s *State) { s.NINO, s.TRN = none, none }), CheckAnswers, TeacherReferenceNumber},
		{"lookups used up at the NINO", with(verified, func(s *State) { s.NINO, s.LookupsUsedUp = typed, true }), CheckAnswers, NationalInsuranceNumber},
		{"lookups used up before", with(verified, func(s *State) { s.LookupsUsedUp = true }), CheckAnswers, ""},
		{"asked for help", with(verified, func(s *State) { s.NINO, s.TRN, s.Ticket = missed, missed, "ref" }), SupportRequested, ""},
		{"found", with(verified, func(s *State) { s.NINO, s.Record.TRN = typed, "1234567" }), Connected, ""},
		{"found after asking for help", with(verified, func(s *State) { s.Ticket, s.Record.TRN = "ref", "1234567" }), Connected, ""},
		{"told so", with(verified, func(s *State) { s.Record.TRN, s.Confirmed = "1234567", true }), Done, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Next(tt.s); got != tt.next {
				t.Errorf("Next = %s, want %s", got, tt.next)
			}
			if got := Back(tt.s, tt.next); got != tt.back {
				t.Errorf("Back = %q, want %q", got, tt.back)
			}
		})
	}
}

func TestPersonalDataIsNotLogged(t *testing.T) {
	id := Identity{Names: []Name{{Given: []string{"Zebedee"}, Family: []string{"Quill"}}}, BirthDates: []string{"1980-01-02"}}
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{id, id.Name(), State{Subject: "s", Identity: id, Email: "z@example.com"}, Arrival{Identity: id},
		Record{TRN: "1234567"}, Stated{NINO: "QQ123456C"}, Answer{Value: "QQ123456C"}, Flow{Nonce: "n"}, Link{TRN: "1234567"}} {
		log.Info("x", "value", v)
	}
	for _, secret := range []string{"Zebedee", "Quill", "1980", "1234567", "QQ123456C", "example.com", "Nonce"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, out.String())
		}
	}
}
