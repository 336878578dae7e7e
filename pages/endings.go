package pages

import "time"

// Connected says that a record was just found. Continue posts to it.
type Connected struct{}

func (Connected) sheet() sheet {
	return sheet{Template: "connected", Body: panel{Title: "connected.heading"}}
}

// SupportRequested says that the request for help was sent. "Try again with
// different details" posts again=yes.
type SupportRequested struct {
	Reference string // what to quote to the people who help
	Email     string // the person's own, "" when not known
}

func (v SupportRequested) sheet() sheet {
	return sheet{Template: "support-requested", Body: struct {
		Panel panel
		Email string
	}{panel{"support-requested.heading", "support-requested.reference", v.Reference}, v.Email}}
}

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
