package assertion_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

func BenchmarkStamp(b *testing.B) {
	for _, bind := range []assertion.Bind{assertion.ToRequest, assertion.ToSession} {
		b.Run(string(bind), func(b *testing.B) {
			s, _ := newSigner(b, func(c *assertion.Config) { c.Bind = bind })
			c := teacher()
			c.AuthTime, c.VOT, c.Email = noon, "Cl.Cm", "ann@example.org"
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r := httptest.NewRequest("GET", "/records/2026?page=2", nil)
				for pb.Next() {
					if err := s.Stamp(r, c, "request-1"); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkStrip(b *testing.B) {
	hostile := func() http.Header {
		h := browserHeader()
		h["Teaching_Record_Trn"] = []string{"7654321"}
		h["Connection"] = []string{"close, Teaching-Record-Assertion"}
		h["Cookie"] = []string{"a=1; " + cookieName + "=x; b=2"}
		return h
	}
	for name, header := range map[string]func() http.Header{"nothing to remove": browserHeader, "hostile": hostile} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			sent := header()
			b.ReportAllocs()
			for b.Loop() {
				r.Header = sent
				if name == "hostile" {
					r.Header = sent.Clone() // so its cost is the difference, and the clone
				}
				assertion.Strip(r)
				assertion.HideCookie(r.Header, cookieName)
			}
		})
	}
}
