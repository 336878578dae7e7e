package gate

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestSlowForm: a form that never arrives does not hold a connection for ever,
// and a connection that brought one in time serves on (threat T19).
func TestSlowForm(t *testing.T) {
	h := newHouse(t)
	b := h.browser().verifies("/records")
	h.slowest = 200 * time.Millisecond
	h.register.finds = func(journey.Stated) bool {
		<-time.After(2 * h.slowest) // what follows the form may take longer
		return false
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
			if r.Context().Err() != nil {
				return r.Context().Err()
			}
			_, err := io.WriteString(w, "the service")
			return err
		})
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	answers := bufio.NewReader(conn)
	send := func(request string) int {
		t.Helper()
		_, err := io.WriteString(conn, request)
		must(t, err)
		answer, err := http.ReadResponse(answers, nil)
		must(t, err)
		_, err = io.Copy(io.Discard, answer.Body)
		must(t, err)
		return answer.StatusCode
	}
	form := func(length, body string) string {
		return "POST /teaching-record/national-insurance-number HTTP/1.1\r\nHost: teaching.example.gov.uk\r\nCookie: __Host-teaching-record=" + b.cookie +
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " + length + "\r\n\r\n" + body
	}
	if status := send(form("25", "have=yes&number=QQ123456C")); status != http.StatusSeeOther {
		t.Errorf("in time: %d", status)
	}
	if status := send("GET /public HTTP/1.1\r\nHost: teaching.example.gov.uk\r\n\r\n"); status != http.StatusOK {
		t.Errorf("after it: %d", status)
	}
	if status := send(form("7", "have")); status != http.StatusBadRequest {
		t.Errorf("never: %d", status)
	}
}
