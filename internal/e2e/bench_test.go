package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	benchConns  = 16                     // connections that ask at once
	benchSlice  = 500 * time.Millisecond // how long one variant is asked at a time
	benchRounds = 12                     // how often each has its turn
)

// BenchmarkForward compares a signed-in request with plain reverse_proxy: the
// same process, the same service behind it, in turns of half a second, so that
// what else the machine does hits all alike. What it prints are medians over
// the turns, and the median of the ratios of neighbouring turns.
//
// Asking and serving share the machine with Caddy, which flatters nobody: the
// processor time that Caddy itself spends on a request is printed too.
func BenchmarkForward(b *testing.B) {
	upstream := leanService(b)
	s := start(b, func(s *stack) {
		s.binary = fastBinary()
		s.env["UPSTREAM"] = upstream
	})
	v := s.teacher(b)
	v.open("/").choose("known")
	cookie := "Cookie: teaching-record=" + v.cookie() + "\r\n"

	variants := []*variant{
		{name: "plain reverse_proxy"},
		{name: "bind session", bind: "bind session", cache: "cache 2s"},
		{name: "bind request", bind: "bind request", cache: "cache 2s"},
		{name: "bind session, cache 0s", bind: "bind session", cache: "cache 0s"},
		{name: "bind request, cache 0s", bind: "bind request", cache: "cache 0s"},
	}
	s.reload(b, func(text string) string {
		_, site, _ := strings.Cut(text, "{$SERVICE_URL} {")
		for _, v := range variants {
			if v.address = freeAddress(b); v.bind == "" {
				text += fmt.Sprintf("\nhttp://%s {\nreverse_proxy %s\n}\n", v.address, upstream)
				continue
			}
			text += "\nhttp://" + v.address + " {" + strings.NewReplacer("bind request", v.bind, "cache 2s", v.cache).Replace(site)
		}
		return text
	})
	before := s.oneLoginHits()
	for range b.N {
		for round := range benchRounds {
			for i := range variants {
				v := variants[(i+round)%len(variants)] // nobody is always first
				v.ask(b, s, cookie)
			}
		}
	}
	if got := s.oneLoginHits(); got != before {
		b.Errorf("One Login was called %d times: nobody was signed in", got-before)
	}
	fmt.Printf("\n%-24s %12s %8s %14s %8s\n", "", "requests/s", "ratio", "CPU µs/request", "ratio")
	for _, v := range variants {
		ratio, cpuRatio := median(ratios(v.perSecond, variants[0].perSecond)), median(ratios(variants[0].cpu, v.cpu))
		fmt.Printf("%-24s %12.0f %8.2f %14.1f %8.2f\n", v.name, median(v.perSecond), ratio, median(v.cpu), cpuRatio)
		b.ReportMetric(ratio, strings.NewReplacer(" ", "-", ",", "").Replace(v.name)+"/plain")
	}
}

// variant is one way to be asked.
type variant struct {
	name, bind, cache, address string
	perSecond, cpu             []float64 // one of each turn
}

// ask asks for one turn and notes how it went.
func (v *variant) ask(b *testing.B, s *stack, cookie string) {
	b.Helper()
	request := []byte("GET /records?page=2 HTTP/1.1\r\nHost: " + v.address + "\r\nAccept: */*\r\n" + cookie + "\r\n")
	var asked atomic.Int64
	var asking sync.WaitGroup
	stop := make(chan struct{})
	spent, began := cpuOf(b, s.caddy), time.Now()
	for range benchConns {
		asking.Go(func() {
			conn, err := net.Dial("tcp", v.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				resp, err := http.ReadResponse(answers, nil)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Errorf("%s: %v %v", v.name, resp, err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				asked.Add(1)
			}
		})
	}
	time.AfterFunc(benchSlice, func() { close(stop) })
	asking.Wait()
	n := float64(asked.Load())
	v.perSecond = append(v.perSecond, n/time.Since(began).Seconds())
	v.cpu = append(v.cpu, float64((cpuOf(b, s.caddy)-spent).Microseconds())/n)
}

// leanService is a service that costs next to nothing and refuses whoever comes
// without what every request must have: it is Caddy that is measured.
func leanService(b *testing.B) (address string) {
	l := listen(b)
	b.Cleanup(func() { l.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok")
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(bytes.TrimSpace(line)) > 0 {
						continue
					}
					if _, err := conn.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// cpuOf is the processor time a process has spent (proc(5), stat).
func cpuOf(b *testing.B, p *process) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	must(b, err)
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(field)
		must(b, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func (s *stack) oneLoginHits() int { return s.OneLogin.Record().Hits["authorize"] }

func ratios(of, to []float64) []float64 {
	out := make([]float64, len(of))
	for i := range of {
		out[i] = of[i] / to[i]
	}
	return out
}

func median(values []float64) float64 {
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare)
	return sorted[len(sorted)/2]
}
