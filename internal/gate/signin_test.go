package gate

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

func TestSignIn(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.get("/records?page=2").goes("/teaching-record/sign-in?return_to=%2Frecords%3Fpage%3D2")
	b.finishes("/records?page=2")
	b.get("/records?page=2").shows(http.StatusOK, "the service")

	// The next time, in another browser, nothing is asked.
	h.browser().signsIn("/records").goes("/records").get("/records").shows(http.StatusOK, "the service")
	if h.register.asked[0].NINO != "QQ123456C" || len(h.register.asked) != 1 {
		t.Errorf("the register was asked %d times", len(h.register.asked))
	}
}

// TestNewIDs: whenever a visit may do more than before it has a new id, and the
// old one is dead at once.
func TestNewIDs(t *testing.T) {
	h := newHouse(t)
	planted := strings.Repeat("p", visitIDLength)
	b := h.browser()
	b.cookie = planted
	ids := []string{planted}
	note := func() { ids = append(ids, b.cookie) }
	b.signsIn("/records")
	note()
	b.returns(b.leaves("/teaching-record/verify-identity"))
	note()
	b.post(journey.NationalInsuranceNumber, "have", "yes", "number", "QQ123456C")
	// An answer that is sent twice, the first one's cookie having been dropped.
	b.post(journey.NationalInsuranceNumber, "have", "yes", "number", "QQ123456C").goes("/teaching-record/connected")
	// Without having seen that a record was found nobody goes on.
	b.post(journey.Connected).goes("/teaching-record/connected")
	b.get("/teaching-record/connected")
	note()
	b.post(journey.Connected).goes("/records")
	b.post(journey.Connected).goes("/records")

	for i, id := range ids[:len(ids)-1] {
		if id == ids[i+1] {
			t.Errorf("the id after step %d is the same", i)
		}
		old := h.browser()
		old.cookie = id
		old.get("/records")
		if h.reached != 0 || old.last.StatusCode != http.StatusSeeOther {
			t.Errorf("the id of step %d still opens the service", i)
		}
	}
	b.get("/records").shows(http.StatusOK, "the service")
}

