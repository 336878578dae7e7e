package register

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// groups are the lines of nicknames.txt.
func groups() (all [][]string) {
	for line := range strings.Lines(english) {
		if names := strings.Fields(line); len(names) > 0 && names[0] != "#" {
			all = append(all, names)
		}
	}
	return all
}

func TestNicknamesFile(t *testing.T) {
	all := groups()
	if len(all) < 300 {
		t.Fatalf("only %d groups", len(all))
	}
	name := regexp.MustCompile(`^[A-Z][a-z]+$`) // one part each, so no hyphens
	for i, names := range all {
		if len(names) < 2 {
			t.Errorf("%s stands alone", names[0])
		}
		for j, n := range names {
			if !name.MatchString(n) {
				t.Errorf("%s: %q is not one plain name", names[0], n)
			}
			if slices.Contains(names[:j], n) {
				t.Errorf("%s: %s is there twice", names[0], n)
			}
		}
		if i > 0 && names[0] <= all[i-1][0] {
			t.Errorf("%s comes after %s", names[0], all[i-1][0])
		}
		for _, other := range all[:i] {
			if !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(other, n) }) {
				t.Errorf("%s is all in %s", names[0], other[0])
			}
		}
	}
}

// TestNicknamesBothWays: in a group, everyone is found by every name.
func TestNicknamesBothWays(t *testing.T) {
	f, n := newFolding(), englishNicknames()
	for _, names := range groups() {
		for _, verified := range names {
			keys := n.with(f.keys(verified))
			for _, recorded := range names {
				if !slices.Contains(keys, f.key(recorded)) {
					t.Errorf("%s is not found by %s", recorded, verified)
				}
			}
		}
	}
	for key, others := range n {
		for _, other := range others {
			if !slices.Contains(n[other], key) {
				t.Errorf("%x leads to %x and not back", key, other)
			}
		}
	}
}

func TestKnownNicknames(t *testing.T) {
	known := strings.Fields(`
		Bob/Robert Bobby/Robert Rob/Robert Liz/Elizabeth Beth/Elizabeth Betty/Elizabeth Libby/Elizabeth Bill/William Will/William Liam/William
		Kate/Katherine Kate/Catherine Katie/Kathryn Cathy/Catherine Kitty/Katherine Tony/Anthony Peggy/Margaret Maggie/Margaret Meg/Margaret
		Jack/John Johnny/John Ted/Edward Eddie/Edward Ned/Edward Sasha/Alexander Sandy/Alexander Alex/Alexandra Dick/Richard Rick/Richard
		Jim/James Jimmy/James Jamie/James Harry/Henry Harry/Harold Hal/Henry Molly/Mary Polly/Mary Sally/Sarah Sadie/Sarah Nancy/Anne Annie/Anne
		Dave/David Mike/Michael Mick/Michael Steve/Stephen Steve/Steven Stephen/Steven Chris/Christopher Chris/Christine Tina/Christina
		Sue/Susan Susie/Susannah Jenny/Jennifer Debbie/Deborah Pat/Patricia Trish/Patricia Paddy/Patrick Becky/Rebecca Vicky/Victoria
		Sam/Samuel Sam/Samantha Matt/Matthew Tom/Thomas Tim/Timothy Ben/Benjamin Dan/Daniel Joe/Joseph Andy/Andrew Drew/Andrew Nick/Nicholas
		Nicky/Nicola Charlie/Charles Chuck/Charles Frank/Francis Fred/Frederick Alf/Alfred Geoff/Geoffrey Jeff/Geoffrey Gerry/Gerald
		Larry/Laurence Len/Leonard Ron/Ronald Don/Donald Ken/Kenneth Phil/Philip Phil/Phillip Ray/Raymond Reg/Reginald Stan/Stanley
		Walt/Walter Vince/Vincent Theo/Theodore Ted/Theodore Zac/Zachary Abby/Abigail Mandy/Amanda Angie/Angela Babs/Barbara Carrie/Caroline
		Dot/Dorothy Dolly/Dorothy Nell/Eleanor Nora/Eleanor Millie/Emily Fran/Frances Gill/Gillian Jill/Gillian Gwen/Gwendoline Hattie/Harriet
		Izzy/Isabelle Bella/Isabella Jackie/Jacqueline Jo/Joanna Josie/Josephine Judy/Judith Lottie/Charlotte Maddie/Madeleine Mel/Melanie
		Nat/Natalie Penny/Penelope Pippa/Philippa Ronnie/Veronica Rosie/Rosemary Steph/Stephanie Tess/Theresa Val/Valerie Winnie/Winifred
		Mo/Mohammed Mohammed/Muhammad Sean/Shaun Alan/Allan Graham/Graeme Ian/Iain Sara/Sarah Ann/Anne Lesley/Leslie Stuart/Stewart`)
	f, n := newFolding(), englishNicknames()
	found := func(recorded, verified string) bool {
		return slices.Contains(n.with(f.keys(verified)), f.key(recorded))
	}
	for _, pair := range known {
		short, long, _ := strings.Cut(pair, "/")
		if !found(long, short) || !found(short, long) {
			t.Errorf("%s and %s are not found by each other", short, long)
		}
	}
	// Who shares a short form, a sound or a beginning is somebody else.
	for _, pair := range strings.Fields(`
		Alexander/Alexandra Samuel/Samantha Christopher/Christine Francis/Frances Nicholas/Nicola Patrick/Patricia Stephen/Stephanie
		Edward/Theodore Henry/Harold Robert/Roberta Daniel/Danielle John/James Mary/Anne Joan/Joanna Alan/Albert
		Winston/Winifred Maria/Marilyn Eric/Richard Robert/Rupert Gabriel/Gabrielle Martin/Martha Julia/Julian`) {
		one, other, _ := strings.Cut(pair, "/")
		if found(one, other) || found(other, one) {
			t.Errorf("%s and %s are found by each other", one, other)
		}
	}
	if keys := n.with(f.keys("Zebedee")); len(keys) != 1 {
		t.Errorf("Zebedee has %d names", len(keys))
	}
}
