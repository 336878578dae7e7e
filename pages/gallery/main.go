// Command gallery shows every page in every state, with made-up people on it,
// under both brandings, and as it is when a service sets only what it must:
//
//	go run ./pages/gallery
//
// It is for looking at pages while changing them, and for tools that check
// them. Nothing works on it: a form answers with the page "not-found".
package main

import (
	"flag"
	"fmt"
	"html/template"
	"log"
	"net/http"

	"github.com/caddy-teaching-record/caddy-teaching-record/pages"
)

// room is one way the pages can be configured.
type room struct {
	pages.Config
	Title string
}

// The path prefix of a room is its place in the gallery.
var rooms = []room{
	{pages.Config{
		PathPrefix: "/generic", Branding: "generic",
		ServiceName: "Access your teaching qualifications", ServiceURL: "https://teaching.example.com/",
		SupportEmail: "help@example.com", AccountURL: "https://home.account.gov.uk/",
	}, "Generic branding"},
	{pages.Config{
		PathPrefix: "/govuk", Branding: "govuk",
		ServiceName: "Access your teaching qualifications", ServiceURL: "https://teaching.example.com/",
		SupportEmail: "help@example.com", AccountURL: "https://home.account.gov.uk/",
	}, "GOV.UK branding"},
	{pages.Config{
		PathPrefix:  "/bare",
		ServiceName: "Claim additional payments for teaching and see what you have been paid before", ServiceURL: "https://teaching.example.com/",
	}, "Nothing but what is required, and a long name"},
}

var index = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Every page</title>
<h1>Every page</h1>
{{range $room := .}}
<h2>{{.Title}}</h2>
<ul>
{{range .Specimens}}<li><a href="{{$room.PathPrefix}}/{{.Name}}">{{.Name}}</a></li>
{{end}}</ul>
{{end}}
</html>
`))

func main() {
	address := flag.String("listen", "localhost:8090", "address to listen on")
	flag.Parse()
	h, err := gallery()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Every page: http://%s/\n", *address)
	log.Fatal(http.ListenAndServe(*address, h))
}

// gallery is the index and every specimen of every room.
func gallery() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := index.Execute(w, rooms); err != nil {
			log.Print(err)
		}
	})
	for _, room := range rooms {
		set, err := pages.New(room.Config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", room.Title, err)
		}
		show := func(s pages.Specimen, status int) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if err := set.Write(w, status, s.Frame, s.View); err != nil {
					log.Print(err)
				}
			}
		}
		mux.Handle(room.PathPrefix+"/assets/", set.Assets())
		mux.HandleFunc(room.PathPrefix+"/", show(pages.Specimen{View: pages.Problem{Kind: "not-found"}}, http.StatusNotFound))
		for _, s := range room.Specimens() {
			mux.HandleFunc("GET "+room.PathPrefix+"/"+s.Name, show(s, http.StatusOK))
		}
	}
	return mux, nil
}