// TestCallback: what is believed of what comes back, and from whom.
func TestCallback(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*browser) *browser
		want string // a text of the page, or the path it leads to
	}{
		{"no state", func(b *browser) *browser {
			b.leaves("/teaching-record/sign-in")
			return b.get("/teaching-record/callback?error=invalid_request")
		}, "Sorry, there is a problem with signing in"},
		{"two states", func(b *browser) *browser {
			state := b.leaves("/teaching-record/sign-in")
			return b.get("/teaching-record/callback?code=c&state=" + state + "&state=" + state)
		}, "Sorry, there is a problem with signing in"},
		{"nothing at all", func(b *browser) *browser { return b.get("/teaching-record/callback") }, "You need to start again"},
		{"a state that is not ours", func(b *browser) *browser {
			b.leaves("/teaching-record/sign-in")
			return b.returns("made-up")
		}, "You need to start again"},
		{"another browser", func(b *browser) *browser {
			state := b.leaves("/teaching-record/sign-in")
			other := b.house.browser()
			other.leaves("/teaching-record/sign-in")
			return other.returns(state)
		}, "You need to start again"},
		{"a browser without our cookie", func(b *browser) *browser {
			state := b.leaves("/teaching-record/sign-in")
			return b.house.browser().returns(state)
		}, "cookie"},
		{"used already, signed in", func(b *browser) *browser {
			state := b.leaves("/teaching-record/sign-in?return_to=/a")
			b.returns(state)
			return b.returns(state)
		}, "You need to start again"}, // on would be to One Login, which sends everybody straight back
		{"used already, identity proven", func(b *browser) *browser {
			b.signsIn("/a")
			state := b.leaves("/teaching-record/verify-identity")
			b.returns(state)
			return b.returns(state)
		}, "/teaching-record/national-insurance-number"},
		{"used already, not signed in", func(b *browser) *browser {
			state := b.leaves("/teaching-record/sign-in")
			b.oneLogin.arrives = fmt.Errorf("no: %w", journey.SignInProblem)
			b.returns(state)
			b.oneLogin.arrives = nil
			return b.returns(state)
		}, "You need to start again"},
		{"another tab was quicker", func(b *browser) *browser {
			first, second := b.leaves("/teaching-record/sign-in?return_to=/a"), b.leaves("/teaching-record/sign-in?return_to=/b")
			b.returns(first)
			return b.returns(second)
		}, "/teaching-record/verify-identity"},
		{"identity proven in another tab", func(b *browser) *browser {
			b.signsIn("/a")
			first, second := b.leaves("/teaching-record/verify-identity"), b.leaves("/teaching-record/verify-identity")
			b.returns(first)
			return b.returns(second)
		}, "/teaching-record/national-insurance-number"},
		{"identity of two tabs in the same moment", func(b *browser) *browser {
			b.signsIn("/a")
			first, second := b.leaves("/teaching-record/verify-identity"), b.leaves("/teaching-record/verify-identity")
			old := b.cookie
			b.returns(first)
			b.cookie = old
			return b.returns(second)
		}, "/teaching-record/sign-in?return_to=%2Fa"},
		{"refused in an old tab while signed in", func(b *browser) *browser {
			old := b.leaves("/teaching-record/sign-in")
			b.signsIn("/a")
			return b.get("/teaching-record/callback?error=not-signed-in&state=" + old)
		}, "/teaching-record/verify-identity"},
		{"refused", func(b *browser) *browser {
			return b.get("/teaching-record/callback?error=not-signed-in&state=" + b.leaves("/teaching-record/sign-in"))
		}, "You have not signed in"},
		{"the identity check refused, the visit over", func(b *browser) *browser {
			b.signsIn("/a")
			state := b.leaves("/teaching-record/verify-identity")
			must(b.t, b.store.Delete(b.t.Context(), b.cookie))
			return b.get("/teaching-record/callback?error=busy&state=" + state)
		}, "You need to start again"},
		{"identity of another person", func(b *browser) *browser {
			b.oneLogin.identity.Subject = "urn:fdc:gov.uk:2022:somebody-else"
			b.signsIn("/a")
			return b.returns(b.leaves("/teaching-record/verify-identity"))
		}, "Sorry, there is a problem with signing in"},
		{"identity not proven", func(b *browser) *browser {
			b.oneLogin.identity = journey.Arrival{Subject: subject, Verification: journey.Refused}
			b.signsIn("/a")
			return b.returns(b.leaves("/teaching-record/verify-identity"))
		}, "/teaching-record/not-verified"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			b := tt.do(h.browser())
			if strings.HasPrefix(tt.want, "/") {
				b.goes(tt.want)
			} else {
				b.shows(b.last.StatusCode, tt.want)
				if b.last.StatusCode < 400 {
					t.Errorf("status %d", b.last.StatusCode)
				}
			}
			// Nobody is through who has not proven who they are.
			if b.get("/records"); h.reached != 0 {
				t.Error("the service was reached")
			}
		})
	}
}

// TestDeepLinks: each tab ends where it was opened, however many there are.
func TestDeepLinks(t *testing.T) {
	h := newHouse(t)
	h.browser().finishes("/")
	b := h.browser()
	var states []string
	for i := range 10 {
		states = append(states, b.leaves(fmt.Sprintf("/teaching-record/sign-in?return_to=%%2Ftab%%3Fn%%3D%d", i)))
	}
	for i := len(states) - 1; i >= 0; i-- {
		b.returns(states[i]).goes(fmt.Sprintf("/tab?n=%d", i))
	}
	// Nor does it matter that each of two tabs, opened in the same moment, got a
	// cookie of its own, and only one could be kept.
	other := h.browser()
	b.returns(other.leaves("/teaching-record/sign-in?return_to=%2Ftogether")).goes("/together")
}

