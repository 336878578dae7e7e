package assertion_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

const cookieName = "__Host-teaching-record"

// TestHideCookie: ours is gone, each time it occurs, and all others are the
// same byte for byte. "OURS" stands for the cookie's name.
func TestHideCookie(t *testing.T) {
	for _, test := range []struct {
		name       string
		sent, left []string
	}{
		{"none", nil, nil},
		{"others only", []string{"a=1; b=2"}, []string{"a=1; b=2"}},
		{"alone", []string{"OURS=x"}, nil},
		{"first", []string{"OURS=x; a=1; b=2"}, []string{"a=1; b=2"}},
		{"last", []string{"a=1; b=2; OURS=x"}, []string{"a=1; b=2"}},
		{"between", []string{"a=1; OURS=x; b=2"}, []string{"a=1; b=2"}},
		{"twice", []string{"OURS=x; a=1; OURS=y"}, []string{"a=1"}},
		{"only it, twice", []string{"OURS=x; OURS=y"}, nil},
		{"quoted", []string{`a=1; OURS="x"; b="2"`}, []string{`a=1; b="2"`}},
		{"quotation marks do not hold a pair together", []string{`a="1; OURS=x; b=2"`}, []string{`a="1; b=2"`}},
		{"empty value", []string{"OURS=; a=1"}, []string{"a=1"}},
		{"no value", []string{"OURS; a=1"}, []string{"a=1"}},
		{"blanks around", []string{"a=1;  \tOURS\t =x ;b=2"}, []string{"a=1;b=2"}},
		{"no blanks", []string{"a=1;OURS=x;b=2"}, []string{"a=1;b=2"}},
		{"semicolon at the end", []string{"OURS=x;"}, nil},
		{"several lines", []string{"a=1; OURS=x", "OURS=y", "b=2", "c=3; OURS=z"}, []string{"a=1", "b=2", "c=3"}},
		{"every line", []string{"OURS=x", "OURS=y"}, nil},
		{"odd others stay", []string{`a==;;b; =c; d="e;  OURS=x ; f=é%20 , g`}, []string{`a==;;b; =c; d="e; f=é%20 , g`}},
		{"a longer name", []string{"OURS-2=x; xOURS=y"}, []string{"OURS-2=x; xOURS=y"}},
		{"another case is another cookie", []string{"OURS=x; __host-teaching-record=y"}, []string{"__host-teaching-record=y"}},
		{"in a value", []string{"a=OURS; b=OURS=x"}, []string{"a=OURS; b=OURS=x"}},
		{"in a value, another line before", []string{"OURS=x", "; a=OURS"}, []string{"; a=OURS"}},
	} {
		named := func(lines []string) (out []string) {
			for _, line := range lines {
				out = append(out, strings.ReplaceAll(line, "OURS", cookieName))
			}
			return out
		}
		h := http.Header{"Accept": {"*/*"}}
		want := http.Header{"Accept": {"*/*"}}
		if test.sent != nil {
			h["Cookie"] = named(test.sent)
		}
		if test.left != nil {
			want["Cookie"] = named(test.left)
		}
		assertion.HideCookie(h, cookieName)
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestHideCookieLeavesCallersLines: the lines may be shared with a copy of the
// header, such as the one that is logged.
func TestHideCookieLeavesCallersLines(t *testing.T) {
	lines := []string{cookieName + "=x", "a=1"}
	assertion.HideCookie(http.Header{"Cookie": lines}, cookieName)
	if want := []string{cookieName + "=x", "a=1"}; !slices.Equal(lines, want) {
		t.Errorf("lines are now %q", lines)
	}
}

// FuzzHideCookie: whoever reads cookies as net/http does finds all others, in
// their order, and never ours.
func FuzzHideCookie(f *testing.F) {
	for _, line := range []string{"", ";", "OURS=x", "a=1; OURS=x;b", "OURS", ` OURS ="a;b"`, "a=OURS=;\tOURS;OURS=OURS", "=OURS; ;;"} {
		f.Add(strings.ReplaceAll(line, "OURS", cookieName), "a=1")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		if strings.ContainsAny(one+two, "\r\n") || strings.Count(one+two, ";") > 1000 {
			return // cannot be in a field's value; or net/http stops reading
		}
		sent := []string{one, two}
		h := http.Header{"Cookie": slices.Clone(sent)}
		want := slices.DeleteFunc(cookies(h), func(c string) bool { return strings.HasPrefix(c, cookieName+"=") })
		assertion.HideCookie(h, cookieName)
		if got := cookies(h); !slices.Equal(want, got) {
			t.Errorf("%q: others are now %q, want %q", sent, got, want)
		}
		for _, line := range h["Cookie"] {
			for _, pair := range strings.Split(line, ";") {
				if key, _, _ := strings.Cut(pair, "="); strings.Trim(key, " \t") == cookieName {
					t.Errorf("%q leaves %q", sent, line)
				}
			}
		}
		if !strings.Contains(one+"\n"+two, cookieName) && !slices.Equal(sent, h["Cookie"]) {
			t.Errorf("%q becomes %q", sent, h["Cookie"])
		}
	})
}

func cookies(h http.Header) (out []string) {
	for _, c := range (&http.Request{Header: h}).Cookies() {
		out = append(out, c.Name+"="+c.Value)
	}
	return out
}
