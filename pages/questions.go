package pages

// HaveNationalInsuranceNumber asks whether there is a number at all: the first
// screen of the step national-insurance-number. It posts have, "yes" or "no".
type HaveNationalInsuranceNumber struct {
	Have  string // the answer given earlier: "yes", "no" or ""
	Error string // "" or "have-nino-missing"
}

func (v HaveNationalInsuranceNumber) sheet() sheet {
	const page = "national-insurance-number-have"
	return sheet{page, wrongIn("have", v.Error), radios{
		Name:   "have",
		Legend: page + ".heading",
		Hint:   page + ".hint",
		Error:  v.Error,
		Items: []radio{
			{ID: "have", Value: "yes", Text: "answer.yes", Checked: v.Have == "yes"},
			{ID: "have-2", Value: "no", Text: "answer.no", Checked: v.Have == "no"},
		},
	}}
}

// NationalInsuranceNumber asks for the number: the second screen of the step,
// at the same address with ?have=yes. It posts number and have: "yes" from
// Continue and the Enter key, "no" from "Continue without it".
type NationalInsuranceNumber struct {
	Number string // as the person typed it
	Error  string // "", "nino-empty" or "nino-format"
}

func (v NationalInsuranceNumber) sheet() sheet {
	const page = "national-insurance-number"
	return sheet{page, wrongIn("number", v.Error), input{
		Name:    "number",
		Label:   page + ".label",
		Hint:    page + ".hint",
		Value:   v.Number,
		Error:   v.Error,
		Classes: "govuk-input--width-10 govuk-input--extra-letter-spacing",
	}}
}

// HaveTeacherReferenceNumber asks whether there is a TRN at all, where the
// service can get one for those who have none: then it is the first screen of
// the step teacher-reference-number. It posts have, "yes", "no" or "unknown".
type HaveTeacherReferenceNumber struct {
	Have  string // the answer given earlier: "yes", "no", "unknown" or ""
	Find  bool   // "unknown" leads to Find a lost TRN, and says so
	Error string // "" or "have-trn-missing"
}

func (v HaveTeacherReferenceNumber) sheet() sheet {
	const page = "teacher-reference-number-have"
	unknown := radio{ID: "have-3", Value: "unknown", Text: "answer.unknown", Checked: v.Have == "unknown"}
	if v.Find {
		unknown.Hint = page + ".find"
	}
	return sheet{page, wrongIn("have", v.Error), struct {
		Radios radios
		Find   bool
	}{radios{
		Name:   "have",
		Legend: page + ".heading",
		Hint:   page + ".hint",
		Error:  v.Error,
		Items: []radio{
			{ID: "have", Value: "yes", Text: "answer.yes", Checked: v.Have == "yes"},
			{ID: "have-2", Value: "no", Text: "answer.no", Checked: v.Have == "no", Hint: page + ".none"},
			unknown,
		},
	}, v.Find}}
}

// TeacherReferenceNumber asks for the TRN. It posts number and have: "yes" from
// Continue and the Enter key, "unknown" from "I do not know my TRN".
type TeacherReferenceNumber struct {
	Number string // as the person typed it
	Find   bool   // "unknown" leads to Find a lost TRN, and says so
	Asked  bool   // the second screen, after HaveTeacherReferenceNumber: "unknown" is chosen there
	Error  string // "", "trn-empty", "trn-format" or "trn-zeros"
}

func (v TeacherReferenceNumber) sheet() sheet {
	const page = "teacher-reference-number"
	return sheet{page, wrongIn("number", v.Error), struct {
		Input       input
		Find, Asked bool
	}{input{
		Name:    "number",
		Label:   page + ".label",
		Hint:    page + ".hint",
		Value:   v.Number,
		Error:   v.Error,
		Classes: "govuk-input--width-10 govuk-input--extra-letter-spacing",
		Numeric: true,
	}, v.Find, v.Asked}}
}

