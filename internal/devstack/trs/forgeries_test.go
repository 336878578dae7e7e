package trs_test

import (
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

const (
	connected    = `{"connectedPerson":{"trn":"1000001"},"oneLoginUser":{"emailAddress":"rosa@people.example","subject":"urn:a"}}`
	disconnected = `{"connectedPerson":null,"oneLoginUser":{"emailAddress":"rosa@people.example","subject":"urn:a"}}`
)

// fake is what a forgery must be. What it says of itself must be there, and
// nothing else may be wrong with it.
type fake struct {
	shows func(received) bool
	good  bool                               // it verifies as it is
	mend  func(m *received, address *string) // it does when it was mended, which takes no key
	holds bool                               // it does not, but the signature does
}

// header is a forgery with a header like this.
func header(name, pattern string) func(received) bool {
	return func(m received) bool { return regexp.MustCompile(pattern).MatchString(m.get(name)) }
}

// signedInput is one with this list of components, parameters or both, well signed.
func signedInput(pattern string) fake {
	return fake{shows: header("Signature-Input", pattern), holds: true}
}

// sending mends what was signed with another value.
func sending(name, value string) fake {
	return fake{mend: func(m *received, _ *string) { m.header.Set(name, value) }}
}

// verifies is something odd that verifies as it is.
func verifies(shows func(received) bool) fake { return fake{shows: shows, good: true} }

// only leaves one of several signatures.
func only(others string) func(*received, *string) {
	return func(m *received, _ *string) {
		for _, name := range []string{"Signature-Input", "Signature"} {
			m.header.Set(name, regexp.MustCompile(others).ReplaceAllString(m.get(name), ""))
		}
	}
}

// unDER mends a signature in DER.
func unDER(m *received, _ *string) {
	der, _ := base64.StdEncoding.DecodeString(anySignature.FindStringSubmatch(m.get("Signature"))[2])
	var signature struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &signature); err != nil {
		return
	}
	raw := slices.Concat(signature.R.FillBytes(make([]byte, 48)), signature.S.FillBytes(make([]byte, 48)))
	m.header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(raw)+":")
}

