package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// plainLines keeps Caddy from adding to our lines what it keeps with a request.
// With that come a stack trace of every error, 4 kB of middleware that hide the
// line, and a race, since what we fetch may outlive the request that asked for it.
// Lines that need the id of the request say it themselves.
type plainLines struct{ slog.Handler }

func (l plainLines) Handle(ctx context.Context, line slog.Record) error {
	return l.Handler.Handle(context.WithValue(ctx, caddyhttp.ExtraLogFieldsCtxKey, nil), line)
}

func (l plainLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return plainLines{l.Handler.WithAttrs(attrs)}
}

func (l plainLines) WithGroup(name string) slog.Handler {
	return plainLines{l.Handler.WithGroup(name)}
}
