package zendesk

// shapeFaults are what can be wrong with a right answer, or only be unusual.
func shapeFaults() []Fault {
	member := func(name string, value any) func(object) { return func(o object) { o[name] = value } }
	without := func(name string) func(object) { return func(o object) { delete(o, name) } }
	one := []Endpoint{AtCreate, AtShow}
	token := []Endpoint{AtToken}
	return []Fault{
		{Name: "unknown-members", Does: "The answer has members that no document knows.", Tolerable: true, edit: eachTicket(member("added_later", object{"why": []any{1, nil, "x"}}))},
		{Name: "ticket-null", Does: "There is no ticket in the answer.", At: one, edit: member("ticket", nil)},
		{Name: "id-missing", Does: "The ticket has no number.", At: withToken, edit: eachTicket(without("id"))},
		{Name: "id-text", Does: "The number of the ticket is text.", At: withToken, edit: eachTicket(member("id", "40001"))},
		{Name: "id-zero", Does: "The number of the ticket is 0.", At: withToken, edit: eachTicket(member("id", 0))},
		{Name: "other-ticket", Does: "The answer is about a ticket that was not asked for, as by a cache that mixes them up.", At: []Endpoint{AtFind, AtShow}, edit: func(o object) {
			stranger := object{"id": 7, "external_id": "STRA-NGER", "status": "solved"}
			if _, one := o["ticket"]; one {
				o["ticket"] = stranger
				return
			}
			o["tickets"], o["count"] = []any{stranger}, 1
		}},
		{Name: "status-missing", Does: "The ticket has no status.", At: []Endpoint{AtShow}, edit: eachTicket(without("status"))},
		{Name: "status-unknown", Does: "The ticket has a status that no document knows.", At: []Endpoint{AtShow}, Tolerable: true, edit: eachTicket(member("status", "added_later"))},
		{Name: "list-null", Does: "The list is null.", At: []Endpoint{AtFind}, edit: member("tickets", nil)},
		{Name: "list-missing", Does: "There is no list.", At: []Endpoint{AtFind}, edit: without("tickets")},
		{Name: "list-behind", Does: "The list does not have the ticket yet, as an index that is behind.", At: []Endpoint{AtFind}, Tolerable: true, edit: func(o object) {
			o["tickets"], o["count"] = []any{}, 0
		}},
		{Name: "token-missing", Does: "There is no access token in the answer.", At: token, edit: without("access_token")},
		{Name: "token-lines", Does: "The access token has a line break.", At: token, edit: member("access_token", "a\r\nb")},
		{Name: "token-worthless", Does: "The access token is one that no endpoint takes.", At: token, edit: member("access_token", "worthless")},
		{Name: "expiry-missing", Does: "The answer does not say when the token expires.", At: token, Tolerable: true, edit: without("expires_in")},
		{Name: "expiry-past", Does: "The token has expired already.", At: token, Tolerable: true, edit: member("expires_in", -60)},
		{Name: "expiry-years", Does: "The token is said to live for a thousand years, and does not.", At: token, Tolerable: true, edit: member("expires_in", 31_536_000_000)},
		{Name: "expiry-text", Does: "The life of the token is text.", At: token, edit: member("expires_in", "soon")},
	}
}

// eachTicket does something to every ticket of an answer, and to the answer where
// it has none.
func eachTicket(do func(object)) func(object) {
	return func(o object) {
		if one, ok := o["ticket"].(object); ok {
			do(one)
			return
		}
		list, ok := o["tickets"].([]any)
		if !ok {
			do(o)
			return
		}
		for _, item := range list {
			do(item.(object))
		}
	}
}