// TestReturnAddresses: what is asked for is kept to the letter, and nothing
// leads elsewhere.
func TestReturnAddresses(t *testing.T) {
	h := newHouse(t)
	h.browser().finishes("/")
	for asked, want := range map[string]string{
		"/a%2Fb?q=%C3%A9&x=1+2":                "/a%2Fb?q=%C3%A9&x=1+2",
		"/a//b/../c":                           "/a//b/../c",
		"//evil.example/":                      "/",
		`/\evil.example`:                       "/",
		"https://evil.example/":                "/",
		"":                                     "/",
		"/teaching-record/sign-in?return_to=/": "/",
	} {
		h.browser().signsIn(asked).goes(want)
	}
}

// TestLoop: a browser that is a stranger again after every sign-in is stopped.
func TestLoop(t *testing.T) {
	h := newHouse(t)
	h.browser().finishes("/")
	b := h.browser()
	for range mostRounds {
		b.signsIn("/records").goes("/records")
		must(t, h.store.Delete(t.Context(), b.cookie)) // forgotten, the cookie is not
		b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
	}
	b.get("/teaching-record/sign-in?return_to=%2Frecords").shows(http.StatusForbidden, "We cannot keep you signed in")
	// Who signs out and in again is no loop.
	b = h.browser()
	for range mostRounds + 2 {
		b.signsIn("/records").goes("/records")
		b.send(httptest.NewRequest(http.MethodPost, "/teaching-record/sign-out", nil)).last.Body.Close()
	}
	b.signsIn("/records").goes("/records")
}

