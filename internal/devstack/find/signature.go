package find

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"
)

// form is a body as Rails reads it. Of a parameter that is repeated the last
// counts; one without "=" is empty.
type form struct {
	values map[string]string

	unreadable bool // a % that escapes nothing, or no UTF-8
	nested     bool // a name with brackets: a list or a hash, which never verifies
	repeated   bool
}

func readForm(body string) form {
	f := form{values: map[string]string{}}
	for _, pair := range strings.Split(body, "&") {
		if pair == "" {
			continue
		}
		escapedName, escapedValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(escapedName)
		value, valueErr := url.QueryUnescape(escapedValue)
		if nameErr != nil || valueErr != nil || !utf8.ValidString(name+value) {
			f.unreadable = true
			continue
		}
		_, seen := f.values[name]
		f.repeated = f.repeated || seen
		f.nested = f.nested || strings.Contains(name, "[")
		f.values[name] = value
	}
	return f
}

// unsigned are left out of the signature: itself, and what Rails adds to a form.
var unsigned = map[string]bool{"sig": true, "action": true, "controller": true, "authenticity_token": true}

// signedText is what the signature is made over: names raw, in the order of their
// bytes; values with every byte escaped but letters, digits, "-", ".", "_", "~".
func (f form) signedText() string {
	var names, pairs []string
	for name := range f.values {
		if !unsigned[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		pair := name + "="
		for _, c := range []byte(f.values[name]) {
			switch {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
				pair += string(rune(c))
			default:
				pair += fmt.Sprintf("%%%02X", c)
			}
		}
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, "&")
}

// verifies reports whether sig is the signature: HMAC-SHA-256 under the key's
// text, in hexadecimal of either case.
func (f form) verifies(key string) bool {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprint(mac, f.signedText())
	want := fmt.Sprintf("%X", mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(strings.ToUpper(f.values["sig"])))
}
