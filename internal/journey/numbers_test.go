package journey

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

// row is one known answer of the Teaching Record System. A null there, nothing
// given, is the same here as "", nothing typed.
type row[T any] struct {
	ID       string
	Input    string
	Expected T
	Reason   string
}

type knownAnswers struct {
	NINO []row[struct {
		Valid      bool
		Normalised string
	}]
	TRNNormalise      []row[string] `json:"trnNormalise"`
	TRNPageValidation []row[string] `json:"trnPageValidation"`
}

// otherwise lists the rows that are decided otherwise here, with the reason. A
// row that is listed but agrees fails, so the list stays exact.
var otherwise = map[string]string{
	"TV-10": "000 0000 is the same number as 0000000, however it is spaced; there is no such record",
}

func readKnownAnswers(t *testing.T) (known knownAnswers) {
	t.Helper()
	data, err := os.ReadFile("testdata/numbers.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &known); err != nil {
		t.Fatal(err)
	}
	if len(known.NINO) == 0 || len(known.TRNNormalise) == 0 || len(known.TRNPageValidation) == 0 {
		t.Fatal("testdata/numbers.json: a section is missing")
	}
	return known
}

// decide compares the answer to a row with the known one.
func decide[T comparable](t *testing.T, id, reason string, got, want T) {
	t.Helper()
	switch why, listed := otherwise[id]; {
	case listed && got == want:
		t.Errorf("%s agrees, so it must not be listed as decided otherwise (%s)", id, why)
	case !listed && got != want:
		t.Errorf("%s: got %v, want %v: %s", id, got, want, reason)
	}
}

func TestNINOKnownAnswers(t *testing.T) {
	for _, r := range readKnownAnswers(t).NINO {
		got, err := ParseNINO(r.Input)
		decide(t, r.ID, r.Reason, err == nil, r.Expected.Valid)
		decide(t, r.ID, r.Reason, got, r.Expected.Normalised)
	}
}

func TestTRNKnownAnswers(t *testing.T) {
	known := readKnownAnswers(t)
	for _, r := range known.TRNNormalise {
		decide(t, r.ID, r.Reason, digits(r.Input), r.Expected)
	}
	messages := map[error]string{
		nil:             "ok",
		ErrNumberEmpty:  "Enter your teacher reference number",
		ErrNumberFormat: "Your teacher reference number should contain 7 digits",
		ErrNumberZeros:  "Enter a valid teacher reference number",
	}
	for _, r := range known.TRNPageValidation {
		_, err := ParseTRN(r.Input)
		decide(t, r.ID, r.Reason, messages[err], r.Expected)
	}
}

func TestParseNINO(t *testing.T) {
	for _, tt := range []struct {
		typed, want string
		err         error
	}{
		{"QQ 12 34 56 C", "QQ123456C", nil},
		{"qq.12,34/56'c.", "QQ123456C", nil},
		{"\u00a0QQ\u00a012\u2009345\t6C\n", "QQ123456C", nil},
		{"\u200bQQ12\u00ad34\u206056C\ufeff\u202c\u2069", "QQ123456C", nil},
		{"\u200b \t\u00a0", "", ErrNumberEmpty},
		{"-", "", ErrNumberFormat}, // something was typed
		{"none", "", ErrNumberFormat},
		{"QQ\n12\r\n34\v56\u0085C\u3000", "QQ123456C", nil},
		{"AB123456A", "AB123456A", nil},
		{"AB123456B", "AB123456B", nil},
		{"AB123456C", "AB123456C", nil},
		{"AB123456D", "AB123456D", nil},
		{"AO123456A", "", ErrNumberFormat}, // O is only ever first
		{"QQ12345C", "", ErrNumberFormat},
		{"QQ1234567C", "", ErrNumberFormat},
		{"QQ123456", "", ErrNumberFormat},    // the suffix is required
		{"QQ123456P", "", ErrNumberFormat},   // an administrative suffix
		{"BG123456A", "", ErrNumberFormat},   // a prefix never issued
		{"AU123456A", "", ErrNumberFormat},   // U is in no prefix
		{"12345678", "", ErrNumberFormat},    // neither form
		{"123A4567", "", ErrNumberFormat},    // the letter out of place
		{"QQ–123456–C", "", ErrNumberFormat}, // en dashes, as in TRS
		{"ſB123456C", "", ErrNumberFormat},   // its upper case would be SB123456C
		{"QQ１２３４５６C", "", ErrNumberFormat},   // full-width digits
		{"AB123456C\xff", "", ErrNumberFormat},
	} {
		got, err := ParseNINO(tt.typed)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseNINO(%q) = %q, %v; want %q, %v", tt.typed, got, err, tt.want, tt.err)
		}
	}
}

