package trs

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestTales: what each type tells.
func TestTales(t *testing.T) {
	const subject = "urn:fdc:gov.uk:2022:subject-marker"
	for _, tt := range []struct {
		name, kind, body string
		want             journey.Event
		unreadable       bool
	}{
		{name: "a link made", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `","emailAddress":null},"connectedPerson":{"trn":"7300001"}}`,
			want: journey.Event{Kind: journey.LinkChanged, Subject: subject, TRN: "7300001"}},
		{name: "a link removed", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `","emailAddress":"a@b"},"connectedPerson":null}`,
			want: journey.Event{Kind: journey.LinkChanged, Subject: subject}},
		{name: "a link removed, with space", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `"},"connectedPerson": null }`,
			want: journey.Event{Kind: journey.LinkChanged, Subject: subject}},
		{name: "a long subject", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + strings.Repeat("s", 255) + `"},"connectedPerson":null}`,
			want: journey.Event{Kind: journey.LinkChanged, Subject: strings.Repeat("s", 255)}},
		{name: "too long a subject", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + strings.Repeat("s", 256) + `"},"connectedPerson":null}`, unreadable: true},
		{name: "no subject", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":""},"connectedPerson":null}`, unreadable: true},
		{name: "no user", kind: "one_login_user.updated", body: `{"connectedPerson":null}`, unreadable: true},
		{name: "nothing said of a link", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `"}}`, unreadable: true},
		{name: "a link to nothing", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `"},"connectedPerson":{}}`, unreadable: true},
		{name: "a link to a word", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `"},"connectedPerson":"7300001"}`, unreadable: true},
		{name: "a link to an ill-formed TRN", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `"},"connectedPerson":{"trn":"730000"}}`, unreadable: true},
		{name: "a link to a number", kind: "one_login_user.updated", body: `{"oneLoginUser":{"subject":"` + subject + `"},"connectedPerson":{"trn":7300001}}`, unreadable: true},

		{name: "deactivated", kind: "person.deactivated", body: `{"deactivatedPerson":{"trn":"7300001"},"mergedWithPerson":null}`, want: journey.Event{Kind: journey.RecordEnded, TRN: "7300001"}},
		{name: "merged", kind: "person.deactivated", body: `{"deactivatedPerson":{"trn":"7300001"},"mergedWithPerson":{"trn":"7300002"}}`, want: journey.Event{Kind: journey.RecordEnded, TRN: "7300001"}},
		{name: "nobody deactivated", kind: "person.deactivated", body: `{"trn":"7300001","mergedWithPerson":{"trn":"7300002"}}`, unreadable: true},
		{name: "an ill-formed TRN deactivated", kind: "person.deactivated", body: `{"deactivatedPerson":{"trn":"73000011"}}`, unreadable: true},

		{name: "an alert made", kind: "alert.created", body: `{"trn":"7300001","alert":{"alertId":"x","details":"marker"}}`, want: journey.Event{Kind: journey.RecordChanged, TRN: "7300001"}},
		{name: "an alert changed", kind: "alert.updated", body: `{"trn":"7300001","alert":{},"added":[{"later":1e300}]}`, want: journey.Event{Kind: journey.RecordChanged, TRN: "7300001"}},
		{name: "an alert gone", kind: "alert.deleted", body: `{"trn":"7300001"}`, want: journey.Event{Kind: journey.RecordChanged, TRN: "7300001"}},
		{name: "an alert of nobody", kind: "alert.created", body: `{"trn":null,"alert":{}}`, unreadable: true},
		{name: "an alert beside another shape", kind: "alert.created", body: `{"trn":"7300001","trnRequest":7}`, unreadable: true},
		{name: "an alert with a TRN and more", kind: "alert.created", body: `{"trn":"7300001\n"}`, unreadable: true},

		{name: "completed, as TRS sends it", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"r-1","oneLoginUserSubject":null,"status":1,"trn":"7300001","potentialDuplicate":false}}`, want: journey.Event{Kind: journey.RequestCompleted, Request: "r-1"}},
		{name: "completed, as its documents have it", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"r-1","status":"Completed","trn":null}}`, want: journey.Event{Kind: journey.RequestCompleted, Request: "r-1"}},
		{name: "completed, in small letters", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"r-1","status": "completed" }}`, want: journey.Event{Kind: journey.RequestCompleted, Request: "r-1"}},
		{name: "pending", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"r-1","status":0}}`},
		{name: "rejected", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"r-1","status":2}}`},
		{name: "dormant", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"r-1","status":"Dormant"}}`},
		{name: "a status of later", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"r-1","status":11}}`},
		{name: "a request without a name", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"","status":1}}`, unreadable: true},
		{name: "a long name", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"` + strings.Repeat("r", 100) + `","status":1}}`, want: journey.Event{Kind: journey.RequestCompleted, Request: strings.Repeat("r", 100)}},
		{name: "too long a name", kind: "trn_request.completed", body: `{"trnRequest":{"requestId":"` + strings.Repeat("r", 101) + `","status":1}}`, unreadable: true},

		{name: "a ping", kind: "ping", body: `{"pingId":"x"}`},
		{name: "a ping of nonsense", kind: "ping", body: `{`},
		{name: "a type of later", kind: "person.renamed", body: `{"trn":1}`},
		{name: "a type in capitals", kind: "ALERT.CREATED", body: `{"trn":"7300001"}`},
		{name: "no payload", kind: "alert.created", body: ``, unreadable: true},
		{name: "null", kind: "alert.created", body: `null`, unreadable: true},
		{name: "a list", kind: "alert.created", body: `[]`, unreadable: true},
		{name: "nonsense", kind: "alert.created", body: `{"trn":"7300001"`, unreadable: true},
		{name: "nesting without end", kind: "alert.created", body: `{"trn":"7300001","alert":` + strings.Repeat("[", 60000), unreadable: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, post := newParcel(), newPost()
			p.header.Set("ce-type", tt.kind)
			p.body = tt.body
			got, err := post.webhooks(t).Receive(p.request())
			if tt.unreadable {
				if verdict(err) != illegible || got != (journey.Event{}) {
					t.Fatalf("%+v, %v", got, err)
				}
				discreet(t, post, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			want.ID, want.At = "0b2e5c0a-3c52-4c13-9b0e-2f9d1a3b7c11", time.Date(2026, 9, 1, 11, 59, 58, 123456700, time.UTC)
			sum := sha256.Sum256([]byte(p.base()))
			want.Delivery = hex.EncodeToString(sum[:])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDelivery: a replay is known as one, whatever is changed that is not signed.
func TestDelivery(t *testing.T) {
	w := newPost().webhooks(t)
	delivery := func(p *parcel, onTheWay func(*http.Request)) string {
		t.Helper()
		r := p.request()
		onTheWay(r)
		e, err := w.Receive(r)
		if err != nil {
			t.Fatal(err)
		}
		return e.Delivery
	}
	first := delivery(newParcel(), func(*http.Request) {})
	for name, onTheWay := range map[string]func(*http.Request){
		"again": func(*http.Request) {},
		// Anybody can make (r, n-s) of (r, s), and it is as valid.
		"with the other signature": altered(func(b []byte) []byte {
			s := new(big.Int).SetBytes(b[48:])
			return append(b[:48:48], s.Sub(elliptic.P384().Params().N, s).FillBytes(make([]byte, 48))...)
		}),
		"with another label": func(r *http.Request) {
			for _, name := range []string{"Signature", "Signature-Input"} {
				r.Header.Set(name, strings.Replace(r.Header.Get(name), "sig1=", "other=", 1))
			}
		},
		"with more space":     func(r *http.Request) { r.Header.Set("ce-id", " "+r.Header.Get("ce-id")+" ") },
		"from another source": func(r *http.Request) { r.Header.Set("ce-source", "https://evil.example") },
		"to another path":     func(r *http.Request) { r.URL.Path, r.Host = "/", "evil.example" },
	} {
		if got := delivery(newParcel(), onTheWay); got != first {
			t.Errorf("%s: another delivery", name)
		}
	}
	again := newParcel()
	again.params = hookParams(hookNow.Unix()+1, hookNow.Unix()+301, "one")
	if delivery(again, func(*http.Request) {}) == first {
		t.Error("a second attempt of TRS is taken for a replay")
	}
}

// TestOverTheWire: what a server makes of a delivery is what was signed.
func TestOverTheWire(t *testing.T) {
	w := newPost().webhooks(t)
	errs := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := w.Receive(r)
		errs <- err
	}))
	defer server.Close()
	for _, tt := range []struct {
		chunks bool
		want   string
	}{{false, genuine}, {true, counterfeit}} {
		p := newParcel()
		header := p.signed()
		var body io.Reader = strings.NewReader(p.body)
		if tt.chunks {
			body = io.MultiReader(body) // net/http does not know how long it is
		}
		req, err := http.NewRequest(http.MethodPost, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if err := <-errs; verdict(err) != tt.want {
			t.Errorf("chunks %v: %v, want %s", tt.chunks, err, tt.want)
		}
	}
}

func TestNewWebhooksRefuses(t *testing.T) {
	for _, tt := range []struct {
		change func(*WebhookConfig)
		want   string
	}{
		{func(c *WebhookConfig) { c.Address = "" }, "the address of the webhooks must be an address"},
		{func(c *WebhookConfig) { c.Address = "/webhooks/trs" }, "the address of the webhooks must be an address"},
		{func(c *WebhookConfig) { c.Address = "http://teaching.example.gov.uk/" }, "the address of the webhooks must be https"},
		{func(c *WebhookConfig) { c.TRS = "" }, "the URL of the Teaching Record System must be an address"},
		{func(c *WebhookConfig) { c.TRS = "https://user:pw@trs.example" }, "must be an address"},
		{func(c *WebhookConfig) { c.TRS = "http://trs.example" }, "must be https"},
		{func(c *WebhookConfig) { c.UserAgent = " " }, "need a user agent"},
		{func(c *WebhookConfig) { c.Logger = nil }, "a logger"},
	} {
		c := newPost().config()
		tt.change(&c)
		if _, err := NewWebhooks(c); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	w, err := NewWebhooks(WebhookConfig{Address: "http://localhost/", TRS: "http://127.0.0.1", UserAgent: agent, Logger: slog.New(slog.DiscardHandler)})
	if err != nil || w.Now == nil || w.HTTP == nil {
		t.Errorf("%+v, %v", w, err)
	}
}
