package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNothingIsBelieved: what a client says of the address it asked for, of the
// way it came or of what it is, opens nothing and leads nobody elsewhere (threats
// T3, T8), and what looks like a placeholder stays as it is (threat T25).
func TestNothingIsBelieved(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/").choose("known").at("/")
	cookie := "Cookie: teaching-record=" + v.cookie()
	const odd = "{env.TEACHING_RECORD_SECRET}{$TEACHING_RECORD_SECRET}{http.request.uuid}"

	for name, header := range map[string][]string{
		"another path":   {"X-Original-URL: /healthcheck", "X-Rewrite-URL: /healthcheck", "X-Forwarded-Uri: /healthcheck", "X-Forwarded-Prefix: /healthcheck"},
		"another host":   {"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 444", "Forwarded: host=evil.example;proto=https"},
		"another method": {"X-HTTP-Method-Override: OPTIONS", "X-Method-Override: HEAD", "X-Forwarded-Method: OPTIONS"},
		"a probe":        {"User-Agent: kube-probe/1.33", "X-Healthcheck: 1"},
		"another probe":  {"User-Agent: GoogleHC/1.0", "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1"},
		"placeholders":   {"User-Agent: " + odd, "X-Odd: " + odd, "Referer: " + odd},
	} {
		for _, target := range []string{"/whoami?q=" + odd, "/teaching-record/sign-in?return_to=/" + odd} {
			got := s.raw(t, rawRequest{method: "GET", target: target, header: append(slices.Clone(header), "Sec-Fetch-Mode: navigate")})
			to := s.site + "/teaching-record/sign-in?return_to=%2Fwhoami%3Fq%3D%7Benv.TEACHING_RECORD_SECRET%7D%7B%24TEACHING_RECORD_SECRET%7D%7Bhttp.request.uuid%7D"
			if strings.HasPrefix(target, "/teaching-record/") {
				to = s.env["ONE_LOGIN_ISSUER"] + "authorize?"
				if strings.Contains(got.head, "Secure") || !strings.Contains(got.head, "Set-Cookie: teaching-record=") {
					t.Errorf("%s: the cookie is another:\n%s", name, got.head)
				}
			}
			if got.status != http.StatusSeeOther || !strings.Contains(got.head, "Location: "+to) {
				t.Errorf("%s, %s: %d, want a redirect to %s\n%s", name, target, got.status, to, got.head)
			}
		}
		seen := s.see(t, rawRequest{method: "GET", target: "/whoami", header: append(slices.Clone(header), cookie)})
		if !seen.Verified || seen.Path != "/whoami" || seen.Claims["htu"] != s.site+"/whoami" || seen.Claims["htm"] != "GET" {
			t.Errorf("%s: the service sees %v at %s", name, seen, seen.Path)
		}
		if odds := seen.Headers["X-Odd"]; name == "placeholders" && !slices.Equal(odds, []string{odd}) {
			t.Errorf("the service received %q", odds)
		}
	}
	for _, secret := range []string{s.env["TEACHING_RECORD_SECRET"], "evil.example/"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
}

// TestRequestID: the assertion names a request as Caddy's access log does, and
// not as the client would like (threat T58).
func TestRequestID(t *testing.T) {
	t.Parallel()
	s := start(t, editing("reverse_proxy {$UPSTREAM}", "log\nreverse_proxy {$UPSTREAM}"))
	v := s.teacher(t)
	v.open("/").choose("known").at("/")
	const theirs = "11111111-2222-3333-4444-555555555555"
	header := []string{"Cookie: teaching-record=" + v.cookie(), "X-Request-Id: " + theirs, "Request-Id: " + theirs, "Uuid: " + theirs}
	ids := map[any]bool{}
	for range 2 {
		id := s.see(t, rawRequest{method: "GET", target: "/whoami", header: header}).Claims["rid"]
		if id == nil || id == theirs || ids[id] {
			t.Errorf("rid is %v", id)
		}
		ids[id] = true
		s.await("the access log", func() bool { return strings.Contains(s.log.String(), fmt.Sprintf(`"uuid":%q`, id)) })
	}
}

// TestWebSocket: a WebSocket opens for a teacher, with an assertion, and for
// nobody else (threat T33).
func TestWebSocket(t *testing.T) {
	t.Parallel()
	service := listen(t)
	asserted := make(chan string, 1)
	s := start(t, func(s *stack) {
		s.env["UPSTREAM"] = service.Addr().String()
		s.serve(service, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") == "" {
				return
			}
			asserted <- r.Header.Get("Teaching-Record-Assertion")
			conn, both, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			line, _ := both.ReadString('\n')
			io.WriteString(conn, "echo "+line)
		}))
	})
	v := s.teacher(t)
	v.open("/").choose("known").at("/")
	for _, signedIn := range []bool{false, true} {
		host := strings.TrimPrefix(s.site, "http://")
		conn, err := net.Dial("tcp", host)
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		request := "GET /socket HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade, Teaching-Record-Assertion\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		if signedIn {
			request += "Cookie: teaching-record=" + v.cookie() + "\r\n"
		}
		_, err = io.WriteString(conn, request+"\r\n")
		must(t, err)
		answers := bufio.NewReader(conn)
		resp, err := http.ReadResponse(answers, nil)
		must(t, err)
		if !signedIn {
			if resp.StatusCode != http.StatusUnauthorized || len(asserted) != 0 {
				t.Errorf("a stranger's socket: %d", resp.StatusCode)
			}
			continue
		}
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("a teacher's socket: %d", resp.StatusCode)
		}
		_, err = io.WriteString(conn, "hello\n")
		must(t, err)
		if line, err := answers.ReadString('\n'); line != "echo hello\n" {
			t.Errorf("%q, %v came back", line, err)
		}
		if token := <-asserted; strings.Count(token, ".") != 2 {
			t.Errorf("the service received the assertion %q", token)
		}
	}
}
