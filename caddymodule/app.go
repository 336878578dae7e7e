package caddymodule

import "github.com/caddyserver/caddy/v2"

func init() {
	caddy.RegisterModule(App{})
}

// appName is the name of our app among Caddy's.
const appName = "teaching_record"

// App begins what the sites of a configuration do in the background. It needs no
// configuration: the first site asks for it. Caddy starts apps when all of a
// configuration is provisioned, and never for "caddy validate", which must leave
// Redis alone.
type App struct {
	sites []parts
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appName, New: func() caddy.Module { return new(App) }}
}

// app is the one of the configuration that is being provisioned.
func app(ctx caddy.Context) (*App, error) {
	a, err := ctx.App(appName)
	if err != nil {
		return nil, err
	}
	return a.(*App), nil
}

// Start begins the background work of every site.
func (a *App) Start() error {
	for _, site := range a.sites {
		site.begin()
	}
	return nil
}

// Stop leaves it to the sites to end what they began, when they are cleaned up:
// requests that are being served still need it.
func (a *App) Stop() error { return nil }

// Interface guard
var _ caddy.App = (*App)(nil)
