// Package service is a stand-in for the service behind the module: it trusts
// nothing but the assertion, which it verifies by itself, and shows whom it sees.
//
//	/whoami        what arrived, verified or not, as JSON
//	/healthcheck   public
//	/assets/…      public
//	/…             a page for the person the assertion names; 401 without one
package service

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
)

// Config says what the service is and how it verifies. All of it is required.
type Config struct {
	Name   string // shown on its page
	Prefix string // path_prefix of the module, for the sign-out link

	// Verify checks the assertion of a request and returns its claims.
	Verify func(*http.Request) (map[string]any, error)
}

// New makes the service.
func New(config Config) (http.Handler, error) {
	if config.Name == "" || config.Prefix == "" || config.Verify == nil {
		return nil, errors.New("service: the configuration is incomplete")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/whoami", config.whoami)
	mux.HandleFunc("GET /healthcheck", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /assets/hello.txt", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "An asset, for everyone.\n")
	})
	mux.HandleFunc("/assets/", http.NotFound)
	mux.HandleFunc("/", config.home)
	return mux, nil
}

//go:embed service.html
var servicePage string

var serviceTemplate = page.Parse(servicePage)

func (c Config) home(w http.ResponseWriter, r *http.Request) {
	claims, err := c.Verify(r)
	if err != nil {
		http.Error(w, "401: this service serves nobody without a valid assertion.", http.StatusUnauthorized)
		return
	}
	page.Write(w, http.StatusOK, serviceTemplate, map[string]any{
		"Name": c.Name, "SignOut": c.Prefix + "/sign-out", "Claims": claims, "Method": r.Method, "Path": r.URL.EscapedPath(),
	})
}

// whoami tells what arrived, to the last header and trailer, so that what the
// module lets through can be seen from outside. It answers every request.
func (c Config) whoami(w http.ResponseWriter, r *http.Request) {
	claims, err := c.Verify(r)
	_, _ = io.Copy(io.Discard, r.Body) // trailers come after the body
	answer := struct {
		Verified bool           `json:"verified"`
		Error    string         `json:"error,omitempty"`
		Claims   map[string]any `json:"claims"`
		Headers  http.Header    `json:"headers"`
		Trailers http.Header    `json:"trailers"`
		Method   string         `json:"method"`
		Path     string         `json:"path"`
	}{err == nil, "", map[string]any{}, r.Header, http.Header{}, r.Method, r.URL.EscapedPath()}
	if err != nil {
		answer.Error = err.Error()
	} else {
		answer.Claims = claims
	}
	if r.Trailer != nil {
		answer.Trailers = r.Trailer
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(answer) // fails only when the caller has gone
}
