// Package caddymodule is the front door: the only package that knows Caddy.
package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { caddy.RegisterModule(Handler{}) }

// Handler signs teachers in.
type Handler struct {
	Config
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.teaching_record", New: func() caddy.Module { return new(Handler) }}
}

// Provision reads the configuration.
func (h *Handler) Provision(caddy.Context) error {
	_, err := h.resolve(caddy.NewReplacer())
	return err
}

// ServeHTTP forwards nothing.
func (h *Handler) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
	return caddyhttp.Error(http.StatusServiceUnavailable, nil)
}
