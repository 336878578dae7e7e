package journey

import "errors"

// Trouble is why a sign-in came to nothing. Its text is the name of the page
// that says so; the cause travels beside it (fmt.Errorf with %w) and goes only
// to the log. None of them starts a new round by itself: with a live One Login
// session that would be an endless loop.
type Trouble string

// The troubles, with who finds them.
const (
	StartAgain     Trouble = "start-again"        // the flow expired, was used, or left from another browser; One Login lost its session
	NoCookie       Trouble = "no-cookie"          // the browser came back without the cookie it left with
	SignInLoop     Trouble = "sign-in-loop"       // signed in again and again within a minute, and each time forgotten
	NotSignedIn    Trouble = "not-signed-in"      // One Login: access_denied on a plain sign-in
	SwitchedOff    Trouble = "switched-off"       // One Login: unauthorized_client, this service may not sign people in
	Busy           Trouble = "busy"               // One Login: temporarily_unavailable
	SignedOutThere Trouble = "signed-out-there"   // One Login: login_required; the local session must end
	SignInProblem  Trouble = "sign-in-problem"    // anything else that One Login said or that failed our checks
	Unreachable    Trouble = "unreachable"        // One Login's documents or keys cannot be had
	NoRegister     Trouble = "register-no-answer" // the register could not be asked
	NoStore        Trouble = "store-no-answer"    // Redis cannot be reached
)

// Error makes a Trouble an error, to be found with errors.As.
func (t Trouble) Error() string { return string(t) }

// TroubleIn finds the trouble that err carries, or "" when it carries none.
func TroubleIn(err error) Trouble {
	var t Trouble
	errors.As(err, &t)
	return t
}