// FindALostTRN leads to the service Find a lost TRN, which brings the person
// back. Its main button posts Fields to To, another site, whose origin
// Config.FormAction must name; the other one posts skip=yes to this step.
type FindALostTRN struct {
	To     string // an absolute http or https URL
	Fields []Field
}

// Field is a hidden field of a form, sent to the letter: no control characters,
// because browsers change line breaks.
type Field struct{ Name, Value string }

func (v FindALostTRN) sheet() sheet { return sheet{Template: "find-a-lost-trn", Body: v} }

// RequestATRN shows what will be sent to ask for a TRN, and nothing else. What
// GOV.UK One Login verified cannot be changed. What is "" is not sent, and not
// shown unless it can be changed.
type RequestATRN struct {
	FirstName, MiddleName, LastName string

	BirthDate string // YYYY-MM-DD
	Email     string
	NINO      string // spaced as people read it

	ChangeTRN  string // where to say that there is a TRN after all, a path on this host; "" leaves it out
	ChangeNINO string // where to change the number; "" where it was never asked
}

func (v RequestATRN) sheet() sheet {
	const page = "request-a-trn"
	var sent summary
	for _, r := range []row{
		{Key: page + ".first-name", Value: v.FirstName},
		{Key: page + ".middle-name", Value: v.MiddleName},
		{Key: page + ".last-name", Value: v.LastName},
		{Key: page + ".birth-date", Date: v.BirthDate},
		{Key: page + ".email", Value: v.Email},
		{Key: page + ".nino", Value: v.NINO, Change: v.ChangeNINO, Hidden: page + ".nino"},
	} {
		if r.Value+r.Date+r.Change != "" {
			sent = append(sent, r)
		}
	}
	return sheet{Template: page, Body: struct {
		Sent summary
		Have string
	}{sent, v.ChangeTRN}}
}

// CheckAnswers shows what will be sent to the people who help, who have only
// this to go by. What GOV.UK One Login verified cannot be changed.
type CheckAnswers struct {
	Name      string
	BirthDate string // YYYY-MM-DD
	Email     string

	NINO       string // spaced as people read it, "" when not given
	TRN        string // seven digits, "" when not given
	ChangeNINO string // where to change it, a path on this host; "" where it was never asked
	ChangeTRN  string

	// NoTRN: they said that they have none. CannotRequest: they want one, and the
	// register would refuse the name or the date of birth, so people must do it.
	NoTRN, CannotRequest bool

	// FoundElsewhere is the TRN that Find a lost TRN gave and the register did not
	// confirm, "" when there is none.
	FoundElsewhere string

	LookupsUsedUp bool // a sentence says that no more searches are made for now
}

func (v CheckAnswers) sheet() sheet {
	trn := row{Key: "check-answers.trn", Value: v.TRN, Change: v.ChangeTRN, Hidden: "check-answers.change-trn"}
	if v.NoTRN {
		trn.Text = "check-answers.no-trn"
	}
	answers := summary{
		{Key: "check-answers.nino", Value: v.NINO, Change: v.ChangeNINO, Hidden: "check-answers.change-nino"},
		trn,
	}
	if v.FoundElsewhere != "" {
		answers = append(answers, row{Key: "check-answers.found-elsewhere", Value: v.FoundElsewhere})
	}
	why, next := []string{"check-answers.why"}, "check-answers.next"
	if v.CannotRequest {
		why, next = []string{"check-answers.why-request", "check-answers.check-request"}, "check-answers.next-request"
	}
	return sheet{Template: "check-answers", Body: struct {
		Why               []string // keys, as is Next
		Next              string
		Verified, Answers summary
		LookupsUsedUp     bool
	}{
		why, next,
		summary{
			{Key: "check-answers.name", Value: v.Name},
			{Key: "check-answers.birth-date", Date: v.BirthDate},
			{Key: "check-answers.email", Value: v.Email},
		},
		answers,
		v.LookupsUsedUp,
	}}
}
