package trs

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// withBody are the endpoints whose right answer has a body.
var withBody = []Endpoint{AtFind, AtBatch, AtPerson, AtCreate, AtRequest}

// ofPeople are the endpoints that tell what is in records.
var ofPeople = []Endpoint{AtFind, AtBatch, AtPerson}

// withText are those whose right answer is JSON of any kind.
var withText = append([]Endpoint{AtKeys}, withBody...)

// ofOne are the endpoints that ask about one record.
var ofOne = []Endpoint{AtPerson, AtTRN}

// statusFaults are statuses that say "could not ask", some of which look like an
// answer: a 404 or 410 without the right error code is that of a proxy, a wrong
// address or a version that is gone.
func statusFaults() []Fault {
	return []Fault{
		{Name: "400", Does: "The request is refused as invalid, although it is not.", answer: instead(http.StatusBadRequest, problemJSON, `{"title":"One or more validation errors occurred.","status":400,"errors":{"request":["It is not valid."]}}`)},
		{Name: "401", Does: "The API key is refused, as one that has expired: 401 without a body.", answer: instead(http.StatusUnauthorized, "", "")},
		{Name: "403", Does: "The API key lacks the role: 403 without a body.", answer: instead(http.StatusForbidden, "", "")},
		{Name: "403-firewall", Does: "A firewall in front answers 403 with a page.", answer: errorPage(http.StatusForbidden)},
		{Name: "404-page", Does: "A proxy answers 404 with a page: that is not “no such person”.", answer: errorPage(http.StatusNotFound)},
		{Name: "404-bare", Does: "404 without a body, as for an address or a version that is not there: that is not “no such person”.", answer: instead(http.StatusNotFound, "", "")},
		{Name: "404-other-code", Does: "404 with an error code other than 10001: that is not “no such person”.", At: append(ofOne, AtFind, AtBatch), answer: instead(http.StatusNotFound, problemJSON, `{"title":"TRN request does not exist.","status":404,"errorCode":10031}`)},
		{Name: "410-page", Does: "A proxy answers 410 with a page: that is not “deactivated”.", At: ofOne, answer: errorPage(http.StatusGone)},
		{Name: "410-other-code", Does: "410 with an error code other than 10058: that is not “deactivated”.", At: ofOne, answer: instead(http.StatusGone, problemJSON, `{"title":"This version is retired.","status":410,"errorCode":10099}`)},
		{Name: "429", Does: "The quota is used up: 429, without saying until when.", answer: quota(nil)},
		{Name: "429-retry-after", Does: "The quota is used up: 429, with Retry-After: 20.", answer: quota(func(time.Time) string { return "20" })},
		{Name: "429-retry-after-date", Does: "The quota is used up: 429, with a date in Retry-After.", answer: quota(func(now time.Time) string { return now.Add(20 * time.Second).UTC().Format(http.TimeFormat) })},
		{Name: "429-retry-after-years", Does: "The quota is used up: 429, with a Retry-After of thirty years.", answer: quota(func(time.Time) string { return strconv.Itoa(30 * 365 * 24 * 60 * 60) })},
		{Name: "429-retry-after-nonsense", Does: "The quota is used up: 429, with a Retry-After that means nothing.", answer: quota(func(time.Time) string { return "-soon" })},
		{Name: "500", Does: "500.", answer: instead(http.StatusInternalServerError, problemJSON, `{"title":"An error occurred while processing your request.","status":500}`)},
		{Name: "502", Does: "A proxy answers 502 with a page.", answer: errorPage(http.StatusBadGateway)},
		{Name: "503", Does: "503 with Retry-After, as in maintenance.", answer: func(s *Server, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "120")
			return errorPage(http.StatusServiceUnavailable)(s, w, r)
		}},
		{Name: "504", Does: "A proxy answers 504 with a page.", answer: errorPage(http.StatusGatewayTimeout)},
		{Name: "no-content", Does: "204 where there should be a record or a list.", At: withBody, answer: instead(http.StatusNoContent, "", "")},
		{Name: "html", Does: "A web page, with status 200, as from a portal in between.", answer: errorPage(http.StatusOK)},
	}
}

