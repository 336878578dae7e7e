package trs

import "net/http"

// ofRequests are the endpoints that tell how a request for a TRN stands.
var ofRequests = []Endpoint{AtCreate, AtRequest}

// requestFaults are what can go wrong with requests for TRNs alone. With those
// that are untaken the request was not made; with all others it was.
func requestFaults() []Fault {
	create := []Endpoint{AtCreate}
	return []Fault{
		{Name: "untaken-500", Does: "500, and the request was not made.", At: create, Untaken: true, answer: instead(http.StatusInternalServerError, "", "")},
		{Name: "untaken-504", Does: "A proxy answers 504 with a page, and the request was not made.", At: create, Untaken: true, answer: errorPage(http.StatusGatewayTimeout)},
		{Name: "untaken-429", Does: "The quota is used up: 429, and the request was not made.", At: create, Untaken: true, answer: quota(nil)},
		{Name: "untaken-dropped", Does: "The connection breaks in the middle of an answer, and the request was not made.", At: create, Untaken: true, answer: drop},
		{Name: "untaken-refused", Does: "The connection is closed without an answer, and the request was not made.", At: create, Untaken: true, answer: hangUp},
		{Name: "untaken-html", Does: "A web page, with status 200, as from a portal in between; the request was not made.", At: create, Untaken: true, answer: errorPage(http.StatusOK)},
		{Name: "409-page", Does: "A proxy answers 409 with a page.", At: create, answer: errorPage(http.StatusConflict)},
		{Name: "409-untaken", Does: "409 with the right error code, although the request was not made.", At: create, Untaken: true,
			answer: instead(http.StatusConflict, problemJSON, `{"title":"TRN request has already been created.","status":409,"errorCode":10029}`)},
		{Name: "404-person-code", Does: "404 with the error code of a person: that is not “no such request”.", At: ofRequests,
			answer: instead(http.StatusNotFound, problemJSON, `{"title":"Person not found.","status":404,"errorCode":10001}`)},

		{Name: "status-number", Does: "The status is a number, as in webhooks.", At: ofRequests, Tolerable: true, edit: func(o object) {
			o["status"] = map[any]int{"Pending": 0, "Completed": 1, "Rejected": 2, "Dormant": 3}[o["status"]]
		}},
		{Name: "status-dormant", Does: "The request sleeps: it is neither decided nor looked at.", At: ofRequests, edit: undecided(string(Dormant))},
		{Name: "status-unknown", Does: "The status is one that no document knows.", At: ofRequests, edit: undecided("AddedLater")},
		{Name: "status-missing", Does: "There is no status.", At: ofRequests, edit: func(o object) { delete(o, "status") }},
		{Name: "completed-without-trn", Does: "The request is completed, and there is no TRN.", At: ofRequests, edit: func(o object) { o["status"], o["trn"] = string(Completed), nil }},
		{Name: "other-request", Does: "The answer is about another request, as by a cache that mixes people up.", At: ofRequests, edit: func(o object) { o["requestId"] = "another" }},
	}
}

// undecided is a status without a TRN.
func undecided(status string) func(object) {
	return func(o object) { o["status"], o["trn"], o["accessYourTeachingQualificationsLink"] = status, nil, nil }
}
