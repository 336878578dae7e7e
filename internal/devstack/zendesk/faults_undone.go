package zendesk

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// withToken are the endpoints that are asked with an access token.
var withToken = []Endpoint{AtCreate, AtFind, AtShow}

// toCreate is the one endpoint that does something.
var toCreate = []Endpoint{AtCreate}

// quoting is an error of Zendesk. Descriptions and details quote what was sent,
// which is why no client may log them: this one stands for that.
func quoting(status int, code string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return instead(status, plainJSON, `{"error":"`+code+`","description":"Quoted: quoted@people.example","details":{"base":[{"description":"Quoted: Rosa Quoted","error":"Quoted"}]}}`)
}

// undoneFaults are answers of one who has done nothing.
func undoneFaults() []Fault {
	return []Fault{
		{Name: "400", Does: "The request is refused as invalid, although it is not.", undone: quoting(http.StatusBadRequest, "InvalidValue")},
		{Name: "key-of-another-body", Does: "The key is said to have been used with another body.", At: toCreate, undone: quoting(http.StatusBadRequest, "IdempotentRequestError")},
		{Name: "401", Does: "The access token is refused, although it is still valid; or the client, at token.", undone: instead(http.StatusUnauthorized, plainJSON, `{"error":"invalid_token","error_description":"The access token provided is expired, revoked, malformed or invalid for other reasons."}`)},
		{Name: "401-text", Does: "The access token is refused with a sentence for an error.", At: withToken, undone: instead(http.StatusUnauthorized, plainJSON, `{"error":"Couldn't authenticate you"}`)},
		{Name: "403", Does: "The access token lacks the scope.", undone: quoting(http.StatusForbidden, "Forbidden")},
		{Name: "403-firewall", Does: "A firewall in front answers 403 with a page.", undone: errorPage(http.StatusForbidden)},
		{Name: "404", Does: "There is no such account: 404 with an object for an error.", undone: instead(http.StatusNotFound, plainJSON, `{"error":{"title":"No help desk at example.zendesk.com","message":"There is no help desk configured at this address."}}`)},
		{Name: "404-page", Does: "A proxy answers 404 with a page.", undone: errorPage(http.StatusNotFound)},
		{Name: "409", Does: "A conflict.", At: toCreate, undone: quoting(http.StatusConflict, "Conflict")},
		{Name: "422", Does: "The ticket is refused: 422 RecordInvalid, as for an address that Zendesk does not take.", At: toCreate, undone: quoting(http.StatusUnprocessableEntity, "RecordInvalid")},
		{Name: "422-text", Does: "The ticket is refused with 422 in plain text.", At: toCreate, undone: instead(http.StatusUnprocessableEntity, plainText, "Requester quoted@people.example is suspended")},
		{Name: "429", Does: "Too many requests, without saying until when.", undone: busy("")},
		{Name: "429-retry-after", Does: "Too many requests, with Retry-After: 20.", undone: busy("20")},
		{Name: "429-retry-after-years", Does: "Too many requests, with a Retry-After of thirty years.", undone: busy(strconv.Itoa(30 * 365 * 24 * 60 * 60))},
		{Name: "429-retry-after-nonsense", Does: "Too many requests, with a Retry-After that means nothing.", undone: busy("-soon")},
		{Name: "500", Does: "500, and nothing was done.", undone: quoting(http.StatusInternalServerError, "InternalError")},
		{Name: "502", Does: "A proxy answers 502 with a page.", undone: errorPage(http.StatusBadGateway)},
		{Name: "503", Does: "503 in plain text, as in maintenance.", undone: instead(http.StatusServiceUnavailable, plainText, "Zendesk is temporarily unavailable")},
		{Name: "503-retry-after", Does: "503 with Retry-After.", undone: func(s *Server, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "120")
			return errorPage(http.StatusServiceUnavailable)(s, w, r)
		}},
		{Name: "html", Does: "A web page, with status 200, as from a portal in between.", undone: errorPage(http.StatusOK)},
		{Name: "no-content", Does: "204.", undone: instead(http.StatusNoContent, "", "")},
		{Name: "refused", Does: "The connection is closed without an answer. Every time, or an HTTP client may hide it by asking again.", undone: hangUp},
		{Name: "slow", Does: "Nothing is done, and nothing is said, for longer than anybody should wait.", undone: func(s *Server, w http.ResponseWriter, r *http.Request) bool {
			s.stall(r)
			return errorPage(http.StatusGatewayTimeout)(s, w, r)
		}},
		{Name: "redirect", Does: "A redirect leads to the right answer, and no client may follow.", undone: moved},
		{Name: "redirect-host", Does: "A redirect leads to another host: whoever follows tells it the access token.", undone: func(_ *Server, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", elsewhereURL+r.URL.RequestURI())
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}},
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

// busy answers as over the limit.
func busy(retryAfter string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(s *Server, w http.ResponseWriter, r *http.Request) bool {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		return instead(http.StatusTooManyRequests, plainJSON, `{"error":"APIRateLimitExceeded","description":"Number of allowed API requests per minute exceeded"}`)(s, w, r)
	}
}

// stall waits until the client gives up, or for so long.
func (s *Server) stall(r *http.Request) {
	late := time.NewTimer(s.config.Stall)
	defer late.Stop()
	select {
	case <-late.C:
	case <-r.Context().Done():
	}
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