// wayFaults are what can happen on the way.
func wayFaults() []Fault {
	return []Fault{
		{Name: "slow", Does: "The right answer comes, but later than anybody should wait.", answer: func(s *Server, _ http.ResponseWriter, r *http.Request) bool { s.stall(r); return false }},
		{Name: "slow-body", Does: "Half of the answer comes at once, the rest later than anybody should wait.", At: withBody, body: slowBody},
		{Name: "dropped", Does: "The connection breaks in the middle of the answer.", answer: drop},
		{Name: "refused", Does: "The connection is closed without an answer. Every time, or an HTTP client may hide it by asking again.", answer: hangUp},
		{Name: "redirect", Does: "A redirect leads to the right answer, and no client may follow.", answer: moved},
		{Name: "redirect-host", Does: "A redirect leads to another host: whoever follows tells it the API key.", answer: func(_ *Server, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", elsewhereURL+r.URL.RequestURI())
			w.WriteHeader(http.StatusFound)
			return true
		}},
	}
}

// bodyFaults are texts that are not the JSON object that was asked for.
func bodyFaults() []Fault {
	ok := http.StatusOK
	return []Fault{
		{Name: "empty", Does: "200 with an empty body.", At: withText, answer: instead(ok, plainJSON, "")},
		{Name: "garbage", Does: "200 with bytes that mean nothing.", At: withText, answer: instead(ok, plainJSON, "\x00\xff\x1f\x8b{]garbage")},
		{Name: "null", Does: "200 with null.", At: withText, answer: instead(ok, plainJSON, "null")},
		{Name: "empty-object", Does: "200 with an object that has no members.", At: withText, answer: instead(ok, plainJSON, "{}")},
		{Name: "nested", Does: "200 with arrays in arrays, 400,000 deep.", At: withText, answer: instead(ok, plainJSON, strings.Repeat("[", 400_000)+strings.Repeat("]", 400_000))},
		{Name: "array", Does: "The right object, in an array.", At: withText, text: func(text string) string { return "[" + text + "]" }},
		{Name: "cut-off", Does: "The answer ends in the middle, as if that were all.", At: withText, text: func(text string) string { return text[:len(text)/2] }},
		{Name: "followed", Does: "The right object is followed by a second one.", At: withText, text: func(text string) string { return text + "{}" }},
		{Name: "oversized", Does: "The right answer, but larger than 8 MB.", At: withText, text: func(text string) string { return strings.Repeat(" ", 8<<20) + text }},
	}
}

// elsewhereURL is a host that is nobody's.
const elsewhereURL = "https://elsewhere.example"

// instead answers with a text that is not the answer.
func instead(status int, contentType, text string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text)) // fails only when the caller has gone, or where no body may be
		return true
	}
}

// errorPage answers with a page for people, not with JSON.
func errorPage(status int) func(*Server, http.ResponseWriter, *http.Request) bool {
	return instead(status, "text/html; charset=utf-8", `<!DOCTYPE html><html lang="en"><title>A page in between</title><h1>A page in between</h1>`)
}

// quota answers as over the limit.
func quota(retryAfter func(now time.Time) string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(s *Server, w http.ResponseWriter, _ *http.Request) bool {
		if retryAfter != nil {
			w.Header().Set("Retry-After", retryAfter(s.config.Now()))
		}
		writeQuota(w, s.config.Limit)
		return true
	}
}

// stall keeps the caller waiting. The right answer follows, so that a client
// without a time limit is found out.
func (s *Server) stall(r *http.Request) {
	late := time.NewTimer(s.config.Stall)
	defer late.Stop()
	select {
	case <-late.C:
	case <-r.Context().Done():
	}
}

func slowBody(s *Server, w http.ResponseWriter, r *http.Request, text []byte) bool {
	_, _ = w.Write(text[:len(text)/2])
	_ = http.NewResponseController(w).Flush()
	s.stall(r)
	_, _ = w.Write(text[len(text)/2:])
	return true
}

// drop promises more than it sends.
func drop(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Type", plainJSON)
	w.Header().Set("Content-Length", "4096")
	_, _ = w.Write([]byte(`{"trn":"`))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// hangUp closes the connection, over HTTP/1.1 with a reset.
func hangUp(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
	return true
}

// movedTo is where the same answers are, for those who follow redirects.
const movedTo = "/moved"

func moved(_ *Server, w http.ResponseWriter, r *http.Request) bool {
	if strings.HasPrefix(r.RequestURI, movedTo+"/") {
		return false
	}
	w.Header().Set("Location", movedTo+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}
