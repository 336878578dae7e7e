package support

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// How an attempt can end, in a word.
const (
	fine    = "fine"
	refused = "refused"
	unknown = "unknown"
)

func kind(err error) string {
	var later Later
	switch {
	case err == nil:
		return fine
	case errors.Is(err, ErrRefused):
		return refused
	case errors.As(err, &later):
		return "in " + later.Wait.String()
	}
	return unknown
}

// quoted is what Zendesk repeats of what it was sent.
const quoted = `"description":"rosa@people.example","details":{"base":[{"description":"Prunella QQ123456C"}]}`

// TestAnswers: what each answer means to an attempt.
func TestAnswers(t *testing.T) {
	status := func(code int) http.HandlerFunc { return says(code, `{"error":"Marker",`+quoted+`}`) }
	busy := func(after string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", after)
			status(http.StatusTooManyRequests)(w, r)
		}
	}
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"200", says(200, `{"ticket":{"id":1}}`), unknown},
		{"201", says(201, `{"ticket":{"id":1}}`), fine},
		{"202", says(202, `{"ticket":{"id":1}}`), unknown},
		{"204", says(204, ""), unknown},
		{"302", status(302), unknown},
		{"400", status(400), refused},
		{"400 of a key", says(400, `{"error":"IdempotentRequestError",`+quoted+`}`), unknown},
		{"422 with that name", says(422, `{"error":"IdempotentRequestError"}`), refused},
		{"401", status(401), refused},
		{"403", status(403), refused},
		{"404", status(404), refused},
		{"405", status(405), refused},
		{"408", status(408), unknown},
		{"409", status(409), refused},
		{"422", status(422), refused},
		{"422 in plain text", says(422, "rosa@people.example is suspended"), refused},
		{"429", busy(""), "in 1m0s"},
		{"429 for a while", busy("20"), "in 20s"},
		{"429 for a day", busy("86400"), "in 1h0m0s"},
		{"429 for ever", busy("99999999999999999999"), "in 1m0s"},
		{"429 for years", busy("9223372036854775807"), "in 1h0m0s"},
		{"429 for nothing", busy("0"), "in 1m0s"},
		{"429 for less", busy("-5"), "in 1m0s"},
		{"429 in words", busy("soon"), "in 1m0s"},
		{"500", status(500), unknown},
		{"502", says(502, "<html>"), unknown},
		{"503", status(503), unknown},
		{"no ticket", says(201, `{}`), unknown},
		{"null", says(201, `null`), unknown},
		{"no number", says(201, `{"ticket":{}}`), unknown},
		{"number 0", says(201, `{"ticket":{"id":0}}`), unknown},
		{"a number below", says(201, `{"ticket":{"id":-1}}`), unknown},
		{"text for a number", says(201, `{"ticket":{"id":"1"}}`), unknown},
		{"nothing", says(201, ""), unknown},
		{"a list", says(201, `[{"ticket":{"id":1}}]`), unknown},
		{"two", says(201, `{"ticket":{"id":1}}{}`), unknown},
		{"too large", says(201, `{"ticket":{"id":1}}`+strings.Repeat(" ", maxBody)), unknown},
		{"just not", says(201, `{"ticket":{"id":1}}`+strings.Repeat(" ", maxBody-len(`{"ticket":{"id":1}}`))), fine},
		{"a connection that ends", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, unknown},
	} {
		z := newZendesk(t)
		z.answers["POST /api/v2/tickets"] = row.answer
		id, err := z.client(t).Open(t.Context(), prunella(), false)
		if got := kind(err); got != row.want || (id == "1") != (err == nil) {
			t.Errorf("%s: %s (%q %v), want %s", row.name, got, id, err, row.want)
		}
		z.quiet(t, row.name, err)
		if told := strings.Contains(z.log.String(), "level=ERROR"); told != (row.want == refused) {
			t.Errorf("%s: told the operator: %v", row.name, told)
		}
		if row.name == "422" && !strings.Contains(err.Error(), "Marker") {
			t.Errorf("the name of the error is lost: %v", err)
		}
	}
}

