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
	skips  bool     // or the person can go on without Find a lost TRN, in the visit that is there
}{
	// Of signing in.
	{"start-again", true, nil, false},
	{"not-signed-in", true, nil, false},
	{"switched-off", false, nil, false},
	{"busy", true, nil, false},
	{"signed-out-there", true, nil, false},
	{"sign-in-problem", true, nil, false},
	{"unreachable", true, nil, false},
	// Of staying signed in: the browser came back without our cookie, went
	// round in circles, or sent a form after the visit had ended.
	{"no-cookie", true, []string{"blocked", "elsewhere"}, false},
	{"sign-in-loop", true, []string{"cookies", "clock", "address"}, false},
	{"session-ended", true, nil, false},
	// Of Find a lost TRN: the browser came back before what was found, another
	// one came back, or this one came back too late.
	{"find-nothing-yet", true, nil, true},
	{"find-other-browser", true, nil, false},
	{"find-expired", true, nil, true},
	// Of what we depend on.
	{"register-no-answer", true, nil, false},
	{"store-no-answer", true, nil, false},
	// Of any request.
	{"not-found", false, nil, false},
	{"forbidden", true, nil, false},
	{"too-many-requests", false, nil, false},
	{"problem", false, nil, false},
	{"unavailable", false, nil, false},
}

func (v Problem) sheet() sheet {
	body := struct {
		Heading, What, Next string // keys
		Causes              []string
		Again, Way          string // key and address of the way on
		Skips               bool
	}{"problem.heading", "problem.what", "problem.next", nil, "", v.Again, false}
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
		body.Skips = kind.skips
	}
	return sheet{Template: "problem", Body: body}
}
