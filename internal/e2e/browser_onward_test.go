package e2e

import (
	"io"
	"net/http"
	"testing"
)

// TestBrowserContinuesElsewhere: the address first asked for may be one that the
// service redirects from to another host, such as that of a file. A form's answer
// leads there, which the policy of its page must allow.
func TestBrowserContinuesElsewhere(t *testing.T) {
	t.Parallel()
	up, other := listen(t), listen(t)
	s := start(t, func(s *stack) {
		s.env["UPSTREAM"] = up.Addr().String()
		s.serve(other, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<!doctype html><title>A file</title><h1>The file</h1>")
		}))
		s.serve(up, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://localhost:"+portOf(other.Addr().String())+"/file", http.StatusFound)
		}))
	})
	v := startChromium(t).tab(t, s, setUp{wide, withScript})
	v.open("/download").choose("found-by-nino").at(ninoPage).pick("Yes").press("Continue")
	v.fill("National Insurance number", "qq274916 b").press("Continue").at(connectedPage)
	v.press("Continue").says("The file")
}
