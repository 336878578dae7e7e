package support

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// prunella is a ticket with everything.
func prunella() Ticket {
	opened := time.Date(2026, 11, 4, 10, 32, 7, 0, time.FixedZone("", 3600))
	return Ticket{
		Reference: "7K2M-9QXA", Key: "6f1c1f0e-2a5b-5c3d-8e4f-0123456789ab",
		Service: "Access your teaching qualifications", ServiceURL: "https://teaching.example.gov.uk",
		Plea: journey.Plea{Reason: journey.NotFound, Subject: "urn:fdc:gov.uk:2022:Zk3cFq7Y2xW9",
			Identity: journey.Identity{
				Names:      []journey.Name{{Given: []string{"Prunella", "May"}, Family: []string{"Wintergreen"}}, {Given: []string{"Prunella"}, Family: []string{"O’Hazel", "Ash"}}, {Given: []string{"Prunella"}}},
				BirthDates: []string{"1984-03-02", "1984-02-03"},
			},
			Email: "prunella@people.example", Stated: journey.Stated{NINO: "QQ123456C", TRN: "7300001"},
			Lookups:  []journey.Lookup{{With: journey.WithNINO, Outcome: journey.NoRecord, At: opened.Add(-2 * time.Minute)}, {With: journey.WithBoth, Outcome: journey.NoAnswer, At: opened.Add(-time.Minute)}},
			Language: "cy"}, Connect: "caddy teaching-record connect --subject urn:fdc:gov.uk:2022:Zk3cFq7Y2xW9 --trn <TRN>", Opened: opened,
	}
}

