package onelogin

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// bombs are answers made to cost whoever reads them: time, memory or the stack.
var bombs = map[string]func(http.ResponseWriter, *http.Request){
	"beyond the limit": body(`{"a":"` + strings.Repeat("a", maxBody) + `"}`),
	"without an end": func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	},
	"a zip bomb": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zipped())
	},
	"no zip":                body("no zip", "Content-Encoding", "gzip"),
	"deep arrays":           body(strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19)),
	"deep objects":          body(strings.Repeat(`{"keys":`, 1<<16) + "1" + strings.Repeat("}", 1<<16)),
	"deep members":          body(everyMember(strings.Repeat("[", 1<<15) + strings.Repeat("]", 1<<15))),
	"never closed":          body(strings.Repeat(`{"keys":[`, 1<<16)),
	"many members":          body("{" + strings.TrimSuffix(strings.Repeat(`"keys":[],`, 1<<16), ",") + "}"),
	"many keys":             body(`{"keys":[` + strings.TrimSuffix(strings.Repeat(`{},`, 1<<15), ",") + `]}`),
	"numbers out of bounds": body(everyMember("1e300")),
	"null in every member":  body(everyMember("null")),
	"null":                  body("null"),
	"NUL":                   body("\x00"),
	"no UTF-8":              body("\"\xff\xfe\""),
	"two documents":         body("{}{}"),
}

// everyMember is an object with all the members anybody here reads.
func everyMember(value string) string {
	var b strings.Builder
	for _, m := range []string{"issuer", "keys", "id", "assertionMethod", "access_token", "id_token", "token_type", "sub", "email", coreIdentityClaim, returnCodeClaim} {
		fmt.Fprintf(&b, `,%q:%s`, m, value)
	}
	return "{" + b.String()[1:] + "}"
}

func body(text string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		io.WriteString(w, text)
	}
}

// zipped is 8 MB, in 8 kB.
var zipped = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for range 8 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	return b.Bytes()
})

// TestBombs: whichever answer of One Login is hostile, it costs a bounded
// amount of work and ends in a calm page.
func TestBombs(t *testing.T) {
	for name, bomb := range bombs {
		for _, path := range append(documents, "/token", "/userinfo") {
			t.Run(name+": "+path, func(t *testing.T) {
				p := newProvider(t)
				p.instead[path] = bomb
				want, says := journey.SignInProblem, ""
				switch name {
				case "beyond the limit", "without an end", "a zip bomb":
					says = "larger than 1048576 bytes"
				}
				rp := p.relyingParty()
				if path == discoveryPath {
					_, _, err := rp.Depart(t.Context(), journey.SignIn, "en")
					wantTrouble(t, err, journey.Unreachable, says)
					return
				}
				if path == keysPath || path == didPath {
					want = journey.Unreachable
					if path == keysPath && name == "many keys" {
						want = journey.SignInProblem // a key set after all, without the key
					}
				}
				began := time.Now()
				_, err := p.trip(rp, journey.VerifyIdentity)
				wantTrouble(t, err, want, says)
				if took := time.Since(began); took > time.Minute {
					t.Errorf("took %v", took)
				}
				if len(err.Error())+len(p.log.String()) > 4000 {
					t.Errorf("the error has %d bytes, the log %d", len(err.Error()), len(p.log.String()))
				}
			})
		}
	}
}

// TestTokenBombs: the same for tokens.
func TestTokenBombs(t *testing.T) {
	header := func(members string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256"`+members+`}`)) + ".e30.AAAA"
	}
	for name, raw := range map[string]string{
		"many dots":            strings.Repeat(".", 900_000),
		"many dots in a token": "eyJhbGciOiJFUzI1NiJ9" + strings.Repeat(".e30", 200_000),
		"a huge header":        header(`,"x":"` + strings.Repeat("a", 600_000) + `"`),
		"a deep header":        header(`,"x":` + strings.Repeat("[", 300_000) + strings.Repeat("]", 300_000)),
		"a huge kid":           header(`,"kid":"` + strings.Repeat("k", 600_000) + `"`),
		"a kid of no string":   header(`,"kid":{}`),
		"critical extensions":  header(`,"crit":["exp","b64"],"b64":false`),
		"a JWE":                base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000,"p2s":"AAAA","zip":"DEF"}`)) + ".AAAA.AAAA.AAAA.AAAA",
		"a JWS in JSON":        `{"payload":"e30","signatures":[{"protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AAAA"}]}`,
		"a JSON bomb":          strings.Repeat(`{"payload":`, 50_000),
		"not base64":           "!.!.!",
		"spaces":               " e30 . e30 . e30 ",
	} {
		for purpose, give := range map[journey.Step]func(p *provider){
			journey.SignIn:         func(p *provider) { p.signID = func(map[string]any) string { return raw } },
			journey.VerifyIdentity: func(p *provider) { p.signIdentity = func(map[string]any) string { return raw } },
		} {
			t.Run(name+": "+string(purpose), func(t *testing.T) {
				p := newProvider(t)
				give(p)
				began := time.Now()
				_, err := p.trip(p.relyingParty(), purpose)
				wantTrouble(t, err, journey.SignInProblem, "check ")
				if took := time.Since(began); took > time.Minute {
					t.Errorf("took %v", took)
				}
				if len(err.Error())+len(p.log.String()) > 4000 {
					t.Errorf("the error has %d bytes, the log %d", len(err.Error()), len(p.log.String()))
				}
			})
		}
	}
	t.Run("deep claims in a token that is signed", func(t *testing.T) {
		p := newProvider(t)
		p.signID = func(map[string]any) string {
			return signRaw(p.signing, `{"x":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)+`}`)
		}
		_, err := p.trip(p.relyingParty(), journey.SignIn)
		wantTrouble(t, err, journey.SignInProblem, "check ID token")
	})
}

