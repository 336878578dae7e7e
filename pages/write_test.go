package pages

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// published is the hash that GOV.UK Frontend's documentation gives for its
// snippet: https://frontend.design-system.service.gov.uk/import-javascript/
const published = "'sha256-GUQ5ad8JK5KmEWmROf3LZd9ge94daqNvd8xy9YS1iDw='"

func TestHeaders(t *testing.T) {
	s := newSet(t, brands[0])
	w := httptest.NewRecorder()
	must(t, s.Write(w, http.StatusUnprocessableEntity, Frame{}, NationalInsuranceNumber{Error: "nino-empty"}))
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d", w.Code)
	}
	want := http.Header{
		"Content-Type":     {"text/html; charset=utf-8"},
		"Content-Length":   {strconv.Itoa(w.Body.Len())},
		"Content-Language": {"en"},
		"Content-Security-Policy": {"default-src 'none'; script-src 'self' " + published + "; style-src 'self'; img-src 'self'; font-src 'self'; " +
			"connect-src 'none'; form-action 'self' https://*.account.gov.uk; frame-ancestors 'none'; base-uri 'none'"},
		"X-Content-Type-Options": {"nosniff"},
		"Cache-Control":          {"no-store"},
		"Referrer-Policy":        {"strict-origin"},
	}
	got := w.Result().Header
	for name, values := range want {
		if strings.Join(got[name], "|") != strings.Join(values, "|") {
			t.Errorf("%s is\n%q, want\n%q", name, got[name], values)
		}
	}
	if len(got) != len(want) {
		t.Errorf("headers are %v", got)
	}
}

func TestPolicyIsStrict(t *testing.T) {
	for _, c := range brands {
		policy := newSet(t, c).policy
		if strings.Contains(policy, "unsafe-") || regexp.MustCompile(`(^|[ ;])(\*|https?:|data:|blob:)( |;|$)`).MatchString(policy) {
			t.Errorf("the policy allows too much: %s", policy)
		}
		// Without origins to go on to, a form answers to us alone.
		if len(c.FormAction) == 0 && !strings.Contains(policy, "form-action 'self';") {
			t.Errorf("form-action is not 'self': %s", policy)
		}
	}
}

// Only the page that leads on to the service lets its form lead anywhere, and
// only the one that waits may ask us something; in all else they are as strict.
func TestPoliciesOfTheirOwn(t *testing.T) {
	s := newSet(t, brands[0])
	for _, specimen := range brands[0].Specimens() {
		w := httptest.NewRecorder()
		must(t, s.Write(w, http.StatusOK, specimen.Frame, specimen.View))
		policy := w.Header().Get("Content-Security-Policy")
		_, leaves := specimen.View.(Connected)
		if strings.Contains(policy, "form-action") == leaves {
			t.Errorf("%s: %s", specimen.Name, policy)
		}
		if _, waits := specimen.View.(TRNRequested); waits != strings.Contains(policy, "connect-src 'self'; ") {
			t.Errorf("%s: %s", specimen.Name, policy)
		} else if waits && strings.Replace(s.policy, "connect-src 'none'", "connect-src 'self'", 1) != policy {
			t.Errorf("%s: %s", specimen.Name, policy)
		}
		if leaves && regexp.MustCompile(`form-action [^;]*; `).ReplaceAllString(s.policy, "") != policy {
			t.Errorf("%s: %s", specimen.Name, policy)
		}
	}
}

// The page is made whole before its first byte goes out.
func TestAPageThatFailsWritesNothing(t *testing.T) {
	s := newSet(t, brands[0])
	s.templates["en"]["cookies"] = template.Must(template.New("").Parse(`{{define "layout"}}<h1>{{.Body.Missing}}</h1>{{end}}`))
	for name, v := range map[string]View{
		"a broken template":  Cookies{},
		"an unknown word":    NationalInsuranceNumber{Error: "no-such-error"},
		"an unknown purpose": Cookies{Cookies: []Cookie{{Name: "x", Purpose: "advertising"}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := s.Write(w, http.StatusOK, Frame{}, v); err == nil {
				t.Fatal("no error")
			}
			if w.Body.Len() > 0 || len(w.Header()) > 0 {
				t.Errorf("wrote %v %q", w.Header(), w.Body)
			}
			// So another page can still be the answer.
			must(t, s.Write(w, http.StatusInternalServerError, Frame{}, Problem{Kind: "problem"}))
			if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "</html>") {
				t.Errorf("then wrote %d %q", w.Code, w.Body)
			}
		})
	}
}

// A language that a stranger made up is the first of ours.
func TestUnknownLanguage(t *testing.T) {
	s := newSet(t, brands[0])
	for _, lang := range []string{"", "xx", "../../etc/passwd", `"><script>`} {
		w := httptest.NewRecorder()
		must(t, s.Write(w, http.StatusOK, Frame{Lang: lang}, SignedOut{}))
		if got := w.Header().Get("Content-Language"); got != "en" || !strings.Contains(w.Body.String(), `<html lang="en"`) {
			t.Errorf("language %q gives %q", lang, got)
		}
	}
}

// net/http leaves the body out of an answer to HEAD and keeps its headers.
func TestHead(t *testing.T) {
	s := newSet(t, brands[0])
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Write(w, http.StatusOK, Frame{}, SignedOut{}); err != nil && r.Method != http.MethodHead {
			t.Error(err)
		}
	}))
	defer srv.Close()
	head, err := http.Head(srv.URL)
	must(t, err)
	head.Body.Close()
	get, err := http.Get(srv.URL)
	must(t, err)
	get.Body.Close()
	if head.ContentLength != get.ContentLength || head.ContentLength < 1000 {
		t.Errorf("HEAD says %d bytes, GET %d", head.ContentLength, get.ContentLength)
	}
}
