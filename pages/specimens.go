package pages

import "time"

// Specimen is one page in one state, with made-up people on it.
type Specimen struct {
	Name  string // fit for an address, such as "teacher-reference-number-wrong"
	Frame Frame
	View  View
}

// Specimens is every page in every state. New shows them all, in every
// language, to find at the start what would otherwise be missing at some
// person's turn; the gallery lists them for people to look at.
func (c Config) Specimens() []Specimen {
	stranger := Frame{}
	signedIn := Frame{SignedIn: true}
	from := func(page string) Frame { return Frame{SignedIn: true, Back: c.PathPrefix + "/" + page} }
	const nino, trn = "national-insurance-number", "teacher-reference-number"

	all := []Specimen{
		{nino + "-have", signedIn, HaveNationalInsuranceNumber{}},
		{nino + "-have-answered", signedIn, HaveNationalInsuranceNumber{Have: "no"}},
		{nino + "-have-missing", signedIn, HaveNationalInsuranceNumber{Error: "have-nino-missing"}},
		{nino, from(nino), NationalInsuranceNumber{}},
		{nino + "-answered", from(nino), NationalInsuranceNumber{Number: "QQ 12 34 56 C"}},
		{nino + "-empty", from(nino), NationalInsuranceNumber{Error: "nino-empty"}},
		{nino + "-wrong", from(nino), NationalInsuranceNumber{Number: "QQ 12 34 56", Error: "nino-format"}},
		{trn, from(nino), TeacherReferenceNumber{}},
		{trn + "-answered", from(nino), TeacherReferenceNumber{Number: "4567814"}},
		{trn + "-empty", from(nino), TeacherReferenceNumber{Error: "trn-empty"}},
		{trn + "-wrong", from(nino), TeacherReferenceNumber{Number: "45678", Error: "trn-format"}},
		{trn + "-zeros", from(nino), TeacherReferenceNumber{Number: "0000000", Error: "trn-zeros"}},
		{"check-answers", from(trn), CheckAnswers{
			Name: "Amelia O’Neill-Hughes", BirthDate: "1987-03-09", Email: "amelia@example.com",
			NINO: "QQ 12 34 56 C", TRN: "4567814", ChangeNINO: c.PathPrefix + "/" + nino, ChangeTRN: c.PathPrefix + "/" + trn,
		}},
		{"check-answers-without", from(trn), CheckAnswers{
			Name: "Ng", BirthDate: "1987-03-09", Email: "ng@example.com",
			ChangeNINO: c.PathPrefix + "/" + nino, LookupsUsedUp: true,
		}},
		{"connected", signedIn, Connected{}},
		{"support-requested", signedIn, SupportRequested{Reference: "7K2M-9QXA", Email: "amelia@example.com"}},
		{"support-requested-without", signedIn, SupportRequested{Reference: "7K2M-9QXA"}},
		{"not-verified", signedIn, NotVerified{}},
		{"sign-out", stranger, SignOut{}},
		{"signed-out", stranger, SignedOut{}},
		{"cookies", stranger, Cookies{[]Cookie{
			{"__Host-teaching-record", "visit", 2 * time.Hour, 12 * time.Hour},
			{"teaching-record", "visit", 30 * time.Minute, time.Hour},
		}}},
		{"accessibility", stranger, Accessibility{}},
	}
	for _, kind := range problems {
		all = append(all, Specimen{kind.name, stranger, Problem{Kind: kind.name}})
	}
	return all
}
