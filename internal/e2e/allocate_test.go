package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// Teachers who have no TRN and request one.

const hours = 2 * time.Hour // longer than anything waits that is not for people

// TestNoTRN: a TRN in one sitting, and nobody writes to those who have read it.
func TestNoTRN(t *testing.T) {
	t.Parallel()
	for name, start := range registers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			v := s.teacher(t)
			v.open("/records?page=2").choose("no-trn").press("Continue", "have", "yes").press("Continue", "number", "QQ 36 74 90 A")
			v.at(trnPage).press("Continue").sees(http.StatusUnprocessableEntity, "Select yes if you have a teacher reference number")
			v.press("Continue", "have", "no").at(requestPage)
			for _, sent := range []string{"HORATIA", "JUNO", "PENNYFEATHER", "17 April 1999", "horatia.pennyfeather@people.example", "QQ 36 74 90 A"} {
				v.sees(http.StatusOK, sent)
			}
			v.press("Request a TRN").at(connectedPage).sees(http.StatusOK, "Your teacher reference number (TRN)"+firstGiven(s))
			v.press("Continue").at("/records?page=2").sees(http.StatusOK, "signed in")
			if who := v.whoami(); !who.Verified || who.Claims["trn"] != firstGiven(s) || who.Claims["match"] != "found" {
				t.Errorf("the service sees %v %v", who, who.Claims)
			}
			v.open(requestPage).at("/records?page=2") // where the visit ended

			asked := len(s.OneLogin.Record().Vectors)
			again := s.teacher(t).open("/records").choose("no-trn").at("/records").sees(http.StatusOK, "signed in")
			if vectors := s.OneLogin.Record().Vectors[asked:]; again.views != 0 || len(vectors) != 1 || vectors[0] != "Cl.Cm" {
				t.Errorf("the next time %d pages were seen, and One Login was asked for %v", again.views, vectors)
			}

			s.soon(t, hours, "the end of all work", func() bool { return s.idle(t) })
			if mails, tickets := s.Notify.Inbox(), s.Zendesk.Tickets(); len(mails)+len(tickets) != 0 {
				t.Errorf("%d e-mails, %d tickets", len(mails), len(tickets))
			}
			s.nothingPersonal(t, firstGiven(s))
			s.noRuleBroken(t)
		})
	}
}

// TestPossibleDuplicate: they wait for a decision, are told of it by e-mail, and go
// on from where they wait or from the e-mail, and nothing is asked again.
func TestPossibleDuplicate(t *testing.T) {
	t.Parallel()
	evadne := person(t, "possible-duplicate")
	polling := editing("webhook on", "webhook off")
	for _, c := range []struct {
		name, register string
		options        []option
		button, trn    string
		hears          bool // of the decision, by itself
	}{
		{"embedded", "embedded", nil, "EVADNE LARKHAMPTON is 7383917", "7383917", true},
		{"trs and its webhook", "trs", nil, "EVADNE LARKHAMPTON is 7383917", "7383917", true},
		{"trs alone", "trs", []option{polling}, "Give EVADNE LARKHAMPTON a new TRN", "5000001", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := registers[c.register](t, c.options...)
			v := s.teacher(t).open("/records?page=2").choose(evadne.Value).types(evadne).at(waitingPage)
			v.sees(http.StatusOK, "TRN requested").sees(http.StatusOK, "we will email it to "+evadne.Email)
			v.follow("Check now").at(waitingPage)
			for _, over := range []string{requestPage, trnPage, ninoPage, checkPage, "/records?page=2"} {
				v.open(over).at(waitingPage)
			}
			if got := s.raw(t, rawRequest{method: "GET", target: "/whoami", header: []string{"Cookie: teaching-record=" + v.cookie()}}).status; got != http.StatusUnauthorized {
				t.Errorf("somebody who waits got %d of the service", got)
			}
			away := s.teacher(t).open("/records").choose(evadne.Value).at(waitingPage) // in another browser
			s.nothingPersonal(t)
			if mails := s.Notify.Inbox(); len(mails) != 0 {
				t.Errorf("%+v", mails)
			}

			s.decides(t, c.button)
			told := func() bool { return len(s.mails(evadne.Email)) > 0 }
			if c.hears {
				s.await("the e-mail", told)
			} else {
				s.soon(t, hours, "the e-mail", told)
			}
			mail := s.mails(evadne.Email)[0]
			for _, want := range []string{"Dear EVADNE LARKHAMPTON", "Your TRN is " + c.trn + ".", "signed in to Access your teaching qualifications", "\n" + s.site + "/\n"} {
				if !strings.Contains(mail.Body, want) {
					t.Errorf("the e-mail does not say %q: %s", want, mail.Body)
				}
			}
			inbox := s.teacher(t).open(s.console+"/inbox").sees(http.StatusOK, "Your TRN is "+c.trn)

			old := v.cookie()
			v.follow("Check now").at("/records?page=2").sees(http.StatusOK, "signed in")
			if who := v.whoami(); !who.Verified || who.Claims["trn"] != c.trn || v.cookie() == old {
				t.Errorf("the service sees %v %v; a new cookie: %v", who, who.Claims, v.cookie() != old)
			}
			away.open("/records").at("/records").sees(http.StatusOK, "signed in")
			inbox.follow(s.site).choose(evadne.Value).at("/").sees(http.StatusOK, "signed in")
			if inbox.views != 0 {
				t.Errorf("%d pages of ours were seen on the way from the e-mail", inbox.views)
			}

			s.soon(t, hours, "the end of all work", func() bool { return s.idle(t) })
			if mails, tickets := s.Notify.Inbox(), s.Zendesk.Tickets(); len(mails) != 1 || len(tickets) != 0 {
				t.Errorf("%d e-mails, %d tickets", len(mails), len(tickets))
			}
			s.nothingPersonal(t, c.trn)
			s.noRuleBroken(t)
		})
	}
}

