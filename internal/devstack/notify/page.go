package notify

import (
	_ "embed"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/page"
)

//go:embed inbox.html
var inboxPage string

var inboxTemplate = page.Parse(inboxPage)

// ServeInbox is the in-box as a page, the newest e-mail first, with links to
// follow. Like an in-box in a browser it is read with GET.
func (s *Server) ServeInbox(w http.ResponseWriter, _ *http.Request) {
	type shown struct {
		Message
		Subject string
		Text    []piece
	}
	var all []shown
	for _, m := range slices.Backward(s.Inbox()) {
		all = append(all, shown{m, unescaped(m.Subject), pieces(unescaped(m.Body))})
	}
	page.Write(w, http.StatusOK, inboxTemplate, all)
}

// piece is some of a text, which may be a link.
type piece struct {
	Text string
	Link bool
}

// pieces is the text in pieces. What ends a sentence does not end a link.
func pieces(text string) (all []piece) {
	from := 0
	for _, at := range link.FindAllStringIndex(text, -1) {
		end := at[0] + len(strings.TrimRight(text[at[0]:at[1]], ".,;:!?'"))
		all = append(all, piece{text[from:at[0]], false}, piece{text[at[0]:end], true})
		from = end
	}
	return append(all, piece{text[from:], false})
}
