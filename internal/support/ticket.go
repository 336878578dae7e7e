package support

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// Ticket is what support staff need to help a teacher, and nothing else.
type Ticket struct {
	Reference string // what the teacher was shown, such as "7K2M-9QXA"; the ticket can be found by it
	Key       string // a UUIDv5, the same for every attempt and of this ticket alone

	Service    string // its name
	ServiceURL string

	journey.Plea // what they need help with, and who they are

	Connect string // the command that connects the teacher to a record, "" for none
	Opened  time.Time
}

// LogValue keeps a ticket out of every log.
func (Ticket) LogValue() slog.Value { return slog.StringValue("[personal data]") }

var reasons = map[journey.Reason]struct{ title, text string }{
	journey.NotFound:        {"no teaching record found", "No teaching record was found with the details below."},
	journey.RequestRejected: {"request for a TRN rejected", "The register rejected their request for a TRN."},
	journey.RequestOverdue:  {"request for a TRN overdue", "The register has not decided on their request for a TRN."},
	journey.NotConfirmed:    {"TRN not confirmed", "The register answered their request for a TRN with a record that it found by the National Insurance number they typed, and that does not bear their verified name. They were not connected to it."},
	journey.CannotRequest:   {"TRN cannot be requested", "They have no TRN, and the register takes no request with their verified name or date of birth."},
}

// What lookups were made with, and how they ended.
var (
	with = map[string]string{
		journey.WithNINO: "National Insurance number", journey.WithTRN: "TRN", journey.WithBoth: "TRN and National Insurance number",
	}
	outcomes = map[journey.Outcome]string{
		journey.NoRecord: "no record found", journey.NoAnswer: "the register did not answer", journey.NotMade: "not made, the limit of lookups was reached",
	}
)

// mostListed is how many names, birth dates and lookups a ticket lists at most.
const mostListed = 20

// Title is the ticket in a line, without personal data: titles travel in e-mails
// and lists.
func (t Ticket) Title() string {
	title := line(string(t.Reason))
	if known, ok := reasons[t.Reason]; ok {
		title = known.title
	}
	return fmt.Sprintf("%s: %s (%s)", clip(line(t.Service), 100), title, line(t.Reference))
}

// Body is the whole ticket as plain text, the same text each time. Of the
// National Insurance number it says how it ends; with showNINO all of it.
func (t Ticket) Body(showNINO bool) string {
	var b strings.Builder
	heading := func(text string) { fmt.Fprintf(&b, "\n%s\n", text) }
	say := func(label, value string) {
		if value = line(value); value == "" {
			value = "Not provided"
		}
		fmt.Fprintf(&b, "%s: %s\n", label, value)
	}
	more := func(all int, what string) {
		if all > mostListed {
			fmt.Fprintf(&b, "And %d more %s.\n", all-mostListed, what)
		}
	}

	say("Reference", t.Reference)
	say("Service", t.Service)
	say("Service address", t.ServiceURL)
	say("Opened", moment(t.Opened))
	reason := reasons[t.Reason].text
	if reason == "" {
		reason = string(t.Reason)
	}
	say("Reason", reason)

	heading("VERIFIED BY GOV.UK ONE LOGIN")
	names := t.Identity.Names
	if len(names) == 0 {
		names = []journey.Name{{}}
	}
	for i, name := range names[:min(len(names), mostListed)] {
		say(numbered("Name", i), nameLine(name))
	}
	more(len(names), "names")
	dates := t.Identity.BirthDates
	if len(dates) == 0 {
		dates = []string{""}
	}
	for i, date := range dates[:min(len(dates), mostListed)] {
		say(numbered("Date of birth", i), day(date))
	}
	more(len(dates), "dates of birth")
	say("Email address", t.Email)
	say("One Login subject", t.Subject)

	heading("WHAT THEY TOLD US")
	nino := journey.FormatNINO(line(t.Stated.NINO))
	if nino != "" && !showNINO {
		nino = "provided, ends with " + ending(t.Stated.NINO)
	}
	say("National Insurance number", nino)
	say("Teacher reference number (TRN)", t.Stated.TRN)
	if t.Found != "" {
		say("TRN that was found and is not confirmed", t.Found)
	}
	say("Language of the pages", language(t.Language))

	heading("LOOKUPS IN THE REGISTER, EACH WITH NAME AND DATE OF BIRTH")
	for _, l := range t.Lookups[:min(len(t.Lookups), mostListed)] {
		say("With "+line(cmp.Or(with[l.With], l.With)), line(cmp.Or(outcomes[l.Outcome], string(l.Outcome)))+", "+moment(l.At))
	}
	more(len(t.Lookups), "lookups")
	if len(t.Lookups) == 0 {
		b.WriteString("None were made.\n")
	}

	if t.Connect != "" {
		heading("TO CONNECT THEM TO A RECORD")
		fmt.Fprintln(&b, line(t.Connect))
	}
	return b.String()
}
