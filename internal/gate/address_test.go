package gate

import (
	"net/url"
	"strings"
	"testing"
)

func testGate() *Gate {
	service, _ := url.Parse("https://teaching.example.gov.uk")
	return &Gate{Config: Config{ServiceURL: service, PathPrefix: "/teaching-record"}}
}

func TestLocalPath(t *testing.T) {
	g := testGate()
	for _, kept := range []string{
		"/", "/records", "/records/", "/records?page=2&sort=name", "/a%20b", "/a%2Fb", "/caf%C3%A9", "/?q=https://elsewhere.example/",
		"/a;b=c", "/a@b", "/a//b", "/teaching-records", "/x?return_to=/teaching-record/sign-in", "/%09/x", "/%5Cx", "/.", "/..",
	} {
		if got := g.localPath(kept); got != kept {
			t.Errorf("localPath(%q) = %q", kept, got)
		}
	}
	for _, refused := range []string{
		"", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "https://evil.example", "https:evil.example",
		"javascript:alert(1)", "evil.example", "/\t/evil.example", "/ /evil.example", "\t//evil.example", " /x", "/x\r\nSet-Cookie: a=b",
		"/é", "/\x00", "/%zz", "?x", "#x", "@evil.example", "/teaching-record", "/teaching-record/sign-in", "/teaching%2Drecord/sign-in",
		"/" + strings.Repeat("x", longestReturn),
	} {
		if got := g.localPath(refused); got != "/" {
			t.Errorf("localPath(%q) = %q", refused, got)
		}
	}
}

// FuzzLocalPath: whatever is asked for, the address that a browser is sent to
// is on our own origin, and not one of ours that would lead on by itself.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "//evil", "/\\evil", "/%09/evil", "/x?y=z", "https://evil", "/..//evil", "/%2f%2fevil", "/\u2028", "/\\\\"} {
		f.Add(seed)
	}
	g := testGate()
	f.Fuzz(func(t *testing.T, address string) {
		path := g.localPath(address)
		to := g.url(path)
		u, err := url.Parse(to)
		if err != nil {
			t.Fatalf("%q gives %q: %v", address, to, err)
		}
		if u.Host != g.ServiceURL.Host || u.Scheme != "https" || u.User != nil {
			t.Errorf("%q leads to %q", address, to)
		}
		if strings.ContainsAny(to, "\\\r\n\t ") || strings.HasPrefix(path, "//") {
			t.Errorf("%q gives %q, which browsers may read otherwise", address, to)
		}
		if g.below(u.Path) {
			t.Errorf("%q leads to our own %q", address, to)
		}
		if path != "/" && path != address {
			t.Errorf("%q became %q", address, path)
		}
	})
}
