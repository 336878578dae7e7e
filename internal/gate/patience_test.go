package gate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// hangingUp returns a request whose browser gives up waiting when hangUp is called.
func hangingUp(r *http.Request) (_ *http.Request, hangUp func()) {
	ctx, cancel := context.WithCancel(r.Context())
	return r.WithContext(ctx), cancel
}

// TestImpatience: what was begun is finished though the browser did not wait,
// as after a reload or a second click: a code is good only once, and a lookup
// has been counted.
func TestImpatience(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	state := b.leaves("/teaching-record/sign-in?return_to=%2Frecords")
	r, hangUp := hangingUp(httptest.NewRequest(http.MethodGet, "/teaching-record/callback?code=c&state="+state, nil))
	h.oneLogin.during = hangUp
	b.send(r).goes("/teaching-record/verify-identity")
	h.oneLogin.during = nil
	b.returns(b.leaves("/teaching-record/verify-identity")).goes("/teaching-record/national-insurance-number")

	r, hangUp = hangingUp(httptest.NewRequest(http.MethodPost, "/teaching-record/"+string(askNINO), strings.NewReader("have=yes&number=QQ123456C")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.register.during = hangUp
	b.send(r)
	h.register.during = nil
	b.post(askNINO, "have", "yes", "number", "QQ123456C").goes("/teaching-record/connected")
	if len(h.register.asked) != 1 {
		t.Errorf("the register was asked %d times", len(h.register.asked))
	}
	if _, linked, err := h.store.Link(t.Context(), h.Issuer, subject); !linked || err != nil {
		t.Errorf("linked: %v, %v", linked, err)
	}
}

// TestForeignCookie: a cookie of our name that we did not make ties no flow to
// this browser.
func TestForeignCookie(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.cookie = "1"
	b.leaves("/teaching-record/sign-in")
	if len(b.cookie) != visitIDLength {
		t.Errorf("the cookie is still %q", b.cookie)
	}
}
