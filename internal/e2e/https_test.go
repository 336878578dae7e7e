package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// startTLS brings up a stack as production runs it: over TLS, and so HTTP/2.
// Caddy signs its own certificate.
func startTLS(t *testing.T, options ...option) *stack {
	s := &stack{t: t, dir: t.TempDir(), log: &logBuffer{}, caddyfile: "../../Caddyfile.example", admin: freeAddress(t)}
	port := portOf(freeAddress(t))
	s.site = "https://localhost:" + port
	s.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		// The authority is there once Caddy runs, so it is read when it is needed.
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			authority, err := os.ReadFile(filepath.Join(s.dir, "caddy/pki/authorities/local/root.crt"))
			if err != nil {
				return nil, err
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(authority)
			dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}}}
			return dialer.DialContext(ctx, network, address)
		},
	}}
	return s.start(append([]option{editing(
		"\n{\n", "\n{\nskip_install_trust\nauto_https disable_redirects\nhttp_port "+portOf(freeAddress(t))+"\nhttps_port "+port+"\n",
		"{$SERVICE_URL} {", "{$SERVICE_URL} {\ntls internal",
	)}, options...))
}

// TestHTTPS: the whole journey over TLS, with the cookie that only TLS has, and
// nothing that HTTP/2 brings in another form than HTTP/1.1 gets through.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	s := startTLS(t)
	v := s.teacher(t)
	v.open("/records").choose("found-by-nino").press("Continue", "have", "yes").press("Continue", "number", "QQ274916B").at(connectedPage)
	if v.resp.ProtoMajor != 2 {
		t.Errorf("the page came over %s", v.resp.Proto)
	}
	v.press("Continue").at("/records").sees(200, "signed in")

	site, err := url.Parse(s.site)
	must(t, err)
	cookies := v.http.Jar.Cookies(site)
	i := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == "__Host-teaching-record" })
	if i < 0 {
		t.Fatalf("the cookies are %v", cookies)
	}
	// What a jar does not tell of a cookie: as a stranger gets it.
	resp, err := (&http.Client{Transport: s.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(s.site + "/teaching-record/sign-in")
	must(t, err)
	resp.Body.Close()
	if c := resp.Cookies(); len(c) != 1 || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" || c[0].Domain != "" {
		t.Errorf("the cookie is set as %v", resp.Header["Set-Cookie"])
	}

	for _, signedIn := range []bool{true, false} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.site+"/whoami", io.NopCloser(strings.NewReader("abc")))
		must(t, err)
		for _, line := range forged {
			name, value, _ := strings.Cut(line, ": ")
			req.Header[name] = append(req.Header[name], value)
		}
		req.Trailer = http.Header{"Teaching-Record-Assertion": {"forged"}, "Teaching_record.trn": {"1234567"}, "One-Login-Subject": {"forged"}, "X-Kept": {"kept"}}
		if signedIn {
			req.Header["Cookie"] = []string{"a=1; __Host-teaching-record=" + cookies[i].Value + "; b=2"}
		}
		resp, err := s.client.Do(req)
		must(t, err)
		text := body(t, resp.Body)
		resp.Body.Close()
		if !signedIn {
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("not signed in: %d", resp.StatusCode)
			}
			continue
		}
		got := decode(t, rawResponse{status: resp.StatusCode, body: text})
		if resp.ProtoMajor != 2 || !got.Verified || got.Claims["trn"] != "7382593" {
			t.Errorf("%s: %v %v", resp.Proto, got, got.Claims)
		}
		checkFamily(t, "HTTP/2", got, true)
		if !slices.Equal(got.Headers["Cookie"], []string{"a=1; b=2"}) || !slices.Equal(got.Trailers["X-Kept"], []string{"kept"}) {
			t.Errorf("Cookie %q, trailers %v", got.Headers["Cookie"], got.Trailers)
		}
	}
	if strings.Contains(s.log.String(), cookies[i].Value) {
		t.Error("the cookie is in the log")
	}
}
