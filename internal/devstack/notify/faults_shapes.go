package notify

import "fmt"

// shapeFaults are what can be wrong with a right answer, or only be unusual. The
// e-mail was accepted.
func shapeFaults() []Fault {
	return []Fault{
		{Name: "unknown-members", Does: "Every object has members that no document knows.", Means: Fine, edit: edit(func(o object) { o["addedLater"] = object{"why": []any{1, nil, "x"}} })},
		{Name: "id-missing", Does: "The e-mail has no id.", At: []Endpoint{AtSend}, edit: func(o object) { delete(o, "id") }},
		{Name: "other-reference", Does: "The answer is about somebody else’s e-mail.", At: []Endpoint{AtSend, AtList}, edit: eachMessage(func(o object) { o["reference"] = "somebody-elses" })},
		{Name: "reference-null", Does: "The e-mail has no reference.", At: []Endpoint{AtSend, AtList}, edit: eachMessage(func(o object) { o["reference"] = nil })},
		{Name: "list-null", Does: "The list is null.", At: []Endpoint{AtList}, edit: func(o object) { o["notifications"] = nil }},
		{Name: "list-missing", Does: "There is no list.", At: []Endpoint{AtList}, edit: func(o object) { delete(o, "notifications") }},
		{Name: "list-item-null", Does: "An e-mail of the list is null.", At: []Endpoint{AtList}, edit: func(o object) { o["notifications"] = []any{nil} }},
		{Name: "strangers", Does: "The reference is ignored: 250 e-mails of others fill the page.", At: []Endpoint{AtList}, edit: func(o object) {
			many := make([]any, pageSize)
			for i := range many {
				many[i] = object{"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "reference": fmt.Sprintf("somebody-elses-%d", i), "status": string(Delivered)}
			}
			o["notifications"] = many
		}},
		{Name: "unknown-status", Does: "E-mails have a status that no document knows. Without one, nothing is unusual.", At: []Endpoint{AtList}, edit: eachMessage(func(o object) { o["status"] = "added-later" })},
		{Name: "template-sms", Does: "The template is for text messages.", At: []Endpoint{AtTemplate}, Means: Refused, edit: func(o object) { o["type"] = "sms" }},
		{Name: "template-renamed", Does: "The template’s placeholders have other names.", At: []Endpoint{AtTemplate}, Means: Refused, edit: func(o object) {
			o["body"] = inBrackets.ReplaceAllString(fmt.Sprint(o["body"]), "((the $1))")
		}},
		{Name: "template-other", Does: "The template is not the one that was asked for.", At: []Endpoint{AtTemplate}, edit: func(o object) { o["id"] = "00000000-0000-4000-8000-000000000000" }},
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

// eachMessage does something to every e-mail of a body.
func eachMessage(do func(object)) func(object) {
	return edit(func(o object) {
		if _, is := o["reference"]; is {
			do(o)
		}
	})
}