// TestListAnswers: what each answer to the look means. Only a list without
// tickets says that there is none.
func TestListAnswers(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"none", says(200, `{"tickets":[]}`), fine},
		{"it", says(200, `{"tickets":[{"id":1,"external_id":"7K2M-9QXA"}]}`), fine},
		{"another", says(200, `{"tickets":[{"id":1,"external_id":"STRA-NGER"}]}`), unknown},
		{"it and another", says(200, `{"tickets":[{"id":1,"external_id":"7K2M-9QXA"},{"id":2,"external_id":null}]}`), unknown},
		{"no number", says(200, `{"tickets":[{"external_id":"7K2M-9QXA"}]}`), unknown},
		{"no list", says(200, `{}`), unknown},
		{"null", says(200, `{"tickets":null}`), unknown},
		{"nothing", says(200, ``), unknown},
		{"a page", says(200, `<html>`), unknown},
		{"204", says(204, ``), unknown},
		{"301", says(301, ``), unknown},
		{"403", says(403, `{"error":"Forbidden"}`), refused},
		{"404", says(404, `{"error":"RecordNotFound"}`), refused},
		{"429", says(429, ``), "in 1m0s"},
		{"500", says(500, ``), unknown},
	} {
		z := newZendesk(t)
		z.answers["GET /api/v2/tickets"] = row.answer
		_, err := z.client(t).Open(t.Context(), prunella(), true)
		if got := kind(err); got != row.want {
			t.Errorf("%s: %s (%v), want %s", row.name, got, err, row.want)
		}
		if opened := len(z.asked) == 2; opened != (row.name == "none") {
			t.Errorf("%s: %v", row.name, z.asked)
		}
		z.quiet(t, row.name, err)
	}
}

// TestState: what each answer says of a ticket.
func TestState(t *testing.T) {
	state := func(status string) http.HandlerFunc {
		return says(200, `{"ticket":{"id":35436,"status":"`+status+`"}}`)
	}
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		open   bool
		want   string
	}{
		{"new", state("new"), true, fine},
		{"open", state("open"), true, fine},
		{"pending", state("pending"), true, fine},
		{"hold", state("hold"), true, fine},
		{"added later", state("added-later"), true, fine},
		{"solved", state("solved"), false, fine},
		{"closed", state("closed"), false, fine},
		{"deleted", state("deleted"), false, fine},
		{"no status", says(200, `{"ticket":{"id":35436}}`), false, unknown},
		{"another", says(200, `{"ticket":{"id":7,"status":"solved"}}`), false, unknown},
		{"nothing", says(200, ``), false, unknown},
		{"not there", says(404, `{"error":"RecordNotFound","description":"Not found"}`), false, fine},
		{"no such account", says(404, `{"error":{"title":"No help desk"}}`), false, refused},
		{"a page", says(404, `<html>`), false, refused},
		{"401", says(401, `{"error":"RecordNotFound"}`), false, refused},
		{"429", says(429, ``), false, "in 1m0s"},
		{"500", says(500, `{"error":"RecordNotFound"}`), false, unknown},
	} {
		z := newZendesk(t)
		z.answers["GET /api/v2/tickets/35436"] = row.answer
		open, err := z.client(t).State(t.Context(), "35436")
		if got := kind(err); got != row.want || open != row.open {
			t.Errorf("%s: %v %s (%v), want %v %s", row.name, open, got, err, row.open, row.want)
		}
		z.quiet(t, row.name, err)
	}
	z := newZendesk(t)
	_, _ = z.client(t).State(t.Context(), "../a") // what comes does not matter
	if diff := cmp.Diff([]string{"GET /api/v2/tickets/..%2Fa"}, z.asked); diff != "" {
		t.Error(diff)
	}
}

