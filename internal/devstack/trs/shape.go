package trs

import (
	"slices"

	"github.com/google/uuid"
)

// optional are the members that are only there when asked for.
var optional = []string{
	"induction", "routesToProfessionalStatuses", "mandatoryQualifications", "pendingNameChange", "pendingDateOfBirthChange", "alerts", "previousNames",
}

// whole is the record as GET /v3/persons/{trn} shows it, of the optional members
// with those asked for.
func (p *person) whole(asked []string) object {
	all := object{
		"trn": p.TRN, "firstName": p.FirstName, "middleName": p.MiddleName, "lastName": p.LastName, "dateOfBirth": p.BirthDate,
		"nationalInsuranceNumber": orNull(compact(p.NINO)), "emailAddress": orNull(p.Email),
		"qts": p.status("qts"), "eyts": p.status("eyts"), "qtlsStatus": "None",

		"induction": p.induction(), "routesToProfessionalStatuses": p.routes(), "mandatoryQualifications": []any{},
		"pendingNameChange": false, "pendingDateOfBirthChange": false, "alerts": p.alerts(), "previousNames": p.previousNames(),
	}
	for _, member := range optional {
		if !slices.Contains(asked, member) {
			delete(all, member)
		}
	}
	return all
}

// found is the record as an item of a list.
func (p *person) found() object {
	return object{
		"trn": p.TRN, "dateOfBirth": p.BirthDate, "firstName": p.FirstName, "middleName": p.MiddleName, "lastName": p.LastName,
		"previousNames": p.previousNames(), "qts": p.status("qts"), "eyts": p.status("eyts"), "alerts": p.alerts(),
		"induction": p.induction(), "qtlsStatus": "None",
	}
}

func (p *person) previousNames() []name {
	return append([]name{}, p.PreviousNames...)
}

func (p *person) induction() object {
	reasons := []any{}
	status := p.Induction
	switch status {
	case "":
		status = "None"
	case "Exempt":
		reasons = append(reasons, object{"inductionExemptionReasonId": p.id("exemption"), "name": "Exempt for a reason of the stand-in"})
	}
	return object{"status": status, "startDate": nil, "completedDate": nil, "exemptionReasons": reasons}
}

func (p *person) alerts() []any {
	if !p.Alerts {
		return []any{}
	}
	return []any{p.alert()}
}

// alert is the one alert that a record can have here.
func (p *person) alert() object {
	return object{
		"alertId": p.id("alert"),
		"alertType": object{
			"alertTypeId": p.id("alert type"), "name": "An alert of the stand-in",
			"alertCategory": object{"alertCategoryId": p.id("alert category"), "name": "Alerts of the stand-in"},
		},
		"details": nil, "startDate": "2020-01-01", "endDate": nil,
	}
}

// professional are the two statuses that a people file knows of.
var professional = map[string]string{"qts": "QualifiedTeacherStatus", "eyts": "EarlyYearsTeacherStatus"}

func (p *person) since(which string) string {
	if which == "qts" {
		return p.QTS
	}
	return p.EYTS
}

// status is what "qts" or "eyts" is: null if the person has it not.
func (p *person) status(which string) any {
	if p.since(which) == "" {
		return nil
	}
	return object{"holdsFrom": p.since(which), "routes": []any{object{"routeToProfessionalStatusType": p.routeType(which)}}}
}

func (p *person) routeType(which string) object {
	return object{
		"routeToProfessionalStatusTypeId": p.id(which + " type"), "name": "A route of the stand-in", "professionalStatusType": professional[which],
	}
}

func (p *person) routes() []any {
	all := []any{}
	for _, which := range []string{"qts", "eyts"} {
		if p.since(which) == "" {
			continue
		}
		all = append(all, object{
			"routeToProfessionalStatusId": p.id(which), "routeToProfessionalStatusType": p.routeType(which), "status": "Holds", "holdsFrom": p.since(which),
			"trainingStartDate": nil, "trainingEndDate": nil, "trainingSubjects": []any{}, "trainingAgeSpecialism": nil, "trainingCountry": nil,
			"trainingProvider": nil, "degreeType": nil, "inductionExemption": object{"isExempt": false, "exemptionReasons": []any{}},
		})
	}
	return all
}

// id is a UUID that stays the same from run to run.
func (p *person) id(of string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("stand-in: "+of+" of "+p.TRN)).String()
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
