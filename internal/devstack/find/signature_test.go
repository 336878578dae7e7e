package find

import (
	"encoding/json"
	"os"
	"testing"
)

// TestVectors: bodies are read, signed and judged as Find's own code did.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../findtrn/testdata/find-signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind, Key, Body, Canonical, Signature, CanonicalAtFind string
			Params                                                     map[string]string
			Valid                                                      bool
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) != 28 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		f := readForm(v.Body)
		if v.Kind == "known-answer" {
			f = form{values: v.Params}
			f.values["sig"] = v.Signature
		}
		if got := f.verifies(v.Key) && !f.unreadable && !f.nested; got != v.Valid {
			t.Errorf("%s: valid: %v, at Find: %v", v.ID, got, v.Valid)
		}
		if v.Params != nil && f.signedText() != v.Canonical {
			t.Errorf("%s: %s", v.ID, f.signedText())
		}
		if v.CanonicalAtFind != "" && !f.nested && f.signedText() != v.CanonicalAtFind {
			t.Errorf("%s: %s", v.ID, f.signedText())
		}
	}
	// What may be added unnoticed, in any order.
	f := readForm("foo=bar&action=x&sig=e037a467e455d7847d50df4a6fa3b1c2ebfa4234b19cb7b2a220f1ffbfe9fdb8&controller=y&&authenticity_token=z")
	if !f.verifies("testkey") || f.verifies("testkez") {
		t.Errorf("%q", f.values)
	}
}
