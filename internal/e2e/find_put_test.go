package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/store"
)

// What Find a lost TRN tells us, at the root of the host.

const noJourney = "7b0e4f4e-0000-4000-8000-000000000000"

// claimOf is what Find says of somebody who typed another name and birth date than
// One Login knows, with the TRN it found.
func claimOf(trn string) string {
	return `{"officialFirstName":"Ignatia","officialLastName":"Stillwater-Penn","dateOfBirth":"1961-01-30","nationalInsuranceNumber":"QQ882211C","trn":"` + trn + `"}`
}

// planted are the values in it that no log and no Redis may show.
var planted = []string{"Ignatia", "Stillwater-Penn", "1961-01-30", "QQ882211C"}

// says tells of a journey what was found, as Find does.
func (s *stack) says(t testing.TB, id, claim string, header ...string) rawResponse {
	t.Helper()
	if header == nil {
		header = []string{"Authorization: Bearer " + s.env["FIND_API_KEY"], "Content-Type: application/json"}
	}
	return s.raw(t, rawRequest{method: "PUT", target: "/api/find-trn/user/" + id, header: append(header, fmt.Sprintf("Content-Length: %d", len(claim))), body: claim})
}

// TestFindPUT: what is refused, how, and that it changes nothing; what is not.
func TestFindPUT(t *testing.T) {
	t.Parallel()
	s := start(t, finding)
	v := s.teacher(t).forgets("lost-trn")
	id := v.journeyID()
	v.leaves()
	const asJSON = "Content-Type: application/json"
	key, claim := "Authorization: Bearer "+s.env["FIND_API_KEY"], claimOf("7380659")

	for name, c := range map[string]struct {
		id     string
		header []string
		body   string
		want   int
		says   string // of a problem document
	}{
		"no key":             {id, []string{asJSON}, claim, 401, ""},
		"another key":        {id, []string{"Authorization: Bearer " + strings.ToUpper(s.env["FIND_API_KEY"]), asJSON}, claim, 401, ""},
		"a longer key":       {id, []string{key + "0", asJSON}, claim, 401, ""},
		"the shared key":     {id, []string{"Authorization: Bearer " + s.env["FIND_SHARED_KEY"], asJSON}, claim, 401, ""},
		"another scheme":     {id, []string{"Authorization: Basic " + s.env["FIND_API_KEY"], asJSON}, claim, 401, ""},
		"two keys":           {id, []string{key, key, asJSON}, claim, 401, ""},
		"no key, no journey": {noJourney, []string{asJSON}, claim, 401, ""},
		"no journey":         {noJourney, []string{key, asJSON}, claim, 404, "there is no such journey"},
		"no journey id":      {"x", []string{key, asJSON}, claim, 404, "there is no such journey"},
		"a form":             {id, []string{key, "Content-Type: application/x-www-form-urlencoded"}, "trn=7380659", 415, "application/json"},
		"no type":            {id, []string{key}, claim, 415, "application/json"},
		"long":               {id, []string{key, asJSON}, claim + strings.Repeat(" ", 16<<10), 413, "16 KB"},
		"no JSON":            {id, []string{key, asJSON}, claim[1:], 400, "JSON"},
		"wrong properties":   {id, []string{key, asJSON}, `{"officialFirstName":7,"officialLastName":"Stillwater-Penn","dateOfBirth":"30.1.1961","trn":"738065"}`, 400, "properties"},
	} {
		got := s.says(t, c.id, c.body, c.header...)
		if got.status != c.want {
			t.Errorf("%s: %d, want %d\n%s", name, got.status, c.want, got.body)
		}
		if !strings.Contains(got.head, "Cache-Control: no-store\r\n") || strings.Contains(got.head, "Set-Cookie") || strings.Contains(got.head, "Location") {
			t.Errorf("%s:\n%s", name, got.head)
		}
		if c.want == http.StatusUnauthorized {
			if got.body != "" || !strings.Contains(got.head, "Www-Authenticate: Bearer\r\n") {
				t.Errorf("%s: %q\n%s", name, got.body, got.head)
			}
			continue
		}
		if p := problemIn(t, got); p.Status != c.want || !strings.Contains(p.Detail, c.says) || (len(p.Errors) > 0) != (name == "wrong properties") {
			t.Errorf("%s: %+v", name, p)
		} else if len(p.Errors) > 0 {
			wrong := map[string]string{"officialFirstName": "must be a string", "dateOfBirth": "must be a date, as in 1990-12-31", "trn": "must have exactly seven digits"}
			if diff := cmp.Diff(wrong, p.Errors); diff != "" {
				t.Error(diff)
			}
		}
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"} {
		got := s.raw(t, rawRequest{method: method, target: "/api/find-trn/user/" + id, header: []string{key, asJSON, "Content-Length: 0"}})
		if got.status != http.StatusMethodNotAllowed || !strings.Contains(got.head, "Allow: PUT\r\n") {
			t.Errorf("%s: %d\n%s", method, got.status, got.head)
		}
	}

	// In chunks, and once more with something else, which counts.
	in := s.raw(t, rawRequest{method: "PUT", target: "/api/find-trn/user/" + id, header: []string{key, asJSON, "Transfer-Encoding: chunked"},
		body: fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(claimOf(somebodyElses)), claimOf(somebodyElses))})
	for _, got := range []rawResponse{in, s.says(t, id, claim), s.says(t, strings.ToUpper(id), claim), s.says(t, id, claim)} {
		if got.status != http.StatusNoContent || got.body != "" {
			t.Errorf("%d %q", got.status, got.body)
		}
	}
	s.nothingPersonal(t, slices.Concat(planted, []string{id})...) // while what was said is kept

	v.open(findBack + "?journey=" + id).at(connectedPage)
	if got := s.says(t, id, claim); got.status != http.StatusConflict || !strings.Contains(problemIn(t, got).Detail, "over") {
		t.Errorf("when they are back: %d %s", got.status, got.body)
	}
	s.nothingPersonal(t, slices.Concat(planted, []string{id})...)
	s.logsNone(t, planted...)
}

