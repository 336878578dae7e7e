package devstack

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTemplates: those in the stand-in are the ones that operators are told to make.
func TestTemplates(t *testing.T) {
	text, err := os.ReadFile("../../docs/notify-template.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][2]string{}
	for section := range strings.SplitSeq(string(text), "\n## ") {
		blocks := regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(section, -1)
		if len(blocks) == 2 {
			title, _, _ := strings.Cut(section, "\n")
			documented[title] = [2]string{strings.TrimSuffix(blocks[0][1], "\n"), blocks[1][1]}
		}
	}
	if len(documented) != len(templates) {
		t.Errorf("%d templates, and %d are documented", len(templates), len(documented))
	}
	for _, made := range templates {
		if got := documented[made.Name]; got != [2]string{made.Subject, made.Body} {
			t.Errorf("%s: documented is %q", made.Name, got)
		}
	}
}
