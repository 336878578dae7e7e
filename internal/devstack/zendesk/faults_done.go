package zendesk

import (
	"net/http"
	"strings"
)

// doneFaults are those in which the ticket is opened, and who asked for it does
// not learn so.
func doneFaults() []Fault {
	return []Fault{
		{Name: "created-500", Does: "The ticket is opened, and the answer is 500.", At: toCreate, done: quoting(http.StatusInternalServerError, "InternalError")},
		{Name: "created-504", Does: "The ticket is opened, and a proxy, which did not wait for it, answers 504.", At: toCreate, done: errorPage(http.StatusGatewayTimeout)},
		{Name: "created-refused", Does: "The ticket is opened, and the connection is closed without an answer.", At: toCreate, done: hangUp},
		{Name: "created-slow", Does: "The ticket is opened, and the answer comes later than anybody should wait.", At: toCreate, done: func(s *Server, _ http.ResponseWriter, r *http.Request) bool {
			s.stall(r)
			return false
		}},
		{Name: "slow-body", Does: "Half of the answer comes at once, the rest later than anybody should wait.", body: func(s *Server, w http.ResponseWriter, r *http.Request, text []byte) bool {
			_, _ = w.Write(text[:len(text)/2])
			_ = http.NewResponseController(w).Flush()
			s.stall(r)
			_, _ = w.Write(text[len(text)/2:])
			return true
		}},
		{Name: "dropped", Does: "The connection breaks in the middle of the answer.", done: func(_ *Server, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", plainJSON)
			w.Header().Set("Content-Length", "4096")
			_, _ = w.Write([]byte(`{"ticket":`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}},
	}
}

// bodyFaults are texts that are not the JSON object that was asked for, with the
// right status.
func bodyFaults() []Fault {
	text := func(text string) func(string) string { return func(string) string { return text } }
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
