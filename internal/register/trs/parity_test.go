package trs

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	standin "github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/register"
)

// cannotAsk lists the known answers that the API cannot give as the embedded
// register does, with the reason. A row that is listed and agrees fails.
var cannotAsk = map[string]string{
	"OL-D9":  "the API looks for last names only among last names: swapped names are not found by it",
	"OL-D10": "the API looks for last names only among last names: a first name does not stand for both",
}

// TestParity puts every known answer to both registers and compares them.
func TestParity(t *testing.T) {
	text, err := os.ReadFile("../testdata/matching.json")
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		OneLoginMatch []struct {
			ID      string
			Records []json.RawMessage
			Input   struct {
				Names                      [][]string
				DatesOfBirth               []string
				NINO, TRN, TRNTokenTRNHint string
			}
		}
	}
	if err := json.Unmarshal(text, &known); err != nil || len(known.OneLoginMatch) == 0 {
		t.Fatalf("%d rows, %v", len(known.OneLoginMatch), err)
	}
	agreed, unasked := 0, 0
	for _, row := range known.OneLoginMatch {
		t.Run(row.ID, func(t *testing.T) {
			people, err := json.Marshal(map[string]any{"people": row.Records})
			if err != nil {
				t.Fatal(err)
			}
			who := journey.Identity{BirthDates: row.Input.DatesOfBirth}
			for _, parts := range row.Input.Names {
				who.Names = append(who.Names, journey.Name{Given: parts[:len(parts)/2], Family: parts[len(parts)/2:]})
			}
			nino, err := journey.ParseNINO(row.Input.NINO)
			if err != nil {
				nino = ""
			}
			trn, err := journey.ParseTRN(row.Input.TRN)
			if err != nil {
				trn = ""
			}
			stated := journey.Stated{NINO: nino, TRN: cmp.Or(trn, row.Input.TRNTokenTRNHint)}
			if stated == (journey.Stated{}) {
				unasked++
				return // our pages ask for one of the two before anything is looked up
			}

			file := filepath.Join(t.TempDir(), "people.json")
			if err := os.WriteFile(file, people, 0o600); err != nil {
				t.Fatal(err)
			}
			embedded, err := register.Open(file, register.Config{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			api, err := standin.New(standin.Config{People: people, APIKey: apiKey})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(api)
			defer server.Close()
			client, err := New(Config{URL: server.URL, APIKey: apiKey, UserAgent: agent, Details: true, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			want, wantFound, err := embedded.Find(t.Context(), who, stated)
			if err != nil {
				t.Fatal(err)
			}
			got, found, err := client.Find(t.Context(), who, stated)
			if err != nil {
				t.Fatal(err)
			}
			same := found == wantFound && got.TRN == want.TRN
			switch why, listed := cannotAsk[row.ID]; {
			case listed && same:
				t.Errorf("agrees, so it must not be listed (%s)", why)
			case !listed && !same:
				t.Errorf("the API: %v %s; embedded: %v %s", found, got.TRN, wantFound, want.TRN)
			default:
				agreed++
			}
			if v := api.Record().Violations; len(v) > 0 {
				t.Errorf("the API's rules were broken: %+v", v)
			}
		})
	}
	t.Logf("of %d rows %d agree, %d are listed, %d state no number", len(known.OneLoginMatch), agreed-len(cannotAsk), len(cannotAsk), unasked)
}
