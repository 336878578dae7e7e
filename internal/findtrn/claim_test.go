package findtrn

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// found is a PUT that has everything. Its values are in no text of ours.
const found = `{"officialFirstName":"Ottoline","officialLastName":"Brackenmoor","preferredFirstName":"Otti","preferredLastName":"Moor",` +
	`"trn":"7381046","dateOfBirth":"1979-11-23","nationalInsuranceNumber":"qq 61-83-05 a"}`

// put is Find's PUT, as it sends it; edits spoil it.
func put(body string, edits ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPut, "/api/find-trn/user/"+journeyID, strings.NewReader(body))
	r.SetPathValue(PathValue, journeyID)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("Accept", "*/*")
	r.Header.Set("User-Agent", "Faraday v2.9.0")
	for _, edit := range edits {
		edit(r)
	}
	return r
}

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = values }
}

func path(id string) func(*http.Request) {
	return func(r *http.Request) { r.SetPathValue(PathValue, id) }
}

// refusal is the Refusal that err must be, or nil.
func refusal(t testing.TB, err error) *Refusal {
	t.Helper()
	r, ok := errors.AsType[*Refusal](err)
	if err != nil && !ok {
		t.Fatalf("not a refusal: %v", err)
	}
	return r
}

// TestClaim: every body that Find sends, or sent, or may send.
func TestClaim(t *testing.T) {
	kevin := journey.Claim{FirstName: "Kevin", LastName: "E", BirthDate: "1990-01-01", TRN: "2921020"}
	with := func(edit func(*journey.Claim)) journey.Claim { c := kevin; edit(&c); return c }
	const newer = `"officialFirstName":"Kevin","officialLastName":"E","dateOfBirth":"1990-01-01"`
	for name, row := range map[string]struct {
		body string
		want journey.Claim
	}{
		"everything": {found, journey.Claim{FirstName: "Ottoline", LastName: "Brackenmoor", PreferredFirstName: "Otti", PreferredLastName: "Moor",
			BirthDate: "1979-11-23", TRN: "7381046", NINO: "QQ618305A"}},
		"the specification's":      {`{"firstName":"Kevin","lastName":"E","trn":"2921020","dateOfBirth":"1990-01-01"}`, kevin},
		"the newer names":          {`{` + newer + `,"trn":"2921020"}`, kevin},
		"no TRN":                   {`{` + newer + `}`, with(func(c *journey.Claim) { c.TRN = "" })},
		"TRN null":                 {`{` + newer + `,"trn":null}`, with(func(c *journey.Claim) { c.TRN = "" })},
		"a TRN that begins with 0": {`{` + newer + `,"trn":"0021020"}`, with(func(c *journey.Claim) { c.TRN = "0021020" })},
		"all null that may be": {`{` + newer + `,"trn":"2921020","firstName":null,"preferredFirstName":null,"preferredLastName":null,
			"nationalInsuranceNumber":null,"supportTicketCreated":null}`, kevin},
		"a ticket":                {`{` + newer + `,"trn":"2921020","supportTicketCreated":true}`, with(func(c *journey.Claim) { c.SupportTicket = true })},
		"no ticket":               {`{` + newer + `,"trn":"2921020","supportTicketCreated":false}`, kevin},
		"a NINO that cannot be":   {`{` + newer + `,"trn":"2921020","nationalInsuranceNumber":"BG123456A"}`, kevin},
		"an empty NINO":           {`{` + newer + `,"trn":"2921020","nationalInsuranceNumber":""}`, kevin},
		"empty preferred names":   {`{` + newer + `,"trn":"2921020","preferredFirstName":"","preferredLastName":" "}`, kevin},
		"names of both kinds":     {`{"firstName":"Kev","lastName":"F",` + newer + `,"trn":"2921020"}`, kevin},
		"a newer name empty":      {`{"officialFirstName":"","firstName":"Kevin","lastName":"E","trn":"2921020","dateOfBirth":"1990-01-01"}`, kevin},
		"one of each":             {`{"officialFirstName":"Kevin","lastName":"E","trn":"2921020","dateOfBirth":"1990-01-01"}`, kevin},
		"spaces around":           {` {"firstName":" Kevin\t","lastName":"E ","trn":"2921020","dateOfBirth":"1990-01-01"}` + "\n", kevin},
		"what nobody knows":       {`{` + newer + `,"trn":"2921020","matchedOn":{"trn":[1],"trn":2}}`, kevin},
		"escapes":                 {`{"first\u004eame":"K\u0065vin","lastName":"E","trn":"2921020","dateOfBirth":"1990-01-01"}`, kevin},
		"names beyond ASCII":      {`{"firstName":"Siân","lastName":"Ó Súilleabháin 𝒳","trn":"2921020","dateOfBirth":"1990-01-01"}`, with(func(c *journey.Claim) { c.FirstName, c.LastName = "Siân", "Ó Súilleabháin 𝒳" })},
		"a name of 255":           {`{"firstName":"` + strings.Repeat("ŵ", 255) + `","lastName":"E","trn":"2921020","dateOfBirth":"1990-01-01"}`, with(func(c *journey.Claim) { c.FirstName = strings.Repeat("ŵ", 255) })},
		"another case is another": {`{` + newer + `,"TRN":"7381046"}`, with(func(c *journey.Claim) { c.TRN = "" })},
	} {
		id, got, err := handover(t).ReadClaim(put(row.body))
		if err != nil || id != journeyID {
			t.Errorf("%s: %q, %v", name, id, err)
			continue
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestClaimProperties: each mistake has its sentence, and all of them are told.
func TestClaimProperties(t *testing.T) {
	const required, both = "is required", "is required with "
	for name, row := range map[string]struct {
		body string
		want map[string]string
	}{
		"nothing":              {`{}`, map[string]string{"officialFirstName": required, "officialLastName": required, "dateOfBirth": required}},
		"nulls":                {`{"firstName":null,"officialLastName":null,"dateOfBirth":null}`, map[string]string{"officialFirstName": required, "officialLastName": required, "dateOfBirth": required}},
		"no first name":        {`{"firstName":"","lastName":"Last","dateOfBirth":"2000-01-01"}`, map[string]string{"officialFirstName": required}},
		"a last name of space": {`{"firstName":"First","lastName":" \u00a0 ","dateOfBirth":"2000-01-01"}`, map[string]string{"officialLastName": required}},
		"an empty date":        {`{"firstName":"First","lastName":"Last","dateOfBirth":""}`, map[string]string{"dateOfBirth": "must be a date, as in 1990-12-31"}},
		"no date":              {`{"firstName":"First","lastName":"Last","dateOfBirth":"xxx"}`, map[string]string{"dateOfBirth": "must be a date, as in 1990-12-31"}},
		"a date that is none":  {`{"firstName":"First","lastName":"Last","dateOfBirth":"2001-02-29"}`, map[string]string{"dateOfBirth": "must be a date, as in 1990-12-31"}},
		"a date and a time":    {`{"firstName":"First","lastName":"Last","dateOfBirth":"2001-02-28T00:00:00"}`, map[string]string{"dateOfBirth": "must be a date, as in 1990-12-31"}},
		"a short date":         {`{"firstName":"First","lastName":"Last","dateOfBirth":"2001-2-8"}`, map[string]string{"dateOfBirth": "must be a date, as in 1990-12-31"}},
		"an empty TRN":         {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","trn":""}`, map[string]string{"trn": "must have exactly seven digits"}},
		"six digits":           {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","trn":"123456"}`, map[string]string{"trn": "must have exactly seven digits"}},
		"eight digits":         {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","trn":"12345678"}`, map[string]string{"trn": "must have exactly seven digits"}},
		"a TRN with a letter":  {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","trn":"123456A"}`, map[string]string{"trn": "must have exactly seven digits"}},
		"letters within":       {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","trn":"12A4567"}`, map[string]string{"trn": "must have exactly seven digits"}},
		"digits of elsewhere":  {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","trn":"１２1"}`, map[string]string{"trn": "must have exactly seven digits"}},
		"half a preferred name": {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","preferredFirstName":null,"preferredLastName":"X"}`,
			map[string]string{"preferredFirstName": both + "preferredLastName"}},
		"the other half": {`{"firstName":"First","lastName":"Last","dateOfBirth":"2000-01-01","preferredFirstName":"X"}`,
			map[string]string{"preferredLastName": both + "preferredFirstName"}},
		"types": {`{"officialFirstName":1,"officialLastName":["Last"],"preferredFirstName":{},"preferredLastName":true,"dateOfBirth":20000101,"trn":1234567,
			"nationalInsuranceNumber":0,"supportTicketCreated":"true"}`,
			map[string]string{"officialFirstName": "must be a string", "officialLastName": "must be a string", "preferredFirstName": "must be a string",
				"preferredLastName": "must be a string", "dateOfBirth": "must be a string", "trn": "must be a string", "nationalInsuranceNumber": "must be a string",
				"supportTicketCreated": "must be true or false"}},
		"a name of 256":        {`{"officialFirstName":"` + strings.Repeat("a", 256) + `","lastName":"Last","dateOfBirth":"2000-01-01"}`, map[string]string{"officialFirstName": "must have at most 255 characters"}},
		"a line break":         {`{"officialFirstName":"First","officialLastName":"La\nst","dateOfBirth":"2000-01-01"}`, map[string]string{"officialLastName": "must be one line of text, without control characters"}},
		"half a character":     {`{"officialFirstName":"First","officialLastName":"La\ud800st","dateOfBirth":"2000-01-01"}`, map[string]string{"officialLastName": "must be one line of text, without control characters"}},
		"an older name, wrong": {`{"officialFirstName":"First","firstName":7,"lastName":"Last","dateOfBirth":"2000-01-01"}`, map[string]string{"firstName": "must be a string"}},
	} {
		id, c, err := handover(t).ReadClaim(put(row.body))
		r := refusal(t, err)
		if r == nil || r.Status != http.StatusBadRequest || id != "" || c != (journey.Claim{}) {
			t.Errorf("%s: %q %+v, %v", name, id, c, err)
			continue
		}
		if diff := cmp.Diff(row.want, r.Errors); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestReadClaimRefuses: what is wrong with the request as a whole.
func TestReadClaimRefuses(t *testing.T) {
	padded := func(size int) string { return strings.Repeat(" ", size-len(found)) + found }
	for name, row := range map[string]struct {
		body   string
		edit   func(*http.Request)
		status int // 0: taken
	}{
		"no key":                     {found, func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"an empty Authorization":     {found, header("Authorization", ""), 401},
		"another key":                {found, header("Authorization", "Bearer "+apiKey[1:]+"x"), 401},
		"the shared key":             {found, header("Authorization", "Bearer "+sharedKey), 401},
		"no scheme":                  {found, header("Authorization", apiKey), 401},
		"another scheme":             {found, header("Authorization", "Basic "+apiKey), 401},
		"the key and more":           {found, header("Authorization", "Bearer "+apiKey+"x"), 401},
		"the key in another case":    {found, header("Authorization", "Bearer "+strings.ToUpper(apiKey)), 401},
		"the key twice":              {found, header("Authorization", "Bearer "+apiKey, "Bearer "+apiKey), 401},
		"a scheme in lower case":     {found, header("Authorization", "bearer "+apiKey), 0},
		"a scheme in capitals":       {found, header("Authorization", "BEARER "+apiKey), 0},
		"the other key":              {found, header("Authorization", "Bearer "+newKey), 0},
		"no journey":                 {found, path(""), 404},
		"a journey that is none":     {found, path("1"), 404},
		"a journey id in braces":     {found, path("{" + journeyID + "}"), 404},
		"a journey id without -":     {found, path(strings.ReplaceAll(journeyID, "-", "")), 404},
		"a journey id in capitals":   {found, path(strings.ToUpper(journeyID)), 0},
		"no content type":            {found, func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
		"a form":                     {found, header("Content-Type", "application/x-www-form-urlencoded"), 415},
		"JSON of another kind":       {found, header("Content-Type", "application/problem+json"), 415},
		"a content type with more":   {found, header("Content-Type", "Application/JSON; charset=utf-8"), 0},
		"16 KB":                      {padded(16 << 10), nil, 0},
		"16 KB and a byte":           {padded(16<<10 + 1), nil, 413},
		"an endless body":            {"", func(r *http.Request) { r.Body = io.NopCloser(endless{}) }, 413},
		"a body that breaks off":     {"", func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(strings.NewReader(found), broken{})) }, 400},
		"an empty body":              {"", nil, 400},
		"no JSON":                    {"trn=1234567", nil, 400},
		"a list":                     {"[" + found + "]", nil, 400},
		"null":                       {"null", nil, 400},
		"a string":                   {`"trn"`, nil, 400},
		"more after it":              {found + "{}", nil, 400},
		"less than all":              {found[:len(found)-1], nil, 400},
		"a comma too many":           {strings.Replace(found, "}", ",}", 1), nil, 400},
		"a byte order mark":          {"\ufeff" + found, nil, 400},
		"another encoding":           {strings.Replace(found, "Otti", "Otti\xe9", 1), nil, 400},
		"another encoding, unknown":  {strings.Replace(found, "}", ",\"x\":\"\xe9\"}", 1), nil, 400},
		"a property twice":           {strings.Replace(found, "}", `,"trn":"7381046"}`, 1), nil, 400},
		"an unknown property twice":  {strings.Replace(found, "}", `,"x":1,"x":1}`, 1), nil, 400},
		"a property twice, escaped":  {strings.Replace(found, "}", `,"t\u0072n":"7381046"}`, 1), nil, 400},
		"deep":                       {`{"x":` + strings.Repeat("[", 15000), nil, 400},
		"no key, and all else wrong": {"", func(r *http.Request) { r.Header = http.Header{}; path("x")(r) }, 401},
	} {
		r := put(row.body)
		if row.edit != nil {
			row.edit(r)
		}
		id, c, err := handover(t).ReadClaim(r)
		if row.status == 0 {
			if err != nil || id != journeyID || c.TRN != "7381046" {
				t.Errorf("%s: %q %v", name, id, err)
			}
			continue
		}
		if got := refusal(t, err); got == nil || got.Status != row.status || id != "" || c != (journey.Claim{}) {
			t.Errorf("%s: %v, want %d; %q %+v", name, err, row.status, id, c)
		}
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

// broken is a body whose sender has gone.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestUnreadWithoutKey: a stranger's body is not even read.
func TestUnreadWithoutKey(t *testing.T) {
	body := strings.NewReader(found)
	r := put("", header("Authorization", "Bearer x"))
	r.Body = io.NopCloser(body)
	if _, _, err := handover(t).ReadClaim(r); refusal(t, err).Status != http.StatusUnauthorized || body.Len() != len(found) {
		t.Errorf("%v, %d bytes left", err, body.Len())
	}
}

// TestLimit: of each key by itself, and over a while later.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handover(t)
		ask := func(key string) int {
			_, _, err := h.ReadClaim(put("{}", header("Authorization", "Bearer "+key)))
			return refusal(t, err).Status
		}
		for i := range burst {
			if got := ask(apiKey); got != http.StatusBadRequest {
				t.Fatalf("request %d: %d", i+1, got)
			}
		}
		got := []int{ask(apiKey), ask(newKey), ask("nobody")}
		time.Sleep(time.Second) // as Retry-After says; the clock is synctest's
		got = append(got, ask(apiKey))
		if diff := cmp.Diff([]int{429, 400, 401, 400}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAnswer: what goes over the wire for a refusal.
func TestAnswer(t *testing.T) {
	for _, row := range []struct {
		refusal Refusal
		header  http.Header
		body    string
	}{
		{Refusal{Status: 401}, http.Header{"Cache-Control": {"no-store"}, "Www-Authenticate": {"Bearer"}}, ""},
		{Refusal{Status: 429, Detail: "too many"}, http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}, "Retry-After": {"1"}},
			`{"title":"Too Many Requests","status":429,"detail":"too many"}` + "\n"},
		{Refusal{Status: 400, Detail: "wrong", Errors: map[string]string{"trn": "must be", "dateOfBirth": "is"}}, http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}},
			`{"title":"Bad Request","status":400,"detail":"wrong","errors":{"dateOfBirth":"is","trn":"must be"}}` + "\n"},
	} {
		w := httptest.NewRecorder()
		row.refusal.Answer(w)
		if diff := cmp.Diff(row.header, w.Header()); diff != "" || w.Code != row.refusal.Status || w.Body.String() != row.body {
			t.Errorf("%d %s %s", w.Code, w.Body, diff)
		}
	}
	err := (&Refusal{Status: 400, Detail: "wrong", Errors: map[string]string{"trn": "must be", "dateOfBirth": "is"}}).Error()
	if err != `the PUT of Find a lost TRN was refused with 400 Bad Request: wrong: map["dateOfBirth":"is" "trn":"must be"]` {
		t.Error(err)
	}
}

// planted are values that must be in no error and no answer.
var planted = []string{"Ottoline", "Brackenmoor", "Otti", "Moor", "7381046", "1979", "qq 61", "QQ61", apiKey, newKey, sharedKey, journeyID}

// TestNothingPersonal: each property wrong while all others are there.
func TestNothingPersonal(t *testing.T) {
	h := handover(t)
	var all map[string]any
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range all {
		for _, wrong := range []any{value.(string) + "\nx\x00", value.(string) + strings.Repeat("x", 300), []any{value}, map[string]any{value.(string): value}} {
			all[name] = wrong
			body, _ := json.Marshal(all)
			_, _, err := h.ReadClaim(put(string(body)))
			if err == nil && name == "nationalInsuranceNumber" {
				continue
			}
			wantNothingPersonal(t, err)
		}
		all[name] = value
	}
	_, _, err := h.ReadClaim(put(found + found))
	wantNothingPersonal(t, err)
	_, _, err = h.ReadClaim(put(found, header("Authorization", "Basic "+apiKey)))
	wantNothingPersonal(t, err)
	_, _, err = h.ReadClaim(put(found, path("{"+journeyID+"}")))
	wantNothingPersonal(t, err)
}

func wantNothingPersonal(t testing.TB, err error) {
	t.Helper()
	r := refusal(t, err)
	if r == nil {
		t.Error("taken")
		return
	}
	w := httptest.NewRecorder()
	r.Answer(w)
	for _, text := range planted {
		if said := err.Error() + w.Body.String(); strings.Contains(said, text) {
			t.Errorf("%q is repeated: %s", text, said)
		}
	}
}

// FuzzClaim: whatever the body, what is taken keeps every promise of Claim, and
// what is not has a reason that repeats nothing of it.
func FuzzClaim(f *testing.F) {
	f.Add([]byte(found))
	f.Add([]byte(`{"firstName":"Kevin","lastName":"E","trn":null,"dateOfBirth":"1990-01-01","supportTicketCreated":true}`))
	f.Add([]byte(`{"firstName":1,"trn":"１２","dateOfBirth":"","x":{"y":[]}}`))
	f.Add([]byte(`{"trn":"1234567","trn":"1234568"}`))
	f.Add([]byte(`[{"a":"b\ud800"}]`))
	c := config()
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := New(c) // with a fresh limit
		if err != nil {
			t.Fatal(err)
		}
		id, c, err := h.ReadClaim(put(string(body)))
		if err != nil {
			r := refusal(t, err)
			if id != "" || c != (journey.Claim{}) {
				t.Errorf("%q: something came with the error", body)
			}
			if (r.Status != http.StatusBadRequest || r.Detail == "") && r.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("%q: %v", body, err)
			}
			for name, says := range r.Errors {
				if !ourNames[name] || !ourSentences[says] {
					t.Errorf("%q: %q: %q", body, name, says)
				}
			}
			return
		}
		for _, name := range []string{c.FirstName, c.LastName, c.PreferredFirstName, c.PreferredLastName} {
			if !oneLine(name) || utf8.RuneCountInString(name) > 255 || strings.TrimSpace(name) != name {
				t.Errorf("%q: name %q", body, name)
			}
		}
		_, date := time.Parse(time.DateOnly, c.BirthDate)
		digits := strings.IndexFunc(c.TRN, func(r rune) bool { return r < '0' || r > '9' }) < 0
		if id != journeyID || c.FirstName == "" || c.LastName == "" || (c.PreferredFirstName == "") != (c.PreferredLastName == "") || date != nil ||
			c.TRN != "" && (len(c.TRN) != 7 || !digits) || len(c.NINO) > 9 {
			t.Errorf("%q: %+v", body, c)
		}
	})
}

var ourNames = map[string]bool{"officialFirstName": true, "officialLastName": true, "firstName": true, "lastName": true, "preferredFirstName": true,
	"preferredLastName": true, "dateOfBirth": true, "trn": true, "nationalInsuranceNumber": true, "supportTicketCreated": true}

var ourSentences = map[string]bool{"is required": true, "is required with preferredFirstName": true, "is required with preferredLastName": true,
	"must be a string": true, "must be true or false": true, "must have at most 255 characters": true, "must have exactly seven digits": true,
	"must be one line of text, without control characters": true, "must be a date, as in 1990-12-31": true}
