package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Every page that the index names is there, and so is what it refers to.
func TestGallery(t *testing.T) {
	h, err := gallery()
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) string {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s answers %d", path, w.Code)
		}
		return w.Body.String()
	}
	links := regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(get("/"), -1)
	if want := len(rooms) * len(rooms[0].Specimens()); len(links) != want {
		t.Errorf("the index has %d links, want %d", len(links), want)
	}
	for _, link := range links {
		page := get(link[1])
		if !strings.Contains(page, "</html>") {
			t.Errorf("%s is cut short", link[1])
		}
		for _, asset := range regexp.MustCompile(`(?:href|src)="([^"]*/assets/[^"]*)"`).FindAllStringSubmatch(page, -1) {
			get(asset[1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/generic/connected", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a form answers %d", w.Code)
	}
}