// TestTokens: had when needed, kept as long as it is good, thrown away when refused.
func TestTokens(t *testing.T) {
	check := func(z *zendesk, c *Zendesk, why string, tokens int, want string) {
		t.Helper()
		err := c.Check(t.Context())
		if got := kind(err); got != want || z.tokens != tokens {
			t.Errorf("%s: %s (%v), %d tokens", why, got, err, z.tokens)
		}
		z.quiet(t, why, err)
	}
	for life, keeps := range map[string]time.Duration{
		"1800": 29 * time.Minute, "120": time.Minute, "60": 30 * time.Second, "172800": 29 * time.Minute,
		"0": 4 * time.Minute, "-1": 4 * time.Minute, "null": 4 * time.Minute, "9223372036854775807": 29 * time.Minute,
	} {
		z := newZendesk(t)
		z.life = life
		c := z.client(t)
		check(z, c, life, 1, fine)
		z.advance(keeps - time.Second)
		check(z, c, life+", shortly before", 1, fine)
		z.advance(time.Second)
		check(z, c, life+", then", 2, fine)
	}

	// Refused: renewed once, and not more.
	z := newZendesk(t)
	c := z.client(t)
	check(z, c, "at first", 1, fine)
	z.answers["GET /api/v2/tickets"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-marker-1" {
			says(401, `{"error":"invalid_token"}`)(w, r)
			return
		}
		says(200, `{"tickets":[]}`)(w, r)
	}
	check(z, c, "expired early", 2, fine)
	check(z, c, "afterwards", 2, fine)
	z.answers["GET /api/v2/tickets"] = says(401, `{"error":"invalid_token"}`)
	before := len(z.asked)
	check(z, c, "never taken", 3, refused)
	if len(z.asked) != before+2 {
		t.Errorf("asked %d times", len(z.asked)-before)
	}

	// The renewal of one does not throw away that of another.
	c.token = token{"newer", z.now.Add(time.Hour)}
	c.forget("older")
	if c.token.value != "newer" {
		t.Error("a newer token was thrown away")
	}

	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"no such client", says(401, `{"error":"invalid_client",`+quoted+`}`), refused},
		{"no such scope", says(400, `{"error":"invalid_scope"}`), refused},
		{"busy", says(429, ``), "in 1m0s"},
		{"down", says(503, ``), unknown},
		{"201", says(201, `{"access_token":"a"}`), unknown},
		{"no token", says(200, `{"expires_in":1800}`), unknown},
		{"an empty one", says(200, `{"access_token":""}`), unknown},
		{"one of two lines", says(200, `{"access_token":"a\r\nX-Injected: b"}`), unknown},
		{"text for a life", says(200, `{"access_token":"a","expires_in":"soon"}`), unknown},
		{"no JSON", says(200, `access_token=a`), unknown},
	} {
		z := newZendesk(t)
		z.answers["POST /oauth/tokens"] = row.answer
		check(z, z.client(t), row.name, 0, row.want)
		if len(z.asked) != 0 {
			t.Errorf("%s: asked without a token: %v", row.name, z.asked)
		}
	}
}

// TestCanceled: who goes away is told so, and so is a Zendesk that is not there.
func TestCanceled(t *testing.T) {
	z := newZendesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := z.client(t).Open(ctx, prunella(), true)
	if !errors.Is(err, context.Canceled) || kind(err) != unknown {
		t.Error(err)
	}
	z.Close()
	_, err = z.client(t).Open(t.Context(), prunella(), true)
	if kind(err) != unknown {
		t.Error(err)
	}
	z.quiet(t, "not there", err)
}

// quiet checks that neither the error nor the log has anything of the ticket, the
// address, the client or the token.
func (z *zendesk) quiet(t *testing.T, why string, err error) {
	t.Helper()
	said := z.log.String()
	if err != nil {
		said += err.Error()
	}
	for _, marker := range []string{"runella", "intergreen", "1984", "QQ123456C", "56C", "7300001", "people.example", "urn:fdc", "7K2M", "6f1c1f0e", "secret-marker", "token-marker", "suspended", "/api/v2", "/oauth"} {
		if strings.Contains(said, marker) {
			t.Errorf("%s: %q is told: %s", why, marker, said)
		}
	}
}

