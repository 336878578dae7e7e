package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// conformance is what must hold on any Redis. Each test gets it empty.
var conformance = []struct {
	name string
	test func(*testing.T, redis.UniversalClient)
}{
	{"VisitIsKept", testVisitIsKept},
}

func TestEmbedded(t *testing.T) { conform(t, Embedded) }
func TestRedis(t *testing.T)    { conform(t, startRedis(t).url()) }

func conform(t *testing.T, address string) {
	for _, row := range conformance {
		t.Run(row.name, func(t *testing.T) {
			client := open(t, address)
			flush(t, client)
			row.test(t, client)
		})
	}
}

// someone is a finished visit with every kind of fact in it.
func someone() journey.State {
	return journey.State{
		Browser: "browser-3f1", Created: time.Now().UTC().Round(0),
		Subject: "urn:fdc:gov.uk:2022:subject-marker", Email: "marker@example.com",
		IDToken: "id-token-marker", AuthTime: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), VOT: "Cl.Cm.P2",
		Verification: journey.Verified,
		Identity: journey.Identity{
			Names:      []journey.Name{{Given: []string{"Marker", "Anne"}, Family: []string{"O’Brien"}}, {Family: []string{"Smith"}}},
			BirthDates: []string{"1980-01-02", "1980-02-01"},
		},
		NINO:   journey.Answer{Given: true, Value: "QQ123456C", Looked: true},
		Record: journey.Record{TRN: "1234567", FirstName: "Marker", QTS: "2004-07-01"}, Confirmed: true,
		ReturnTo: "/qualifications?x=1",
	}
}

func same(state journey.State) func(journey.State) (journey.State, error) {
	return func(journey.State) (journey.State, error) { return state, nil }
}

func testVisitIsKept(t *testing.T, client redis.UniversalClient) {
	s := newStore(t, client, nil)
	id, err := s.Create(t.Context(), someone())
	if err != nil {
		t.Fatal(err)
	}
	want := someone()
	got, ok, err := s.Load(t.Context(), id)
	want.Created = got.Created
	if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
		t.Fatalf("Load = ok %v, error %v, difference:\n%s", ok, err, diff)
	}

	want.Email = "new@example.com"
	if _, err := s.Change(t.Context(), id, same(want)); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := s.Load(t.Context(), id); got.Email != want.Email {
		t.Error("the change was not kept")
	}

	newID, _, err := s.Renew(t.Context(), id, same(want))
	if err != nil || newID == id {
		t.Fatalf("Renew: %v", err)
	}
	if _, ok, err := s.Load(t.Context(), id); ok || err != nil {
		t.Errorf("the old id after Renew = %v, %v", ok, err)
	}
	if _, err := s.Change(t.Context(), id, same(want)); !errors.Is(err, ErrGone) || journey.TroubleIn(err) != journey.StartAgain {
		t.Errorf("Change of the old id = %v", err)
	}
	if got, ok, err := s.Load(t.Context(), newID); !ok || err != nil || got.Email != want.Email {
		t.Errorf("the new id = %v, %v", ok, err)
	}

	if err := s.Delete(t.Context(), newID); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Load(t.Context(), newID); ok || err != nil {
		t.Errorf("after Delete = %v, %v", ok, err)
	}
}