// fakes are what the forgeries must be. The delivery before them is honest.
func (a *asker) fakes(honest received) map[string]fake {
	ago := func(member string, by time.Duration) string {
		return fmt.Sprintf(";%s=%d;", member, a.clock.Now().Add(-by).Unix())
	}
	lastByte := func(m *received, _ *string) { m.body = m.body[:len(m.body)-1] + " " }
	digest := func(m *received, _ *string) { m.header.Set("Content-Digest", digestOf(m.body)) }
	right := func(m received) bool { return m.get("Content-Digest") == digestOf(m.body) }
	fakes := map[string]fake{
		"replay": verifies(func(m received) bool { return cmp.Equal(m.header, honest.header) && m.body == honest.body }),
		"replay-mirrored": verifies(func(m received) bool {
			r := func(m received) string { return m.get("Signature")[:len("sig1=:")+64] } // 48 bytes
			return m.get("Signature-Input") == honest.get("Signature-Input") && m.body == honest.body && r(m) == r(honest) && m.get("Signature") != honest.get("Signature")
		}),
		"body-altered":            {mend: lastByte},
		"body-and-digest-altered": {shows: right, mend: func(m *received, _ *string) { lastByte(m, nil); digest(m, nil) }},
		"length-altered":          {mend: func(m *received, _ *string) { m.length = 3 }},
		"id-altered":              sending("Ce-Id", "00000000-0000-0000-0000-000000000000"),
		"type-altered":            sending("Ce-Type", "ping"),
		"time-altered":            sending("Ce-Time", "2026-01-01T00:00:00.0000000Z"),
		"target-other":            {mend: func(_ *received, address *string) { *address = "https://elsewhere.example/webhooks" }},
		"digest-missing":          {shows: header("Content-Digest", "^$"), mend: digest},

		"expired":       signedInput(ago("created", 20*time.Minute) + ago("expires", 15*time.Minute)[1:]),
		"expired-young": signedInput(ago("created", 2*time.Minute) + ago("expires", time.Minute)[1:]),
		"aged":          signedInput(ago("created", 24*time.Hour) + ago("expires", -365*24*time.Hour)[1:]),
		"in-future":     signedInput(ago("created", -time.Hour) + ago("expires", -time.Hour-5*time.Minute)[1:]),

		"key-unknown": {shows: func(m received) bool {
			return input.MatchString(m.get("Signature-Input")) && a.keys()[m.keyID()] == nil
		}},
		"key-other": {shows: func(m received) bool {
			return input.MatchString(m.get("Signature-Input")) && a.keys()[m.keyID()] != nil && right(m)
		}},
		"alg-other":     signedInput(`;alg="ecdsa-p256-sha256";`),
		"signature-der": {mend: unDER},
		"tag-other":     signedInput(`;tag="another"$`),
		"tag-twice":     {shows: header("Signature-Input", `^sig1=.*;tag="trs-webhooks", sig2=.*;tag="trs-webhooks"$`), mend: only(", sig2=.*")},

		"unsigned":          {shows: func(m received) bool { return m.get("Signature")+m.get("Signature-Input") == "" }},
		"signature-missing": {shows: func(m received) bool { return m.get("Signature") == "" && input.MatchString(m.get("Signature-Input")) }},
		"input-missing": {shows: func(m received) bool {
			return m.get("Signature-Input") == "" && anySignature.MatchString(m.get("Signature"))
		}},
		"without-created": signedInput(`\);expires=\d+;nonce="[^"]+";alg="[^"]+";keyid="[^"]+";tag="[^"]+"$`),
		"without-expires": signedInput(`\);created=\d+;nonce="[^"]+";alg="[^"]+";keyid="[^"]+";tag="[^"]+"$`),
		"without-alg":     signedInput(`\);created=\d+;expires=\d+;nonce="[^"]+";keyid="[^"]+";tag="[^"]+"$`),
		"without-keyid":   signedInput(`\);created=\d+;expires=\d+;nonce="[^"]+";alg="[^"]+";tag="[^"]+"$`),
		"without-tag":     signedInput(`\);created=\d+;expires=\d+;nonce="[^"]+";alg="[^"]+";keyid="[^"]+"$`),

		"expires-later":   verifies(header("Signature-Input", ago("expires", -time.Hour))),
		"label-whsig":     verifies(header("Signature-Input", "^whsig=")),
		"beside-another":  {shows: header("Signature-Input", `^proxy=\("@target-uri"\);.*;keyid="a-key-of-the-proxy";tag="proxy", sig1=`), mend: only("^proxy=.*, ")},
		"several-digests": verifies(header("Content-Digest", "^sha-512=:[^:]{88}:, sha-256=:[^:]{44}:$")),
		"again": verifies(func(m received) bool {
			return m.get("Ce-Id") == honest.get("Ce-Id") && m.body == honest.body && m.get("Signature") != honest.get("Signature")
		}),
		"late":               verifies(header("Ce-Time", "^2026-09-01T11:00:00.0000000Z$")),
		"type-unknown":       verifies(header("Ce-Type", "^person.applauded$")),
		"request-of-another": verifies(func(m received) bool { return strings.Contains(m.body, `"status":1,`) }),
		"status-text":        verifies(func(m received) bool { return strings.Contains(m.body, `"status":"Completed",`) }),
	}
	const whole = `"@target-uri" "content-digest" "content-length" "ce-id" "ce-type" "ce-time"`
	for name := range strings.SplitSeq(whole, " ") {
		rest := strings.Join(slices.DeleteFunc(strings.Split(whole, " "), func(other string) bool { return other == name }), " ")
		fakes["without-"+strings.Trim(name, `"@`)] = signedInput(`^sig1=\(` + rest + `\);`)
	}
	return fakes
}

// TestForgeries: each is what its sentence says, and nothing else, and tells what
// would show.
func TestForgeries(t *testing.T) {
	a, v := subscribe(t, nil)
	address := v.URL + "/hook/%7Etrs?of=them"
	if err := a.api.Link("urn:a", "rosa@people.example", "1000001"); err != nil {
		t.Fatal(err)
	}
	a.settled()
	fakes := a.fakes(v.last())
	truth, opposite := connected, disconnected
	for _, f := range trs.Forgeries() {
		fake, known := fakes[f.Name]
		if delete(fakes, f.Name); !known || f.Does == "" {
			t.Errorf("%s: not known, or twice, or says nothing", f.Name)
			continue
		}
		status, _, err := a.api.Forge(f.Name)
		m := v.last()
		if err != nil || status != http.StatusNoContent {
			t.Errorf("%s: %d %v", f.Name, status, err)
		}
		wantBody, wantType := opposite, "one_login_user.updated"
		switch f.Name {
		case "replay", "replay-mirrored", "again":
			wantBody = connected
		case "type-unknown", "request-of-another", "status-text":
			wantBody, wantType = m.body, m.get("Ce-Type")
		}
		if m.body != wantBody || m.get("Ce-Type") != wantType {
			t.Errorf("%s tells %s %s", f.Name, m.get("Ce-Type"), m.body)
		}
		if f.Want == trs.Believed {
			truth, opposite = opposite, truth
		}
		if fake.shows != nil && !fake.shows(m) {
			t.Errorf("%s is not there: %v %s", f.Name, m.header, m.body)
		}
		if _, err := a.verify(m, address); (err == nil) != fake.good {
			t.Errorf("%s: %v", f.Name, err)
		}
		if err := a.holds(m, address); !fake.good && fake.mend == nil && (err == nil) != fake.holds {
			t.Errorf("%s, its signature: %v", f.Name, err)
		}
		if fake.mend != nil {
			to := address
			fake.mend(&m, &to)
			if _, err := a.verify(m, to); err != nil {
				t.Errorf("%s, mended: %v", f.Name, err)
			}
		}
	}
	for name := range fakes {
		t.Errorf("there is no %s", name)
	}
}

