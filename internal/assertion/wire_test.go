package assertion_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

// The tests here send bytes through net/http's server, Strip and a reverse
// proxy that passes trailers on, as Caddy's does, to a service that tells every
// line it was sent.

// frontDoor is that chain, all but the client.
func frontDoor(t *testing.T) *httptest.Server {
	to := &url.URL{Scheme: "http", Host: rawService(t)}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		p.Out.Trailer = http.Header{}
		if p.Out.Body != nil {
			maps.Copy(p.Out.Trailer, p.In.Trailer)
			p.Out.Body = passOn{p.Out.Body, p.In, p.Out.Trailer}
			if len(p.Out.Trailer) > 0 {
				p.Out.ContentLength = -1 // only chunks can be followed by trailers
			}
		}
	}}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assertion.Strip(r)
		r.Header.Set(assertion.Header, "genuine")
		proxy.ServeHTTP(w, r)
	}))
	front.EnableHTTP2 = true
	t.Cleanup(front.Close)
	return front
}

// passOn copies the trailers that came in, once they have, to those going out.
type passOn struct {
	io.ReadCloser
	in  *http.Request
	out http.Header
}

func (b passOn) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		maps.Copy(b.out, b.in.Trailer)
	}
	return n, err
}

// rawService answers every request with its lines: those of its head, then
// each trailer after "trailer: ". It speaks no HTTP library, which might hide
// something. A WebSocket gets an echo instead.
func rawService(t *testing.T) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerRaw(conn)
		}
	}()
	return listener.Addr().String()
}

func answerRaw(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	seen, length := "", 0
	for line := rawLine(in); line != ""; line = rawLine(in) {
		seen += line + "\n"
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(n)
		}
	}
	switch {
	case strings.Contains(seen, "\nUpgrade: websocket\n"):
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.WriteString(conn, "echo "+rawLine(in)+"\n")
		return
	case strings.Contains(seen, "\nTransfer-Encoding: chunked\n"):
		for size := int64(1); size > 0; {
			size, _ = strconv.ParseInt(rawLine(in), 16, 64)
			io.CopyN(io.Discard, in, size)
			if size > 0 {
				rawLine(in)
			}
		}
		for line := rawLine(in); line != ""; line = rawLine(in) {
			seen += "trailer: " + line + "\n"
		}
	default:
		io.CopyN(io.Discard, in, int64(length))
	}
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(seen), seen)
}

func rawLine(in *bufio.Reader) string {
	line, _ := in.ReadString('\n')
	return strings.TrimRight(line, "\r\n")
}

// sendRaw sends a request of HTTP/1.1, byte for byte, and returns what the
// service says it was sent.
func sendRaw(t *testing.T, front *httptest.Server, request ...string) string {
	t.Helper()
	conn := dial(t, front)
	io.WriteString(conn, strings.Join(request, "\r\n"))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, response)
}

// dial connects to front for one test, which fails rather than waits for ever.
func dial(t *testing.T, front *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func readAnswer(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, body %q, %v", response.StatusCode, body, err)
	}
	return string(body)
}

// wantGenuine checks that the service got our assertion, once, and nothing
// else of the family, whether as a field, a trailer or an announcement.
func wantGenuine(t *testing.T, seen string) {
	t.Helper()
	genuine := assertion.Header + ": genuine\n"
	if !strings.Contains(seen, "\n"+genuine) {
		t.Errorf("the service did not get our assertion:\n%s", seen)
	}
	rest := strings.ToLower(strings.Replace(seen, genuine, "", 1))
	rest = strings.NewReplacer("-", "", "_", "", ".", "", "~", "").Replace(rest)
	for _, name := range []string{"teachingrecord", "onelogin", "forged"} {
		if strings.Contains(rest, name) {
			t.Errorf("the service got %q:\n%s", name, seen)
		}
	}
}

