package notify

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// refusalFaults are statuses below 500. None of them accepts an e-mail.
func refusalFaults() []Fault {
	return []Fault{
		{Name: "400-validation", Does: "The request is refused as not of the documented shape.", Lost: true, Means: Refused, answer: says(http.StatusBadRequest, "ValidationError", "email_address Not a valid email address")},
		{Name: "400-team-key", Does: "The key is for the team only, and this is nobody of it.", Lost: true, Means: Refused, answer: says(http.StatusBadRequest, "BadRequestError", "Can’t send to this recipient using a team-only API key")},
		{Name: "400-repeating", Does: "The request is refused in a sentence that repeats all of it.", Lost: true, Means: Refused, body: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ int, text []byte) {
			writeError(w, http.StatusBadRequest, "ValidationError", string(text))
		}},
		{Name: "403-clock", Does: "The client’s clock is more than 30 seconds off.", Lost: true, Means: Refused, answer: says(http.StatusForbidden, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")},
		{Name: "403-key", Does: "The API key was revoked.", Lost: true, Means: Refused, answer: says(http.StatusForbidden, "AuthError", "Invalid token: API key not found")},
		{Name: "403-firewall", Does: "A firewall in front answers 403 with a page.", Lost: true, Means: Refused, answer: errorPage(http.StatusForbidden)},
		{Name: "404-page", Does: "A proxy answers 404 with a page, as for a wrong address.", Lost: true, Means: Refused, answer: errorPage(http.StatusNotFound)},
		{Name: "409", Does: "A 4xx that no document knows.", Lost: true, Means: Refused, answer: says(http.StatusConflict, "ConflictError", "It is in conflict.")},
		{Name: "429-rate", Does: "More than 3,000 calls in a minute.", Lost: true, Means: Later, answer: says(http.StatusTooManyRequests, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds")},
		{Name: "429-day", Does: "The limit of the day is reached.", Lost: true, Means: Later, answer: says(http.StatusTooManyRequests, "TooManyRequestsError", "Exceeded send limits (250000) for today")},
		{Name: "429-page", Does: "A proxy answers 429 with a page.", Lost: true, Means: Later, answer: errorPage(http.StatusTooManyRequests)},
	}
}

// outageFaults are statuses of 500 and above, which say nothing of whether the
// e-mail was accepted, and one that looks like success.
func outageFaults() []Fault {
	internal := says(http.StatusInternalServerError, "Exception", "Internal server error")
	return []Fault{
		{Name: "500", Does: "500, and nothing was accepted.", Lost: true, answer: internal},
		{Name: "500-accepted", Does: "500, although the e-mail was accepted.", answer: internal},
		{Name: "502", Does: "A proxy answers 502 with a page; nothing was accepted.", Lost: true, answer: errorPage(http.StatusBadGateway)},
		{Name: "502-accepted", Does: "A proxy answers 502 with a page, although the e-mail was accepted.", answer: errorPage(http.StatusBadGateway)},
		{Name: "503", Does: "503 with a page, as in maintenance; nothing was accepted.", Lost: true, answer: errorPage(http.StatusServiceUnavailable)},
		{Name: "504-accepted", Does: "A proxy gives up with 504, and the e-mail was accepted.", answer: errorPage(http.StatusGatewayTimeout)},
		{Name: "200-page", Does: "A page with status 200, as of a network that wants a log-in; nothing was accepted.", Lost: true, answer: errorPage(http.StatusOK)},
	}
}

// wayFaults are what can happen on the way.
func wayFaults() []Fault {
	return []Fault{
		{Name: "slow", Does: "The e-mail is accepted at once; the answer comes later than anybody should wait.", answer: func(s *Server, _ http.ResponseWriter, r *http.Request) bool { s.stall(r); return false }},
		{Name: "slow-lost", Does: "Nothing comes for longer than anybody should wait, and nothing was accepted.", Lost: true, answer: func(s *Server, w http.ResponseWriter, r *http.Request) bool {
			s.stall(r)
			return errorPage(http.StatusGatewayTimeout)(s, w, r)
		}},
		{Name: "slow-body", Does: "The e-mail is accepted; half of the answer comes at once, the rest later than anybody should wait.", body: func(s *Server, w http.ResponseWriter, r *http.Request, status int, text []byte) {
			w.WriteHeader(status)
			_, _ = w.Write(text[:len(text)/2])
			_ = http.NewResponseController(w).Flush()
			s.stall(r)
			_, _ = w.Write(text[len(text)/2:])
		}},
		{Name: "dropped", Does: "The e-mail is accepted; the connection breaks in the middle of the answer.", answer: drop},
		{Name: "hung-up", Does: "The e-mail is accepted; the connection is closed without an answer.", answer: hangUp},
		{Name: "hung-up-lost", Does: "The connection is closed without an answer, and nothing was accepted.", Lost: true, answer: hangUp},
		{Name: "redirect", Does: "A redirect leads to the right answer, and no client may follow.", Lost: true, answer: moved},
		{Name: "redirect-host", Does: "A redirect leads to another host: whoever follows tells it everything.", Lost: true, answer: func(_ *Server, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", "https://elsewhere.example"+r.URL.RequestURI())
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}},
	}
}

// bodyFaults are texts that are not the JSON object that was asked for. The
// e-mail was accepted.
func bodyFaults() []Fault {
	text := func(of string) func(string) string { return func(string) string { return of } }
	return []Fault{
		{Name: "empty", Does: "An empty body.", text: text("")},
		{Name: "garbage", Does: "Bytes that mean nothing.", text: text("\x00\xff\x1f\x8b{]garbage")},
		{Name: "null", Does: "null.", text: text("null")},
		{Name: "empty-object", Does: "An object that has no members.", text: text("{}")},
		{Name: "nested", Does: "Arrays in arrays, 400,000 deep.", text: text(strings.Repeat("[", 400_000) + strings.Repeat("]", 400_000))},
		{Name: "array", Does: "The right object, in an array.", text: func(text string) string { return "[" + text + "]" }},
		{Name: "cut-off", Does: "The answer ends in the middle, as if that were all.", text: func(text string) string { return text[:len(text)/2] }},
		{Name: "followed", Does: "The right object is followed by a second one.", text: func(text string) string { return text + "{}" }},
		{Name: "oversized", Does: "The right answer, but larger than 8 MB.", text: func(text string) string { return strings.Repeat(" ", 8<<20) + text }},
	}
}

// says answers with an error of the real one.
func says(status int, code, message string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		writeError(w, status, code, message)
		return true
	}
}

// errorPage answers with a page for people, not with JSON.
func errorPage(status int) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>A page in between</title><h1>A page in between</h1>`)) // fails only when the caller has gone
		return true
	}
}

// stall keeps the caller waiting. What then comes is late, so that a client
// without a time limit is found out.
func (s *Server) stall(r *http.Request) {
	late := time.NewTimer(s.config.Stall)
	defer late.Stop()
	select {
	case <-late.C:
	case <-r.Context().Done():
	}
}

// drop promises more than it sends.
func drop(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Type", plainJSON)
	w.Header().Set("Content-Length", "4096")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(`{"id":"`))
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
	w.Header().Set("Location", movedTo+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}
