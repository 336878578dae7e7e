// Package page is the plain frame around every page of the stand-ins: one
// layout, one stylesheet, no scripts. It looks like neither GOV.UK nor GOV.UK
// One Login on purpose, so that nobody mistakes a stand-in for the real thing.
//
//	page.go      Parse and Write
//	layout.html  the frame
package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed layout.html
var layout string

// Parse makes a page of a body that defines the templates "title" and "main".
// It panics when the body is no template, as template.Must does.
func Parse(body string) *template.Template {
	return template.Must(template.Must(template.New("layout").Parse(layout)).Parse(body))
}

// Write renders the page whole before the first byte is sent. Stand-in pages
// show who is signed in, so none of them may be stored.
func Write(w http.ResponseWriter, status int, page *template.Template, data any) {
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		http.Error(w, "page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}
