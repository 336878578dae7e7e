package assertion_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"
)

// schema is as much of JSON Schema as docs/assertion.schema.json needs. What it
// does not know it refuses, so that no rule of the document goes unchecked.
type schema struct {
	Schema               string              `json:"$schema"`
	ID                   string              `json:"$id"`
	Title                string              `json:"title"`
	Description          string              `json:"description"`
	Type                 string              `json:"type"`
	Enum                 []any               `json:"enum"`
	Pattern              string              `json:"pattern"`
	MinLength            int                 `json:"minLength"`
	Minimum              float64             `json:"minimum"`
	Required             []string            `json:"required"`
	DependentRequired    map[string][]string `json:"dependentRequired"`
	Properties           map[string]*schema  `json:"properties"`
	AdditionalProperties *bool               `json:"additionalProperties"`
}

func readSchema(t testing.TB) *schema {
	t.Helper()
	text, err := os.ReadFile("../../docs/assertion.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var s schema
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// faults returns what is wrong with value, which stands at a place.
func (s *schema) faults(at string, value any) (out []string) {
	fault := func(format string, args ...any) { out = append(out, at+": "+fmt.Sprintf(format, args...)) }
	if s.Enum != nil && !slices.Contains(s.Enum, value) {
		fault("%v is none of %v", value, s.Enum)
	}
	switch value := value.(type) {
	case string:
		if s.Type != "string" && s.Enum == nil {
			fault("a string")
		}
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(value) {
			fault("%q is not like %s", value, s.Pattern)
		}
		if utf8.RuneCountInString(value) < s.MinLength {
			fault("%q is too short", value)
		}
	case float64:
		if s.Type != "integer" || value != float64(int64(value)) || value < s.Minimum {
			fault("%v", value)
		}
	case bool:
		if s.Type != "boolean" {
			fault("a boolean")
		}
	case map[string]any:
		if s.Type != "object" || s.AdditionalProperties == nil || *s.AdditionalProperties {
			fault("an object that is not closed")
		}
		for _, name := range s.Required {
			if _, ok := value[name]; !ok {
				fault("no %s", name)
			}
		}
		for name, v := range value {
			for _, other := range s.DependentRequired[name] {
				if _, ok := value[other]; !ok {
					fault("%s, but no %s", name, other)
				}
			}
			if property := s.Properties[name]; property != nil {
				out = append(out, property.faults(at+"."+name, v)...)
			} else {
				fault("%s is not in the schema", name)
			}
		}
	default: // null, an array
		fault("%v", value)
	}
	return out
}

// TestSchemaRefuses: the schema, and what reads it here, are strict.
func TestSchemaRefuses(t *testing.T) {
	s := readSchema(t)
	good := func() map[string]any {
		return map[string]any{
			"iss": origin, "aud": "a", "sub": "s", "match": "found", "trn": "1234567", "iat": 1., "nbf": 1., "exp": 61.,
			"jti": "abcdefghijklmnopqrstuvwxyz", "sid": "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
			"htm": "GET", "htu": origin + "/x", "rid": "r", "record": map[string]any{"alerts": false},
		}
	}
	if faults := s.faults("claims", good()); faults != nil {
		t.Fatal(faults)
	}
	for _, name := range slices.Concat(s.Required, []string{"htm", "htu", "rid"}) {
		claims := good()
		delete(claims, name)
		if s.faults("claims", claims) == nil {
			t.Errorf("without %s it is accepted", name)
		}
	}
	for name := range maps.Keys(s.Properties) {
		for _, value := range []any{nil, "", []any{}, 1.5, -1., map[string]any{"x": true}} {
			claims := good()
			claims[name] = value
			if s.faults("claims", claims) == nil {
				t.Errorf("with %s %v it is accepted", name, value)
			}
		}
	}
	for name, value := range map[string]any{
		"more": "x", "trn": "123456", "match": "none", "iss": origin + "/", "htu": origin + "/x?y", "birthdate": "1 May 1980",
	} {
		claims := good()
		claims[name] = value
		if s.faults("claims", claims) == nil {
			t.Errorf("with %s %v it is accepted", name, value)
		}
	}
}