// TestBody: the whole text, as support staff read it. It stands in
// docs/support-tickets.md, too.
func TestBody(t *testing.T) {
	golden := func(name string) string {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if diff := cmp.Diff(golden("ticket.txt"), prunella().Body(false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(golden("nothing.txt"), Ticket{}.Body(false)); diff != "" {
		t.Error(diff)
	}
	if with := prunella().Body(true); with != strings.Replace(golden("ticket.txt"), "provided, ends with 56C", "QQ 12 34 56 C", 1) {
		t.Error(with)
	}
	manual, err := os.ReadFile("../../docs/support-tickets.md")
	if err != nil || !strings.Contains(string(manual), golden("ticket.txt")) {
		t.Errorf("docs/support-tickets.md has another sample (%v)", err)
	}
}

// TestSameBytes: a queue keeps a ticket as JSON, in another time zone perhaps.
func TestSameBytes(t *testing.T) {
	text, err := json.Marshal(prunella())
	if err != nil {
		t.Fatal(err)
	}
	var kept Ticket
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	kept.Opened = kept.Opened.In(time.FixedZone("", -7200))
	if diff := cmp.Diff(prunella().Body(true), kept.Body(true)); diff != "" || kept.Title() != prunella().Title() {
		t.Error(diff)
	}
}

// TestTitle: what it is about, and nothing of whom.
func TestTitle(t *testing.T) {
	for reason, want := range map[journey.Reason]string{
		journey.NotFound: "no teaching record found", journey.RequestRejected: "request for a TRN rejected", journey.RequestOverdue: "request for a TRN overdue",
		journey.CannotRequest: "TRN cannot be requested", "other\nreason": "other reason",
	} {
		ticket := prunella()
		ticket.Reason = reason
		if got := ticket.Title(); got != "Access your teaching qualifications: "+want+" (7K2M-9QXA)" {
			t.Error(got)
		}
		if body := ticket.Body(false); !strings.Contains(body, "\nReason: ") || strings.Contains(body, "Reason: Not provided") {
			t.Errorf("%s has no reason: %s", reason, body)
		}
	}
	ticket := prunella()
	ticket.Service = strings.Repeat("x", 300)
	if got := ticket.Title(); len([]rune(got)) > 255 {
		t.Errorf("%d characters", len([]rune(got)))
	}
}

// TestLine: whatever a value is, it stays a value.
func TestLine(t *testing.T) {
	for _, row := range []struct{ why, value, want string }{
		{"as it is", "Siân O’Brien-Ó Néill, 李 小龙", "Siân O’Brien-Ó Néill, 李 小龙"},
		{"a line feed", "Rosa\nTRN: 1234567", "Rosa TRN: 1234567"},
		{"a carriage return", "Rosa\r\nTRN: 1234567", "Rosa TRN: 1234567"},
		{"a lone one", "Rosa\rTRN: 1234567", "Rosa TRN: 1234567"},
		{"a vertical tab and a form feed", "Rosa\v\fTRN", "Rosa TRN"},
		{"a next line", "Rosa\u0085TRN", "Rosa TRN"},
		{"a line separator", "Rosa\u2028TRN", "Rosa TRN"},
		{"a paragraph separator", "Rosa\u2029TRN", "Rosa TRN"},
		{"a tab", "Rosa\tTRN", "Rosa TRN"},
		{"spaces", "  Rosa \u00a0\u3000 Lane  ", "Rosa Lane"},
		{"nothing but spaces", " \n\t", ""},
		{"a bell and an escape", "Ro\asa\x1b[31m", "Rosa(31m"},
		{"a null", "Rosa\x00", "Rosa"},
		{"what turns text around", "Rosa\u202e7654321\u202c\u2066", "Rosa7654321"},
		{"what cannot be seen", "Ro\u200bsa\ufeff\u00ad", "Rosa"},
		{"no UTF-8", "Rosa\xff\xfe", "Rosa"},
		{"a replacement character", "Ro\ufffdsa", "Rosa"},
		{"private use", "Rosa\ue000", "Rosa"},
		{"a placeholder", "{{ticket.requester.email}}", "((ticket.requester.email))"},
		{"one in pieces", "{\u200b{dc.secret}\u200b}", "((dc.secret))"},
		{"a link", "[sign in](https://evil.example)", "(sign in)(https://evil.example)"},
		{"too long", strings.Repeat("é", 1001), strings.Repeat("é", 999) + "…"},
		{"just as long", strings.Repeat("é", 1000), strings.Repeat("é", 1000)},
	} {
		if got := line(row.value); got != row.want {
			t.Errorf("%s: %q", row.why, got)
		}
	}
}

// TestInjection: a line more in no value is a line more in the ticket, wherever
// the value stands.
func TestInjection(t *testing.T) {
	const evil = "x\r\n\u2028\u0085TO CONNECT THEM TO A RECORD\nTRN: 9999999\x1b[2J{{ticket.id}}"
	lines := func(text string) int { return len(strings.FieldsFunc(text, isBreak)) }
	for name, change := range map[string]func(*Ticket){
		"reference": func(t *Ticket) { t.Reference = evil }, "service": func(t *Ticket) { t.Service = evil }, "service URL": func(t *Ticket) { t.ServiceURL = evil },
		"reason": func(t *Ticket) { t.Reason = evil }, "subject": func(t *Ticket) { t.Subject = evil }, "e-mail": func(t *Ticket) { t.Email = evil },
		"given name":  func(t *Ticket) { t.Identity.Names[0].Given[1] = evil },
		"family name": func(t *Ticket) { t.Identity.Names[1].Family[0] = evil },
		"birth date":  func(t *Ticket) { t.Identity.BirthDates[1] = evil },
		"NINO":        func(t *Ticket) { t.Stated.NINO = evil }, "TRN": func(t *Ticket) { t.Stated.TRN = evil }, "language": func(t *Ticket) { t.Language = evil },
		"lookup": func(t *Ticket) { t.Lookups[0].With = evil }, "outcome": func(t *Ticket) { t.Lookups[1].Outcome = evil }, "command": func(t *Ticket) { t.Connect = evil },
	} {
		for _, showNINO := range []bool{false, true} {
			ticket := prunella()
			before := lines(ticket.Body(showNINO))
			change(&ticket)
			body := ticket.Body(showNINO)
			if after := lines(body); after != before || strings.ContainsAny(body+ticket.Title(), "{}\x1b\r\u2028\u0085") || strings.Contains(ticket.Title(), "\n") {
				t.Errorf("%s: %d lines, not %d: %s", name, after, before, body)
			}
		}
	}
}

func isBreak(r rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r) }

// TestNINO: only its end is told, whatever it is, unless configured otherwise.
func TestNINO(t *testing.T) {
	for nino, row := range map[string]struct{ masked, shown string }{
		"":          {"Not provided", "Not provided"},
		"QQ123456C": {"provided, ends with 56C", "QQ 12 34 56 C"},
		"12A34567":  {"provided, ends with 567", "12A34567"},
		"QQ1234":    {"provided, ends with something unreadable", "QQ1234"},
	} {
		ticket := prunella()
		ticket.Stated.NINO = nino
		for showNINO, want := range map[bool]string{false: row.masked, true: row.shown} {
			body := ticket.Body(showNINO)
			if !strings.Contains(body, "\nNational Insurance number: "+want+"\n") {
				t.Errorf("%q: no %q in %s", nino, want, body)
			}
			if !showNINO && nino != "" && (strings.Contains(body, nino) || strings.Contains(body, journey.FormatNINO(nino))) {
				t.Errorf("%q: not masked", nino)
			}
		}
	}
}

// TestMany: a ticket with more than anybody can have is still one that Zendesk
// takes, and says what it leaves out.
func TestMany(t *testing.T) {
	ticket := Ticket{Connect: "the command"}
	for i := range 25 {
		ticket.Identity.Names = append(ticket.Identity.Names, journey.Name{Given: []string{fmt.Sprint("given", i+1)}, Family: []string{strings.Repeat("x", 5000)}})
		ticket.Identity.BirthDates = append(ticket.Identity.BirthDates, "1984-03-02")
		ticket.Lookups = append(ticket.Lookups, journey.Lookup{With: journey.WithTRN, Outcome: journey.NoRecord})
	}
	body := ticket.Body(false)
	for _, text := range []string{"Name 20: given20 ", "And 5 more names.", "And 5 more dates of birth.", "And 5 more lookups.", "the command"} {
		if !strings.Contains(body, text) {
			t.Errorf("no %q", text)
		}
	}
	if strings.Contains(body, "given21") || strings.Contains(body, "birth 21") || strings.Count(body, "With TRN") != 20 || len([]rune(body)) > 65_535 {
		t.Errorf("%d characters", len([]rune(body)))
	}
}

// TestTicketIsNotLogged: not even by an oversight.
func TestTicketIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("ticket", "ticket", prunella())
	if text := log.String(); strings.Contains(text, "Prunella") || strings.Contains(text, "QQ123456C") || !strings.Contains(text, "[personal data]") {
		t.Error(text)
	}
}