// TestCode: a name and nothing else is taken for the name of an error.
func TestCode(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"RecordInvalid"}`: "RecordInvalid", `{"error":"invalid_client"}`: "invalid_client", `{"error":"Couldn't authenticate you"}`: "",
		`{"error":"rosa@people.example"}`: "", `{"error":"QQ123456C"}`: "", `{"error":{"title":"RecordInvalid"}}`: "", `{"error":1}`: "", `{}`: "", ``: "",
		`{"error":"` + strings.Repeat("x", 41) + `"}`: "",
	} {
		if got := code([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

// FuzzAnswer: whatever Zendesk says, nothing panics, nothing is repeated, and only
// what says so opens a ticket or finds one.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"ticket":{"id":35436,"external_id":"7K2M-9QXA","status":"open"}}`, `{"tickets":[{"id":1,"external_id":"7K2M-9QXA"}]}`, `{"tickets":[]}`, `{"tickets":null}`,
		`{"access_token":"abc","expires_in":1800}`, `{"access_token":"a\nb","expires_in":-1}`, `{"error":"RecordInvalid","description":"rosa@people.example"}`, `{"error":{"title":"x"}}`,
		"null", "[]", "", "\x00\xff", strings.Repeat("[", 20_000), `{"ticket":{"id":1e99}}`, `{"ticket":{"ID":7}}`,
	} {
		f.Add([]byte(seed))
	}
	now := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		id, openErr := opened(body)
		if number, err := strconv.ParseInt(id, 10, 64); (openErr == nil) != (err == nil && number > 0) {
			t.Errorf("opened %q, %v", id, openErr)
		}
		found, findErr := listed(body, "7K2M-9QXA")
		if findErr != nil && found != "" || found != "" && !strings.Contains(strings.ToLower(string(body)), "external_id") {
			t.Errorf("found %q, %v", found, findErr)
		}
		open, stateErr := stillOpen(body, "35436")
		if stateErr != nil && open {
			t.Error("open, and an error")
		}
		got, tokenErr := granted(body, now)
		if tokenErr == nil && (strings.ContainsFunc(got.value, func(r rune) bool { return r <= ' ' || r > '~' }) || got.value == "" || !got.until.After(now) || got.until.After(now.Add(longestLife))) {
			t.Errorf("%+v", got)
		}
		if name := code(body); name != "" && !codeName.MatchString(name) {
			t.Errorf("code %q", name)
		}
		for _, err := range []error{openErr, findErr, stateErr, tokenErr} {
			if err != nil && !strings.HasSuffix(err.Error(), "an answer that is not the JSON expected") && !strings.HasSuffix(err.Error(), "an answer about another ticket") {
				t.Errorf("%v", err)
			}
		}
	})
}

// FuzzBody: whatever the values are, the ticket has the lines it has.
func FuzzBody(f *testing.F) {
	f.Add("Rosa", "QQ123456C", "rosa@people.example")
	f.Add("Rosa\nTRN: 1", "\u2028", "{{x}}")
	want := len(strings.Split(prunella().Body(true), "\n"))
	f.Fuzz(func(t *testing.T, name, nino, other string) {
		ticket := prunella()
		ticket.Identity.Names[1].Given[0], ticket.Stated.NINO, ticket.Email, ticket.Lookups[0].Outcome = name, nino, other, journey.Outcome(other)
		ticket.Reference = other
		for _, showNINO := range []bool{false, true} {
			body := ticket.Body(showNINO)
			if lines := strings.FieldsFunc(body, isBreak); len(strings.Split(body, "\n")) != want || strings.ContainsAny(body, "{}") || len(lines) > want {
				t.Errorf("%q", body)
			}
		}
		if strings.ContainsFunc(ticket.Title(), isBreak) {
			t.Errorf("%q", ticket.Title())
		}
	})
}
