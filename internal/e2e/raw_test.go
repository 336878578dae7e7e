package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rawRequest is written to the socket as it stands: no client library mends it.
type rawRequest struct {
	method, target string
	header         []string // whole lines, without their ends
	body           string   // as it goes over the wire, chunks and trailers too
}

type rawResponse struct {
	status     int
	head, body string
}

// raw sends one request on a connection of its own. Host and, unless header has
// one, "Connection: close" are added.
func (s *stack) raw(t testing.TB, r rawRequest) rawResponse {
	t.Helper()
	host := strings.TrimPrefix(s.site, "http://")
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))

	lines := append([]string{r.method + " " + r.target + " HTTP/1.1", "Host: " + host}, r.header...)
	if !strings.Contains(strings.ToLower("\n"+strings.Join(r.header, "\n")), "\nconnection:") {
		lines = append(lines, "Connection: close")
	}
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+r.body)
	must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	must(t, err)
	defer resp.Body.Close()
	var head strings.Builder
	must(t, resp.Header.Write(&head))
	return rawResponse{resp.StatusCode, head.String(), body(t, resp.Body)}
}
