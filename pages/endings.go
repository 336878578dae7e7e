package pages

import "time"

// Connected says that a record was just found or made. Continue posts to it.
type Connected struct {
	TRN string // of a record just made, which the person does not know; else ""
}

func (v Connected) sheet() sheet {
	if v.TRN == "" {
		return sheet{Template: "connected", Body: panel{Title: "connected.heading"}}
	}
	return sheet{Template: "connected", Body: panel{"connected.heading", "connected.trn", v.TRN}}
}

// SupportRequested says that the request for help was sent, or how it ended.
// "Try again with different details" posts again=yes.
type SupportRequested struct {
	Reference string // what to quote to the people who help
	Email     string // the person's own, "" when not known

	// Sent: the people who help are told of the request, now or when they can be
	// reached. Otherwise the person is asked to write to them.
	Sent bool

	// State is "solved" when they have dealt with it, and still no record is
	// connected. Anything else, such as "", is a request that is open.
	State string
}

func (v SupportRequested) sheet() sheet {
	page := "support-requested"
	if v.State == "solved" {
		page = "support-requested-solved"
	}
	return sheet{Template: page, Body: struct {
		SupportRequested
		Panel panel
	}{v, panel{"support-requested.heading", "support-requested.reference", v.Reference}}}
}

// TRNRequested says that people must decide about the request for a TRN. With
// JavaScript the page looks by itself, for a while, whether they have: it asks
// for its own address, and goes there again when that redirects.
type TRNRequested struct {
	Email string    // where the TRN will be sent, "" when no email will come
	Since time.Time // when it was requested: the date it has in its own location; zero leaves it out
}

func (v TRNRequested) sheet() sheet {
	since := ""
	if !v.Since.IsZero() {
		since = v.Since.Format(time.DateOnly)
	}
	return sheet{Template: "trn-requested", Body: struct {
		Panel        panel
		Email, Since string
	}{panel{Title: "trn-requested.heading"}, v.Email, since}}
}

// TRNRequestDeclined says that no TRN will be given.
type TRNRequestDeclined struct {
	Reference string // of the request for help about it, what to quote
	Email     string // the person's own, "" when not known
}

func (v TRNRequestDeclined) sheet() sheet { return sheet{Template: "trn-request-declined", Body: v} }

// NotVerified says that GOV.UK One Login could not verify who somebody is.
// "Try again" posts again=yes.
type NotVerified struct{}

func (NotVerified) sheet() sheet { return sheet{Template: "not-verified"} }

// SignOut asks before signing out; its button posts to the same address.
type SignOut struct{}

func (SignOut) sheet() sheet { return sheet{Template: "sign-out"} }

// SignedOut says that nobody is signed in any more.
type SignedOut struct{}

func (SignedOut) sheet() sheet { return sheet{Template: "signed-out"} }

// Cookies lists the cookies that we set, all of them strictly necessary.
type Cookies struct{ Cookies []Cookie }

// Cookie is one line of that list.
type Cookie struct {
	Name string

	// Purpose is a key of the words below "cookies.purpose.": "visit" is the
	// cookie that keeps a person signed in.
	Purpose string

	// Idle is how long it is good for when the service is not used, Absolute
	// how long at most. Both are whole minutes.
	Idle, Absolute time.Duration
}

func (v Cookies) sheet() sheet { return sheet{Template: "cookies", Body: v} }

// Accessibility is the statement the law asks for, about these pages only.
type Accessibility struct{}

func (Accessibility) sheet() sheet { return sheet{Template: "accessibility"} }
