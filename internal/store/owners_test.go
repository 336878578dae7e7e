package store

import "testing"

// TestOwners: what one service is to see through no other finds, reads, changes or
// removes, also when the secrets were changed since.
func TestOwners(t *testing.T) {
	t.Parallel()
	client := open(t, startRedis(t).url())
	of := func(s *Store, owner string) Files[string] { return FilesOf[string](s, Tickets).Of(owner) }
	put := func(f Files[string], value string) {
		t.Helper()
		_, err := f.Change(t.Context(), "name", func(string, bool) (string, error) { return value, nil })
		must(t, err)
	}
	s := newStore(t, client, nil)
	put(of(s, "a"), "of a")
	put(of(s, "b"), "of b")
	put(FilesOf[string](s, Tickets), "of nobody")

	s = newStore(t, client, func(c *Config) { c.Secrets = [][]byte{secret('b'), secret('a')} })
	must(t, of(s, "c").Remove(t.Context(), "name"))
	if _, found, err := of(s, "c").Read(t.Context(), "name"); found || err != nil {
		t.Errorf("read by c: %v, %v", found, err)
	}
	if moved, err := s.Move(t.Context()); moved != 3 || err != nil {
		t.Errorf("moved %d, %v", moved, err)
	}
	s = newStore(t, client, func(c *Config) { c.Secrets = [][]byte{secret('b')} })
	for owner, want := range map[string]string{"a": "of a", "b": "of b", "c": ""} {
		got := ""
		must(t, of(s, owner).Each(t.Context(), func(name, value string) error {
			got += value
			if name != "name" {
				t.Errorf("the name is %q", name)
			}
			return nil
		}))
		if value, _, err := of(s, owner).Read(t.Context(), "name"); err != nil || value != want || got != want {
			t.Errorf("%s reads %q and finds %q: %v, want %q", owner, value, got, err, want)
		}
	}
}