// TestForge: the answer, what is recorded, and what cannot be forged.
func TestForge(t *testing.T) {
	a := newAsker(t, trs.Config{Webhook: "https://site.example/hook", HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
		if kind(r) == "ping" {
			return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
		}
		return &http.Response{StatusCode: 401, Body: io.NopCloser(strings.NewReader("not signed"))}, nil
	})}})
	for _, name := range []string{"replay", "again", "late"} {
		if _, _, err := a.api.Forge(name); err != trs.ErrNothingSent {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
	if _, _, err := a.api.Forge("no-such"); err == nil {
		t.Error("a forgery that there is not")
	}
	if _, _, err := newAsker(t, trs.Config{}).api.Forge("unsigned"); err != trs.ErrNoSubscriber {
		t.Error(err)
	}
	status, body, err := a.api.Forge("unsigned")
	if status != http.StatusUnauthorized || body != "not signed" || err != nil {
		t.Errorf("%d %q %v", status, body, err)
	}
	if err := a.api.Ping(); err != nil {
		t.Fatal(err)
	}
	a.settled()
	if status, _, err := a.api.Forge("replay"); status != http.StatusNoContent || err != nil {
		t.Errorf("%d %v", status, err)
	}
	deliveries := a.settled()
	for i := range deliveries {
		deliveries[i].ID = ""
	}
	want := []trs.Delivery{
		{Type: "one_login_user.updated", Forgery: "unsigned", Statuses: []int{401}, State: trs.Dropped},
		{Type: "ping", Statuses: []int{204}, State: trs.Delivered},
		{Type: "ping", Forgery: "replay", Statuses: []int{204}, State: trs.Delivered},
	}
	if diff := cmp.Diff(want, deliveries); diff != "" {
		t.Error(diff)
	}
}

// TestReplay: of two deliveries the older comes again, so that it shows.
func TestReplay(t *testing.T) {
	a, v := subscribe(t, nil)
	for _, trn := range []string{"1000001", "1000002", "1000003"} {
		if err := a.api.Link("urn:a", "", trn); err != nil {
			t.Fatal(err)
		}
		a.settled()
	}
	all := v.next(3)
	for _, name := range []string{"replay-mirrored", "replay"} { // which the first must not spoil for the second
		if _, _, err := a.api.Forge(name); err != nil {
			t.Fatal(err)
		}
	}
	v.next(1)
	if again := v.last(); !cmp.Equal(again.header, all[1].header) || again.body != all[1].body {
		t.Errorf("%v %s", again.header, again.body)
	}
}

// TestOpposite: of one who was disconnected without having been connected, and of
// nobody.
func TestOpposite(t *testing.T) {
	a, v := subscribe(t, nil)
	forged := func() string {
		if _, _, err := a.api.Forge("unsigned"); err != nil {
			t.Fatal(err)
		}
		return v.last().body
	}
	got := []string{forged()}
	for _, act := range []func() error{
		func() error { return a.api.Unlink("urn:b", "") },
		func() error { return a.api.Link("urn:a", "", "1000003") },
		func() error { return a.api.Unlink("urn:a", "") },
	} {
		if err := act(); err != nil {
			t.Fatal(err)
		}
		a.settled()
		v.next(1)
		got = append(got, forged())
	}
	want := []string{
		`{"connectedPerson":{"trn":"1000000"},"oneLoginUser":{"emailAddress":null,"subject":"urn:fdc:gov.uk:2022:nobody"}}`,
		`{"connectedPerson":{"trn":"1000000"},"oneLoginUser":{"emailAddress":null,"subject":"urn:b"}}`,
		`{"connectedPerson":null,"oneLoginUser":{"emailAddress":null,"subject":"urn:a"}}`,
		`{"connectedPerson":{"trn":"1000003"},"oneLoginUser":{"emailAddress":null,"subject":"urn:a"}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
