package findtrn

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// verify reports whether sig is the signature of a context, as Find does: case does
// not matter. It takes the same time for every signature of the right length.
func verify(key string, context map[string]string, sig string) bool {
	got, err := hex.DecodeString(sig)
	want, _ := hex.DecodeString(sign(key, context))
	return err == nil && hmac.Equal(got, want)
}

// TestVectors: what Find's own code made of bodies, and the published examples.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/find-signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind, Key, Body, Canonical, Signature, CanonicalAtFind, SignatureAtFind string
			Params                                                                      map[string]string
			Valid                                                                       bool
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) != 28 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			if v.Params != nil {
				if diff := cmp.Diff(v.Canonical, canonical(v.Params)); diff != "" {
					t.Error(diff)
				}
				if got := sign(v.Key, v.Params); got != v.Signature {
					t.Errorf("signature %s, want %s", got, v.Signature)
				}
			}
			if v.Kind == "known-answer" {
				last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(v.Signature, "0")]
				spoiled := v.Signature[:63] + last
				if !verify(v.Key, v.Params, v.Signature) || !verify(v.Key, v.Params, strings.ToUpper(v.Signature)) || verify(v.Key, v.Params, spoiled) {
					t.Error("verified wrongly")
				}
				return
			}
			form, err := url.ParseQuery(v.Body)
			if err != nil {
				t.Fatal(err)
			}
			context := map[string]string{}
			for name, values := range form {
				context[name] = values[len(values)-1]
			}
			sig := context["sig"]
			delete(context, "sig")
			if got := verify(v.Key, context, sig); got != v.Valid {
				t.Errorf("valid: %v, at Find: %v", got, v.Valid)
			}
			// Find reads "foo[]" as a list, we do not; either way it is refused.
			if v.CanonicalAtFind != "" && v.ID != "FE-28" {
				if diff := cmp.Diff(v.CanonicalAtFind, canonical(context)); diff != "" {
					t.Error(diff)
				}
				if got := sign(v.Key, context); got != v.SignatureAtFind {
					t.Errorf("signature %s, at Find %s", got, v.SignatureAtFind)
				}
			}
		})
	}
}

// TestDepart: the form to the byte. The signature of the specification's example
// is in TestVectors; this one is held against it by the canonical form.
func TestDepart(t *testing.T) {
	h := handover(t)
	for sessionID, canonical := range map[string]string{
		"": "client_id=access-your-teaching-qualifications&client_title=Access%20your%20teaching%20qualifications" +
			"&client_url=https%3A%2F%2Fteaching.example.gov.uk&email=clementina.oakenfold-rye%40people.example&journey_id=" + journeyID +
			"&previous_url=https%3A%2F%2Fteaching.example.gov.uk%2Fteaching-record%2Ffind-a-lost-trn%3Flang%3Dcy" +
			"&redirect_url=https%3A%2F%2Fteaching.example.gov.uk%2Fteaching-record%2Ffind-a-lost-trn%2Fcallback%3Fjourney%3D" + journeyID,
		"session 1/2": "client_id=access-your-teaching-qualifications&client_title=Access%20your%20teaching%20qualifications" +
			"&client_url=https%3A%2F%2Fteaching.example.gov.uk&email=clementina.oakenfold-rye%40people.example&journey_id=" + journeyID +
			"&previous_url=https%3A%2F%2Fteaching.example.gov.uk%2Fteaching-record%2Ffind-a-lost-trn%3Flang%3Dcy" +
			"&redirect_url=https%3A%2F%2Fteaching.example.gov.uk%2Fteaching-record%2Ffind-a-lost-trn%2Fcallback%3Fjourney%3D" + journeyID + "&session_id=session%201%2F2",
	} {
		to, fields, err := h.Depart(journeyID, email, sessionID, previous)
		if err != nil || to != "https://find-a-lost-trn.education.gov.uk/identity" {
			t.Fatalf("%s, %v", to, err)
		}
		var pairs []string
		for _, f := range fields[:len(fields)-1] {
			pairs = append(pairs, f.Name+"="+escaped(f.Value))
		}
		if diff := cmp.Diff(canonical, strings.Join(pairs, "&")); diff != "" {
			t.Error(diff)
		}
		sig := fields[len(fields)-1]
		context := map[string]string{}
		for _, f := range fields[:len(fields)-1] {
			context[f.Name] = f.Value
		}
		if sig.Name != "sig" || len(sig.Value) != 64 || !verify(sharedKey, context, sig.Value) {
			t.Errorf("%+v", sig)
		}
		_, again, _ := h.Depart(journeyID, email, sessionID, previous)
		if diff := cmp.Diff(fields, again); diff != "" {
			t.Error(diff)
		}
	}
}

