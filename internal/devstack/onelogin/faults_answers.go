package onelogin

import (
	"net/http"
	"strings"
	"time"
)

// brokenAnswers are the ways in which any direct call can fail, whatever it
// asks for. What is the answer's name in a sentence.
func brokenAnswers(stage Stage, what string) []Fault {
	sentence := func(does string) string { return strings.ToUpper(what[:1]) + what[1:] + " " + does }
	name := func(suffix string) string { return string(stage) + "-" + suffix }
	return []Fault{
		{Name: name("403"), Does: sentence("is answered with 403, as by the firewall in front."), answer: errorPage(http.StatusForbidden)},
		{Name: name("429"), Does: sentence("is answered with 429 and Retry-After."), answer: status(http.StatusTooManyRequests)},
		{Name: name("500"), Does: sentence("is answered with 500."), answer: status(http.StatusInternalServerError)},
		{Name: name("503"), Does: sentence("is answered with 503 and Retry-After."), answer: status(http.StatusServiceUnavailable)},
		{Name: name("slow"), Does: sentence("comes, but later than the real gateway would wait."), answer: stall},
		{Name: name("dropped"), Does: sentence("never comes: the connection breaks."), answer: drop},
		{Name: name("redirect"), Does: sentence("is elsewhere: a redirect leads to it, and no relying party may follow."), answer: moved},
		{Name: name("empty"), Does: sentence("is empty."), answer: instead("")},
		{Name: name("html"), Does: sentence("is a web page, with status 200."), answer: errorPage(http.StatusOK)},
		{Name: name("garbage"), Does: sentence("is bytes that mean nothing."), answer: instead("\x00\xff\x1f\x8b{]garbage")},
		{Name: name("array"), Does: sentence("is a JSON array that holds the object."), text: func(text string) string { return "[" + text + "]" }},
		{Name: name("cut-off"), Does: sentence("ends in the middle."), text: func(text string) string { return text[:len(text)/2] }},
		{Name: name("followed"), Does: sentence("is followed by a second object."), text: func(text string) string { return text + "{}" }},
		{Name: name("oversized"), Does: sentence("is right, but larger than 1 MB."), text: func(text string) string { return strings.Repeat(" ", 1<<20) + text }},
		{Name: name("nested"), Does: sentence("is arrays in arrays, 400,000 deep."), answer: instead(strings.Repeat("[", 400_000) + strings.Repeat("]", 400_000))},
		{Name: name("duplicates"), Does: sentence("has a member twice, so that two readers can understand it differently."), text: twice},
	}
}

// twice repeats the first member of an object.
func twice(text string) string {
	member := strings.TrimPrefix(text, "{")
	return "{" + member[:strings.Index(member, ":")] + `:"another",` + member
}

// instead answers 200 with a text that is not the answer.
func instead(text string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text)) // fails only when the caller has gone
		return true
	}
}

// status answers as the real gateway does when it cannot serve.
func status(code int) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "120")
		writeJSON(w, code, claims{"message": http.StatusText(code)})
		return true
	}
}

// errorPage answers with a page for people, not with JSON.
func errorPage(code int) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("<!DOCTYPE html><html lang=\"en\"><title>A page of One Login</title><h1>A page of One Login</h1>"))
		return true
	}
}

// oauthRefusal answers as the token endpoint refuses (RFC 6749, section 5.2).
func oauthRefusal(code int, oauth, description string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		writeJSON(w, code, claims{"error": oauth, "error_description": description})
		return true
	}
}

// stall keeps the caller waiting. The right answer follows, so that a caller
// without a time limit is found out.
func stall(s *Server, _ http.ResponseWriter, r *http.Request) bool {
	select {
	case <-time.After(s.config.Stall):
	case <-r.Context().Done():
	}
	return false
}

func drop(*Server, http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// moved redirects to where the right answer is, with the method kept.
func moved(_ *Server, w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Query().Has("moved") {
		return false
	}
	http.Redirect(w, r, r.URL.Path+"?moved", http.StatusTemporaryRedirect)
	return true
}
