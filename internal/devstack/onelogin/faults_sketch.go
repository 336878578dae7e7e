package onelogin

func discoveryFaults() []Fault { return nil }
func authorizeFaults() []Fault { return nil }
func callbackFaults() []Fault  { return nil }
func tokenFaults() []Fault     { return nil }
func idTokenFaults() []Fault   { return nil }
func jwksFaults() []Fault      { return nil }
func userinfoFaults() []Fault  { return nil }
func identityFaults() []Fault  { return nil }
func didFaults() []Fault       { return nil }
func logoutFaults() []Fault    { return nil }
