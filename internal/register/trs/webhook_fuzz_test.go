package trs

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// FuzzWebhook: whatever arrives, nothing panics, nothing of it is in an error, and
// what is believed is the one thing that was ever signed.
func FuzzWebhook(f *testing.F) {
	p := newParcel()
	h := p.signed()
	sum := sha256.Sum256([]byte(p.base()))
	only := hex.EncodeToString(sum[:])
	// Every other process of this target must know what was signed as well: the
	// key, the clock and so the base are the same everywhere.
	add := func(change func(http.Header), body string) {
		h := h.Clone()
		change(h)
		f.Add(h.Get("Signature-Input"), h.Get("Signature"), h.Get("Content-Digest"), h.Get("Ce-Id"), h.Get("Ce-Type"), h.Get("Ce-Time"),
			h.Get("Ce-Specversion"), h.Get("Content-Type"), "", int64(len(body)), body)
	}
	add(func(http.Header) {}, p.body)
	add(func(h http.Header) {
		h.Set("Signature-Input", strings.Replace(h.Get("Signature-Input"), "sig1", "whsig", 1))
	}, p.body)
	add(func(h http.Header) {
		h.Set("Signature-Input", h.Get("Signature-Input")+";x=1.5;y=?0;z=@1;a=%\"%c3%a9\"")
	}, p.body)
	add(func(h http.Header) {
		h.Set("Signature-Input", `sig1=("@target-uri";req "@method" 1 ?1 :AA==: tok);tag="trs-webhooks"`)
	}, p.body)
	add(func(h http.Header) { h.Set("Signature-Input", `sig1;tag="trs-webhooks", a=(), b=-`) }, "")
	add(func(h http.Header) { h.Set("Signature", `sig1=-, a=%"`) }, "{}")
	add(func(h http.Header) { h.Set("Content-Digest", `sha-256=@, sha-512=:AA==:`) }, "null")
	add(func(h http.Header) { h.Set("Ce-Type", "person.deactivated") }, `{"deactivatedPerson":{"trn":"7300001"}}`)
	add(func(h http.Header) { h.Set("Ce-Id", "a\n\"ce-type\": b") }, `{"trn":1e300}`)

	w := newPost().webhooks(f)
	f.Fuzz(func(t *testing.T, input, signature, digest, id, kind, when, version, contentType, second string, length int64, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(strings.NewReader(body)))
		r.ContentLength = length
		r.Header = http.Header{"Signature-Input": {input}, "Signature": {signature}, "Content-Digest": {digest}, "Ce-Id": {id}, "Ce-Type": {kind},
			"Ce-Time": {when}, "Ce-Specversion": {version}, "Content-Type": {contentType}}
		if second != "" {
			r.Header.Add("Signature-Input", second)
		}
		e, err := w.Receive(r)
		if err == nil && (e.Delivery != only || e.ID != p.header.Get("Ce-Id") || e.Kind != journey.LinkChanged || e.TRN != "7300001" || body != p.body) {
			t.Errorf("believed, and never signed: %+v", e)
		}
		if err != nil && e != (journey.Event{}) {
			t.Errorf("refused, and it tells %+v", e)
		}
		// What was not signed is no more than forged, or unreadable.
		if err != nil && verdict(err) == "no keys" {
			t.Errorf("%v", err)
		}
	})
}

// FuzzPayload: a payload that TRS signed and that says anything at all tells
// nothing that is out of bounds.
func FuzzPayload(f *testing.F) {
	for kind := range tales {
		f.Add(kind, newParcel().body)
		f.Add(kind, `{"trn":"7300001","deactivatedPerson":{"trn":"7300001"},"trnRequest":{"requestId":"r","status":1}}`)
		f.Add(kind, `{"TRN":null,"connectedPerson":[],"trnRequest":{"status":{"a":"Completed"}}}`)
	}
	f.Add("ping", "")
	f.Fuzz(func(t *testing.T, kind, body string) {
		h := newParcel().header
		h["Ce-Type"] = []string{kind}
		e, err := read(h, []byte(body))
		if err != nil {
			if verdict(err) != illegible || e != (journey.Event{}) {
				t.Errorf("%+v, %v", e, err)
			}
			return
		}
		whole := sevenDigits.MatchString(e.TRN)
		switch e.Kind {
		case journey.NothingNew:
			whole = e.TRN+e.Subject+e.Request == ""
		case journey.LinkChanged:
			whole = (whole || e.TRN == "") && e.Subject != "" && len(e.Subject) <= 255 && e.Request == ""
		case journey.RequestCompleted:
			whole = e.Request != "" && len(e.Request) <= 100 && e.TRN+e.Subject == ""
		default:
			whole = whole && e.Subject+e.Request == ""
		}
		if !whole {
			t.Errorf("%q tells %+v", body, e)
		}
	})
}
