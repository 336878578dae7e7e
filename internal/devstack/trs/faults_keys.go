package trs

import (
	"maps"
	"strings"
)

// keyFaults are what can be unusual about the list of keys, or wrong.
func keyFaults() []Fault {
	at := []Endpoint{AtKeys}
	return []Fault{
		{Name: "keys-dotnet", Does: "Members of the list of keys are named as in .NET's class, such as Keys and Kty, and those without a value are null.", At: at, Tolerable: true, edit: func(o object) {
			for _, key := range listed(o) {
				for member, value := range maps.Clone(key) {
					delete(key, member)
					key[strings.ToUpper(member[:1])+member[1:]] = value
				}
				key["KeyOps"], key["Oth"], key["D"], key["X5u"] = []any{}, nil, nil, nil
			}
			o["Keys"] = o["keys"]
			delete(o, "keys")
		}},
		{Name: "keys-strangers", Does: "The list begins with keys of kinds that nobody asked for.", At: at, Tolerable: true, edit: func(o object) {
			all, _ := o["keys"].([]any)
			o["keys"] = append([]any{
				object{"kty": "RSA", "use": "sig", "kid": "an-rsa-key", "n": "sXchDaQ", "e": "AQAB"},
				object{"kty": "AKP", "alg": "ML-DSA-65", "kid": "a-key-of-the-future", "pub": "AAAA"},
				object{},
			}, all...)
		}},
		{Name: "keys-none", Does: "The list of keys is empty.", At: at, edit: func(o object) { o["keys"] = []any{} }},
		{Name: "keys-damaged", Does: "The keys are listed with a point that is not on the curve.", At: at, edit: func(o object) {
			for _, key := range listed(o) {
				key["y"] = key["x"]
			}
		}},
	}
}

func listed(body object) (keys []object) {
	all, _ := body["keys"].([]any)
	for _, item := range all {
		if key, is := item.(object); is {
			keys = append(keys, key)
		}
	}
	return keys
}
