package journey

import (
	"log/slog"
	"strings"
	"testing"
)

// every calls f with every combination of facts that Path looks at: reachable
// ones and, because stored facts can be old, unreachable ones too.
func every(f func(State, Policy)) {
	bools := []bool{false, true}
	answers := []Answer{{}, {Given: true}, {Given: true, None: true}, {Given: true, Value: "x"}, {Given: true, Value: "x", Looked: true}}
	complete := Identity{Names: []Name{{Given: []string{"Ada"}, Family: []string{"Lovelace"}}}, BirthDates: []string{"1990-12-10"}}
	for _, subject := range []string{"", "urn:fdc:gov.uk:2022:a"} {
		for _, v := range []Verification{NotAsked, Verified, Refused} {
			for _, nino := range answers {
				for _, trn := range answers {
					for _, usedUp := range bools {
						for _, ticket := range []string{"", "ref"} {
							for _, record := range []string{"", "1234567"} {
								for _, confirmed := range bools {
									for _, request := range []RequestStatus{"", Pending, Completed, Rejected} {
										for _, identity := range []Identity{{}, complete} {
											for _, allocate := range bools {
												f(State{Subject: subject, Verification: v, Identity: identity, NINO: nino, TRN: trn, LookupsUsedUp: usedUp,
													Ticket: ticket, Request: request, Record: Record{TRN: record}, Confirmed: confirmed}, Policy{Allocate: allocate})
											}
										}
									}
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
	every(func(s State, p Policy) {
		n++
		path := Path(s, p)
		once := map[Step]bool{}
		for _, step := range path {
			if once[step] {
				t.Errorf("%+v: %s twice on %v", s, step, path)
			}
			once[step] = true
		}
		next := Next(s, p)
		seen[next]++
		if !May(s, p, next) {
			t.Errorf("%+v may not see its own next step %s", s, next)
		}
		// Who reaches the service: signed in, matched, told so.
		if next == Done && (s.Subject == "" || s.Record.TRN == "" || !s.Confirmed) {
			t.Errorf("%+v reaches the service", s)
		}
		// Who is asked anything about themselves: only the verified.
		for _, step := range []Step{NationalInsuranceNumber, TeacherReferenceNumber, RequestATRN, CheckAnswers} {
			if May(s, p, step) && (s.Subject == "" || s.Verification != Verified) {
				t.Errorf("%+v: unverified at %s", s, step)
			}
		}
		// Who is offered a TRN: only those who have none, where it is offered.
		if May(s, p, RequestATRN) && (!p.Allocate || !s.TRN.None || !s.CanRequest()) {
			t.Errorf("%+v, %+v: offered a TRN", s, p)
		}
		if (next == Done) != s.Arrived() {
			t.Errorf("%+v: next is %s, arrived %v", s, next, s.Arrived())
		}
		// After an end nothing that was submitted can be entered again.
		if next == SupportRequested || next == TRNRequested || next == TRNRequestDeclined || next == Connected || next == Done {
			for _, step := range []Step{NationalInsuranceNumber, TeacherReferenceNumber, RequestATRN, CheckAnswers} {
				if May(s, p, step) {
					t.Errorf("%+v: %s can be entered after %s", s, step, next)
				}
			}
		}
		for _, step := range path {
			if b := Back(s, p, step); b == SignIn || b == VerifyIdentity || b == Done || b == step {
				t.Errorf("%+v: back from %s is %q", s, step, b)
			}
		}
	})
	for _, step := range []Step{SignIn, VerifyIdentity, NotVerified, NationalInsuranceNumber, TeacherReferenceNumber,
		RequestATRN, TRNRequested, TRNRequestDeclined, CheckAnswers, SupportRequested, Connected, Done} {
		if seen[step] == 0 {
			t.Errorf("no state leads to %s", step)
		}
	}
	t.Logf("%d states", n)
}

func TestPath(t *testing.T) {
	in := State{Subject: "s"}
	verified := State{Subject: "s", Verification: Verified}
	with := func(s State, change func(*State)) State {
		s.Identity = Identity{Names: []Name{{Given: []string{"Ada"}, Family: []string{"Lovelace"}}}, BirthDates: []string{"1990-12-10"}}
		change(&s)
		return s
	}
	noTRN := Answer{Given: true, None: true}
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
		{"asked for help, and back", with(in, func(s *State) { s.Ticket = "ref" }), SupportRequested, ""},
		{"has no TRN", with(verified, func(s *State) { s.NINO, s.TRN = missed, noTRN }), RequestATRN, TeacherReferenceNumber},
		{"has no TRN, with a name of one part", with(verified, func(s *State) { s.NINO, s.TRN, s.Identity.Names[0].Given = missed, noTRN, nil }), CheckAnswers, TeacherReferenceNumber},
		{"has no TRN, and the register refused", with(verified, func(s *State) { s.NINO, s.TRN, s.Unfit = missed, noTRN, true }), CheckAnswers, TeacherReferenceNumber},
		{"does not know their TRN", with(verified, func(s *State) { s.NINO, s.TRN = missed, none }), CheckAnswers, TeacherReferenceNumber},
		{"a TRN requested", with(verified, func(s *State) { s.NINO, s.TRN, s.Request = missed, noTRN, Pending }), TRNRequested, ""},
		{"a TRN requested, and back", with(in, func(s *State) { s.Request = Pending }), TRNRequested, ""},
		{"a TRN requested for long, help asked for", with(in, func(s *State) { s.Request, s.Ticket = Pending, "ref" }), TRNRequested, ""},
		{"a TRN declined", with(in, func(s *State) { s.Request, s.Ticket = Rejected, "ref" }), TRNRequestDeclined, ""},
		{"a TRN given", with(in, func(s *State) { s.Request, s.Record.TRN = Completed, "1234567" }), Connected, ""},
		{"told so", with(verified, func(s *State) { s.Record.TRN, s.Confirmed = "1234567", true }), Done, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Policy{Allocate: true}
			if got := Next(tt.s, p); got != tt.next {
				t.Errorf("Next = %s, want %s", got, tt.next)
			}
			if got := Back(tt.s, p, tt.next); got != tt.back {
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
		Record{TRN: "1234567"}, Stated{NINO: "QQ123456C"}, Answer{Value: "QQ123456C"}, Flow{Nonce: "n"}, Link{TRN: "1234567"},
		Application{FirstName: "Zebedee", NINO: "QQ123456C"}, TRNRequest{Application: Application{LastName: "Quill"}}, Allocation{TRN: "1234567"},
		Plea{Identity: id, Stated: Stated{TRN: "1234567"}}, Event{TRN: "1234567"}} {
		log.Info("x", "value", v)
	}
	for _, secret := range []string{"Zebedee", "Quill", "1980", "1234567", "QQ123456C", "example.com", "Nonce"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, out.String())
		}
	}
}
