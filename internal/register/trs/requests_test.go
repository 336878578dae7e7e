package trs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// asking is a request for a TRN with everything that one can have.
var asking = journey.TRNRequest{ID: "id-marker", Subject: "urn:subject-marker", Application: journey.Application{
	FirstName: "Prunella", MiddleName: "May", LastName: "Wintergreen", BirthDate: "1984-03-02", Email: "prunella@people.example", NINO: "QQ123456C",
}}

func completed(trn string) journey.Allocation {
	return journey.Allocation{Status: journey.Completed, TRN: trn}
}

// saysNothing checks that neither err nor the log says anything of the person.
func saysNothing(t *testing.T, log string, err error) {
	t.Helper()
	for _, marker := range []string{"id-marker", "subject-marker", "runella", "May", "intergreen", "1984", "QQ123456C", "7300001", apiKey} {
		if strings.Contains(err.Error(), marker) || strings.Contains(log, marker) {
			t.Errorf("%q is in the error or the log: %v\n%s", marker, err, log)
		}
	}
}

// TestRequestBody: what is sent, to the letter.
func TestRequestBody(t *testing.T) {
	var sent *http.Request
	var bodies []string
	a := newAPI(t)
	a.instead = func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		sent, bodies = r, append(bodies, string(text))
		fmt.Fprint(w, `{"requestId":"id-marker","status":"Completed","trn":"7300001","potentialDuplicate":false}`)
	}
	bare := asking
	bare.MiddleName, bare.Email, bare.NINO = "", "", ""
	for _, r := range []journey.TRNRequest{asking, bare} {
		if got, err := a.client(t).RequestTRN(t.Context(), r); got != completed("7300001") || err != nil {
			t.Fatal(got, err)
		}
	}
	want := []string{
		`{"requestId":"id-marker","person":{"firstName":"Prunella","middleName":"May","lastName":"Wintergreen","dateOfBirth":"1984-03-02","emailAddresses":["prunella@people.example"],"nationalInsuranceNumber":"QQ123456C"},"identityVerified":false}`,
		`{"requestId":"id-marker","person":{"firstName":"Prunella","lastName":"Wintergreen","dateOfBirth":"1984-03-02"},"identityVerified":true,"oneLoginUserSubject":"urn:subject-marker"}`, // with a number typed, TRS must connect nobody
	}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Error(diff)
	}
	if sent.Method != http.MethodPost || sent.RequestURI != "/v3/trn-requests" || sent.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", sent.Method, sent.RequestURI, sent.Header)
	}
}