// TestSlowAnswers: an answer that trickles, or never begins, ends with the time limit
// of a call, and that is never longer than ours. All of them wait at once: as
// parallel tests they would for as many at a time as there are processors.
func TestSlowAnswers(t *testing.T) {
	trickle := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
		}
	}
	never := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	var all sync.WaitGroup
	for _, path := range append(documents, "/token", "/userinfo") {
		for name, slow := range map[string]http.HandlerFunc{"trickles": trickle, "never begins": never} {
			all.Go(func() {
				t.Run(path+" "+name, func(t *testing.T) {
					p := newProvider(t)
					cfg := p.config()
					cfg.HTTP = &http.Client{Timeout: 2 * time.Second}
					rp := must(New(cfg))
					p.instead[path] = slow
					if path == discoveryPath {
						_, _, err := rp.Depart(t.Context(), journey.SignIn, "en")
						wantTrouble(t, err, journey.Unreachable, "")
						return
					}
					_, err := p.trip(rp, journey.VerifyIdentity)
					if journey.TroubleIn(err) == "" {
						t.Errorf("error %v", err)
					}
				})
			})
		}
	}
	all.Wait()
	for given, want := range map[time.Duration]time.Duration{0: callTimeout, time.Hour: callTimeout, time.Second: time.Second} {
		cfg := newProvider(t).config()
		cfg.HTTP = &http.Client{Timeout: given}
		if got := must(New(cfg)).cfg.HTTP.Timeout; got != want || cfg.HTTP.Timeout != given {
			t.Errorf("a client with a limit of %v got %v, and is now %v itself", given, got, cfg.HTTP.Timeout)
		}
	}
}

// TestNoHTTP: of an answer that is no HTTP nothing is repeated: it can be a
// person's. What the network or TLS says is.
func TestNoHTTP(t *testing.T) {
	for name, row := range map[string]struct{ answer, says string }{
		"no HTTP":            {"KENNETH DECERQUEIRA\r\n\r\n", "no HTTP answer that could be read"},
		"no status":          {"HTTP/1.1 KENNETH\r\n\r\n", "no HTTP answer that could be read"},
		"a header's half":    {"HTTP/1.1 200 OK\r\nKENNETH DECERQUEIRA\r\n\r\n", "no HTTP answer that could be read"},
		"a length":           {"HTTP/1.1 200 OK\r\nContent-Length: KENNETH\r\n\r\n", "no HTTP answer that could be read"},
		"a chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nKENNETH\r\n", "no HTTP answer that could be read"},
		"nothing":            {"", "EOF"},
		"a redirect nowhere": {"HTTP/1.1 302 Found\r\nLocation: %KENNETH\r\nContent-Length: 0\r\n\r\n", "no HTTP answer that could be read"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.instead["/userinfo"] = func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(conn, row.answer)
				conn.(*net.TCPConn).Close()
			}
			_, err := p.trip(p.relyingParty(), journey.SignIn)
			wantTrouble(t, err, journey.SignInProblem, row.says)
			if all := err.Error() + p.log.String(); strings.Contains(all, "KENNETH") {
				t.Errorf("repeated: %s", all)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		p.Close()
		_, _, err := rp.Depart(t.Context(), journey.SignIn, "en")
		wantTrouble(t, err, journey.Unreachable, "connection refused")
	})
	t.Run("a certificate nobody knows", func(t *testing.T) {
		p := newProvider(t)
		tls := httptest.NewUnstartedServer(http.NotFoundHandler())
		tls.Config.ErrorLog = log.New(io.Discard, "", 0)
		tls.StartTLS()
		t.Cleanup(tls.Close)
		cfg := p.config()
		cfg.Issuer, cfg.DIDURL, cfg.IdentityIssuer = tls.URL+"/", tls.URL+"/did.json", tls.URL+"/"
		_, _, err := must(New(cfg)).Depart(t.Context(), journey.SignIn, "en")
		wantTrouble(t, err, journey.Unreachable, "certificate")
	})
}
