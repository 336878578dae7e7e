package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/zendesk"
)

// Teachers whose record is not found, and the people who help.

// TestTicket: the reference at once, a ticket with what staff need and nothing
// else, and after they connected the person to a record the service, with nothing
// left to do.
func TestTicket(t *testing.T) {
	t.Parallel()
	s := start(t)
	barnaby := person(t, "not-found")
	v := s.teacher(t).open("/records").choose(barnaby.Value).types(barnaby).at(requestedPage).sees(http.StatusOK, "We will look into it and then email "+barnaby.Email)
	reference := v.reference()
	s.await("the ticket", func() bool { return len(s.Zendesk.Tickets()) > 0 })
	ticket := s.Zendesk.Tickets()[0]
	if ticket.ExternalID != reference || ticket.Subject != "Access your teaching qualifications: no teaching record found ("+reference+")" ||
		ticket.Requester != (zendesk.Requester{Name: "BARNABY QUILLFEATHER", Email: barnaby.Email}) {
		t.Errorf("%+v", ticket)
	}
	want := []string{
		"Reference: " + reference, "Service: Access your teaching qualifications", "Service address: " + s.site, "Opened: (then)",
		"Reason: No teaching record was found with the details below.", "",
		"VERIFIED BY GOV.UK ONE LOGIN", "Name: BARNABY QUILLFEATHER (family name: QUILLFEATHER)", "Date of birth: 31 May 1994",
		"Email address: " + barnaby.Email, "One Login subject: " + barnaby.Subject(), "",
		"WHAT THEY TOLD US", "National Insurance number: provided, ends with 67D", "Teacher reference number (TRN): 7389902", "Language of the pages: English", "",
		"LOOKUPS IN THE REGISTER, EACH WITH NAME AND DATE OF BIRTH",
		"With National Insurance number: no record found, (then)", "With TRN and National Insurance number: no record found, (then)", "",
		"TO CONNECT THEM TO A RECORD", "caddy teaching-record connect --subject " + barnaby.Subject() + " --trn <TRN>", "",
	}
	got := strings.Split(then.ReplaceAllString(ticket.Body, "(then)"), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Asked again, by them or in another browser, it is the same.
	v.open("/records").at(requestedPage).sees(http.StatusOK, reference)
	s.teacher(t).open("/records").choose(barnaby.Value).at(requestedPage).sees(http.StatusOK, reference)
	s.nothingPersonal(t)

	s.connect(t, barnaby.Value, "7385501")
	v = s.teacher(t).open("/records").choose(barnaby.Value).at("/records").sees(http.StatusOK, "signed in")
	if trn := v.whoami().Claims["trn"]; trn != "7385501" {
		t.Errorf("the service sees %v", trn)
	}
	s.soon(t, hours, "the end of all work", func() bool { return s.idle(t) })
	if tickets := s.Zendesk.Tickets(); len(tickets) != 1 || !strings.Contains(s.log.String(), `"request for help settled"`) {
		t.Errorf("%d tickets; it was not settled", len(tickets))
	}
	s.noRuleBroken(t)
}

// TestTicketSolved: who was helped otherwise is told so, can try with what they
// were told, and if that is nothing gets another ticket.
func TestTicketSolved(t *testing.T) {
	t.Parallel()
	s := start(t)
	barnaby := person(t, "not-found")
	v := s.teacher(t).open("/records").choose(barnaby.Value).types(barnaby).at(requestedPage)
	first := v.reference()
	s.await("the ticket", func() bool { return len(s.Zendesk.Tickets()) == 1 })
	s.teacher(t).open(s.console+"/tickets/").press("Solve 40001").sees(http.StatusOK, "solved")
	s.soon(t, hours, "the end of the ticket to be noticed", func() bool {
		return strings.Contains(v.open("/records").at(requestedPage).body, "We have dealt with your request")
	})
	v.sees(http.StatusOK, first).press("Try again with different details").at(ninoPage).types(barnaby).at(requestedPage)
	second := v.reference()
	s.await("the second ticket", func() bool { return len(s.Zendesk.Tickets()) == 2 })
	if got := s.Zendesk.Tickets()[1].ExternalID; got != second || first == second {
		t.Errorf("%s, then %s; the second ticket is %s", first, second, got)
	}
	s.noRuleBroken(t)
}

// TestTicketByEmail: without Zendesk one e-mail goes to the mailbox.
func TestTicketByEmail(t *testing.T) {
	t.Parallel()
	s := start(t, inMailbox)
	barnaby := person(t, "not-found")
	v := s.teacher(t).open("/records").choose(barnaby.Value).types(barnaby).at(requestedPage)
	reference := v.reference()
	s.soon(t, hours, "the end of all work", func() bool { return s.idle(t) && len(s.Notify.Inbox()) > 0 })
	v.open("/records").at(requestedPage)
	mails := s.Notify.Inbox()
	if len(mails) != 1 || mails[0].To != "desk@support.example" || !strings.HasSuffix(mails[0].Subject, "no teaching record found \\("+reference+"\\)") {
		t.Fatalf("%+v", mails)
	}
	s.teacher(t).open(s.console+"/inbox").sees(http.StatusOK, "Name: BARNABY QUILLFEATHER (family name: QUILLFEATHER)").sees(http.StatusOK, "--subject "+barnaby.Subject())
	s.nothingPersonal(t)
	s.noRuleBroken(t)
}

// failed is how often background work of a kind failed.
func (s *stack) failed(kind string) (times int) {
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, `"background work failed"`) && strings.Contains(line, `"work":"`+kind+`"`) {
			times++
		}
	}
	return times
}

