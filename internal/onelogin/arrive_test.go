package onelogin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestCallbackIsOurs: row 9, row 38: a callback that does not answer the flow
// changes nothing and calls nobody.
func TestCallbackIsOurs(t *testing.T) {
	for _, row := range []struct {
		name    string
		query   func(q url.Values)
		flow    func(f *journey.Flow)
		trouble journey.Trouble
		says    string
	}{
		{"row 9: state of another flow", func(q url.Values) { q.Set("state", "another") }, nil, journey.StartAgain, "not of this flow"},
		{"row 9: state of another case", func(q url.Values) { q.Set("state", strings.ToLower(q.Get("state"))) }, nil, journey.StartAgain, "not of this flow"},
		{"row 9: state cut short", func(q url.Values) { q.Set("state", q.Get("state")[:25]) }, nil, journey.StartAgain, "not of this flow"},
		{"row 9: no state", func(q url.Values) { q.Del("state") }, nil, journey.StartAgain, "not of this flow"},
		{"row 9: no state, and none was sent", func(q url.Values) { q.Del("state") }, func(f *journey.Flow) { f.State = "" }, journey.StartAgain, "not of this flow"},
		{"row 9: no flow", func(url.Values) {}, func(f *journey.Flow) { *f = journey.Flow{} }, journey.StartAgain, "not of this flow"},
		{"row 9: state twice", func(q url.Values) { q.Add("state", "another") }, nil, journey.SignInProblem, "repeats a parameter"},
		{"row 9: the same state twice", func(q url.Values) { q.Add("state", q.Get("state")) }, nil, journey.SignInProblem, "repeats a parameter"},
		{"row 9: code twice", func(q url.Values) { q.Add("code", "another") }, nil, journey.SignInProblem, "repeats a parameter"},
		{"row 9: error twice", func(q url.Values) { q["error"] = []string{"access_denied", "login_required"} }, nil, journey.SignInProblem, "repeats a parameter"},
		{"row 9: state of another flow, on an error", func(q url.Values) { q.Set("state", "another"); q.Set("error", "access_denied") }, nil, journey.StartAgain, "not of this flow"},
		{"row 38: an error without state", func(q url.Values) { q.Del("state"); q.Set("error", "login_required") }, nil, journey.SignInProblem, "an error and no state"},
		{"row 38: an error with an empty state", func(q url.Values) { q.Set("state", ""); q.Set("error", "access_denied") }, nil, journey.SignInProblem, "an error and no state"},
		{"neither code nor error", func(q url.Values) { q.Del("code") }, nil, journey.SignInProblem, "neither code nor error"},
		{"an empty code", func(q url.Values) { q.Set("code", "") }, nil, journey.SignInProblem, "neither code nor error"},
		{"an empty error does not hide that", func(q url.Values) { q.Del("code"); q.Set("error", "") }, nil, journey.SignInProblem, "neither code nor error"},
		{"RFC 9207: another issuer", func(q url.Values) { q.Set("iss", "https://evil.example/") }, nil, journey.SignInProblem, "another issuer"},
		{"RFC 9207: an empty issuer", func(q url.Values) { q.Set("iss", "") }, nil, journey.SignInProblem, "another issuer"},
		{"a flow without a purpose", func(url.Values) {}, func(f *journey.Flow) { f.Purpose = "" }, journey.StartAgain, "no purpose"},
		{"a flow of another purpose", func(url.Values) {}, func(f *journey.Flow) { f.Purpose = "done" }, journey.StartAgain, "no purpose"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newProvider(t)
			rp := p.relyingParty()
			query, f := p.depart(rp, journey.VerifyIdentity)
			row.query(query)
			if row.flow != nil {
				row.flow(&f)
			}
			arrival, err := p.arrive(rp, query, f)
			wantTrouble(t, err, row.trouble, row.says)
			if arrival.Subject != "" || arrival.Verification != journey.NotAsked {
				t.Error("something came with the error")
			}
			if p.hits("/token") != 0 {
				t.Error("the code was sent")
			}
		})
	}
}

