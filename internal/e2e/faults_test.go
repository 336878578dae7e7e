package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html/atom"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/onelogin"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// Every fault of One Login, through the real Caddy, with a person in front of
// it. Where each must end is in endings_test.go.

const deepLink = "/records?page=2"

func TestFaultsOnTheWay(t *testing.T) {
	t.Parallel()
	s := brokenStack(t)
	for _, fault := range faultsAt(onelogin.AtAuthorize, onelogin.AtCode, onelogin.AtCallback) {
		for _, journey := range []onelogin.Journey{onelogin.SignInJourney, onelogin.IdentityJourney} {
			if fault.Journey == "" || fault.Journey == journey {
				s.play(t, fault, journey)
			}
		}
	}
}

func TestFaultsOfTokens(t *testing.T) {
	t.Parallel()
	s := brokenStack(t)
	for _, fault := range faultsAt(onelogin.AtToken, onelogin.AtIDToken) {
		s.play(t, fault, onelogin.SignInJourney)
	}
}

func TestFaultsOfClaims(t *testing.T) {
	t.Parallel()
	s := brokenStack(t)
	for _, fault := range faultsAt(onelogin.AtUserinfo, onelogin.AtIdentity) {
		s.play(t, fault, onelogin.IdentityJourney)
	}
}

// TestFaultsOfDocuments begins each fault with a relying party that has no copy
// of any document yet.
func TestFaultsOfDocuments(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, stage := range documents {
		b := brokenStack(t)
		all.Go(func() {
			for _, fault := range faultsAt(stage) {
				b.play(t, fault, fault.Journey)
			}
		})
	}
	all.Wait()
}

var documents = []onelogin.Stage{onelogin.AtDiscovery, onelogin.AtJWKS, onelogin.AtDID}

// TestSlowFaults waits for as long as the relying party does, everywhere at once.
// Whoever waits longer gets the right answer, and the person would be let in.
func TestSlowFaults(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, fault := range onelogin.Faults() {
		if !strings.HasSuffix(fault.Name, "-slow") {
			continue
		}
		b := brokenStack(t)
		all.Go(func() { b.play(t, fault, fault.Journey) })
	}
	all.Wait()
}

// rotates: a key is rotated once, not with every token; and a relying party looks
// for a key it does not know once a minute.
func rotates(fault onelogin.Fault) bool { return strings.HasSuffix(fault.Name, "-key-rotated") }

func faultsAt(stages ...onelogin.Stage) []onelogin.Fault {
	return slices.DeleteFunc(onelogin.Faults(), func(f onelogin.Fault) bool {
		return !slices.Contains(stages, f.Stage) || strings.HasSuffix(f.Name, "-slow")
	})
}

// broken is a stack that counts what reaches the service.
type broken struct {
	*stack
	served *atomic.Int64
	store  *store.Store

	headings map[string]string
}

func brokenStack(t *testing.T) *broken {
	t.Helper()
	b := &broken{served: new(atomic.Int64), headings: headings(t)}
	b.stack = start(t, func(s *stack) {
		l := listen(t)
		s.serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b.served.Add(1)
			s.Service.ServeHTTP(w, r)
		}))
		s.env["UPSTREAM"] = l.Addr().String()
	}, editing("lookup_limit 5 24h", "lookup_limit 1000 1h"))
	b.store = b.stack.store()
	return b
}

// play plays one fault as a test of its own.
func (b *broken) play(t *testing.T, fault onelogin.Fault, journey onelogin.Journey) {
	name := fault.Name
	if fault.Journey == "" && journey != "" {
		name += " in " + string(journey)
	}
	t.Run(name, func(t *testing.T) {
		if slices.Contains(documents, fault.Stage) || rotates(fault) {
			b.freshen(t)
		}
		b.walk(t, fault, journey)
	})
}

// freshen makes Caddy forget all documents of One Login, as a restart would. It
// returns when the server of before takes no more connections: whom that one
// had not yet accepted, it would turn away.
func (b *broken) freshen(t *testing.T) {
	t.Helper()
	host := strings.TrimPrefix(b.site, "http://")
	before, err := net.Dial("tcp", host)
	must(t, err)
	defer before.Close()
	must(t, before.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(before, "GET /teaching-record/healthz HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	must(t, err)
	alive, err := http.ReadResponse(bufio.NewReader(before), nil)
	must(t, err)
	body(t, alive.Body)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.admin+"/load", strings.NewReader(read(t, b.caddyfile)))
	must(t, err)
	req.Header.Set("Content-Type", "text/caddyfile")
	req.Header.Set("Cache-Control", "must-revalidate")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("reload: %d %s", resp.StatusCode, body(t, resp.Body))
	}
	_, err = io.Copy(io.Discard, before) // idle connections are closed after the listener
	must(t, err)
}

