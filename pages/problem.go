package pages

// Problem is the page for what came to nothing: it says what happened and what
// to do. It needs no visit, no store and no network. Nothing on it starts by
// itself.
type Problem struct {
	// Kind is the text of a journey.Trouble or one of the other kinds below.
	// One that is not known is "problem".
	Kind string

	// Again is where the way on leads, for the kinds that have one: a path on
	// this host. "" is the start of a new sign-in.
	Again string
}

// problems are the kinds there are, each with its words: a heading, what
// happened, what to do, and again, the text of the way on, where there is one.
var problems = []struct {
	name   string
	ways   bool     // there is something the person can do at once
	causes []string // what it may come from, as a list after what happened
}{
	// Of signing in.
	{"start-again", true, nil},
	{"not-signed-in", true, nil},
	{"switched-off", false, nil},
	{"busy", true, nil},
	{"signed-out-there", true, nil},
	{"sign-in-problem", true, nil},
	{"unreachable", true, nil},
	// Of staying signed in: the browser came back without our cookie, went
	// round in circles, or sent a form after the visit had ended.
	{"no-cookie", true, []string{"blocked", "elsewhere"}},
	{"sign-in-loop", true, []string{"cookies", "clock", "address"}},
	{"session-ended", true, nil},
	// Of what we depend on.
	{"register-no-answer", true, nil},
	{"store-no-answer", true, nil},
	// Of any request.
	{"not-found", false, nil},
	{"forbidden", true, nil},
	{"too-many-requests", false, nil},
	{"problem", false, nil},
	{"unavailable", false, nil},
}

func (v Problem) sheet() sheet {
	body := struct {
		Heading, What, Next string // keys
		Causes              []string
		Again, Way          string // key and address of the way on
	}{"problem.heading", "problem.what", "problem.next", nil, "", v.Again}
	for _, kind := range problems {
		if kind.name != v.Kind {
			continue
		}
		body.Heading, body.What, body.Next = kind.name+".heading", kind.name+".what", kind.name+".next"
		for _, cause := range kind.causes {
			body.Causes = append(body.Causes, kind.name+".cause."+cause)
		}
		if kind.ways {
			body.Again = kind.name + ".again"
		}
	}
	return sheet{Template: "problem", Body: body}
}