// inMailbox has a mailbox in the place of Zendesk.
func inMailbox(s *stack) {
	before, after, found := strings.Cut(read(s.t, s.caddyfile), "support zendesk {\n")
	_, after, ends := strings.Cut(after, "\n\t\t}\n")
	if !found || !ends {
		s.t.Fatal("Caddyfile.example has no support zendesk")
	}
	s.caddyfile = s.dir + "/Caddyfile"
	write(s.t, s.caddyfile, before+"support email desk@support.example\n"+after)
}

// TestHelpersDown: while neither of them answers as it should, teachers notice
// nothing, and afterwards everything is done once.
func TestHelpersDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ notify, zendesk string }{
		{"503", "503"}, {"hung-up-lost", "refused"},
		{"500-accepted", "created-500"}, {"dropped", "created-refused"}, // done, and nobody learns so
	} {
		t.Run(c.notify, func(t *testing.T) {
			t.Parallel()
			s := registers["trs"](t)
			must(t, s.Notify.Play(notify.Play{Fault: c.notify, Every: true, Endpoint: notify.AtSend}))
			must(t, s.Zendesk.Play(zendesk.Play{Fault: c.zendesk, Every: true, Endpoint: zendesk.AtCreate}))
			evadne, barnaby := person(t, "possible-duplicate"), person(t, "not-found")
			waits := s.teacher(t).open("/records").choose(evadne.Value).types(evadne).at(waitingPage)
			asks := s.teacher(t).open("/records").choose(barnaby.Value).types(barnaby).at(requestedPage)
			reference := asks.reference()
			s.decides(t, "EVADNE LARKHAMPTON is 7383917")
			s.await("both to be asked in vain", func() bool { return min(s.failed("email:send"), s.failed("ticket:open")) > 0 })
			// Nor do they say what they have done.
			must(t, s.Notify.Play(notify.Play{Fault: "503", Every: true, Endpoint: notify.AtList}))
			must(t, s.Zendesk.Play(zendesk.Play{Fault: "503", Every: true, Endpoint: zendesk.AtFind}))
			s.soon(t, 0, "both to be asked in vain again", func() bool { return min(s.failed("email:send"), s.failed("ticket:open")) > 2 })
			waits.follow("Check now").at("/records").sees(http.StatusOK, "signed in")
			asks.open("/records").at(requestedPage).sees(http.StatusOK, reference)
			s.teacher(t).open("/records").choose(barnaby.Value).at(requestedPage).sees(http.StatusOK, reference)

			s.Notify.StopFaults()
			s.Zendesk.StopFaults()
			s.soon(t, hours, "both to be done", func() bool {
				return strings.Contains(s.log.String(), "and the teacher told") && strings.Contains(s.log.String(), "ticket opened")
			})
			if mails, tickets := s.mails(evadne.Email), s.tickets(barnaby.Subject()); len(mails) != 1 || len(tickets) != 1 || tickets[0].ExternalID != reference {
				t.Errorf("%d e-mails, %d tickets", len(mails), len(tickets))
			}
			if all := len(s.Notify.Inbox()) + len(s.Zendesk.Tickets()); all != 2 {
				t.Errorf("%d e-mails and tickets in all", all)
			}
			s.nothingPersonal(t)
			s.noRuleBroken(t)
		})
	}
}
