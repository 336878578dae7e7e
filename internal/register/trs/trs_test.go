package trs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

func TestFind(t *testing.T) {
	twin := strings.NewReplacer("7300001", "7300002").Replace(prunella)
	for _, tt := range []struct {
		name   string
		who    journey.Identity
		stated journey.Stated
		change func(*api)
		found  bool
		calls  int
	}{
		{"by National Insurance number", who, journey.Stated{NINO: "QQ123456C"}, nil, true, 2},
		{"by one that is somebody else's", who, journey.Stated{NINO: "QQ999999A"}, nil, false, 2},
		{"by one that only Teachers' Pensions has", who, journey.Stated{NINO: "QQ765432A"}, func(a *api) { a.checks["7300001"] = "QQ765432A" }, true, 2},
		{"by TRN", who, journey.Stated{TRN: "7300001"}, nil, true, 1},
		{"by a TRN nobody has", who, journey.Stated{TRN: "7309999"}, nil, false, 1},
		{"by TRN, with a wrong National Insurance number", who, journey.Stated{TRN: "7300001", NINO: "QQ999999A"}, nil, true, 1},
		{"a wrong TRN vetoes", who, journey.Stated{TRN: "7309999", NINO: "QQ123456C"}, nil, false, 1},
		{"another birth date", journey.Identity{Names: who.Names, BirthDates: []string{"1984-03-03"}}, journey.Stated{TRN: "7300001"}, nil, false, 1},
		{"another first name is not asked about", journey.Identity{Names: []journey.Name{{Given: []string{"ROWAN"}, Family: []string{"WINTERGREEN"}}}, BirthDates: who.BirthDates},
			journey.Stated{NINO: "QQ123456C"}, nil, false, 1},
		{"a former last name", journey.Identity{Names: []journey.Name{{Given: []string{"PRUNELLA"}, Family: []string{"HAZEL"}}}, BirthDates: who.BirthDates},
			journey.Stated{NINO: "QQ123456C"}, func(a *api) { a.searches["HAZEL"] = []string{"7300001"} }, true, 2},
		{"another last name, both numbers", journey.Identity{Names: []journey.Name{{Given: []string{"PRUNELLA"}, Family: []string{"ASH"}}}, BirthDates: who.BirthDates},
			journey.Stated{TRN: "7300001", NINO: "QQ123456C"}, nil, true, 1},
		{"another last name, both numbers, one a pension's", journey.Identity{Names: []journey.Name{{Given: []string{"PRUNELLA"}, Family: []string{"ASH"}}}, BirthDates: who.BirthDates},
			journey.Stated{TRN: "7300001", NINO: "QQ765432A"}, func(a *api) { a.checks["7300001"] = "QQ765432A" }, true, 2},
		{"another last name, TRN alone", journey.Identity{Names: []journey.Name{{Given: []string{"PRUNELLA"}, Family: []string{"ASH"}}}, BirthDates: who.BirthDates},
			journey.Stated{TRN: "7300001"}, nil, false, 1},
		{"two records with the number", who, journey.Stated{NINO: "QQ123456C"}, func(a *api) {
			a.searches["WINTERGREEN"] = []string{"7300001", "7300002"}
			a.people["7300002"], a.checks["7300002"] = twin, "QQ123456C"
		}, false, 3},
		{"two names and two birth dates", journey.Identity{Names: []journey.Name{who.Names[0], {Given: []string{"PRUNELLA"}, Family: []string{"HAZEL"}}}, BirthDates: []string{"1984-03-02", "1984-02-03"}},
			journey.Stated{NINO: "QQ123456C"}, nil, true, 5},
		{"a name of one part", journey.Identity{Names: []journey.Name{{Given: []string{"PRUNELLA"}}}, BirthDates: who.BirthDates}, journey.Stated{NINO: "QQ123456C"}, nil, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newAPI(t)
			if tt.change != nil {
				tt.change(a)
			}
			got, found, err := a.client(t).Find(t.Context(), tt.who, tt.stated)
			if err != nil || found != tt.found {
				t.Fatalf("found %v, %v; want %v", found, err, tt.found)
			}
			want := journey.Record{}
			if tt.found {
				want = record
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if calls := a.asked(); len(calls) != tt.calls {
				t.Errorf("%d calls, want %d: %v", len(calls), tt.calls, calls)
			}
		})
	}
}