// TestDepartRefuses: what would fail at Find, or mean something else there. The
// reason holds no address.
func TestDepartRefuses(t *testing.T) {
	h := handover(t)
	fits := longestContext
	_, fields, err := h.Depart(journeyID, email, "", previous)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields[:len(fields)-1] {
		fits -= len(f.Name) + len(f.Value)
	}
	longer := func(by int) string { return strings.Repeat("e", by) + email }
	for name, row := range map[string]struct{ journeyID, email, sessionID, previous, says string }{
		"no journey id":             {"", email, "", previous, "journey_id must be a UUID"},
		"a journey id in capitals":  {strings.ToUpper(journeyID), email, "", previous, "journey_id must be a UUID"},
		"a journey id in braces":    {"{" + journeyID + "}", email, "", previous, "journey_id must be a UUID"},
		"a journey id and more":     {journeyID + "/..", email, "", previous, "journey_id must be a UUID"},
		"no e-mail address":         {journeyID, "", "", previous, "email is missing"},
		"two lines of address":      {journeyID, email + "\r\n", "", previous, "email must be one line"},
		"an address in Latin-1":     {journeyID, "\xe9" + email, "", previous, "email must be one line"},
		"an address that fits":      {journeyID, longer(fits), "", previous, ""},
		"an address that does not":  {journeyID, longer(fits + 1), "", previous, "the form has 1501 bytes and may have 1500"},
		"a control character":       {journeyID, email, "a\x1bb", previous, "session_id must be one line"},
		"a session id too long":     {journeyID, email, strings.Repeat("s", 1500), previous, "bytes and may have 1500"},
		"no previous page":          {journeyID, email, "", "", "previous_url must be an absolute URL"},
		"a relative previous page":  {journeyID, email, "", "/find-a-lost-trn", "previous_url must be an absolute URL"},
		"a previous page elsewhere": {journeyID, email, "", "http://teaching.example.gov.uk/", "previous_url must begin with https://"},
	} {
		to, fields, err := h.Depart(row.journeyID, row.email, row.sessionID, row.previous)
		if row.says == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), row.says) || to != "" || fields != nil {
			t.Errorf("%s: error %v, want %q; %s %v", name, err, row.says, to, fields)
		}
		if err != nil && strings.Contains(err.Error(), "people.example") {
			t.Errorf("%s: the error has the address: %v", name, err)
		}
	}
}

// secondCanonical is the canonical form by other means: escaped byte by byte, and
// sorted by insertion.
func secondCanonical(context map[string]string) string {
	var pairs [][2]string
	for name, value := range context {
		at := 0
		for at < len(pairs) && before([]byte(pairs[at][0]), []byte(name)) {
			at++
		}
		pairs = append(pairs[:at], append([][2]string{{name, escaped(value)}}, pairs[at:]...)...)
	}
	out := ""
	for i, pair := range pairs {
		if i > 0 {
			out += "&"
		}
		out += pair[0] + "=" + pair[1]
	}
	return out
}

func before(a, b []byte) bool {
	for i := range a {
		if i == len(b) || a[i] > b[i] {
			return false
		}
		if a[i] < b[i] {
			return true
		}
	}
	return len(a) < len(b)
}

// unreserved is RFC 3986, section 2.3.
const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

func escaped(value string) string {
	const digits = "0123456789ABCDEF"
	var out []byte
	for i := range len(value) {
		if c := value[i]; strings.IndexByte(unreserved, c) >= 0 {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c/16], digits[c%16])
		}
	}
	return string(out)
}

// random is a context of up to ten parameters in any characters there are, those
// with a meaning in a form more often.
func random(r *rand.Rand) map[string]string {
	text := func(longest int) string {
		var b []byte
		for range r.IntN(longest + 1) {
			switch r.IntN(4) {
			case 0:
				b = append(b, byte(r.IntN(0x80)))
			case 1:
				b = append(b, "&=%+ ;~*'()!-._@[]/?#\r\n\x00"[r.IntN(24)])
			case 2:
				b = utf8.AppendRune(b, rune(r.IntN(0x800)))
			default:
				b = utf8.AppendRune(b, rune(r.IntN(utf8.MaxRune+1))) // U+FFFD for a surrogate
			}
		}
		return string(b)
	}
	context := map[string]string{}
	for range r.IntN(11) {
		context[text(6)] = text(20)
	}
	return context
}

func compare(t testing.TB, context map[string]string) {
	if got, want := canonical(context), secondCanonical(context); got != want {
		t.Fatalf("%q:\n%s\n%s", context, got, want)
	}
}

// TestCanonical: both implementations agree on many contexts.
func TestCanonical(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		compare(t, random(r))
	}
}

// BenchmarkCanonicalAgrees is TestCanonical for as many contexts as asked for:
//
//	go test -run '^$' -bench CanonicalAgrees -benchtime 1000000x ./internal/findtrn
func BenchmarkCanonicalAgrees(b *testing.B) {
	r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for b.Loop() {
		compare(b, random(r))
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("client_title=The Client Title\x00email=a+b@c.example\x00sig~=%")
	f.Add("é=\xff\x00foo[]=1\x00=\x00Zeta=1\x00_=&=")
	f.Fuzz(func(t *testing.T, text string) {
		context := map[string]string{}
		for pair := range strings.SplitSeq(text, "\x00") {
			name, value, _ := strings.Cut(pair, "=")
			context[name] = value
		}
		compare(t, context)
		for _, value := range context {
			if back, err := url.QueryUnescape(strings.TrimPrefix(canonical(map[string]string{"": value}), "=")); err != nil || back != value {
				t.Errorf("%q came back as %q, %v", value, back, err)
			}
		}
	})
}

// TestLongestDeparture: with whatever New takes everybody can leave, however long
// the session is that somebody's link to sign-in gave.
func TestLongestDeparture(t *testing.T) {
	for n := 400; ; n++ {
		c := config()
		c.ClientTitle = strings.Repeat("t", n)
		h, err := New(c)
		if err != nil {
			break
		}
		if _, _, err = h.Depart(journeyID, strings.Repeat("e", longestEmail), strings.Repeat("s", 128), c.RedirectURL); err != nil {
			t.Fatalf("a title of %d bytes: %v", n, err)
		}
	}
}