type problemDocument struct {
	Status int
	Detail string
	Errors map[string]string
}

func problemIn(t *testing.T, r rawResponse) (p problemDocument) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || !strings.Contains(r.head, "Content-Type: application/problem+json\r\n") {
		t.Errorf("%d is no problem document: %s\n%s", r.status, r.head, r.body)
	}
	return p
}

// trip is one to Find of nobody's, for which it may be told what was found.
func (s *stack) trip(t testing.TB) (id string) {
	t.Helper()
	id = uuid.NewString()
	_, err := store.FilesOf[journey.Handover](s.store(), store.Handovers).Of(s.site).Change(t.Context(), id, func(journey.Handover, bool) (journey.Handover, error) {
		return journey.Handover{Browser: "nobody's", Left: time.Now()}, nil
	})
	must(t, err)
	return id
}

// TestFindPUTPlacement: it is ours wherever else its path would lead, and nothing
// beside it is.
func TestFindPUTPlacement(t *testing.T) {
	t.Parallel()
	const directive = "teaching_record {"
	public := editing("/healthcheck /assets/*", "/healthcheck /assets/* /api/*")
	for name, c := range map[string]struct {
		edit   option
		beside int // the status of what is beside it: 200 of the service's /whoami
	}{
		"nothing around it":           {editing(), http.StatusUnauthorized},
		"public":                      {public, http.StatusUnauthorized}, // says the service's own page
		"uri strip_prefix":            {editing(directive, "uri strip_prefix /api\n"+directive), http.StatusUnauthorized},
		"rewritten":                   {editing(directive, "rewrite /api/* /whoami\n"+directive), http.StatusUnauthorized},
		"rewritten to what is public": {editing("/healthcheck /assets/*", "/whoami", directive, "rewrite /api/* /whoami\n"+directive), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, finding, c.edit)
			id := s.trip(t)
			if got := s.says(t, id, claimOf("7380659"), "Content-Type: application/json"); got.status != http.StatusUnauthorized || got.body != "" {
				t.Errorf("without a key: %d %s", got.status, got.body)
			}
			if got := s.says(t, id, claimOf("7380659")); got.status != http.StatusNoContent {
				t.Errorf("%d %s", got.status, got.body)
			}
			if got := s.raw(t, rawRequest{method: "GET", target: "/api/find-trn/user/" + id}); got.status != http.StatusMethodNotAllowed {
				t.Errorf("read: %d %s", got.status, got.body)
			}
			// The service has an /api of its own.
			for _, target := range []string{"/api/find-trn/user/" + id + "/more", "/api/find-trn/user", "/api/find-trn", "/api/records"} {
				got := s.raw(t, rawRequest{method: "PUT", target: target, header: []string{"Authorization: Bearer " + s.env["FIND_API_KEY"], "Content-Length: 0"}})
				if got.status != c.beside || name == "public" && !strings.Contains(got.body, "this service serves nobody") {
					t.Errorf("%s: %d, want %d: %s", target, got.status, c.beside, got.body)
				}
			}
			if name == "nothing around it" {
				s.teacher(t).open("/records").choose("known").open("/api/records").at("/api/records").sees(http.StatusOK, "signed in")
			}
		})
	}
}