// TestAnswers: what each answer means to somebody who looks for a record, and to
// somebody whose linked record is looked at.
func TestAnswers(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, `{"detail":"TRN: '7300001' Date of birth: '1984-03-02' QQ123456C"}`)
		}
	}
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
	}
	merged := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/7300001") {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusPermanentRedirect)
				return
			}
			fmt.Fprint(w, strings.ReplaceAll(prunella, "7300001", "7300009"))
		}
	}
	const couldNotAsk, none, live, gone = "could not ask", "none", "live", "gone"
	for _, tt := range []struct {
		name         string
		answer       http.HandlerFunc
		find, record string
	}{
		{"200", text(prunella), live, live},
		{"404", status(404), none, gone},
		{"410", status(410), none, gone},
		{"308", merged("/v3/persons/7300009"), none, "moved to 7300009"},
		{"308 to another host", merged("https://evil.example/v3/persons/7300009"), none, couldNotAsk},
		{"308 to nothing", merged(""), none, couldNotAsk},
		{"308 to itself", merged("/v3/persons/7300001"), none, couldNotAsk},
		{"301", status(301), couldNotAsk, couldNotAsk},
		{"400", status(400), couldNotAsk, couldNotAsk},
		{"401", status(401), couldNotAsk, couldNotAsk},
		{"403", status(403), couldNotAsk, couldNotAsk},
		{"409", status(409), couldNotAsk, couldNotAsk},
		{"429", status(429), couldNotAsk, couldNotAsk},
		{"500", status(500), couldNotAsk, couldNotAsk},
		{"503", status(503), couldNotAsk, couldNotAsk},
		{"nothing", text(""), couldNotAsk, couldNotAsk},
		{"null", text("null"), couldNotAsk, couldNotAsk},
		{"HTML", text("<html>"), couldNotAsk, couldNotAsk},
		{"a list", text("[]"), couldNotAsk, couldNotAsk},
		{"another record", text(strings.ReplaceAll(prunella, "7300001", "7300009")), couldNotAsk, couldNotAsk},
		{"a TRN that is a number", text(`{"trn":7300001}`), couldNotAsk, couldNotAsk},
		{"too large", text(prunella + strings.Repeat(" ", maxBody)), couldNotAsk, couldNotAsk},
		{"too deep", text(strings.Repeat("[", 100000)), couldNotAsk, couldNotAsk},
		{"a connection that ends", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, couldNotAsk, couldNotAsk},
		{"unknown words and nulls", text(strings.NewReplacer(`"Passed"`, `"Suspended"`, `"qts":{"holdsFrom":"2007-07-31"}`, `"qts":null`, `"previousNames":[`, `"qtlsStatus":"New","previousNames":[`).Replace(prunella)), live, live},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newAPI(t)
			a.instead = tt.answer
			_, found, err := a.client(t).Find(t.Context(), who, journey.Stated{TRN: "7300001"})
			got := none
			if err != nil {
				got = couldNotAsk
				honest(t, a, err)
			} else if found {
				got = live
			}
			if got != tt.find {
				t.Errorf("Find: %s (%v), want %s", got, err, tt.find)
			}
			before := len(a.asked())
			rec, isLive, err := a.client(t).Record(t.Context(), "7300001")
			if n := len(a.asked()) - before; n > mostMerges {
				t.Errorf("%d calls for one record", n)
			}
			switch {
			case err != nil:
				got = couldNotAsk
				honest(t, a, err)
			case !isLive:
				got = gone
			case rec.TRN != "7300001":
				got = "moved to " + rec.TRN
			default:
				got = live
			}
			if got != tt.record {
				t.Errorf("Record: %s (%v), want %s", got, err, tt.record)
			}
			if tt.name == "401" && !strings.Contains(a.log.String(), "level=ERROR") {
				t.Error("a refused key is not told loudly")
			}
		})
	}
}

// TestSearchRefused: a search that is not answered has found nobody and says so,
// whatever comes with it.
func TestSearchRefused(t *testing.T) {
	for _, code := range []int{204, 301, 400, 401, 403, 404, 410, 500} {
		a := newAPI(t)
		a.instead = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			if code != http.StatusNoContent {
				fmt.Fprint(w, `{"total":0,"results":[]}`)
			}
		}
		_, found, err := a.client(t).Find(t.Context(), who, journey.Stated{NINO: "QQ123456C"})
		if found || err == nil {
			t.Errorf("%d: found %v, %v", code, found, err)
			continue
		}
		honest(t, a, err)
	}
}

// honest checks that err says what it must and nothing else.
func honest(t *testing.T, a *api, err error) {
	t.Helper()
	if journey.TroubleIn(err) != journey.NoRegister {
		t.Errorf("%v carries %q", err, journey.TroubleIn(err))
	}
	for _, marker := range []string{"7300001", "1984", "QQ123456C", apiKey, "WINTERGREEN"} {
		if strings.Contains(err.Error(), marker) || strings.Contains(a.log.String(), marker) {
			t.Errorf("%q is in the error or the log: %v\n%s", marker, err, a.log.String())
		}
	}
}

// TestRecord: what the assertion needs costs one call, and less when it needs less.
func TestRecord(t *testing.T) {
	a := newAPI(t)
	got, live, err := a.client(t).Record(t.Context(), "7300001")
	if diff := cmp.Diff(record, got); diff != "" || !live || err != nil {
		t.Errorf("%v %v %s", live, err, diff)
	}
	got, live, err = a.client(t, func(c *Config) { c.Details = false }).Record(t.Context(), "7300001")
	if got != (journey.Record{TRN: "7300001"}) || !live || err != nil {
		t.Errorf("%v %v %v", got, live, err)
	}
	want := []string{"/v3/persons/7300001?include=Induction%2CAlerts", "/v3/trns/7300001?"}
	if diff := cmp.Diff(want, a.asked()); diff != "" {
		t.Error(diff)
	}
}

