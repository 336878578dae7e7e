package trs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// by is a delivery signed by the key named, now.
func by(kid string, now time.Time) *http.Request {
	p := newParcel()
	p.key, p.params = hookKey(kid), hookParams(now.Unix(), now.Unix()+300, kid)
	return p.request()
}

// TestWhichKeys: what in a JWK set is a key for webhooks.
func TestWhichKeys(t *testing.T) {
	one := listed("one", hookKey("one"))
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const rsa = `{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"rsa","use":"sig","alg":"RS384"}`
	with := func(old, new string) string {
		if !strings.Contains(one, old) {
			panic(old)
		}
		return strings.Replace(one, old, new, 1)
	}
	upper := strings.NewReplacer(`"kty"`, `"Kty"`, `"crv"`, `"CRV"`, `"x"`, `"X"`, `"y"`, `"Y"`, `"kid"`, `"Kid"`, `"use"`, `"Use"`, `"alg"`, `"Alg"`).Replace(one)
	x := one[strings.Index(one, `"x":"`)+5 : strings.Index(one, `","y"`)]
	for _, tt := range []struct{ name, set, want string }{
		{"one", setOf(one), genuine},
		{"among others", setOf(rsa, listed("p256", p256), listed("two", hookKey("two")), one, `{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"ed"}`), genuine},
		{"beside nonsense", setOf(`null`, `7`, `[]`, `{"kid":7}`, `{}`, one), genuine},
		{"named as .NET does", `{"AdditionalData":{},"Keys":[` + upper + `],"SkipUnresolvedJsonWebKeys":true}`, genuine},
		{"no use", setOf(with(`"use":"sig",`, "")), genuine},
		{"use that is null", setOf(with(`"use":"sig"`, `"use":null`)), genuine},
		{"no algorithm", setOf(with(`,"alg":"ES384"`, "")), genuine},
		{"for encryption", setOf(with(`"sig"`, `"enc"`)), counterfeit},
		{"another algorithm", setOf(with("ES384", "ECDH-ES")), counterfeit},
		{"another type", setOf(with(`"EC"`, `"OKP"`)), counterfeit},
		{"another curve by name", setOf(with("P-384", "P-256")), counterfeit},
		{"another curve", setOf(listed("one", p256)), counterfeit},
		{"another curve by another name", setOf(strings.Replace(listed("one", p256), "P-256", "P-384", 1)), counterfeit},
		{"not on the curve", setOf(with(x[:8], "AAAAAAAA")), counterfeit},
		{"a short number", setOf(with(x, x[4:])), counterfeit},
		{"a long number", setOf(with(x, "AAAA"+x)), counterfeit},
		{"padded base64", setOf(with(x, x+"=")), counterfeit},
		{"no number", setOf(with(x, "")), counterfeit},
		{"without an id", setOf(with(`"kid":"one"`, `"kid":""`)), counterfeit},
		{"none", setOf(""), counterfeit},
		{"not listed", setOf(listed("two", hookKey("two"))), counterfeit},
		{"another key with its id", setOf(listed("one", hookKey("two"))), counterfeit},
		{"no set", `{}`, "no keys"},
		{"null", `null`, "no keys"},
		{"a set of null", `{"keys":null}`, "no keys"},
		{"a list", "[" + one + "]", "no keys"},
		{"HTML", "<html>", "no keys"},
		{"nothing", "", "no keys"},
		{"as large as may be", setOf(one) + strings.Repeat(" ", maxKeySet-len(setOf(one))), genuine},
		{"too large", setOf(one) + strings.Repeat(" ", maxKeySet+1-len(setOf(one))), "no keys"},
		{"too deep", strings.Repeat("[", 60000), "no keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			post := newPost()
			post.set = tt.set
			_, err := post.webhooks(t).Receive(by("one", hookNow))
			if verdict(err) != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if err != nil {
				discreet(t, post, err)
			}
		})
	}
}

