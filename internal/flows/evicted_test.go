package flows_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/flows"
)

// A full Redis may evict whose a login is before the entries that were obtained by it:
// a change that comes with the login ends those all the same, in memory and in Redis.
func TestEvictedOwners(t *testing.T) {
	t.Parallel()
	const other = "us-east-1:22222222-2222-4222-8222-222222222222"
	c := newTestFleet(t)
	a, b := c.join(), c.join()
	a.want("key1", flows.Miss, flows.CallInfo{})
	b.want("key1", flows.Hit, flows.CallInfo{})
	owners := c.redis.Client().Keys(t.Context(), "b2:*:o").Val()
	if len(owners) == 0 {
		t.Fatal("got no owners in Redis: the test shows nothing")
	}
	c.redis.Client().Del(t.Context(), owners...)
	c.directory.owners.Clear()
	if _, err := b.askAll(other, map[string]string{idp: "a1", idp2: "b1"}); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*fleetBroker{"who had it in memory": a, "who made the change": b} {
		info := &flows.CallInfo{}
		if got, err := m.ask(user, "a1", info); got == "key1" || err != nil {
			t.Errorf("%s: got %s %s %v, want what was brought since", name, got, info.Outcome, err)
		}
	}
}
