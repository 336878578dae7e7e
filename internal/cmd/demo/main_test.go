package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// TestDemo is what the README promises: everything comes up, says where it is
// and who there is, lets somebody through to the service, and is gone at the end.
func TestDemo(t *testing.T) {
	t.Chdir("../../..") // where make is run
	first := freePorts(t)
	t.Setenv("DEMO_PORT", strconv.Itoa(first))
	site, console := fmt.Sprintf("http://localhost:%d", first), fmt.Sprintf("http://localhost:%d", first+1)

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, write)
		write.Close()
		ended <- err
	}()
	var said strings.Builder
	for lines := bufio.NewScanner(read); !strings.Contains(said.String(), "Ctrl-C stops it."); {
		if !lines.Scan() {
			t.Fatalf("it ended: %v\n%s", <-ended, &said)
		}
		fmt.Fprintln(&said, lines.Text())
	}
	names := []string{site + "/ ", console + "/ "}
	for _, p := range people.Everyone() {
		names = append(names, "  "+p.Value+" ")
	}
	for _, name := range names {
		if !strings.Contains(said.String(), name) {
			t.Errorf("%q is not named:\n%s", name, &said)
		}
	}
	for _, address := range []string{site + "/teaching-record/readyz", console + "/people.json", console + "/inbox", console + "/tickets/"} {
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", address, resp.Status)
		}
	}

	resp, err := http.Get(console)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if page, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(page), "None waits for a decision.") {
		t.Errorf("the console cannot decide on requests for a TRN: %v", err)
	}

	// Find a lost TRN is there, and the site hears of it what it found.
	for address, want := range map[string]string{site + "/api/find-trn/user/x": "401 Bearer", fmt.Sprintf("http://localhost:%d/identity", first+7): "404 "} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("WWW-Authenticate")); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}

	// Somebody who came before: through One Login to the service.
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	choice := visit(t, &browser, http.MethodGet, site+"/", nil)
	person := url.Values{"person": {"known"}, "journey": {choice.Query().Get("journey")}}
	if at := visit(t, &browser, http.MethodPost, choice.Scheme+"://"+choice.Host+"/account", person); at.String() != site+"/" {
		t.Errorf("ended at %s", at)
	}

	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(site, "http://")); err == nil {
		conn.Close()
		t.Error("the site is still there")
	}
}

// visit is where a request leads in a browser, which must be a page.
func visit(t *testing.T, browser *http.Client, method, address string, form url.Values) *url.URL {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s at %s", address, resp.Status, resp.Request.URL)
	}
	return resp.Request.URL
}

// freePorts is the first of nine ports in a row that were free a moment ago,
// outside the range that outgoing connections are given.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 100 {
		first, free := 10000+rand.N(20000), true
		for port := first; port < first+9; port++ {
			l, err := net.Listen("tcp", net.JoinHostPort("localhost", strconv.Itoa(port)))
			if free = free && err == nil; err == nil {
				l.Close()
			}
		}
		if free {
			return first
		}
	}
	t.Fatal("no nine ports in a row are free")
	return 0
}
