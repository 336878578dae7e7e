package verify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Handler passes on the requests that carry a good assertion, with its claims
// in their context, and answers all others itself: 401, or 503 while the keys
// cannot be had, with a problem document (RFC 9457). Nothing is exempt; give
// health checks a port of their own.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, err := v.Verify(r)
		if err != nil {
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, claims)))
	})
}

type contextKey struct{}

// FromContext returns the claims of the request that ctx belongs to, or nil
// when it did not pass through Handler.
func FromContext(ctx context.Context) *Claims {
	claims, _ := ctx.Value(contextKey{}).(*Claims)
	return claims
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusUnauthorized
	if errors.Is(err, ErrNoKeys) {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client may be gone
		"title":  http.StatusText(status),
		"status": status,
		"detail": err.Error(),
	})
}