// TestCallbackTolerated: what may be in a callback and is no reason to refuse it.
func TestCallbackTolerated(t *testing.T) {
	for name, edit := range map[string]func(p *provider, q url.Values){
		"row 33: a parameter nobody knows": func(_ *provider, q url.Values) { q.Set("extra", "1") },
		"RFC 9207: our issuer":             func(p *provider, q url.Values) { q.Set("iss", p.URL+"/") },
		"an empty error beside a code":     func(_ *provider, q url.Values) { q.Set("error", "") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			rp := p.relyingParty()
			query, f := p.depart(rp, journey.SignIn)
			edit(p, query)
			if _, err := p.arrive(rp, query, f); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFlowsDoNotMix: row 9, row 10, row 18: the secrets of one trip are of no use to
// another, even in the hands of One Login.
func TestFlowsDoNotMix(t *testing.T) {
	for name, row := range map[string]struct {
		mix     func(mine, other *journey.Flow)
		trouble journey.Trouble
		says    string
	}{
		"row 18: the verifier of another trip": {func(mine, other *journey.Flow) { mine.Verifier = other.Verifier }, journey.StartAgain, "invalid_grant"},
		"row 18: no verifier":                  {func(mine, _ *journey.Flow) { mine.Verifier = "" }, journey.StartAgain, "invalid_grant"},
		"row 10: the nonce of another trip":    {func(mine, other *journey.Flow) { mine.Nonce = other.Nonce }, journey.SignInProblem, "nonce"},
		"row 10: no nonce":                     {func(mine, _ *journey.Flow) { mine.Nonce = "" }, journey.SignInProblem, "nonce"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			rp := p.relyingParty()
			query, mine := p.depart(rp, journey.SignIn)
			_, other := p.depart(rp, journey.SignIn)
			row.mix(&mine, &other)
			_, err := p.arrive(rp, query, mine)
			wantTrouble(t, err, row.trouble, row.says)
		})
	}
	t.Run("row 7: no nonce on either side is no match", func(t *testing.T) {
		p := newProvider(t)
		p.editID = drop("nonce")
		rp := p.relyingParty()
		query, f := p.depart(rp, journey.SignIn)
		f.Nonce = ""
		_, err := p.arrive(rp, query, f)
		wantTrouble(t, err, journey.SignInProblem, "nonce")
	})
	t.Run("row 9: a code of another trip", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		query, _ := p.depart(rp, journey.SignIn)
		_, other := p.depart(rp, journey.SignIn)
		query.Set("state", other.State) // an attacker's code in the victim's flow
		_, err := p.arrive(rp, query, other)
		wantTrouble(t, err, journey.StartAgain, "invalid_grant")
	})
}

// TestTwoJourneys: row 15: a sign-in, then an identity check, each with a trip of
// its own; the subject of the first stands when the second comes to nothing.
func TestTwoJourneys(t *testing.T) {
	t.Run("row 15: two trips, and the identity comes with the second", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		first, err := p.trip(rp, journey.SignIn)
		if err != nil || first.Subject != subject || first.Verification != journey.NotAsked {
			t.Fatalf("signed in: %v", err)
		}
		second, err := p.trip(rp, journey.VerifyIdentity)
		if err != nil || second.Subject != first.Subject || second.Verification != journey.Verified {
			t.Errorf("verified: %v", err)
		}
	})
	t.Run("row 15: a refusal names no subject to put in place of the first", func(t *testing.T) {
		p := newProvider(t)
		rp := p.relyingParty()
		_, f := p.depart(rp, journey.VerifyIdentity)
		arrival, err := p.arrive(rp, url.Values{"error": {"access_denied"}, "state": {f.State}}, f)
		if err != nil || arrival.Verification != journey.Refused || arrival.Subject != "" || arrival.IDToken != "" {
			t.Errorf("verification %q: %v", arrival.Verification, err)
		}
	})
}

// TestParallelTrips: many people at once, none of whom gets what is another's.
func TestParallelTrips(t *testing.T) {
	p := newProvider(t)
	rp := p.relyingParty()
	errs := make(chan error, 40)
	for i := range cap(errs) {
		go func() {
			purpose := journey.SignIn
			if i%2 == 0 {
				purpose = journey.VerifyIdentity
			}
			arrival, err := p.trip(rp, purpose)
			if err == nil && (arrival.Verification == journey.Verified) != (purpose == journey.VerifyIdentity) {
				t.Error("one trip has the outcome of another")
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if p.hitsOf() != "1 1 1" || p.hits("/token") != cap(errs) {
		t.Errorf("documents fetched %s times, %d token requests", p.hitsOf(), p.hits("/token"))
	}
}

// TestPersonGone: a browser that is closed meanwhile ends the work for it.
func TestPersonGone(t *testing.T) {
	p := newProvider(t)
	rp := p.relyingParty()
	query, f := p.depart(rp, journey.SignIn)
	asked, gone := make(chan struct{}), make(chan struct{})
	p.instead["/token"] = func(_ http.ResponseWriter, r *http.Request) { close(asked); <-r.Context().Done(); close(gone) }
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-asked; leave() }()
	_, err := rp.Arrive(ctx, query, f)
	wantTrouble(t, err, journey.SignInProblem, "context canceled")
	<-gone
}