// TestRequestStands: what each good or bad answer says of a request.
func TestRequestStands(t *testing.T) {
	pending, rejected := journey.Allocation{Status: journey.Pending}, journey.Allocation{Status: journey.Rejected}
	none := journey.Allocation{}
	stands := func(status, trn string) string {
		return `{"requestId":"id-marker","oneLoginUserSubject":null,"status":` + status + `,"trn":` + trn + `,"added":[1]}`
	}
	problem := func(code int) string {
		return fmt.Sprintf(`{"title":"x","status":404,"detail":"TRN request ID: 'id-marker'","errorCode":%d}`, code)
	}
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   journey.Allocation
		err    error
	}{
		{"completed", 200, stands(`"Completed"`, `"7300001"`), completed("7300001"), nil},
		{"completed, by number", 200, stands(`1`, `"7300001"`), completed("7300001"), nil},
		{"pending", 200, stands(`"Pending"`, `null`), pending, nil},
		{"pending, by number", 200, stands(`0`, `null`), pending, nil},
		{"pending, with a TRN", 200, stands(`"Pending"`, `"7300001"`), pending, nil},
		{"rejected", 200, stands(`"Rejected"`, `null`), rejected, nil},
		{"rejected, by number", 200, stands(`2`, `null`), rejected, nil},
		{"dormant", 200, stands(`"Dormant"`, `null`), pending, nil},
		{"dormant, by number", 200, stands(`3`, `null`), pending, nil},
		{"a new status", 200, stands(`"Lost"`, `null`), pending, nil},
		{"a new number", 200, stands(`1e300`, `null`), pending, nil},
		{"no status", 200, stands(`null`, `"7300001"`), none, journey.NoRegister},
		{"an empty status", 200, stands(`""`, `"7300001"`), none, journey.NoRegister},
		{"a status that is a list", 200, stands(`["Completed"]`, `"7300001"`), none, journey.NoRegister},
		{"completed without a TRN", 200, stands(`"Completed"`, `null`), none, journey.NoRegister},
		{"completed with six digits", 200, stands(`"Completed"`, `"730000"`), none, journey.NoRegister},
		{"completed with a number", 200, stands(`"Completed"`, `7300001`), none, journey.NoRegister},
		{"another request", 200, strings.Replace(stands(`"Completed"`, `"7300001"`), "id-marker", "id-other", 1), none, journey.NoRegister},
		{"no id", 200, `{"status":"Completed","trn":"7300001"}`, none, journey.NoRegister},
		{"nothing", 200, ``, none, journey.NoRegister},
		{"204", 204, ``, none, journey.NoRegister},
		{"no such request", 404, problem(10031), none, journey.ErrNoRequest},
		{"no such person", 404, problem(10001), none, journey.NoRegister},
		{"no such page", 404, `<html>10031`, none, journey.NoRegister},
		{"no such request, with 410", 410, problem(10031), none, journey.NoRegister},
		{"not valid", 400, `{"errors":{"requestId":["x"]}}`, none, journey.NoRegister},
		{"unauthorised", 401, ``, none, journey.NoRegister},
		{"forbidden", 403, ``, none, journey.NoRegister},
		{"too many", 429, ``, none, journey.NoRegister},
		{"broken", 500, stands(`"Completed"`, `"7300001"`), none, journey.NoRegister},
	} {
		a := newAPI(t)
		a.instead = func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(tt.status)
			if tt.status != http.StatusNoContent {
				fmt.Fprint(w, tt.body)
			}
		}
		got, err := a.client(t).TRNRequest(t.Context(), "id-marker")
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
		if err != nil {
			saysNothing(t, a.log.String(), err)
		}
		if calls := a.asked(); calls[0] != "/v3/trn-requests?requestId=id-marker" {
			t.Errorf("%s: asked %v", tt.name, calls)
		}
		if refused := tt.status == 401 || tt.status == 403; refused != strings.Contains(a.log.String(), "the role CreateTrn") {
			t.Errorf("%s: the log says %s", tt.name, a.log.String())
		}
	}
}

// TestRequestMade: what is done after each answer to a POST, and how it ends. The
// letters are the calls that may follow each other, P for a POST and G for a GET.
func TestRequestMade(t *testing.T) {
	const (
		good    = `{"requestId":"id-marker","status":"Completed","trn":"7300001"}`
		unknown = `{"errorCode":10031}`
		invalid = `{"title":"One or more validation errors occurred.","errors":{"person.dateOfBirth":["1984-03-02 is out of range."]}}`
	)
	type reply struct {
		status int
		body   string
	}
	none := journey.Allocation{}
	for _, tt := range []struct {
		name    string
		replies []reply // to the calls, in order; the last one again and again
		calls   string
		want    journey.Allocation
		err     error
	}{
		{"made", []reply{{200, good}}, "P", completed("7300001"), nil},
		{"made before", []reply{{409, `{"errorCode":10029}`}, {200, good}}, "PG", completed("7300001"), nil},
		{"made, and the answer lost", []reply{{502, ""}, {200, good}}, "PG", completed("7300001"), nil},
		{"made, and the answer cut off", []reply{{200, good[:20]}, {200, good}}, "PG", completed("7300001"), nil},
		{"lost", []reply{{502, ""}, {404, unknown}, {200, good}}, "PGP", completed("7300001"), nil},
		{"lost, and found by another", []reply{{502, ""}, {404, unknown}, {409, ""}, {200, good}}, "PGPG", completed("7300001"), nil},
		{"lost twice", []reply{{502, ""}, {404, unknown}, {502, ""}, {404, unknown}}, "PGPG", none, journey.NoRegister},
		{"lost, and nobody knows", []reply{{502, ""}}, "PGG", none, journey.NoRegister},
		{"a proxy's 404", []reply{{404, ""}}, "PG", none, journey.NoRegister},
		{"a 404 with the code of a request", []reply{{404, unknown}}, "PGPG", none, journey.NoRegister},
		{"used and unknown", []reply{{409, ""}, {404, unknown}, {409, ""}, {404, unknown}}, "PGPG", none, journey.NoRegister},
		{"refused", []reply{{400, invalid}, {404, unknown}}, "PG", none, journey.ErrRefusedApplication},
		{"refused, although there is one", []reply{{400, invalid}, {200, good}}, "PG", completed("7300001"), nil},
		{"refused, and nobody knows", []reply{{400, invalid}}, "PG", none, journey.NoRegister},
		{"400 that does not say why", []reply{{400, `{"errors":{}}`}, {404, unknown}, {400, `{"errors":{}}`}, {404, unknown}}, "PGPG", none, journey.NoRegister},
		{"400 with an error code", []reply{{400, `{"errorCode":10062}`}, {404, unknown}, {400, `{"errorCode":10062}`}, {404, unknown}}, "PGPG", none, journey.NoRegister},
		{"unauthorised", []reply{{401, ""}}, "P", none, journey.NoRegister},
		{"forbidden", []reply{{403, ""}}, "P", none, journey.NoRegister},
		{"too many", []reply{{429, ""}}, "P", none, journey.NoRegister},
	} {
		a := newAPI(t)
		calls := ""
		a.instead = func(w http.ResponseWriter, r *http.Request) {
			a.mu.Lock()
			reply := tt.replies[min(len(calls), len(tt.replies)-1)]
			calls += r.Method[:1]
			a.mu.Unlock()
			w.WriteHeader(reply.status)
			fmt.Fprint(w, reply.body)
		}
		got, err := a.client(t).RequestTRN(t.Context(), asking)
		if got != tt.want || !errors.Is(err, tt.err) || errors.Is(err, journey.ErrNoRequest) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
		if calls != tt.calls {
			t.Errorf("%s: calls %s, want %s", tt.name, calls, tt.calls)
		}
		if err != nil {
			saysNothing(t, a.log.String(), err)
		}
		role := strings.Contains(a.log.String(), "level=ERROR") && strings.Contains(a.log.String(), "the role CreateTrn")
		if refused := tt.name == "unauthorised" || tt.name == "forbidden"; refused != role {
			t.Errorf("%s: the log says %s", tt.name, a.log.String())
		}
	}
}

