package trs

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// mergedFaults are redirects of merged records that lead nowhere a client may
// go. The record asked about was not merged.
func mergedFaults() []Fault {
	return []Fault{
		{Name: "merged-loop", Does: "The record was merged into itself.", At: ofOne, answer: merged(func(_ *Server, path, trn string) string { return path + trn })},
		{Name: "merged-endless", Does: "The record was merged into one with another TRN, which was merged too: to be played every time.", At: ofOne, answer: merged(func(_ *Server, path, trn string) string {
			number, _ := strconv.Atoi(trn) // seven digits
			return fmt.Sprintf("%s%07d", path, (number+1)%10_000_000)
		})},
		{Name: "merged-host", Does: "The record was merged into one at another host.", At: ofOne, answer: merged(func(s *Server, path, trn string) string { return elsewhereURL + path + s.another(trn) })},
		{Name: "merged-path", Does: "The redirect leads to something that is no record.", At: ofOne, answer: merged(func(s *Server, _, trn string) string { return "/v3/trn-requests/" + s.another(trn) })},
		{Name: "merged-malformed", Does: "The record was merged into one whose TRN is none.", At: ofOne, answer: merged(func(_ *Server, path, _ string) string { return path + "not-a-trn" })},
		{Name: "merged-nowhere", Does: "The record was merged, and nothing says into which.", At: ofOne, answer: merged(func(*Server, string, string) string { return "" })},
	}
}

// merged redirects to what location says of the path up to the TRN, and the TRN.
func merged(location func(s *Server, path, trn string) string) func(*Server, http.ResponseWriter, *http.Request) bool {
	return func(s *Server, w http.ResponseWriter, r *http.Request) bool {
		trn := r.PathValue("trn")
		if to := location(s, strings.TrimSuffix(r.URL.Path, trn), trn); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(http.StatusPermanentRedirect)
		return true
	}
}

// another is the TRN of somebody else's record.
func (s *Server) another(trn string) string {
	for _, p := range s.Records() {
		if p.TRN != trn && p.Status == Active {
			return p.TRN
		}
	}
	return "7654321"
}