// TestKeysInTime: a day of keys: when they are fetched, and what is believed when
// that fails. Each row is some time after the one before.
func TestKeysInTime(t *testing.T) {
	down := func() (*http.Response, error) { return nil, errors.New("connection refused") }
	type row struct {
		after time.Duration
		fails bool
		keys  string // that TRS lists from now on; "" for no change
		kid   string
		want  string
		gets  int
	}
	for _, tt := range []struct {
		name string
		rows []row
	}{
		{"kept for an hour", []row{
			{0, false, "one", "one", genuine, 1},
			{59*time.Minute + 59*time.Second, false, "", "one", genuine, 0},
			{time.Second, false, "", "one", genuine, 1},
			{59 * time.Minute, false, "", "one", genuine, 0},
		}},
		{"a new key is fetched", []row{
			{0, false, "one", "one", genuine, 1},
			{time.Minute, false, "one two", "two", genuine, 1},
			{time.Second, false, "", "one", genuine, 0},
		}},
		{"an unknown key costs a fetch a minute", []row{
			{0, false, "one", "evil", counterfeit, 1},
			{time.Second, false, "", "evil", counterfeit, 0},
			{58 * time.Second, false, "", "worse", counterfeit, 0},
			{0, false, "", "one", genuine, 0},
			{time.Second, false, "", "evil", counterfeit, 1},
			{59 * time.Second, false, "one two", "two", counterfeit, 0},
			{time.Second, false, "", "two", genuine, 1},
		}},
		{"so it does when there is no answer", []row{
			{0, true, "one", "one", "no keys", 1},
			{59 * time.Second, false, "", "one", "no keys", 0},
			{time.Second, false, "", "one", genuine, 1},
		}},
		{"a withdrawn key is dead", []row{
			{0, false, "one two", "one", genuine, 1},
			{time.Minute, false, "two", "one", genuine, 0}, // not yet: nobody has asked
			{time.Second, false, "", "evil", counterfeit, 1},
			{0, false, "", "one", counterfeit, 0},
			{0, false, "", "two", genuine, 0},
		}},
		{"an old copy serves for a day", []row{
			{0, false, "one", "one", genuine, 1},
			{time.Hour, true, "", "one", genuine, 1},
			{time.Second, true, "", "one", genuine, 0},
			{59 * time.Second, true, "", "one", genuine, 1},
			{23*time.Hour - 61*time.Second, true, "", "one", genuine, 1},
			{time.Second, true, "", "one", "no keys", 0},
			{time.Minute, true, "", "one", "no keys", 1},
			{time.Minute, false, "", "one", genuine, 1},
		}},
		{"a key we could not ask for may be a new one", []row{
			{0, false, "one", "one", genuine, 1},
			{time.Minute, true, "one two", "two", "no keys", 1},
			{time.Second, true, "", "two", "no keys", 0},
			{0, true, "", "one", genuine, 0},
			{time.Minute, false, "", "two", genuine, 1},
			{time.Minute, false, "", "evil", counterfeit, 1},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			post := newPost()
			w := post.webhooks(t)
			for i, row := range tt.rows {
				post.now = post.now.Add(row.after)
				if post.fail = nil; row.fails {
					post.fail = down
				}
				if row.keys != "" {
					var keys []string
					for kid := range strings.FieldsSeq(row.keys) {
						keys = append(keys, listed(kid, hookKey(kid)))
					}
					post.set = setOf(keys...)
				}
				before := post.gets
				_, err := w.Receive(by(row.kid, post.now))
				if got := verdict(err); got != row.want {
					t.Errorf("row %d: %s (%v), want %s", i, got, err, row.want)
				}
				if got := post.gets - before; got != row.gets {
					t.Errorf("row %d: %d fetches, want %d", i, got, row.gets)
				}
				if err != nil {
					discreet(t, post, err)
				}
			}
		})
	}
}

// TestKeysDown: the ways in which there is no answer.
func TestKeysDown(t *testing.T) {
	set := setOf(listed("one", hookKey("one")))
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		logged string
	}{
		{"200", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(set)) }, genuine, ""},
		{"500 with keys", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); w.Write([]byte(set)) }, "no keys", "status 500"},
		{"404", http.NotFound, "no keys", "status 404"},
		{"a redirect to keys", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				w.Write([]byte(set))
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, "no keys", "status 302"},
		{"a connection that ends", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "no keys", "EOF"},
		{"an answer that ends", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99999")
			w.Write([]byte(set))
		}, "no keys", "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var paths sync.Map
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				paths.Store(r.URL.Path, true)
				tt.answer(w, r)
			}))
			defer server.Close()
			post := newPost()
			c := post.config()
			c.TRS, c.HTTP = server.URL, nil
			w, err := NewWebhooks(c)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Receive(by("one", hookNow))
			if verdict(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			paths.Range(func(path, _ any) bool {
				if path != "/webhook-jwks" {
					t.Errorf("asked %v", path)
				}
				return true
			})
			if tt.want != genuine && (journey.TroubleIn(err) != journey.NoRegister || errors.Is(err, journey.ErrForged)) {
				t.Errorf("%v", err)
			}
			if log := post.log.String(); !strings.Contains(log, tt.logged) || strings.Contains(log, server.URL) || (log == "") != (tt.logged == "") {
				t.Errorf("the log says %q", log)
			}
		})
	}
}

// TestKeysInFlight: a silence ends, deliveries that come together cause one fetch,
// and the one that caused it may be gone before it ends. What needs no fetch does
// not wait for one.
func TestKeysInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gets, silent, release := 0, true, make(chan bool)
		c := newPost().config()
		c.Now = time.Now
		c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			gets++
			if silent {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			select {
			case <-release:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
			answer := httptest.NewRecorder()
			answer.WriteString(setOf(listed("one", hookKey("one"))))
			return answer.Result(), nil
		})}
		w, err := NewWebhooks(c)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := w.Receive(by("one", began)); verdict(err) != "no keys" || time.Since(began) != 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}

		time.Sleep(time.Minute)
		silent, gets = false, 0
		var waiting sync.WaitGroup
		for range 10 {
			waiting.Go(func() {
				r := by("one", time.Now())
				ctx, hangUp := context.WithCancel(r.Context())
				hangUp() // of whoever caused the fetch, too
				if _, err := w.Receive(r.WithContext(ctx)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		release <- true
		waiting.Wait()
		if gets != 1 {
			t.Errorf("%d fetches, want 1", gets)
		}

		time.Sleep(time.Minute)
		waiting.Go(func() {
			if _, err := w.Receive(by("evil", time.Now())); verdict(err) != counterfeit {
				t.Error(err)
			}
		})
		synctest.Wait() // the stranger's delivery waits for a fetch
		if _, err := w.Receive(by("one", time.Now())); err != nil || gets != 2 {
			t.Errorf("%v after %d fetches", err, gets)
		}
		release <- true
		waiting.Wait()
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
