package devstack_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack"
)

// TestWebhooks: with a key the Teaching Record System tells the site, where the
// module listens; without one there is none.
func TestWebhooks(t *testing.T) {
	told := make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told <- r.Method + " " + r.URL.String()
		w.WriteHeader(http.StatusNoContent)
	}))
	defer site.Close()
	config := devstack.Config{Site: site.URL, OneLogin: "http://localhost:8082", ClientID: "test", ServiceName: "A service",
		Verify: func(*http.Request) (map[string]any, error) { return nil, nil }, TRSKey: "a-key-for-tests"}
	stack, err := devstack.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer stack.TRS.Close()
	if err := stack.TRS.Ping(); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != "POST /teaching-record/webhooks/trs" {
		t.Error(got)
	}
	config.TRSKey = ""
	if stack, err := devstack.New(config); err != nil || stack.TRS != nil {
		t.Errorf("%v %v", stack.TRS, err)
	}
}

// TestInTRS: the example's register is another, and all else stays.
func TestInTRS(t *testing.T) {
	example, err := os.ReadFile("../../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	got, err := devstack.InTRS(string(example))
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(example), "register embedded {env.PEOPLE_FILE}")
	register := strings.TrimSuffix(strings.TrimPrefix(got, before), after)
	if want := "register trs { url {env.TRS_URL} api_key {env.TRS_API_KEY} webhook on }"; !found || strings.Join(strings.Fields(register), " ") != want {
		t.Errorf("%q", register)
	}
	if _, err := devstack.InTRS("example.gov.uk {\n}"); err == nil {
		t.Error("a Caddyfile without a register was changed")
	}
}

// TestAllocating: one line of the example is no comment any longer.
func TestAllocating(t *testing.T) {
	example, err := os.ReadFile("../../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	got, err := devstack.Allocating(string(example))
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	before := strings.Split(string(example), "\n")
	for i, line := range strings.Split(got, "\n") {
		if line != before[i] {
			changed = append(changed, strings.TrimSpace(before[i])+" -> "+strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff([]string{"# allocate_trn -> allocate_trn"}, changed); diff != "" {
		t.Error(diff)
	}
	if _, err := devstack.Allocating(got); err == nil {
		t.Error("a Caddyfile that gives TRNs was changed")
	}
}

// TestFinding: one block of the example is no comment any longer, and what is
// around it stays one.
func TestFinding(t *testing.T) {
	example, err := os.ReadFile("../../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	got, err := devstack.Finding(string(example))
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	before := strings.Split(string(example), "\n")
	for i, line := range strings.Split(got, "\n") {
		if line != before[i] && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			changed = append(changed, strings.TrimSpace(line))
		}
	}
	want := []string{"find_a_lost_trn {", "url {env.FIND_URL}", "shared_key {env.FIND_SHARED_KEY}", "api_key {env.FIND_API_KEY}", "}"}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Error(diff)
	}
	if _, err := devstack.Finding(got); err == nil {
		t.Error("a Caddyfile that leads to Find a lost TRN was changed")
	}
}