// TestRejected: they read it when they come back, with the reference of the ticket.
func TestRejected(t *testing.T) {
	t.Parallel()
	thaddeus := person(t, "rejected")
	for name, start := range registers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			v := s.teacher(t).open("/records").choose(thaddeus.Value).types(thaddeus).at(waitingPage)
			s.decides(t, "Reject THADDEUS WEXCOMBE")
			s.soon(t, hours, "the ticket", func() bool { return len(s.Zendesk.Tickets()) > 0 })
			ticket := s.Zendesk.Tickets()[0]
			for _, want := range []string{"Reason: The register rejected their request for a TRN.", "Name: THADDEUS WEXCOMBE", thaddeus.Email, thaddeus.Subject(), "ends with 18C", "With National Insurance number: no record found"} {
				if !strings.Contains(ticket.Body, want) {
					t.Errorf("the ticket does not say %q: %s", want, ticket.Body)
				}
			}
			for _, v := range []*teacher{v.follow("Check now"), s.teacher(t).open("/records").choose(thaddeus.Value)} {
				v.at(declinedPage).sees(http.StatusOK, "Your request for a TRN was declined").sees(http.StatusOK, ticket.ExternalID)
				v.open("/records").at(declinedPage).open(requestPage).at(declinedPage)
			}
			// Staff find that it was a mistake, or the ticket that they have a record.
			s.connect(t, thaddeus.Value, "7387754")
			s.teacher(t).open("/records").choose(thaddeus.Value).at("/records").sees(http.StatusOK, "signed in")

			s.soon(t, hours, "the end of all work", func() bool { return s.idle(t) })
			if mails, tickets := s.Notify.Inbox(), s.Zendesk.Tickets(); len(mails) != 0 || len(tickets) != 1 {
				t.Errorf("%d e-mails, %d tickets", len(mails), len(tickets))
			}
			s.nothingPersonal(t)
			s.noRuleBroken(t)
		})
	}
}

// TestOverdue: after 30 days people are asked to look, once, and still they are
// told when there is a decision.
func TestOverdue(t *testing.T) {
	t.Parallel()
	s := registers["trs"](t)
	evadne := person(t, "possible-duplicate")
	s.teacher(t).open("/records").choose(evadne.Value).types(evadne).at(waitingPage)
	s.soon(t, 31*24*time.Hour, "the ticket", func() bool { return len(s.Zendesk.Tickets()) > 0 })
	if body := s.Zendesk.Tickets()[0].Body; !strings.Contains(body, "Reason: The register has not decided on their request for a TRN.") {
		t.Error(body)
	}
	s.teacher(t).open("/records").choose(evadne.Value).at(waitingPage)
	s.decides(t, "EVADNE LARKHAMPTON is 7383917")
	s.soon(t, hours, "the e-mail", func() bool { return len(s.mails(evadne.Email)) > 0 })
	s.teacher(t).open("/records").choose(evadne.Value).at("/records")
	s.soon(t, hours, "the end of all work", func() bool { return s.idle(t) })
	if mails, tickets := s.Notify.Inbox(), s.Zendesk.Tickets(); len(mails) != 1 || len(tickets) != 1 {
		t.Errorf("%d e-mails, %d tickets", len(mails), len(tickets))
	}
}

// TestRequestedTogether: ten tabs, in each of which the button is pressed twice,
// make one request.
func TestRequestedTogether(t *testing.T) {
	t.Parallel()
	s := registers["trs"](t)
	for _, value := range []string{"possible-duplicate", "no-trn"} {
		p := person(t, value)
		first := s.teacher(t).open("/records").choose(value).press("Continue", "have", "yes").press("Continue", "number", p.NINO).press("Continue", "have", "no").at(requestPage)
		var tabs sync.WaitGroup
		for range 20 { // a second press is a second post, whose answer the browser waits for
			tab := *first
			tabs.Go(func() {
				tab.press("Request a TRN")
				if at := tab.url.Path; tab.resp.StatusCode != http.StatusOK || at != waitingPage && at != connectedPage {
					t.Errorf("%s: a tab ends at %s, %d", value, tab.url, tab.resp.StatusCode)
				}
			})
		}
		tabs.Wait()
	}
	all := s.TRS.Requests()
	if len(all) != 2 || all[0].Status != trs.Pending || all[1].Status != trs.Completed {
		t.Errorf("%d requests: %+v", len(all), all)
	}
	if records := s.TRS.Records(); records[len(records)-1].TRN == "5000002" {
		t.Error("two TRNs were given")
	}
}