func TestWireHeaders(t *testing.T) {
	front := frontDoor(t)
	front.Start()
	wantGenuine(t, sendRaw(t, front, "GET /x HTTP/1.1", "Host: a",
		"Teaching-Record-Assertion: forged", "teaching-record-assertion: forged", "Teaching_Record_Trn: forged", "TEACHING.RECORD.TRN: forged",
		"One~Login~Subject: forged", "Teaching-Record-Name: forged", "", ""))
}

func TestWireConnection(t *testing.T) {
	front := frontDoor(t)
	front.Start()
	for _, lines := range []string{
		"Connection: Teaching-Record-Assertion",
		"Connection: close, Teaching-Record-Assertion",
		"connection: keep-alive , teaching-record-assertion",
		"CONNECTION: keep-alive\r\nConnection: \tTEACHING-RECORD-ASSERTION\t",
		"Connection: Teaching-Record-Trn\r\nConnection: ,,Teaching-Record-Assertion,,",
		"Connection: upgrade, Teaching-Record-Assertion\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
	} {
		seen := sendRaw(t, front, "GET /x HTTP/1.1", "Host: a", lines, "", "")
		wantGenuine(t, seen)
		if strings.Contains(seen, "h2c") || strings.Contains(strings.ToLower(seen), "http2-settings") {
			t.Errorf("the service is offered h2c:\n%s", seen)
		}
	}
}

func TestWireWebSocket(t *testing.T) {
	front := frontDoor(t)
	front.Start()
	conn := dial(t, front)
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade, Teaching-Record-Assertion\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("response %v, %v", response, err)
	}
	io.WriteString(conn, "hello\n")
	if got := rawLine(in); got != "echo hello" {
		t.Errorf("through the WebSocket came %q", got)
	}
}

func TestWireTrailers(t *testing.T) {
	front := frontDoor(t)
	front.Start()
	for _, announced := range []string{
		"",
		"Trailer: X-Checksum",
		"Trailer: Teaching-Record-Assertion, X-Checksum, teaching_record.trn, One~Login~Subject",
		"Trailer: Teaching-Record-Assertion\r\nTrailer: X-Checksum",
	} {
		request := []string{"POST /x HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"}
		if announced != "" {
			request = append(request, announced)
		}
		seen := sendRaw(t, front, append(request, "", "5", "hello", "0",
			"X-Checksum: abc", "Teaching-Record-Assertion: forged", "teaching_record.trn: forged", "One~Login~Subject: forged", "", "")...)
		wantGenuine(t, seen)
		if !strings.Contains(seen, "trailer: X-Checksum: abc\n") {
			t.Errorf("%q: another trailer is gone:\n%s", announced, seen)
		}
	}
}

// lateBody adds trailers to its request, unannounced, when it is read.
type lateBody struct {
	*bytes.Reader
	of   *http.Request
	late http.Header
}

func (b lateBody) Read(p []byte) (int, error) {
	maps.Copy(b.of.Trailer, b.late)
	return b.Reader.Read(p)
}

func TestWireTrailersHTTP2(t *testing.T) {
	front := frontDoor(t)
	front.StartTLS()
	forged := http.Header{"Teaching-Record-Assertion": {"forged"}, "Teaching_record.trn": {"forged"}, "One~login~subject": {"forged"}}
	for _, announced := range []bool{true, false} {
		for _, length := range []int64{-1, 5} {
			r, err := http.NewRequest("POST", front.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = length
			r.Trailer = http.Header{"X-Checksum": {"abc"}}
			body := lateBody{bytes.NewReader([]byte("hello")), r, nil}
			if announced {
				maps.Copy(r.Trailer, forged)
			} else {
				body.late = forged
			}
			r.Body = io.NopCloser(body)
			response, err := front.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if response.ProtoMajor != 2 {
				t.Fatalf("HTTP/%d", response.ProtoMajor)
			}
			seen := readAnswer(t, response)
			wantGenuine(t, seen)
			if !strings.Contains(seen, "trailer: X-Checksum: abc\n") {
				t.Errorf("announced %v, length %d: another trailer is gone:\n%s", announced, length, seen)
			}
		}
	}
}
