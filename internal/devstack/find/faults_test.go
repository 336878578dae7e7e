package find_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/find"
)

// TestFaults: each, once: the PUTs there are, and where the browser ends.
func TestFaults(t *testing.T) {
	without := func(names ...string) map[string]any {
		body := rosa()
		for _, name := range names {
			delete(body, name)
		}
		return body
	}
	with := func(body map[string]any, pairs ...any) map[string]any {
		for i := 0; i < len(pairs); i += 2 {
			body[pairs[i].(string)] = pairs[i+1]
		}
		return body
	}
	once := func(body map[string]any) []map[string]any { return []map[string]any{body} }
	rows := map[string]struct {
		bodies []map[string]any
		ends   string // on which page; "" is back
		status int    // of that page
	}{
		"closed":            {nil, "There is a problem", 500},
		"not-public":        {nil, "There is a problem", 401},
		"too-many":          {nil, "There is a problem", 429},
		"no-trn":            {once(without("trn")), "", 0},
		"null-trn":          {once(with(rosa(), "trn", nil)), "", 0},
		"ticket-created":    {once(with(without("trn"), "supportTicketCreated", true)), "", 0},
		"other-trn":         {once(with(rosa(), "trn", "7654321")), "", 0},
		"old-names":         {once(with(without("officialFirstName", "officialLastName"), "firstName", "Rosa", "lastName", "Carter-Lane")), "", 0},
		"preferred-names":   {once(with(rosa(), "preferredFirstName", "Preferred", "preferredLastName", "Name")), "", 0},
		"new-properties":    {once(with(rosa(), "matchedOn", map[string]any{"attributes": []any{"email", "dateOfBirth"}})), "", 0},
		"put-twice":         {[]map[string]any{rosa(), rosa()}, "", 0},
		"put-changed":       {[]map[string]any{rosa(), with(rosa(), "trn", "7654321")}, "", 0},
		"put-missing":       {nil, "", 0},
		"put-late":          {nil, "", 0},
		"put-wrong-key":     {once(rosa()), "", 0}, // the test's service takes any
		"put-no-key":        {once(rosa()), "", 0},
		"put-other-journey": {once(rosa()), "", 0},
		"no-return":         {once(rosa()), "We have received your request", 200},
		"ticket":            {nil, "We have received your request", 200},
		"other-browser":     {once(rosa()), `<a href="` + back + `">`, 200},
	}
	tolerable := 0
	for _, f := range find.Faults() {
		row, ok := rows[f.Name]
		if !ok || !strings.HasSuffix(f.Does, ".") {
			t.Errorf("%s: not tested, or says nothing", f.Name)
			continue
		}
		delete(rows, f.Name)
		if f.Tolerable {
			tolerable++
		}
		tr := newTraveller(t, func(c *find.Config) { c.OtherTRN = "7654321" })
		tr.play(f.Name)
		got := tr.do(http.MethodPost, "/identity", urlencoded, signed(context()))
		if got.status == http.StatusFound {
			got = tr.submit(tr.filled(got.location))
		}
		var bodies []map[string]any
		for _, c := range tr.took() {
			bodies = append(bodies, c.body)
			key := map[string]string{"put-no-key": ""}
			if want, odd := key[f.Name]; f.Name == "put-wrong-key" && c.head.Get("Authorization") == "Bearer "+apiKey || odd && c.head.Get("Authorization") != want {
				t.Errorf("%s: %v", f.Name, c.head)
			}
			if (c.path == "PUT /api/find-trn/user/"+journeyID) == (f.Name == "put-other-journey") {
				t.Errorf("%s: %s", f.Name, c.path)
			}
		}
		if diff := cmp.Diff(row.bodies, bodies); diff != "" {
			t.Errorf("%s: %s", f.Name, diff)
		}
		if row.ends == "" && got.location != back || row.ends != "" && (got.status != row.status || !strings.Contains(got.text, row.ends)) {
			t.Errorf("%s: %d %s %s", f.Name, got.status, got.location, got.text)
		}
		if playing, violations := tr.find.Playing(), tr.find.Record().Violations; len(playing) != 0 || len(violations) != 0 {
			t.Errorf("after %s: %v %v", f.Name, playing, violations)
		}
	}
	if len(rows) != 0 || tolerable != 4 {
		t.Errorf("%d tolerable; left: %v", tolerable, rows)
	}
}

// TestLate: the PUT waits for the word, and is made once.
func TestLate(t *testing.T) {
	tr := newTraveller(t)
	tr.play("put-late")
	if got := tr.trip(); got.location != back || len(tr.took()) != 0 {
		t.Fatalf("%d %s, %v", got.status, got.location, tr.took())
	}
	tr.statuses = []int{http.StatusConflict}
	if diff := cmp.Diff([]int{409}, tr.find.Late(t.Context())); diff != "" {
		t.Error(diff)
	}
	if got := tr.find.Late(t.Context()); got != nil {
		t.Error(got)
	}
	if calls := tr.took(); len(calls) != 1 || cmp.Diff(rosa(), calls[0].body) != "" {
		t.Errorf("%+v", calls)
	}
	if diff := cmp.Diff([]int{409}, tr.find.Record().PUTs); diff != "" {
		t.Error(diff)
	}
}

// TestPlay: once or every time, several at once, and no more.
func TestPlay(t *testing.T) {
	tr := newTraveller(t)
	if tr.find.Play(find.Play{Fault: "no-such"}) == nil {
		t.Error("a fault that there is not is played")
	}
	if err := tr.find.Play(find.Play{Fault: "no-trn", Every: true}); err != nil {
		t.Fatal(err)
	}
	tr.play("no-return")
	tr.play("ticket-created")
	if len(tr.find.Playing()) != 3 {
		t.Errorf("%v", tr.find.Playing())
	}
	if got := tr.trip(); got.status != http.StatusOK || tr.took()[0].body["supportTicketCreated"] != true {
		t.Errorf("%d %+v", got.status, tr.took())
	}
	if diff := cmp.Diff([]find.Play{{Fault: "no-trn", Every: true}}, tr.find.Playing()); diff != "" {
		t.Error(diff)
	}
	form := context()
	form.Set("journey_id", "0d9b4a3e-1111-4222-8333-444455556666")
	answers := tr.filled(tr.arrive(form))
	tr.find.StopFaults()
	if got := tr.submit(answers); got.location != back || tr.took()[1].body["trn"] != "1000001" {
		t.Errorf("%d %+v", got.status, tr.took())
	}
}
