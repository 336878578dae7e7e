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

// TeacherReferenceNumber asks for the TRN. It posts number and have: "yes" from
// Continue and the Enter key, "unknown" from "I do not know my TRN".
type TeacherReferenceNumber struct {
	Number string // as the person typed it
	Error  string // "", "trn-empty", "trn-format" or "trn-zeros"
}

func (v TeacherReferenceNumber) sheet() sheet {
	const page = "teacher-reference-number"
	return sheet{page, wrongIn("number", v.Error), input{
		Name:    "number",
		Label:   page + ".label",
		Hint:    page + ".hint",
		Value:   v.Number,
		Error:   v.Error,
		Classes: "govuk-input--width-10 govuk-input--extra-letter-spacing",
		Numeric: true,
	}}
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

	LookupsUsedUp bool // a sentence says that no more searches are made for now
}

func (v CheckAnswers) sheet() sheet {
	return sheet{Template: "check-answers", Body: struct {
		Verified, Answers summary
		LookupsUsedUp     bool
	}{
		summary{
			{Key: "check-answers.name", Value: v.Name},
			{Key: "check-answers.birth-date", Date: v.BirthDate},
			{Key: "check-answers.email", Value: v.Email},
		},
		summary{
			{Key: "check-answers.nino", Value: v.NINO, Change: v.ChangeNINO, Hidden: "check-answers.change-nino"},
			{Key: "check-answers.trn", Value: v.TRN, Change: v.ChangeTRN, Hidden: "check-answers.change-trn"},
		},
		v.LookupsUsedUp,
	}}
}
