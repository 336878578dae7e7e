package register

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// crowd makes n people with 60 first names, 2,000 last names, most of them
// double-barrelled, and the birthdays of 33 years.
func crowd(n int) []*person {
	all, names := make([]*person, n), groups()
	for i := range all {
		all[i] = &person{
			TRN: fmt.Sprintf("%07d", i+1), FirstName: names[i%60][0], MiddleName: "Quinn", LastName: fmt.Sprintf("Carter%d-Lane%d", i%1999, i%2003),
			BirthDate: time.Date(1960, 1, 1+i%12_007, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), NINO: fmt.Sprintf("QQ%06dA", i), Status: active,
		}
	}
	return all
}

// BenchmarkFind looks for one of 1,000 and one of 100,000. The two take about
// the same time, because candidates come from indexes.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		all := crowd(n)
		r := newPeople(all, englishNicknames())
		somebody := all[n/2]
		who := journey.Identity{
			Names:      []journey.Name{{Given: []string{somebody.FirstName}, Family: []string{somebody.LastName}}},
			BirthDates: []string{somebody.BirthDate},
		}
		for _, bm := range []struct {
			name   string
			stated journey.Stated
			found  bool
		}{
			{"by-nino", journey.Stated{NINO: somebody.NINO}, true},
			{"by-trn", journey.Stated{TRN: somebody.TRN}, true},
			{"not-at-all", journey.Stated{NINO: "AA000000A"}, false},
		} {
			b.Run(fmt.Sprintf("%s/of-%d", bm.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, found := r.find(question{who: who, stated: bm.stated}); found != bm.found {
						b.Fatal("found:", found)
					}
				}
			})
		}
	}
}

// BenchmarkIndex builds the register of 100,000 people, as after reading them.
func BenchmarkIndex(b *testing.B) {
	all, also := crowd(100_000), englishNicknames()
	for b.Loop() {
		newPeople(all, also)
	}
}
