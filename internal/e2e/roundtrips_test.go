package e2e

import (
	"regexp"
	"strconv"
	"testing"
)

// TestRoundTrips: a signed-in request costs Redis nothing within the cache age,
// and one command otherwise.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	const requests = 20
	for cache, most := range map[string]int{"cache 10s": 1, "cache 0s": requests} {
		t.Run(cache, func(t *testing.T) {
			t.Parallel()
			s := start(t, editing("cache 2s", cache))
			v := s.teacher(t)
			v.open("/whoami").choose("known").open("/whoami")
			r := rawRequest{method: "GET", target: "/whoami", header: []string{"Cookie: teaching-record=" + v.cookie()}}
			client := s.redisClient(t)
			before := commands(t, client.Info(t.Context(), "commandstats").Val())
			for range requests {
				if got := s.see(t, r); !got.Verified {
					t.Fatalf("not signed in: %v", got)
				}
			}
			after := commands(t, client.Info(t.Context(), "commandstats").Val())
			if n := after - before; n > most || cache == "cache 0s" && n != most {
				t.Errorf("%d requests cost %d commands, want %d at most", requests, n, most)
			}
		})
	}
}

// command is a line such as "cmdstat_getex:calls=20,usec=…". What the site's own
// subscription and this test say to Redis does not count.
var command = regexp.MustCompile(`cmdstat_([a-z|]+):calls=([0-9]+)`)

func commands(t *testing.T, stats string) (sum int) {
	t.Helper()
	for _, found := range command.FindAllStringSubmatch(stats, -1) {
		switch found[1] {
		case "info", "ping", "hello", "client|setinfo", "subscribe", "config|get":
			continue
		}
		n, err := strconv.Atoi(found[2])
		must(t, err)
		sum += n
	}
	return sum
}
