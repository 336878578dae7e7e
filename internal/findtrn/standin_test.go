package findtrn_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/findtrn"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// TestThereAndBack: what we send the stand-in takes, what it tells we read, and
// the browser is back at our callback. The two share no code.
func TestThereAndBack(t *testing.T) {
	const address = "ŵyn+o'brien&co@people.example"
	var mu sync.Mutex
	told := map[string]journey.Claim{}
	var h *findtrn.Handover
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+findtrn.Path, func(w http.ResponseWriter, r *http.Request) {
		id, claim, err := h.ReadClaim(r)
		if refusal, ok := errors.AsType[*findtrn.Refusal](err); ok {
			refusal.Answer(w)
			return
		}
		mu.Lock()
		told[id] = claim
		mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	service := httptest.NewServer(mux)
	defer service.Close()
	back := service.URL + "/teaching-record/find-a-lost-trn/callback"
	standIn, err := find.New(find.Config{
		APIBase: service.URL, APIKey: "the-key-that-find-presents", SharedKey: "the-key-that-both-have/+=",
		Clients: []find.Client{{ID: "service", RedirectURLs: []string{back}}},
		Find: func(email string) (find.Person, bool) {
			return find.Person{FirstName: "Ŵyn", LastName: "O’Brien", BirthDate: "1985-04-12", NINO: "QQ 12 34 56 C", TRN: "1000001"}, email == address
		},
		OtherTRN: "1000009",
	})
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(standIn)
	defer site.Close()
	h, err = findtrn.New(findtrn.Config{
		URL: site.URL + "/identity", SharedKey: "the-key-that-both-have/+=", APIKeys: []string{"the-key-of-tomorrow", "the-key-that-find-presents"},
		ClientID: "service", ClientTitle: "Gwasanaeth (y ~gorau*!) “ŵ” & more, 100%", ClientURL: service.URL, RedirectURL: back,
	})
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(to string, form url.Values) *http.Response {
		t.Helper()
		response, err := browser.PostForm(to, form)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	wyn := journey.Claim{FirstName: "Ŵyn", LastName: "O’Brien", BirthDate: "1985-04-12", TRN: "1000001", NINO: "QQ123456C"}
	none := wyn
	none.TRN = ""
	ticket := none
	ticket.SupportTicket = true
	other := wyn
	other.TRN = "1000009"
	preferred := wyn
	preferred.PreferredFirstName, preferred.PreferredLastName = "Preferred", "Name"
	for fault, row := range map[string]struct {
		claim journey.Claim // the zero one: nothing was told
		puts  []int
	}{
		"": {wyn, []int{204}}, "no-trn": {none, []int{204}}, "null-trn": {none, []int{204}}, "ticket-created": {ticket, []int{204}},
		"other-trn": {other, []int{204}}, "old-names": {wyn, []int{204}}, "preferred-names": {preferred, []int{204}}, "new-properties": {wyn, []int{204}},
		"put-twice": {wyn, []int{204, 204}}, "put-changed": {other, []int{204, 204}}, "put-wrong-key": {puts: []int{401}}, "put-no-key": {puts: []int{401}},
	} {
		standIn.Reset()
		if fault != "" {
			if err := standIn.Play(find.Play{Fault: fault}); err != nil {
				t.Fatal(err)
			}
		}
		id := uuid.NewString()
		to, fields, err := h.Depart(id, address, "session ~1", service.URL+"/teaching-record/find-a-lost-trn?a=b&c=%20")
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{}
		for _, f := range fields {
			form.Set(f.Name, f.Value)
		}
		questions := site.URL + post(to, form).Header.Get("Location")
		response, err := browser.Get(questions)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(response.Body)
		response.Body.Close()
		answers := url.Values{}
		for _, m := range regexp.MustCompile(`name="([a-z-]+)" value="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
			answers.Set(m[1], m[2])
		}
		end := post(site.URL+"/questions", answers)
		if got := end.Header.Get("Location"); (got == back+"?journey="+id) == (row.claim == journey.Claim{}) {
			t.Errorf("%q: %d %s", fault, end.StatusCode, got)
		}
		record := standIn.Record()
		if diff := cmp.Diff(row.puts, record.PUTs); diff != "" || len(record.Violations) != 0 {
			t.Errorf("%q: %s %v", fault, diff, record.Violations)
		}
		if diff := cmp.Diff(row.claim, told[id]); diff != "" {
			t.Errorf("%q: %s", fault, diff)
		}
	}
}
