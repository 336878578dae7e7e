package trs

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// What TRS's signatures say of themselves. The label is "sig1" in its code and
// "whsig" in its documents, so the tag tells which one is meant.
const (
	hookTag       = "trs-webhooks"
	hookAlgorithm = "ecdsa-p384-sha384"
)

// mustCover is what a signature has to cover; it may cover more.
var mustCover = []string{"@target-uri", "content-digest", "content-length", "ce-id", "ce-type", "ce-time"}

const (
	hookAge  = 5 * time.Minute  // of a signature that is still believed, whatever its own "expires" says
	hookSkew = 30 * time.Second // that TRS's clock may be ahead of ours

	coordinate = 48             // bytes of a number of P-384
	rawSize    = 2 * coordinate // of a signature: r and s, RFC 9421 section 3.3.5
	maxSFV     = 8 << 10        // of a structured field, in bytes; TRS's have about 300
)

// verify checks who signed r, over what, and when. It returns what was signed,
// the signature base of RFC 9421 section 2.5. The body is intact's to check.
func (w *Webhooks) verify(r *http.Request) (base string, err error) {
	covered, signature, err := ours(r.Header)
	if err != nil {
		return "", err
	}
	keyID, err := timely(covered.Params, w.Now())
	if err != nil {
		return "", err
	}
	if base, err = signatureBase(covered, r, w.Address); err != nil {
		return "", err
	}
	key, err := w.keys.find(r.Context(), keyID)
	if err != nil {
		return "", err
	}
	hash := sha512.Sum384([]byte(base))
	one, two := new(big.Int).SetBytes(signature[:coordinate]), new(big.Int).SetBytes(signature[coordinate:])
	if !ecdsa.Verify(key, hash[:], one, two) {
		return "", forged("the signature is not of this delivery to this address")
	}
	return base, nil
}

// ours is the one signature with TRS's tag, among any others.
func ours(h http.Header) (covered httpsfv.InnerList, signature []byte, err error) {
	inputs, signatures := dictionary(h, "Signature-Input"), dictionary(h, "Signature")
	label, found := "", 0
	for _, name := range inputs.Names() {
		member, _ := inputs.Get(name)
		list, _ := member.(httpsfv.InnerList) // without parameters, if it is none
		if tag, _ := parameter[string](list.Params, "tag"); tag == hookTag {
			covered, label = list, name
			found++
		}
	}
	if found != 1 {
		return covered, nil, forged("not exactly one signature with the tag of TRS")
	}
	member, _ := signatures.Get(label)
	item, _ := member.(httpsfv.Item)
	if signature, _ = item.Value.([]byte); len(signature) != rawSize {
		return covered, nil, forged("the signature is not of the length it must have")
	}
	return covered, signature, nil
}

// timely checks the parameters that limit a signature and returns the id of its key.
func timely(p *httpsfv.Params, now time.Time) (keyID string, err error) {
	created, hasCreated := parameter[int64](p, "created")
	expires, hasExpires := parameter[int64](p, "expires")
	keyID, _ = parameter[string](p, "keyid")
	algorithm, _ := parameter[string](p, "alg")
	begin, end := time.Unix(created, 0), time.Unix(expires, 0)
	switch {
	case algorithm != hookAlgorithm:
		return "", forged("not the algorithm of TRS")
	case keyID == "":
		return "", forged("no key is named")
	case !hasCreated || !hasExpires || !end.After(begin):
		return "", forged("it does not say for how long it was signed")
	case begin.After(now.Add(hookSkew)):
		return "", forged("signed in the future")
	case !now.Before(end) || now.After(begin.Add(hookAge)):
		return "", forged("signed too long ago")
	}
	return keyID, nil
}

// signatureBase rebuilds what was signed, from what arrived and from address.
// More than must be covered may be, so that TRS can add a field some day: all
// plain header fields can be rebuilt. What cannot be is refused, that is all
// components of a message but its address, and all variants of a field.
func signatureBase(covered httpsfv.InnerList, r *http.Request, address string) (string, error) {
	var base strings.Builder
	seen := map[string]bool{}
	for _, item := range covered.Items {
		name, isString := item.Value.(string)
		if !isString || len(item.Params.Names()) > 0 || seen[name] {
			return "", forged("it covers what we cannot rebuild")
		}
		seen[name] = true
		value, ok := component(r, name, address)
		if !ok {
			return "", forged("a part that it covers is missing, or is there twice")
		}
		base.WriteString(`"` + name + `": ` + value + "\n")
	}
	for _, name := range mustCover {
		if !seen[name] {
			return "", forged("it does not cover " + name)
		}
	}
	params, err := httpsfv.Marshal(covered)
	if err != nil {
		return "", forged("its parameters cannot be written as they were")
	}
	return base.String() + `"@signature-params": ` + params, nil
}

// component is the value of a part of r (RFC 9421 sections 2.1 and 2.2).
func component(r *http.Request, name, address string) (value string, ok bool) {
	switch name {
	case "@target-uri":
		return address, true
	case "content-length":
		// net/http takes the field out of the header. What came in chunks has none.
		return strconv.FormatInt(r.ContentLength, 10), r.ContentLength >= 0
	}
	return field(r.Header, name)
}

// field is the value of a header field, without the space around it. Several
// lines with one name could be read one way here and another way elsewhere, and a
// line break could pass for the next part of a signature base: there is no value.
func field(h http.Header, name string) (value string, ok bool) {
	lines := h.Values(name)
	if len(lines) != 1 || strings.ContainsAny(lines[0], "\r\n") {
		return "", false
	}
	return strings.Trim(lines[0], " \t"), true
}

// intact checks the body against its digest, which is signed (RFC 9530).
func intact(h http.Header, body []byte) error {
	member, _ := dictionary(h, "Content-Digest").Get("sha-256")
	item, _ := member.(httpsfv.Item)
	digest, _ := item.Value.([]byte)
	if sum := sha256.Sum256(body); subtle.ConstantTimeCompare(digest, sum[:]) != 1 {
		return forged("the body is not the one that was signed")
	}
	return nil
}

// dictionary is a structured field (RFC 9651); an empty one if there is none, or
// none that can be read.
func dictionary(h http.Header, name string) *httpsfv.Dictionary {
	size := 0
	for _, line := range h.Values(name) {
		size += len(line)
	}
	if size <= maxSFV {
		if d, err := httpsfv.UnmarshalDictionary(h.Values(name)); err == nil {
			return d
		}
	}
	return httpsfv.NewDictionary()
}

// parameter is a parameter of a structured field, if it is there and of type T.
func parameter[T any](p *httpsfv.Params, name string) (value T, ok bool) {
	if p == nil {
		return value, false
	}
	found, _ := p.Get(name)
	value, ok = found.(T)
	return value, ok
}