// TestFindOverTLS: as production runs it, over HTTP/2.
func TestFindOverTLS(t *testing.T) {
	t.Parallel()
	s := startTLS(t, finding)
	v := s.teacher(t).forgets("lost-trn")
	id := v.journeyID()
	v.leaves().press("Continue").at(connectedPage)
	if diff := cmp.Diff([]int{http.StatusNoContent}, s.Find.Record().PUTs); diff != "" {
		t.Error(diff)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.site+"/api/find-trn/user/"+id, strings.NewReader(claimOf("7380659")))
	must(t, err)
	req.Header = http.Header{"Authorization": {"Bearer " + s.env["FIND_API_KEY"]}, "Content-Type": {"application/json; charset=utf-8"}}
	resp, err := s.client.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if text := body(t, resp.Body); resp.ProtoMajor != 2 || resp.StatusCode != http.StatusConflict || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d %s", resp.Proto, resp.StatusCode, text)
	}
	v.press("Continue").at("/records?page=2").sees(http.StatusOK, "signed in")
	s.noFindRuleBroken(t)
}

// TestFindKeys: two keys are good while they are changed, and a reload ends one.
func TestFindKeys(t *testing.T) {
	t.Parallel()
	const fresh = "another-key-for-find-2b7e"
	s := start(t, finding, editing("api_key {env.FIND_API_KEY}", "api_key {env.FIND_API_KEY}\napi_key "+fresh))
	v := s.teacher(t).forgets("lost-trn")
	id := v.journeyID()
	with := func(key string) int {
		return s.says(t, id, claimOf("7380659"), "Authorization: bearer "+key, "Content-Type: application/json").status
	}
	statuses := func() map[string]int {
		return map[string]int{"old": with(s.env["FIND_API_KEY"]), "new": with(fresh)}
	}
	if diff := cmp.Diff(map[string]int{"old": 204, "new": 204}, statuses()); diff != "" {
		t.Error(diff)
	}
	s.reload(t, func(text string) string { return strings.Replace(text, "api_key {env.FIND_API_KEY}\n", "\n", 1) })
	want := map[string]int{"old": 401, "new": 204}
	s.await("the old key to be refused", func() bool { return maps.Equal(statuses(), want) }) // by whoever had the connection, too
	v.open(findBack + "?journey=" + id).at(connectedPage)
	if strings.Contains(s.log.String(), fresh) {
		t.Error("the log shows a key")
	}
}

// TestFindTooOften: who has one key and asks too often is held up with that one.
func TestFindTooOften(t *testing.T) {
	t.Parallel()
	const other = "another-key-for-find-2b7e"
	s := start(t, finding, editing("api_key {env.FIND_API_KEY}", "api_key {env.FIND_API_KEY}\napi_key "+other))
	says := func(key string) (int, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.site+"/api/find-trn/user/"+noJourney, http.NoBody)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := s.client.Do(req)
		must(t, err)
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
		return resp.StatusCode, resp.Header
	}
	limit := func() int { // how many it took
		for n := range 30000 {
			switch status, header := says(s.env["FIND_API_KEY"]); {
			case status == http.StatusTooManyRequests:
				if header.Get("Retry-After") == "" || header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%v", header)
				}
				return n
			case status != http.StatusUnsupportedMediaType:
				t.Fatalf("%d", status)
			}
		}
		t.Fatal("nobody is ever held up")
		return 0
	}
	if n := limit(); n < 2000 {
		t.Errorf("held up after %d", n)
	}
	if status, _ := says(other); status != http.StatusUnsupportedMediaType {
		t.Errorf("with the other key: %d", status)
	}
	if status, _ := says("unknown-key-of-nobody"); status != http.StatusUnauthorized {
		t.Errorf("with no key of ours: %d", status)
	}
	s.await("the key to be good again", func() bool { status, _ := says(s.env["FIND_API_KEY"]); return status != http.StatusTooManyRequests })
}
