package pages

import "time"

// Specimen is one page in one state, with made-up people on it.
type Specimen struct {
	Name  string // fit for an address, such as "teacher-reference-number-wrong"
	Frame Frame
	View  View
}

// Names and an address as long as any, with and without places to break a line.
const (
	longFirst  = "Oluwaseun-Adébáyọ̀"
	longMiddle = "Wolfeschlegelsteinhausenbergerdorffvoralternwarengewissenhaftschaferswessen Maria de los Ángeles"
	longLast   = "van der Westhuizen-Featherstonehaugh y Gutiérrez-Nuñez"
	longEmail  = "wolfeschlegelsteinhausenbergerdorff.featherstonehaugh@teaching-qualifications.llanfairpwllgwyngyll.example.com"
)

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
		{trn + "-find", from(nino), TeacherReferenceNumber{Find: true}},
		{trn + "-asked", from(trn), TeacherReferenceNumber{Asked: true}},
		{trn + "-asked-wrong", from(trn), TeacherReferenceNumber{Asked: true, Find: true, Number: "RP99/1234", Error: "trn-format"}},
		{trn + "-have", from(nino), HaveTeacherReferenceNumber{}},
		{trn + "-have-find", from(nino), HaveTeacherReferenceNumber{Find: true}},
		{trn + "-have-answered", from(nino), HaveTeacherReferenceNumber{Have: "no", Find: true}},
		{trn + "-have-missing", from(nino), HaveTeacherReferenceNumber{Error: "have-trn-missing"}},
		{"find-a-lost-trn", from(trn), FindALostTRN{To: "https://find-a-lost-trn.education.gov.uk/identity", Fields: []Field{
			{"client_id", "access-your-teaching-qualifications"}, {"client_title", c.ServiceName}, {"client_url", c.ServiceURL}, {"email", "amelia@example.com"},
			{"journey_id", "9ddccb62-ec13-4ea7-a163-c058a19b8222"}, {"sig", "F8AAFAEE18726270DDFFA71768C59A954CC66E3B2B86FB41A181FFFCFC589259"},
		}}},
		{"check-answers", from(trn), CheckAnswers{
			Name: "Amelia O’Neill-Hughes", BirthDate: "1987-03-09", Email: "amelia@example.com",
			NINO: "QQ 12 34 56 C", TRN: "4567814", ChangeNINO: c.PathPrefix + "/" + nino, ChangeTRN: c.PathPrefix + "/" + trn,
		}},
		{"check-answers-without", from(trn), CheckAnswers{
			Name: "Ng", BirthDate: "1987-03-09", Email: "ng@example.com",
			ChangeNINO: c.PathPrefix + "/" + nino, LookupsUsedUp: true,
		}},
		{"check-answers-long", from(trn), CheckAnswers{
			Name: longFirst + " " + longMiddle + " " + longLast, BirthDate: "1938-11-30", Email: longEmail,
			ChangeNINO: c.PathPrefix + "/" + nino, ChangeTRN: c.PathPrefix + "/" + trn, NoTRN: true, CannotRequest: true,
		}},
		{"check-answers-found-elsewhere", from("find-a-lost-trn"), CheckAnswers{
			Name: "Amelia O’Neill-Hughes", BirthDate: "1987-03-09", Email: "amelia@example.com",
			ChangeNINO: c.PathPrefix + "/" + nino, ChangeTRN: c.PathPrefix + "/" + trn, FoundElsewhere: "4567814",
		}},
		{"request-a-trn", from(trn), RequestATRN{
			FirstName: "Amelia", MiddleName: "Grace", LastName: "O’Neill-Hughes", BirthDate: "1987-03-09", Email: "amelia@example.com",
			NINO: "QQ 12 34 56 C", ChangeTRN: c.PathPrefix + "/" + trn, ChangeNINO: c.PathPrefix + "/" + nino,
		}},
		{"request-a-trn-long", from(trn), RequestATRN{
			FirstName: longFirst, MiddleName: longMiddle, LastName: longLast, BirthDate: "1940-01-01", Email: longEmail,
			ChangeTRN: c.PathPrefix + "/" + trn, ChangeNINO: c.PathPrefix + "/" + nino,
		}},
		{"request-a-trn-least", from(trn), RequestATRN{FirstName: "U", LastName: "Ng", BirthDate: "2004-02-29"}},
		{"trn-requested", signedIn, TRNRequested{Email: "amelia@example.com", Since: time.Date(2026, time.November, 24, 9, 30, 0, 0, time.UTC)}},
		{"trn-requested-long", signedIn, TRNRequested{Email: longEmail}},
		{"trn-requested-without", signedIn, TRNRequested{}},
		{"trn-request-declined", signedIn, TRNRequestDeclined{Reference: "7K2M-9QXA", Email: "amelia@example.com"}},
		{"trn-request-declined-long", signedIn, TRNRequestDeclined{Reference: "7K2M-9QXA", Email: longEmail}},
		{"trn-request-declined-without", signedIn, TRNRequestDeclined{Reference: "7K2M-9QXA"}},
		{"connected", signedIn, Connected{}},
		{"connected-new", signedIn, Connected{TRN: "9000123"}},
		{"support-requested", signedIn, SupportRequested{Reference: "7K2M-9QXA", Email: "amelia@example.com"}},
		{"support-requested-without", signedIn, SupportRequested{Reference: "7K2M-9QXA"}},
		{"support-requested-sent", signedIn, SupportRequested{Reference: "7K2M-9QXA", Email: longEmail, Sent: true}},
		{"support-requested-sent-without", signedIn, SupportRequested{Reference: "7K2M-9QXA", Sent: true}},
		{"support-requested-solved", signedIn, SupportRequested{Reference: "7K2M-9QXA", Email: "amelia@example.com", State: "solved"}},
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