// walk signs a person in while the fault is played, and again when it is over.
func (b *broken) walk(t *testing.T, fault onelogin.Fault, journey onelogin.Journey) {
	t.Helper()
	b.OneLogin.Reset()
	defer b.OneLogin.StopFaults()
	must(t, b.OneLogin.Play(onelogin.Play{Fault: fault.Name, Journey: journey, Every: !rotates(fault)}))
	served := b.served.Load()
	v := b.teacher(t)
	b.click(t, func() { v.open(deepLink) })
	b.choose(t, v)
	if fault.Tolerable {
		v.at(ninoPage)
		b.finish(t, v)
		b.rules(t, fault)
		return
	}
	b.ended(t, v, fault, journey)
	if status := v.fetch("/records"); status != http.StatusUnauthorized || b.served.Load() != served {
		t.Errorf("a protected address answers %d, and the service was reached %d times", status, b.served.Load()-served)
	}
	b.rules(t, fault)

	b.OneLogin.StopFaults()
	if slices.Contains(documents, fault.Stage) && !strings.HasSuffix(fault.Name, "-503") {
		// What was read from a document is kept for as long as it says, and after
		// a failure One Login is given a moment. One outage is waited out below;
		// for the others somebody reloads.
		b.freshen(t)
	}
	b.await("the way on", func() bool {
		b.click(t, func() { v.onward() })
		return v.text("h1") != b.headings["unreachable"]
	})
	b.choose(t, v)
	v.at(ninoPage)
}

// click is one thing a person does. It leads to One Login once for each journey
// at most: to sign in, and, where that needs no page, to prove who they are.
func (b *broken) click(t *testing.T, do func()) {
	t.Helper()
	before := len(b.OneLogin.Record().Vectors)
	do()
	journeys := b.OneLogin.Record().Vectors[before:]
	if slices.Sort(journeys); len(slices.Compact(slices.Clone(journeys))) < len(journeys) {
		t.Errorf("one click led to One Login for %q", journeys)
	}
}

// choose says who the person is, if One Login asks.
func (b *broken) choose(t *testing.T, v *teacher) {
	t.Helper()
	if v.url.Path == "/account" {
		b.click(t, func() { v.choose("found-by-nino") })
	}
}

// ended checks where the person is.
func (b *broken) ended(t *testing.T, v *teacher, fault onelogin.Fault, journey onelogin.Journey) {
	t.Helper()
	page := endOf(fault, journey)
	if page == "one-login" {
		if strings.HasPrefix(v.url.String(), b.site) {
			t.Fatalf("ended at %s, want a page of One Login's", v.url)
		}
		return
	}
	if !strings.HasPrefix(v.url.String(), b.site) || v.resp.StatusCode != statuses[page] || v.text("h1") != b.headings[page] {
		t.Fatalf("ended at %s (%d, %q), want %s (%d, %q)", v.url, v.resp.StatusCode, v.text("h1"), page, statuses[page], b.headings[page])
	}
	if strings.Contains(v.body, "<script>alert") || strings.Contains(v.body, "Pay here") {
		t.Error("the page repeats what One Login sent")
	}
}

// rules checks that the relying party broke none on the way. Those it cannot
// help to break come with the fault.
func (b *broken) rules(t *testing.T, fault onelogin.Fault) {
	t.Helper()
	record := b.OneLogin.Record()
	for _, v := range record.Violations {
		if v.Rule != causes[fault.Name] {
			t.Errorf("the relying party broke a rule at %s: %s", v.Endpoint, v.Rule)
		}
	}
	if record.Hits["elsewhere"] > 0 {
		t.Error("an address was asked that only a token names")
	}
	if len(record.UserAgents) > 1 {
		t.Errorf("several User-Agents: %q", record.UserAgents)
	}
}

// finish walks from the question to the service, and forgets that anybody was
// found.
func (b *broken) finish(t *testing.T, v *teacher) {
	t.Helper()
	person, _ := people.Find("found-by-nino")
	v.press("Continue", "have", "yes").press("Continue", "number", person.NINO).at(connectedPage)
	v.press("Continue").at(deepLink).sees(http.StatusOK, "signed in")
	must(t, b.store.RemoveLink(t.Context(), b.env["ONE_LOGIN_ISSUER"], person.Subject()))
}

// onward takes the way on that a page offers; where it offers none, the person
// opens the service again.
func (v *teacher) onward() {
	v.t.Helper()
	if v.url.Path == notVerifiedPage {
		v.press("Try again")
		return
	}
	for a := range v.elements(atom.A) {
		if to := attr(a, "href"); strings.HasPrefix(to, "/teaching-record/sign-in") && strings.HasPrefix(v.url.String(), v.s.site) {
			v.open(to)
			return
		}
	}
	v.open(deepLink)
}

// fetch is a request of a script, which is never sent to sign in.
func (v *teacher) fetch(path string) int {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.s.site+path, nil)
	must(v.t, err)
	req.Header.Set("Sec-Fetch-Mode", "cors")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := v.http.Do(req)
	must(v.t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}
