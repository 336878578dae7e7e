package onelogin

import "time"

// expiring is a map whose entries die. It is guarded by Server.mu.
type expiring[T any] struct {
	now     func() time.Time
	entries map[string]mortal[T]
}

type mortal[T any] struct {
	value T
	until time.Time
}

func newExpiring[T any](now func() time.Time) *expiring[T] {
	return &expiring[T]{now: now, entries: map[string]mortal[T]{}}
}

// put keeps the value for life, and buries the dead while it is there.
func (e *expiring[T]) put(key string, value T, life time.Duration) {
	now := e.now()
	for k, entry := range e.entries {
		if !now.Before(entry.until) {
			delete(e.entries, k)
		}
	}
	e.entries[key] = mortal[T]{value, now.Add(life)}
}

func (e *expiring[T]) get(key string) (T, bool) {
	entry, ok := e.entries[key]
	if !ok || !e.now().Before(entry.until) {
		var none T
		return none, false
	}
	return entry.value, true
}

// take is get, once.
func (e *expiring[T]) take(key string) (T, bool) {
	value, ok := e.get(key)
	delete(e.entries, key)
	return value, ok
}
