package gate

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// BenchmarkSignedIn is the hot path without Caddy: strip, find the visit in the
// cache, sign, hand on.
func BenchmarkSignedIn(b *testing.B) {
	h := newHouse(b)
	config := h.store.Config
	config.CacheAge = 10 * time.Second
	cached, err := store.New(config)
	must(b, err)
	b.Cleanup(func() { cached.Close() })
	cached.Begin()
	h.Visits = cached
	visitor := h.browser().finishes("/records")
	// Nothing is cached before the store hears of changes.
	for testing.AllocsPerRun(1, func() { cached.Cached(b.Context(), visitor.cookie) }) > 5 {
		visitor.get("/records")
	}

	r := httptest.NewRequest(http.MethodGet, "/records?page=2", nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("User-Agent", "Mozilla/5.0")
	cookie := (&http.Cookie{Name: h.cookie, Value: visitor.cookie}).String()
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		r.Header["Cookie"] = []string{cookie}
		if err := h.ServeHTTP(w, r, func(http.ResponseWriter, *http.Request) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	if w.Code != http.StatusOK {
		b.Errorf("status %d: nobody was signed in", w.Code)
	}
}
