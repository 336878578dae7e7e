package e2e

import (
	"testing"
	"time"
)

// The people of the demo, each from the first click to where they end.

func TestFoundByNINO(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.teacher(t)
	v.open("/records?page=2").choose("found-by-nino").at("/teaching-record/national-insurance-number")
	v.press("Continue", "have", "yes").at("/teaching-record/national-insurance-number?have=yes")
	v.press("Continue", "number", "qq274916 b").at("/teaching-record/connected")
	v.press("Continue").at("/records?page=2").sees(200, "signed in")
	if v.views > 6 {
		t.Errorf("%d pages of ours were seen, want at most 6", v.views)
	}
	who := v.whoami()
	if !who.Verified || who.Claims["trn"] != "7382593" || who.Claims["match"] != "found" {
		t.Errorf("the service sees %v %v", who, who.Claims)
	}

	// The second visit goes straight through One Login.
	again := s.teacher(t)
	again.http.Jar = v.http.Jar
	must(t, s.store().Delete(t.Context(), v.cookie()))
	s.await("the visit to end here too", func() bool { time.Sleep(0); return !again.whoami().Verified || again.views == 0 })
	again.open("/records").at("/records").sees(200, "signed in")
}