// TestRequestAlone: a POST to a dead connection, or in vain, is not repeated by
// itself, and who goes away leaves nothing behind that asks on.
func TestRequestAlone(t *testing.T) {
	a := newAPI(t)
	posts := 0
	ctx, hangUp := context.WithCancel(t.Context())
	a.instead = func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		posts++
		a.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body) // else the server would not see them go
		hangUp()
		<-r.Context().Done()
	}
	if _, err := a.client(t).RequestTRN(ctx, asking); journey.TroubleIn(err) != journey.NoRegister {
		t.Error(err)
	}
	if a.mu.Lock(); posts != 1 {
		t.Errorf("%d calls", posts)
	}
	a.mu.Unlock()
	var took []string
	c := a.client(t, func(c *Config) {
		c.Asked = func(endpoint, outcome string, _ time.Duration) { took = append(took, endpoint+" "+outcome) }
	})
	a.instead = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errorCode":10031}`)
	}
	_, _ = c.RequestTRN(t.Context(), asking)
	if diff := cmp.Diff([]string{"trn-request-create not-found", "trn-request not-found", "trn-request-create not-found", "trn-request not-found"}, took); diff != "" {
		t.Error(diff)
	}
}

// FuzzAllocation: whatever the API says of a request, it is a status with a
// meaning or an error.
func FuzzAllocation(f *testing.F) {
	for _, seed := range []string{
		`{"requestId":"id-marker","status":"Completed","trn":"7300001"}`, `{"requestId":"id-marker","status":1,"trn":null}`, `{"requestId":"id-marker","status":"","trn":1}`,
		`{"requestId":"id-marker","status":null}`, `{"requestId":"id-marker","status":{},"TRN":"7300001"}`, "null", "", "[]", `{"errorCode":1e99,"errors":[]}`, `{"errors":{"a":1}}`,
	} {
		f.Add(seed)
	}
	client, err := New(Config{URL: "https://trs.example", APIKey: apiKey, UserAgent: agent, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a := answer{status: http.StatusOK, body: []byte(body)}
		got, err := allocation("x", a, "id-marker")
		switch {
		case err != nil:
			if got != (journey.Allocation{}) || journey.TroubleIn(err) != journey.NoRegister {
				t.Errorf("%v, %v", got, err)
			}
		case got.Status == journey.Completed:
			if !sevenDigits.MatchString(got.TRN) {
				t.Errorf("completed with %q", got.TRN)
			}
		case got.Status != journey.Pending && got.Status != journey.Rejected || got.TRN != "":
			t.Errorf("%+v", got)
		}
		errorCode(a)
		if isValidation(a) && !json.Valid([]byte(body)) {
			t.Error("a validation error that is no JSON")
		}
		_ = client.unexpectedOfRequest(t.Context(), "x", a)
	})
}