func TestSignOut(t *testing.T) {
	h := newHouse(t)
	b := h.browser().finishes("/records")
	old := b.cookie

	// A link of another site only asks.
	r := httptest.NewRequest(http.MethodGet, "/teaching-record/sign-out", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-User", "?1")
	b.send(r).shows(http.StatusOK, "Sign out of Check your record")
	b.get("/records").shows(http.StatusOK, "the service")

	// A link of our own site signs out.
	r = httptest.NewRequest(http.MethodGet, "/teaching-record/sign-out", nil)
	r.Header.Set("Sec-Fetch-User", "?1")
	b.send(r).goes("https://one-login.example/logout")
	if b.cookie != "" {
		t.Error("the cookie was not taken back")
	}
	b.cookie = old
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")

	// Who is signed in is not told otherwise.
	h.browser().signsIn("/records").get("/teaching-record/signed-out").goes("/records")

	// Ours ends also when One Login cannot be reached, or was never known.
	b = h.browser().signsIn("/records")
	old = b.cookie
	h.oneLogin.departs = fmt.Errorf("no documents: %w", journey.Unreachable)
	b.send(httptest.NewRequest(http.MethodPost, "/teaching-record/sign-out", nil)).goes("/teaching-record/signed-out")
	b.cookie = old
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
	h.browser().send(httptest.NewRequest(http.MethodPost, "/teaching-record/sign-out", nil)).goes("/teaching-record/signed-out")
}

// TestLoginRequired: One Login signed the person out, so do we.
func TestLoginRequired(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	state := b.leaves("/teaching-record/sign-in")
	b.finishes("/records")
	old := b.cookie
	b.get("/teaching-record/callback?error=signed-out-there&state="+state).shows(http.StatusForbidden, "GOV.UK One Login has signed you out")
	b.cookie = old
	b.get("/records").goes("/teaching-record/sign-in?return_to=%2Frecords")
}

// TestLinkedRecordGone: a record that was merged or deactivated is nobody's, and
// the person is matched again; a register that cannot be asked changes nothing.
func TestLinkedRecordGone(t *testing.T) {
	h := newHouse(t)
	h.browser().finishes("/")
	h.register.err = errDown
	h.browser().signsIn("/records").shows(http.StatusServiceUnavailable, "Sorry, we cannot search for your teaching record")
	h.register.err = nil
	h.browser().signsIn("/records").goes("/records")

	h.register.live = false
	h.browser().signsIn("/records").goes("/teaching-record/verify-identity")
	h.register.live = true
	h.browser().signsIn("/records").goes("/teaching-record/verify-identity")
}

// TestLinkedRecordMerged: the link moves to the record that was kept, if that is
// the person's too, and is removed if it is not.
func TestLinkedRecordMerged(t *testing.T) {
	for _, theirs := range []bool{true, false} {
		h := newHouse(t)
		h.browser().finishes("/")
		h.register.record.TRN = "7300099"
		h.register.asked = nil
		h.register.finds = func(stated journey.Stated) bool { return theirs && stated == journey.Stated{TRN: "7300099"} }
		b := h.browser().signsIn("/records")
		link, linked, err := h.store.Link(t.Context(), h.Issuer, subject)
		must(t, err)
		if len(h.register.asked) != 1 || linked != theirs {
			t.Errorf("theirs %v: the register was asked %+v, linked %v", theirs, h.register.asked, linked)
		}
		if !theirs {
			b.goes("/teaching-record/verify-identity")
			continue
		}
		b.goes("/records")
		if s, _, _ := h.store.Load(t.Context(), b.cookie); link.TRN != "7300099" || link.How != "merged" || s.Record.TRN != "7300099" {
			t.Errorf("linked to %q by %q, the visit is for %q", link.TRN, link.How, s.Record.TRN)
		}
	}
}

// FuzzCallback: whatever query comes back, nobody gets in by it, and no page
// shows what it said.
func FuzzCallback(f *testing.F) {
	for _, seed := range []string{"code=c&state=s", "error=access_denied", "state=s&state=s", "state=%00&code=%ff", "error_description=marker-of-the-fuzz", ";;&&=", "state=state-1&error=x"} {
		f.Add(seed)
	}
	h := newHouse(&testing.T{})
	f.Fuzz(func(t *testing.T, query string) {
		h.t = t
		b := h.browser()
		r := httptest.NewRequest(http.MethodGet, "/teaching-record/callback", nil)
		r.URL.RawQuery = query
		b.send(r)
		if b.last.StatusCode != http.StatusBadRequest && b.last.StatusCode != http.StatusBadGateway {
			t.Errorf("%q: status %d", query, b.last.StatusCode)
		}
		if h.reached != 0 || len(b.last.Cookies()) != 0 {
			t.Errorf("%q: reached %d, cookies %v", query, h.reached, b.last.Cookies())
		}
		if values, _ := url.ParseQuery(query); len(values.Get("error_description")) > 8 && strings.Contains(b.text, values.Get("error_description")) {
			t.Errorf("%q is shown", values.Get("error_description"))
		}
	})
}

// FuzzCookie: whatever cookies a stranger sends, they are a stranger, and only
// ours is kept from the service.
func FuzzCookie(f *testing.F) {
	for _, seed := range []string{"", "__Host-teaching-record=", "__Host-teaching-record=" + strings.Repeat("a", visitIDLength), "a=b; __Host-teaching-record=x; c=d",
		strings.Repeat("__Host-teaching-record=y;", 400), "__Host-teaching-record=\"" + strings.Repeat("q", visitIDLength) + "\"", "\x00=\xff", "=;=;="} {
		f.Add(seed)
	}
	h := newHouse(&testing.T{})
	f.Fuzz(func(t *testing.T, cookies string) {
		h.t = t
		for path, status := range map[string]int{"/records": http.StatusUnauthorized, "/public": http.StatusOK} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Cookie", cookies)
			if resp := h.serve(r); resp.StatusCode != status {
				t.Errorf("%s with %q: %d", path, cookies, resp.StatusCode)
			}
		}
		for _, c := range h.upstream.Cookies() {
			if c.Name == "__Host-teaching-record" {
				t.Errorf("%q reached the service", c)
			}
		}
	})
}