func TestParseTRN(t *testing.T) {
	for _, tt := range []struct {
		typed, want string
		err         error
	}{
		{"1234567", "1234567", nil},
		{"RP99/12345", "9912345", nil},
		{"99/12345", "9912345", nil},
		{"TRN: 00 12 345\u200b", "0012345", nil},
		{"", "", ErrNumberEmpty},
		{" \u00a0\ufeff", "", ErrNumberEmpty},
		{"RP", "", ErrNumberFormat},
		{"-", "", ErrNumberFormat}, // something was typed
		{"/", "", ErrNumberFormat},
		{"I do not know", "", ErrNumberFormat},
		{"99–12345", "9912345", nil},
		{"1,234,567", "1234567", nil},
		{"０1234567", "", ErrNumberFormat}, // eight digits to the eye
		{"1234567٤", "", ErrNumberFormat},
		{"00000000", "", ErrNumberFormat},
		{"123456", "", ErrNumberFormat},
		{"12345678", "", ErrNumberFormat},
		{"١٢٣٤٥٦٧", "", ErrNumberFormat},
		{"0000000", "", ErrNumberZeros},
		{"RP00/00000", "", ErrNumberZeros},
	} {
		got, err := ParseTRN(tt.typed)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseTRN(%q) = %q, %v; want %q, %v", tt.typed, got, err, tt.want, tt.err)
		}
	}
}

// TestDecidedOtherwise lists what else is decided otherwise than in the Teaching
// Record System, with the reason; its known answers have no row for it. "" is
// refused.
func TestDecidedOtherwise(t *testing.T) {
	const punctuation = "GOV.UK: ignore all punctuation, not only the hyphen"
	for _, tt := range []struct {
		parse            func(string) (string, error)
		typed, want, why string
	}{
		{ParseNINO, "AB.12.34.56.C", "AB123456C", punctuation},
		{ParseNINO, "AB/123456/C", "AB123456C", punctuation},
		{ParseNINO, "AB12\u200b3456C", "AB123456C", "GOV.UK: ignore what cannot be seen"},
		{ParseTRN, "00/00000", "", "all zeros, however spaced"},
		{ParseTRN, "١٢٣٤٥٦٧", "", "taken there for 7 digits, and then stored as none"},
	} {
		if got, _ := tt.parse(tt.typed); got != tt.want {
			t.Errorf("%q: got %q, want %q: %s", tt.typed, got, tt.want, tt.why)
		}
	}
}

func TestFormatNINO(t *testing.T) {
	for number, want := range map[string]string{
		"QQ123456C": "QQ 12 34 56 C",
		"12A34567":  "12A34567", // a temporary number
		"":          "",
		"Q":         "Q",
	} {
		if got := FormatNINO(number); got != want {
			t.Errorf("FormatNINO(%q) = %q, want %q", number, got, want)
		}
	}
}

func FuzzParseNINO(f *testing.F) {
	for _, seed := range []string{"QQ 12 34 56 C", "12a34567", "ab–12", "", "\xff", "ſſ123456C", "zz123456a"} {
		f.Add(seed)
	}
	// The rule in its two halves, as the Teaching Record System writes it.
	valid := regexp.MustCompile(`^[A-CEGHJ-PQR-TW-Z][A-CEGHJ-NPQR-TW-Z][0-9]{6}[A-DFMU]$|^[0-9]{2}[A-Z][0-9]{5}$`)
	never := regexp.MustCompile(`^(BG|GB|KN|NK|NT|TN|ZZ)`)
	f.Fuzz(func(t *testing.T, typed string) {
		number, err := ParseNINO(typed)
		if err != nil {
			if number != "" {
				t.Errorf("%q with an error", number)
			}
			if valid.MatchString(typed) && !never.MatchString(typed) {
				t.Errorf("%q refused", typed)
			}
			return
		}
		if !valid.MatchString(number) || never.MatchString(number) {
			t.Errorf("%q accepted", number)
		}
		shown := FormatNINO(number)
		for _, spelling := range []string{number, shown, strings.ToLower(shown), strings.ReplaceAll(shown, " ", "-")} {
			if again, err := ParseNINO(spelling); again != number || err != nil {
				t.Errorf("ParseNINO(%q) = %q, %v; want %q", spelling, again, err, number)
			}
		}
	})
}

func FuzzParseTRN(f *testing.F) {
	for _, seed := range []string{"1234567", "RP99/12345", "000 0000", "", "١", "\xff1234567"} {
		f.Add(seed)
	}
	valid := regexp.MustCompile(`^[0-9]{7}$`)
	f.Fuzz(func(t *testing.T, typed string) {
		number, err := ParseTRN(typed)
		if err != nil {
			if number != "" {
				t.Errorf("%q with an error", number)
			}
			return
		}
		if !valid.MatchString(number) || number == "0000000" {
			t.Errorf("%q accepted", number)
		}
		if again, err := ParseTRN("٤" + typed); err == nil {
			t.Errorf("with one more digit, of another script, it is still %q", again)
		}
		if again, err := ParseTRN("RP" + number[:2] + "/" + number[2:]); again != number || err != nil {
			t.Errorf("%q does not come back: %q, %v", number, again, err)
		}
	})
}
