package devstack

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/console"
)

// TestOperators: what they ask of the admin endpoint, and what they make of its answers.
func TestOperators(t *testing.T) {
	var asked []string
	status, answer := http.StatusOK, ""
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method == http.MethodPost && (r.Header.Get("Content-Type") != "application/json" || !json.Valid(body)) {
			t.Errorf("%s, %q", r.Header.Get("Content-Type"), body)
		}
		asked = append(asked, r.Method+" "+r.URL.String()+" "+string(body))
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	defer admin.Close()
	they := operators{strings.TrimPrefix(admin.URL, "http://")}

	answer = `[{"id":"r-1","subject":"urn:1","since":"2026-09-01T12:00:00Z","name":"Rosa Lane","birthDate":"1985-04-12","maybe":[{"trn":"1000001","name":"Rosa Lane"}]}]`
	all, err := they.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]console.Request{{ID: "r-1", Name: "Rosa Lane", BirthDate: "1985-04-12", Maybe: []string{"1000001"}}}, all); diff != "" {
		t.Error(diff)
	}
	answer = `{"id":"r-1"}`
	for _, err := range []error{they.Resolve(t.Context(), "r-1", "1000001"), they.Resolve(t.Context(), "r-1", ""), they.Reject(t.Context(), "r-1")} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		`GET /teaching-record/requests `,
		`POST /teaching-record/requests/resolve {"by":"console","id":"r-1","trn":"1000001"}`,
		`POST /teaching-record/requests/resolve {"by":"console","id":"r-1","trn":""}`,
		`POST /teaching-record/requests/reject {"by":"console","id":"r-1"}`,
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}

	for _, row := range []struct {
		status       int
		answer, want string
	}{
		{http.StatusConflict, `{"code":"decided","detail":"the request was decided otherwise before"}`, "the request was decided otherwise before"},
		{http.StatusNotFound, "no such page", "the admin endpoint answers 404 Not Found"},
	} {
		status, answer = row.status, row.answer
		if err := they.Reject(t.Context(), "r-1"); err == nil || err.Error() != row.want {
			t.Errorf("%v, want %s", err, row.want)
		}
		if _, err := they.Pending(t.Context()); err == nil || err.Error() != row.want {
			t.Errorf("%v, want %s", err, row.want)
		}
	}
	status, answer = http.StatusOK, "no JSON"
	if _, err := they.Pending(t.Context()); err == nil {
		t.Error("an answer was read that is none")
	}
}
