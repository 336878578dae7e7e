package trs_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// TestRotateKey: a new key signs; the one before it is listed still, the one
// before that is not.
func TestRotateKey(t *testing.T) {
	a, v := subscribe(t, nil)
	signer := func() string {
		if err := a.api.Ping(); err != nil {
			t.Fatal(err)
		}
		m := v.last()
		if _, err := a.verify(m, v.URL+"/hook/%7Etrs?of=them"); err != nil {
			t.Error(err)
		}
		return m.keyID()
	}
	first := signer()
	if again, keys := signer(), a.keys(); again != first || len(keys) != 2 {
		t.Errorf("%s, then %s, of %d", first, again, len(keys))
	}
	a.api.RotateKey()
	second := signer()
	if keys := a.keys(); second == first || len(keys) != 2 || keys[first] == nil {
		t.Errorf("%s, then %s, of %v", first, second, slices.Collect(maps.Keys(keys)))
	}
	a.api.RotateKey()
	if third, keys := signer(), a.keys(); third == second || len(keys) != 2 || keys[first] != nil {
		t.Errorf("%s, then %s, of %v", second, third, slices.Collect(maps.Keys(keys)))
	}
}

// TestKeysRefused: to ask takes no key and no version, but manners.
func TestKeysRefused(t *testing.T) {
	a := newAsker(t, trs.Config{Limit: trs.Limit{Requests: 1}})
	for name, status := range map[string]int{"Authorization": 200, "X-Api-Version": 200, "User-Agent": 400} {
		if got := a.get("/webhook-jwks", func(r *http.Request) { r.Header.Set(name, "") }); got.status != status {
			t.Errorf("without %s: %d", name, got.status)
		}
	}
	got, err := a.ask(a.request(http.MethodHead, "/webhook-jwks", ""))
	if err != nil || got.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: %d %v", got.status, err)
	}
	record := a.api.Record()
	if len(record.Violations) != 2 || record.Violations[0].Endpoint != trs.AtKeys || record.Hits[trs.AtKeys] != 4 || record.Throttled != 0 {
		t.Errorf("%+v", record)
	}
}

// TestKeyFaults: what each makes of the list. They are played only there, and
// others there only when asked for.
func TestKeyFaults(t *testing.T) {
	a := newAsker(t, trs.Config{})
	right := a.get("/webhook-jwks").text
	for name, has := range map[string]string{
		"keys-strangers": `{"keys":[{"e":"AQAB","kid":"an-rsa-key",`,
		"keys-none":      `{"keys":[]}`,
		"garbage":        "garbage",
		"html":           "<h1>",
		"500":            `"status":500`,
	} {
		a.play(trs.Play{Fault: name, Endpoint: trs.AtKeys})
		if got := a.get("/webhook-jwks"); !strings.Contains(got.text, has) {
			t.Errorf("%s: %s", name, got.text)
		}
		if got := a.get("/webhook-jwks"); got.text != right {
			t.Errorf("after %s: %s", name, got.text)
		}
	}
	a.play(trs.Play{Fault: "500"})
	if got := a.get("/webhook-jwks"); got.text != right || len(a.api.Playing()) != 1 {
		t.Errorf("500, anywhere: %d", got.status)
	}
	a.api.StopFaults()

	lists := map[string]map[string]any{}
	for _, name := range []string{"keys-dotnet", "keys-damaged"} {
		a.play(trs.Play{Fault: name, Endpoint: trs.AtKeys})
		lists[name] = a.get("/webhook-jwks").body
	}
	var plain struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(right), &plain); err != nil {
		t.Fatal(err)
	}
	for i, key := range plain.Keys {
		want := map[string]any{
			"Kty": key["kty"], "Crv": key["crv"], "Use": key["use"], "Alg": key["alg"], "Kid": key["kid"], "X": key["x"], "Y": key["y"], "X5c": key["x5c"],
			"KeyOps": []any{}, "Oth": nil, "D": nil, "X5u": nil,
		}
		if diff := cmp.Diff(want, lists["keys-dotnet"]["Keys"].([]any)[i]); diff != "" || len(lists["keys-dotnet"]) != 1 {
			t.Error(diff)
		}
		damaged := lists["keys-damaged"]["keys"].([]any)[i].(map[string]any)
		if damaged["y"] != key["x"] || damaged["kid"] != key["kid"] {
			t.Errorf("%v", damaged)
		}
	}
}
