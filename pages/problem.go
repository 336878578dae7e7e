package pages

// Problem is the page for what came to nothing: it says what happened and what
// to do. It needs no visit, no store and no network. Nothing on it starts by
// itself.
type Problem struct {
	// Kind is the text of a journey.Trouble, or "not-found", "forbidden",
	// "too-many-requests", "problem" or "unavailable". One that is not known is
	// "problem".
	Kind string

	// Again is where the way on leads, for the kinds that have one: a path on
	// this host. "" is the start of a new sign-in.
	Again string
}

// problems are the kinds there are, each with its words: a heading, what
// happened, what to do, and again, the text of the way on, where there is one.
var problems = []struct {
	name string
	ways bool // there is something the person can do at once
}{
	// Of signing in.
	{"start-again", true},
	{"not-signed-in", true},
	{"switched-off", false},
	{"busy", true},
	{"signed-out-there", true},
	{"sign-in-problem", true},
	{"unreachable", true},
	// Of what we depend on.
	{"register-no-answer", true},
	{"store-no-answer", true},
	// Of any request.
	{"not-found", false},
	{"forbidden", true},
	{"too-many-requests", false},
	{"problem", false},
	{"unavailable", false},
}

func (v Problem) sheet() sheet {
	body := struct {
		Heading, What, Next string // keys
		Again, Way          string // key and address of the way on
	}{"problem.heading", "problem.what", "problem.next", "", v.Again}
	for _, kind := range problems {
		if kind.name != v.Kind {
			continue
		}
		body.Heading, body.What, body.Next = kind.name+".heading", kind.name+".what", kind.name+".next"
		if kind.ways {
			body.Again = kind.name + ".again"
		}
	}
	return sheet{Template: "problem", Body: body}
}
