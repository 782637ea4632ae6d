package fleet_test

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/redistest"
)

func z(score float64, member string) redis.Z { return redis.Z{Score: score, Member: member} }

// commands counts the commands, also those within scripts, that a server runs for
// something. Brokers beside it keep their leases meanwhile.
func commands(t testing.TB, s *redistest.Server, do func()) int {
	t.Helper()
	count := func() (n int) {
		info, err := s.Client().Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, calls := range regexp.MustCompile(`:calls=(\d+)`).FindAllStringSubmatch(info, -1) {
			one, _ := strconv.Atoi(calls[1])
			n += one
		}
		return n
	}
	before := count()
	do()
	return count() - before
}