// TestManners: what is repeated, what is left alone, and for how long.
func TestManners(t *testing.T) {
	find := func(t *testing.T, c *Client) error {
		_, _, err := c.Find(t.Context(), who, journey.Stated{TRN: "7300001"})
		return err
	}
	t.Run("one failure is not felt", func(t *testing.T) {
		a := newAPI(t)
		a.instead = func(w http.ResponseWriter, r *http.Request) {
			a.mu.Lock()
			a.instead = nil
			a.mu.Unlock()
			w.WriteHeader(502)
		}
		if err := find(t, a.client(t)); err != nil || len(a.asked()) != 2 {
			t.Errorf("%v after %d calls", err, len(a.asked()))
		}
	})
	t.Run("a 429 is heeded", func(t *testing.T) {
		a := newAPI(t)
		a.instead = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "40")
			w.WriteHeader(429)
		}
		now := time.Now()
		c := a.client(t, func(c *Config) { c.Now = func() time.Time { return now } })
		for range 3 {
			if err := find(t, c); err == nil || len(a.asked()) != 1 {
				t.Errorf("%v after %d calls", err, len(a.asked()))
			}
		}
		a.instead = nil
		now = now.Add(41 * time.Second)
		if err := find(t, c); err != nil {
			t.Error(err)
		}
	})
	t.Run("what only fails is left alone", func(t *testing.T) {
		a := newAPI(t)
		a.instead = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }
		c := a.client(t)
		for range 10 {
			if find(t, c) == nil {
				t.Error("found")
			}
		}
		if n := len(a.asked()); n != 8 {
			t.Errorf("%d calls, want 8", n)
		}
	})
	t.Run("a refusal of the key is not repeated", func(t *testing.T) {
		a := newAPI(t)
		a.instead = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) }
		if err := find(t, a.client(t)); err == nil || len(a.asked()) != 1 {
			t.Errorf("%v after %d calls", err, len(a.asked()))
		}
	})
	t.Run("the same question is asked once", func(t *testing.T) {
		a := newAPI(t)
		arrived, release := make(chan bool, 8), make(chan bool)
		a.instead = func(w http.ResponseWriter, r *http.Request) {
			arrived <- true
			<-release
			fmt.Fprint(w, prunella)
		}
		c := a.client(t)
		var waiting sync.WaitGroup
		errs := make(chan error, 5)
		ctx, hangUp := context.WithCancel(t.Context())
		waiting.Go(func() {
			_, _, err := c.Find(ctx, who, journey.Stated{TRN: "7300001"})
			errs <- err
		})
		<-arrived
		for range 3 {
			waiting.Go(func() { errs <- find(t, c) })
		}
		other := journey.Identity{Names: who.Names, BirthDates: []string{"1984-03-03"}}
		waiting.Go(func() {
			_, found, err := c.Find(t.Context(), other, journey.Stated{TRN: "7300001"})
			if found {
				t.Error("somebody else's answer was theirs")
			}
			errs <- err
		})
		<-arrived // another person's question is their own
		hangUp()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away got %v", err)
		}
		close(release)
		waiting.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		if n := len(a.asked()); n > 3 { // the three may have come after the answer
			t.Errorf("%d calls", n)
		}
	})
	t.Run("silence ends", func(t *testing.T) {
		a := newAPI(t)
		over := make(chan bool)
		defer close(over)
		a.instead = func(w http.ResponseWriter, r *http.Request) { <-over }
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, _, err := a.client(t).Record(ctx, "7300001"); journey.TroubleIn(err) != journey.NoRegister {
			t.Error(err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.URL = "" }, "must be an address"},
		{func(c *Config) { c.URL = "https://user:pw@trs.example" }, "must be an address"},
		{func(c *Config) { c.URL = "http://trs.example" }, "must be https"},
		{func(c *Config) { c.APIKey = "" }, "needs an API key"},
		{func(c *Config) { c.UserAgent = " " }, "user agent"},
	} {
		c := Config{URL: "https://trs.example", APIKey: apiKey, UserAgent: agent, Logger: slog.New(slog.DiscardHandler)}
		tt.change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// FuzzAnswer: whatever the API says, it is an answer with a meaning or an error.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{prunella, "", "null", `{"results":[{"trn":"7300001"}]}`, `{"trn":"7300001","alerts":{}}`, "\x00", `{"trn":"7300001","qts":{"holdsFrom":1e300}}`} {
		f.Add(200, "/v3/persons/7300009", seed)
	}
	f.Add(308, "//evil/v3/persons/7300009", "")
	client, err := New(Config{URL: "https://trs.example", APIKey: apiKey, UserAgent: agent, Logger: slog.New(slog.DiscardHandler), Details: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, location, body string) {
		got := answer{status: status, header: http.Header{"Location": {location}}, body: []byte(body)}
		if trn, err := client.retained("x", got); err == nil && !sevenDigits.MatchString(trn) {
			t.Errorf("%q is merged into %q", location, trn)
		}
		if p, err := decode[person]("x", got); err == nil {
			client.rule.Match(who, journey.Stated{TRN: "7300001"}, []register.Candidate{p.candidate()})
		}
	})
}
