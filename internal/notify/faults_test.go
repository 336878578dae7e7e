package notify

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	standin "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/notify"
)

// deliver is what a queue does: it tries until it is done or refused, and says
// when an earlier attempt was made.
func deliver(t *testing.T, a *api, c *Client, again bool) (attempts int, err error) {
	for attempts = 1; attempts <= 5; attempts++ {
		err = c.Send(t.Context(), mail, again)
		a.honest(err)
		if err == nil || errors.Is(err, ErrRefused) {
			return attempts, err
		}
		wait := 10 * time.Second
		if later, is := errors.AsType[Later](err); is {
			wait = later.Wait
		}
		time.Sleep(wait) // in a bubble
		again = true
	}
	return attempts, err
}

func at(endpoint standin.Endpoint) (faults []standin.Fault) {
	return slices.DeleteFunc(standin.Faults(), func(f standin.Fault) bool { return !f.PlayableAt(endpoint) })
}

// TestFaultsWhenSending: whatever happens to a call, it is understood, and in the
// end one e-mail has been sent.
func TestFaultsWhenSending(t *testing.T) {
	for _, fault := range at(standin.AtSend) {
		t.Run(fault.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAPI(t)
				c := a.client()
				a.play(fault.Name, standin.AtSend, false)
				err := c.Send(t.Context(), mail, false)
				a.honest(err)
				if kind(err) != fault.Means {
					t.Errorf("%v, want %q", err, fault.Means)
				}
				sent := 1
				if fault.Lost {
					sent = 0
				}
				if n := len(a.Inbox()); n != sent {
					t.Errorf("%d e-mails after the first attempt, want %d", n, sent)
				}
				if hits := a.Record().Hits[standin.AtSend]; hits != 1 && fault.Name != "hung-up" && fault.Name != "hung-up-lost" {
					t.Errorf("%d calls in one attempt", hits)
				}
				if attempts, err := deliver(t, a, c, true); err != nil || attempts != 1 {
					t.Errorf("%d more attempts: %v", attempts, err)
				}
				if n := len(a.Inbox()); n != 1 {
					t.Errorf("%d e-mails in the end", n)
				}
				if v := a.Record().Violations; len(v) > 0 {
					t.Errorf("rules were broken: %+v", v)
				}
			})
		})
	}
}

// TestFaultsWhenLookingUp: an earlier attempt got through or not, and Notify
// cannot be asked which. Nothing is sent until it can.
func TestFaultsWhenLookingUp(t *testing.T) {
	for _, fault := range at(standin.AtList) {
		for first, sent := range map[string]int{"500": 0, "500-accepted": 1} {
			t.Run(fault.Name+" after "+first, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAPI(t)
					c := a.client()
					a.play(first, standin.AtSend, false)
					if err := c.Send(t.Context(), mail, false); kind(err) != standin.Unknown {
						t.Fatal(err)
					}
					a.play(fault.Name, standin.AtList, true)
					for range 3 {
						err := c.Send(t.Context(), mail, true)
						a.honest(err)
						nothingToSpoil := sent == 0 && slices.Contains([]string{"other-reference", "reference-null", "unknown-status"}, fault.Name)
						if nothingToSpoil {
							sent = 1 // the list was rightly empty
							break
						}
						if kind(err) != fault.Means {
							t.Errorf("%v, want %q", err, fault.Means)
						}
						if fault.Means == standin.Fine {
							sent = 1
						}
						if n := len(a.Inbox()); n != sent {
							t.Errorf("%d e-mails, want %d", n, sent)
						}
					}
					a.StopFaults()
					if attempts, err := deliver(t, a, c, true); err != nil || attempts != 1 || len(a.Inbox()) != 1 {
						t.Errorf("%d more attempts, %d e-mails: %v", attempts, len(a.Inbox()), err)
					}
				})
			})
		}
	}
}

// TestOutage: Notify is away for a while, in a different way each time.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		c := a.client()
		for _, fault := range []string{"429-rate", "503", "slow"} {
			a.play(fault, standin.AtSend, false)
		}
		a.play("dropped", standin.AtList, false)
		if attempts, err := deliver(t, a, c, false); err != nil || attempts != 3 || len(a.Inbox()) != 1 {
			t.Errorf("%d attempts, %d e-mails: %v", attempts, len(a.Inbox()), err)
		}
	})
}

// TestFaultsWhenChecking: a template is called wrong only when it, or the key, is.
func TestFaultsWhenChecking(t *testing.T) {
	for _, fault := range at(standin.AtTemplate) {
		t.Run(fault.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAPI(t)
				c := a.client()
				a.play(fault.Name, standin.AtTemplate, false)
				err := c.Check(t.Context(), template, needs)
				a.honest(err)
				if kind(err) != fault.Means {
					t.Errorf("%v, want %q", err, fault.Means)
				}
				if err := c.Check(t.Context(), template, needs); err != nil {
					t.Errorf("then: %v", err)
				}
			})
		})
	}
}
