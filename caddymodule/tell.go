package caddymodule

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// What the commands print. Times are in UTC, to the minute.

// shown is text that was not written here, without what moves the cursor about or
// reads backwards in a terminal.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func tellLink(w io.Writer, c connection) {
	fmt.Fprintf(w, "%s is connected to the record %s, by %s, since %s.\n", c.Subject, c.TRN, c.How, minute(c.At))
}

func tellConnected(w io.Writer, c connection) {
	fmt.Fprintf(w, "%s is now connected to the record %s. A ticket of theirs is settled.\n", c.Subject, c.TRN)
}

func tellDisconnected(w io.Writer, d disconnected) {
	if d.Was == "" {
		fmt.Fprintf(w, "%s was not connected to a record.\n", d.Subject)
		return
	}
	fmt.Fprintf(w, "%s is no longer connected to the record %s.\n", d.Subject, d.Was)
}

func tellVisits(w io.Writer, p present) {
	if p.Visits == 0 {
		fmt.Fprintf(w, "%s is not signed in.\n", p.Subject)
		return
	}
	fmt.Fprintf(w, "%s is signed in %s, the oldest since %s.\n", p.Subject, count(p.Visits, "time", "times"), minute(p.Since))
}

func tellRevoked(w io.Writer, r revoked) {
	fmt.Fprintf(w, "%s was signed out: %s ended.\n", r.Subject, count(r.Ended, "visit", "visits"))
}

func tellRequests(w io.Writer, all []application) {
	if len(all) == 0 {
		fmt.Fprintln(w, "No request for a TRN waits for a decision.")
	}
	for i, a := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s\n  asked %s by %s\n  for %s, born %s\n", a.ID, minute(a.Since), shown(a.Subject), shown(a.Name), shown(a.BirthDate))
		for _, maybe := range a.Maybe {
			fmt.Fprintf(w, "  may be %s, %s\n", maybe.TRN, shown(maybe.Name))
		}
	}
}

func tellResolved(w io.Writer, d decision) {
	fmt.Fprintf(w, "The request %s was answered with the record %s.\n", d.ID, d.TRN)
}

func tellRejected(w io.Writer, d decision) { fmt.Fprintf(w, "The request %s was rejected.\n", d.ID) }

func tellTickets(w io.Writer, all []ticket) {
	if len(all) == 0 {
		fmt.Fprintln(w, "There are no tickets.")
		return
	}
	table(w, "REFERENCE\tSTATE\tSINCE\tTICKET\tSUBJECT", all, func(t ticket) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", t.Reference, t.State, minute(t.Since), cmp.Or(t.Ticket, "-"), shown(t.Subject))
	})
}

func tellWork(w io.Writer, all []aside) {
	if len(all) == 0 {
		fmt.Fprintln(w, "No background work was put aside.")
		return
	}
	table(w, "KIND\tNAME\tFAILED\tERROR", all, func(a aside) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s", a.Kind, a.Name, minute(a.Failed), shown(a.Error))
	})
}

func tellRetried(w io.Writer, p piece) { fmt.Fprintf(w, "%s %s is tried again now.\n", p.Kind, p.Name) }

func table[Row any](w io.Writer, head string, rows []Row, line func(Row) string) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, head)
	for _, row := range rows {
		fmt.Fprintln(columns, line(row))
	}
	columns.Flush()
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", more)
}
