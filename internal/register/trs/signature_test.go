package trs

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestReceive has a row for each check. "packed" is changed before TRS signs,
// "onTheWay" after.
func TestReceive(t *testing.T) {
	now := hookNow.Unix()
	params := func(old, new string) func(*parcel) {
		return func(p *parcel) {
			if !strings.Contains(p.params, old) {
				panic(old)
			}
			p.params = strings.Replace(p.params, old, new, 1)
		}
	}
	covers := func(components string) func(*parcel) {
		return func(p *parcel) { p.components = components }
	}
	header := func(name string, values ...string) func(*parcel) {
		return func(p *parcel) { p.header[http.CanonicalHeaderKey(name)] = values }
	}
	sent := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
	}
	const six = `"@target-uri" "content-digest" "content-length" "ce-id" "ce-type" "ce-time"`
	digest := func(body string) string {
		sum := sha256.Sum256([]byte(body))
		return "sha-256=" + inColons(sum[:])
	}
	body := newParcel().body

	for _, tt := range []struct {
		name     string
		packed   func(*parcel)
		onTheWay func(*http.Request)
		want     string
		why      string // in the error
	}{
		{name: "as TRS sends it", want: genuine},
		{name: "as its documents have it", packed: func(p *parcel) { p.label = "whsig" }, want: genuine},
		{name: "without a nonce", packed: params(`;nonce="0123456789abcdef0123456789abcdef"`, ""), want: genuine},
		{name: "with parameters in another order", packed: func(p *parcel) {
			p.params = `;tag="trs-webhooks"` + strings.TrimSuffix(p.params, `;tag="trs-webhooks"`)
		}, want: genuine},
		{name: "with another parameter", packed: params(";nonce", ";later=?0;nonce"), want: genuine},
		{name: "with components in another order", packed: covers(`"ce-time" "ce-id" "content-length" "ce-type" "content-digest" "@target-uri"`), want: genuine},
		{name: "covering one more field", packed: covers(six + ` "content-type"`), want: genuine},
		{name: "with space around a covered value", onTheWay: sent("ce-type", "  one_login_user.updated \t"), want: genuine},
		{name: "with more space and a second line in Signature-Input", onTheWay: func(r *http.Request) {
			r.Header["Signature-Input"] = []string{`other=();tag="somebody-else"`, strings.NewReplacer(`" "`, `"   "`, ";", ";  ").Replace(r.Header.Get("Signature-Input"))}
		}, want: genuine},
		{name: "beside a signature of another", onTheWay: func(r *http.Request) {
			r.Header.Set("Signature-Input", `a=("@method");created=1;keyid="one";tag="proxy", b;tag="trs-webhooks", `+r.Header.Get("Signature-Input"))
			r.Header.Set("Signature", "a=:AAAA:, "+r.Header.Get("Signature"))
		}, want: genuine},

		// Which signature.
		{name: "not signed", onTheWay: func(r *http.Request) { r.Header.Del("Signature-Input"); r.Header.Del("Signature") }, want: counterfeit, why: "not exactly one signature"},
		{name: "no Signature-Input", onTheWay: func(r *http.Request) { r.Header.Del("Signature-Input") }, want: counterfeit, why: "not exactly one signature"},
		{name: "no Signature", onTheWay: func(r *http.Request) { r.Header.Del("Signature") }, want: counterfeit, why: "length"},
		{name: "two signatures with the tag", onTheWay: func(r *http.Request) {
			again := strings.Replace(r.Header.Get("Signature-Input"), "sig1=", "sig2=", 1)
			r.Header.Add("Signature-Input", again)
			r.Header.Add("Signature", strings.Replace(r.Header.Get("Signature"), "sig1=", "sig2=", 1))
		}, want: counterfeit, why: "not exactly one signature"},
		{name: "no tag", packed: params(`;tag="trs-webhooks"`, ""), want: counterfeit, why: "not exactly one signature"},
		{name: "another tag", packed: params("trs-webhooks", "trs-api"), want: counterfeit, why: "not exactly one signature"},
		{name: "a tag that is a token", packed: params(`"trs-webhooks"`, "trs-webhooks"), want: counterfeit, why: "not exactly one signature"},
		{name: "no list of components", onTheWay: sent("Signature-Input", `sig1="@target-uri"`+newParcel().params), want: counterfeit, why: "not exactly one signature"},
		{name: "Signature-Input that is no dictionary", onTheWay: sent("Signature-Input", `sig1=(`), want: counterfeit, why: "not exactly one signature"},
		{name: "a huge Signature-Input", onTheWay: func(r *http.Request) {
			r.Header.Add("Signature-Input", strings.Repeat("a;", 5000)+"a")
		}, want: counterfeit, why: "not exactly one signature"},
		{name: "Signature of another label", onTheWay: func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), "sig1=", "sig2=", 1))
		}, want: counterfeit, why: "length"},
		{name: "Signature that is a string", onTheWay: sent("Signature", `sig1="`+strings.Repeat("a", 96)+`"`), want: counterfeit, why: "length"},
		{name: "Signature that is a list", onTheWay: sent("Signature", `sig1=()`), want: counterfeit, why: "length"},
		{name: "a short signature", onTheWay: altered(func(b []byte) []byte { return b[:95] }), want: counterfeit, why: "length"},
		{name: "a long signature", onTheWay: altered(func(b []byte) []byte { return append(b, 0) }), want: counterfeit, why: "length"},
		{name: "the other half first", onTheWay: altered(func(b []byte) []byte { return append(b[48:], b[:48]...) }), want: counterfeit, why: "not of this delivery"},
		{name: "a signature of zeros", onTheWay: altered(func(b []byte) []byte { return make([]byte, 96) }), want: counterfeit, why: "not of this delivery"},
		{name: "a signature in DER", onTheWay: func(r *http.Request) {
			p := newParcel()
			p.signed()
			hash := sha512.Sum384([]byte(p.base()))
			der, err := ecdsa.SignASN1(rand.Reader, p.key, hash[:])
			if err != nil {
				panic(err)
			}
			r.Header.Set("Signature", "sig1="+inColons(der))
		}, want: counterfeit, why: "length"},
		{name: "of another hash", onTheWay: func(r *http.Request) {
			p := newParcel()
			p.signed()
			hash := sha512.Sum512([]byte(p.base()))
			first, second, err := ecdsa.Sign(rand.Reader, p.key, hash[:])
			if err != nil {
				panic(err)
			}
			r.Header.Set("Signature", "sig1="+inColons(append(first.FillBytes(make([]byte, 48)), second.FillBytes(make([]byte, 48))...)))
		}, want: counterfeit, why: "not of this delivery"},

		// By whom, and when.
		{name: "by another key", packed: func(p *parcel) { p.key = hookKey("evil") }, want: counterfeit, why: "not of this delivery"},
		{name: "by a key nobody knows", packed: params(`keyid="one"`, `keyid="evil"`), want: counterfeit, why: "none of TRS's"},
		{name: "by no key", packed: params(`;keyid="one"`, ""), want: counterfeit, why: "no key is named"},
		{name: "by a key without a name", packed: params(`keyid="one"`, `keyid=""`), want: counterfeit, why: "no key is named"},
		{name: "no algorithm", packed: params(`;alg="ecdsa-p384-sha384"`, ""), want: counterfeit, why: "algorithm"},
		{name: "another algorithm", packed: params("ecdsa-p384-sha384", "hmac-sha256"), want: counterfeit, why: "algorithm"},
		{name: "an algorithm that is a token", packed: params(`"ecdsa-p384-sha384"`, "ecdsa-p384-sha384"), want: counterfeit, why: "algorithm"},
		{name: "no created", packed: params(`;created=1788264000`, ""), want: counterfeit, why: "how long"},
		{name: "created in words", packed: params(`created=1788264000`, `created="1788264000"`), want: counterfeit, why: "how long"},
		{name: "no expires", packed: params(`;expires=1788264300`, ""), want: counterfeit, why: "how long"},
		{name: "no expires, and created before that", packed: func(p *parcel) {
			p.params = strings.Replace(hookParams(-10, 0, "one"), ";expires=0", "", 1)
		}, want: counterfeit, why: "how long"},
		{name: "expires in words", packed: params(`expires=1788264300`, `expires="1788264300"`), want: counterfeit, why: "how long"},
		{name: "expires when it was created", packed: func(p *parcel) { p.params = hookParams(now+10, now+10, "one") }, want: counterfeit, why: "how long"},
		{name: "created by a fast clock", packed: func(p *parcel) { p.params = hookParams(now+30, now+330, "one") }, want: genuine},
		{name: "created in the future", packed: func(p *parcel) { p.params = hookParams(now+31, now+331, "one") }, want: counterfeit, why: "future"},
		{name: "a second before it expires", packed: func(p *parcel) { p.params = hookParams(now-59, now+1, "one") }, want: genuine},
		{name: "expires now", packed: func(p *parcel) { p.params = hookParams(now-60, now, "one") }, want: counterfeit, why: "too long ago"},
		{name: "five minutes old", packed: func(p *parcel) { p.params = hookParams(now-300, now+3600, "one") }, want: genuine},
		{name: "older, though TRS set a longer life", packed: func(p *parcel) { p.params = hookParams(now-301, now+3600, "one") }, want: counterfeit, why: "too long ago"},
		{name: "times beyond all bounds", packed: func(p *parcel) { p.params = hookParams(-99999999999999, 99999999999999, "one") }, want: counterfeit, why: "too long ago"},

		// Over what.
		{name: "covering nothing", packed: covers(""), want: counterfeit, why: "does not cover"},
		{name: "not covering the address", packed: covers(`"content-digest" "content-length" "ce-id" "ce-type" "ce-time"`), want: counterfeit, why: "does not cover @target-uri"},
		{name: "not covering the digest", packed: covers(`"@target-uri" "content-length" "ce-id" "ce-type" "ce-time"`), want: counterfeit, why: "does not cover content-digest"},
		{name: "not covering the length", packed: covers(`"@target-uri" "content-digest" "ce-id" "ce-type" "ce-time"`), want: counterfeit, why: "does not cover content-length"},
		{name: "not covering the id", packed: covers(`"@target-uri" "content-digest" "content-length" "ce-type" "ce-time"`), want: counterfeit, why: "does not cover ce-id"},
		{name: "not covering the type", packed: covers(`"@target-uri" "content-digest" "content-length" "ce-id" "ce-time"`), want: counterfeit, why: "does not cover ce-type"},
		{name: "not covering the time", packed: covers(`"@target-uri" "content-digest" "content-length" "ce-id" "ce-type"`), want: counterfeit, why: "does not cover ce-time"},
		{name: "covering the method", packed: covers(six + ` "@method"`), want: counterfeit, why: "missing"},
		{name: "covering a field that is not there", packed: covers(six + ` "ce-subject"`), want: counterfeit, why: "missing"},
		{name: "covering the id twice", packed: covers(six + ` "ce-id"`), want: counterfeit, why: "cannot rebuild"},
		{name: "covering a variant of a field", packed: covers(six + ` "content-type";bs`), want: counterfeit, why: "cannot rebuild"},
		{name: "covering a token", packed: covers(six + ` content-type`), want: counterfeit, why: "cannot rebuild"},
		{name: "components on the way in another order", onTheWay: func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `"ce-id" "ce-type"`, `"ce-type" "ce-id"`, 1))
		}, want: counterfeit, why: "not of this delivery"},
		{name: "a later end on the way", onTheWay: func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "1788264300", "1788264301", 1))
		}, want: counterfeit, why: "not of this delivery"},
		{name: "another nonce on the way", onTheWay: func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "0123", "1123", 1))
		}, want: counterfeit, why: "not of this delivery"},
		{name: "to another host", packed: func(p *parcel) { p.address = "https://other.example.gov.uk/teaching-record/webhooks/trs" }, want: counterfeit, why: "not of this delivery"},
		{name: "to another spelling of the address", packed: func(p *parcel) { p.address = "https://teaching.example.gov.uk/teaching-record/webhooks/trs" }, want: counterfeit, why: "not of this delivery"},
		{name: "to where it arrived", packed: func(p *parcel) { p.address = "http://127.0.0.1/somewhere/else" }, want: counterfeit, why: "not of this delivery"},
		{name: "another id on the way", onTheWay: sent("ce-id", "0b2e5c0a-3c52-4c13-9b0e-2f9d1a3b7c12"), want: counterfeit, why: "not of this delivery"},
		{name: "another type on the way", onTheWay: sent("ce-type", "person.deactivated"), want: counterfeit, why: "not of this delivery"},
		{name: "another time on the way", onTheWay: sent("ce-time", "2026-09-01T11:59:58.1234568Z"), want: counterfeit, why: "not of this delivery"},
		{name: "another digest on the way", onTheWay: sent("content-digest", digest("{}")), want: counterfeit, why: "not of this delivery"},
		{name: "another length on the way", onTheWay: func(r *http.Request) { r.ContentLength++ }, want: counterfeit, why: "not of this delivery"},
		{name: "in chunks", onTheWay: func(r *http.Request) { r.ContentLength = -1 }, want: counterfeit, why: "missing"},
		{name: "in chunks, with a length", onTheWay: func(r *http.Request) {
			r.ContentLength = -1
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		}, want: counterfeit, why: "missing"},
		{name: "signed as a length of -1", packed: covers(six), onTheWay: func(r *http.Request) {
			p := newParcel()
			header := p.signed()
			base := strings.Replace(p.base(), fmt.Sprintf("%q: %d", "content-length", len(p.body)), `"content-length": -1`, 1)
			r.ContentLength = -1
			r.Header = header
			r.Header.Set("Signature", "sig1="+inColons(sign384(p.key, base)))
		}, want: counterfeit, why: "missing"},
		{name: "two ids", onTheWay: func(r *http.Request) { r.Header.Add("ce-id", "second") }, want: counterfeit, why: "there twice"},
		{name: "two equal ids", onTheWay: func(r *http.Request) { r.Header.Add("ce-id", r.Header.Get("ce-id")) }, want: counterfeit, why: "there twice"},
		{name: "two ids signed as one", packed: header("ce-id", "first, second"), onTheWay: sent("ce-id", "first", "second"), want: counterfeit, why: "there twice"},
		{name: "two digests", onTheWay: func(r *http.Request) { r.Header.Add("content-digest", digest("{}")) }, want: counterfeit, why: "there twice"},
		{name: "no id", onTheWay: func(r *http.Request) { r.Header.Del("ce-id") }, want: counterfeit, why: "missing"},
		{name: "a part hidden in another", packed: header("ce-id", "x\n\"ce-note\": y"), want: counterfeit, why: "missing"},

		// The body.
		{name: "another body on the way", onTheWay: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(body, "7300001", "7300002", 1)))
		}, want: counterfeit, why: "the body is not the one"},
		{name: "a body that goes on", onTheWay: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body + " ")) }, want: counterfeit, why: "the body is not the one"},
		{name: "a body that breaks off", onTheWay: func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(body[:9]), broken{}))
		}, want: illegible, why: "ended early"},
		{name: "a body that breaks off at its end", onTheWay: func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), broken{}))
		}, want: illegible, why: "ended early"},
		{name: "as large as may be", packed: func(p *parcel) { p.body += strings.Repeat(" ", maxDelivery-len(p.body)) }, want: genuine},
		{name: "too large", packed: func(p *parcel) { p.body += strings.Repeat(" ", maxDelivery+1-len(p.body)) }, want: illegible, why: "too large"},
		{name: "two digests, one of them known", packed: header("content-digest", "sha-512=:AAAA:, "+digest(body)), want: genuine},
		{name: "two digests, the known one wrong", packed: header("content-digest", "sha-512=:AAAA:, "+digest("{}")), want: counterfeit, why: "the body is not the one"},
		{name: "a digest nobody knows", packed: header("content-digest", "sha-512=:AAAA:"), want: counterfeit, why: "the body is not the one"},
		{name: "a digest in the old form", packed: header("content-digest", "SHA-256="+strings.TrimPrefix(digest(body), "sha-256=")), want: counterfeit, why: "the body is not the one"},
		{name: "a digest that is a string", packed: header("content-digest", strings.ReplaceAll(digest(body), ":", `"`)), want: counterfeit, why: "the body is not the one"},
		{name: "half a digest", packed: header("content-digest", digest(body)[:30]+"==:"), want: counterfeit, why: "the body is not the one"},
		{name: "an empty digest", packed: header("content-digest", "sha-256=::"), want: counterfeit, why: "the body is not the one"},

		// The event.
		{name: "another specversion", packed: header("ce-specversion", "2.0"), want: illegible, why: "CloudEvent"},
		{name: "no specversion", onTheWay: func(r *http.Request) { r.Header.Del("ce-specversion") }, want: illegible, why: "CloudEvent"},
		{name: "an empty id", packed: header("ce-id", ""), want: illegible, why: "ce-id"},
		{name: "a long id", packed: header("ce-id", strings.Repeat("i", 200)), want: genuine},
		{name: "too long an id", packed: header("ce-id", strings.Repeat("i", 201)), want: illegible, why: "ce-id"},
		{name: "no time", packed: header("ce-time", "yesterday-marker"), want: illegible, why: "ce-time"},
		{name: "a time with an offset", packed: header("ce-time", "2026-09-01T12:59:58.1234567+01:00"), want: genuine},
		{name: "no JSON by its type", packed: header("content-type", "text/plain"), want: illegible, why: "Content-Type"},
		{name: "no type at all", onTheWay: func(r *http.Request) { r.Header.Del("content-type") }, want: illegible, why: "Content-Type"},
		{name: "JSON in capitals", packed: header("content-type", "Application/JSON"), want: genuine},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, post := newParcel(), newPost()
			if tt.packed != nil {
				tt.packed(p)
			}
			r := p.request()
			if tt.onTheWay != nil {
				tt.onTheWay(r)
			}
			e, err := post.webhooks(t).Receive(r)
			if got := verdict(err); got != tt.want {
				t.Fatalf("%s (%v), want %s", got, err, tt.want)
			}
			if err == nil {
				if e.Kind != journey.LinkChanged || e.TRN != "7300001" || e.Subject != "urn:fdc:gov.uk:2022:subject-marker" || !e.At.Equal(time.Date(2026, 9, 1, 11, 59, 58, 123456700, time.UTC)) {
					t.Errorf("it tells %+v", e)
				}
				return
			}
			if !strings.Contains(err.Error(), tt.why) || tt.why == "" {
				t.Errorf("because %v, want %q", err, tt.why)
			}
			if e != (journey.Event{}) {
				t.Errorf("refused, and it tells %+v", e)
			}
			discreet(t, post, err)
		})
	}
}
