package trs

import (
	"fmt"
	"slices"
)

// shapeFaults are what can be wrong with a right answer, or only be unusual.
func shapeFaults() []Fault {
	return []Fault{
		{Name: "unknown-members", Does: "Every object has members that no document knows.", At: withBody, Tolerable: true, edit: edit(func(o object) {
			o["addedLater"] = object{"why": []any{1, nil, "x"}}
		})},
		{Name: "unknown-enums", Does: "Every enumeration has a value that no document knows.", At: ofPeople, Tolerable: true, edit: edit(func(o object) {
			for _, member := range []string{"status", "qtlsStatus", "professionalStatusType"} {
				if _, has := o[member].(string); has {
					o[member] = "AddedLater"
				}
			}
		})},
		{Name: "nulls", Does: "Whatever may be null is, middle names and e-mail addresses among it; also who has qualified teacher status.", At: ofPeople, Tolerable: true, edit: edit(func(o object) {
			for _, member := range []string{"middleName", "emailAddress", "nationalInsuranceNumber", "qts", "eyts", "startDate", "completedDate", "details", "endDate"} {
				if _, has := o[member]; has {
					o[member] = nil
				}
			}
		})},
		{Name: "blocks-missing", Does: "The optional parts are not there, although asked for, as when a list is refused in silence.", At: []Endpoint{AtPerson}, edit: func(o object) {
			for _, member := range optional {
				delete(o, member)
			}
		}},
		{Name: "trn-number", Does: "TRNs are numbers, not strings.", At: withBody, edit: eachRecord(func(o object) { o["trn"] = 1234567 })},
		{Name: "trn-missing", Does: "No record has a TRN.", At: withBody, edit: eachRecord(func(o object) { delete(o, "trn") })},
		{Name: "trn-malformed", Does: "TRNs have six digits.", At: withBody, edit: eachRecord(func(o object) { o["trn"] = "123456" })},
		{Name: "other-person", Does: "The record is not the one that was asked for, as by a cache that mixes people up.", At: []Endpoint{AtPerson, AtBatch}, edit: eachRecord(func(o object) { o["trn"] = "0000001" })},
		{Name: "other-birth-date", Does: "The records have another date of birth than was asked for.", At: ofPeople, edit: eachRecord(func(o object) { o["dateOfBirth"] = "1901-01-01" })},
		{Name: "birth-date-malformed", Does: "Dates of birth have a time.", At: ofPeople, edit: eachRecord(func(o object) { o["dateOfBirth"] = fmt.Sprint(o["dateOfBirth"], "T00:00:00") })},
		{Name: "names-missing", Does: "No record has names.", At: ofPeople, edit: eachRecord(func(o object) {
			for _, member := range []string{"firstName", "middleName", "lastName"} {
				delete(o, member)
			}
		})},
		{Name: "results-null", Does: "The list is null.", At: []Endpoint{AtFind, AtBatch}, edit: func(o object) { o["results"] = nil }},
		{Name: "results-cut", Does: "The list is empty, although the total says otherwise.", At: []Endpoint{AtFind, AtBatch}, edit: func(o object) {
			o["results"], o["total"] = []any{}, 1
		}},
		{Name: "other-query", Does: "The answer is that to somebody else’s question, which found nobody.", At: []Endpoint{AtFind}, edit: func(o object) {
			o["results"], o["total"] = []any{}, 0
			o["query"] = object{"findBy": byLastName, "lastName": "Nobody", "dateOfBirth": "1901-01-01"}
		}},
		{Name: "strangers", Does: "1,000 people of the same name and date of birth come first.", At: []Endpoint{AtFind}, edit: strangers},
	}
}

// edit does something to every object of a body.
func edit(do func(object)) func(object) {
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case object:
			for _, member := range value {
				walk(member)
			}
			do(value)
		case []any:
			for _, item := range value {
				walk(item)
			}
		}
	}
	return func(body object) { walk(body) }
}

// eachRecord does something to every record of a body.
func eachRecord(do func(object)) func(object) {
	return edit(func(o object) {
		if _, is := o["trn"]; is {
			do(o)
		}
	})
}

func strangers(body object) {
	results, _ := body["results"].([]any)
	query, _ := body["query"].(object)
	many := make([]any, 1000)
	for i := range many {
		p := &person{TRN: fmt.Sprintf("%07d", i+1), FirstName: "Stranger", BirthDate: fmt.Sprint(query["dateOfBirth"]), LastName: fmt.Sprint(query["lastName"])}
		many[i] = p.found()
	}
	body["results"] = slices.Concat(many, results)
	body["total"] = len(many) + len(results)
}
