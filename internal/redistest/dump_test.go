package redistest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/redistest"
)

// A dump holds every string that was written, of each type and database.
func TestDump(t *testing.T) {
	s := redistest.Single(t)
	for _, command := range []string{
		"SET string in-string",
		"SETEX expiring 100 in-expiring",
		"RPUSH list in-list in-list-too",
		"SADD set in-set",
		"HSET hash in-field in-value",
		"ZADD zset 1.5 in-zset",
		"XADD stream 1-1 in-stream-field in-stream-value",
		"PFADD hyperloglog in-digest",
	} {
		do(t, s.Client(), command)
	}
	options := *s.Client().Options()
	options.DB = 3
	other := redis.NewClient(&options)
	defer other.Close()
	set(t, other, "other", "in-other")

	var got []redistest.Entry
	for _, e := range s.Dump() {
		if e.Key == "hyperloglog" {
			continue // Redis's own encoding
		}
		got = append(got, e)
	}
	want := []redistest.Entry{
		{Key: "expiring", Type: "string", Values: []string{"in-expiring"}},
		{Key: "hash", Type: "hash", Values: []string{"in-field", "in-value"}},
		{Key: "list", Type: "list", Values: []string{"in-list", "in-list-too"}},
		{Key: "set", Type: "set", Values: []string{"in-set"}},
		{Key: "stream", Type: "stream", Values: []string{"1-1", "in-stream-field", "in-stream-value"}},
		{Key: "string", Type: "string", Values: []string{"in-string"}},
		{Key: "zset", Type: "zset", Values: []string{"in-zset", "1.5"}},
		{DB: 3, Key: "other", Type: "string", Values: []string{"in-other"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Dump (-want +got):\n%s", diff)
	}
	if text := want[1].String(); !strings.Contains(text, "hash") || !strings.Contains(text, "in-field\nin-value") {
		t.Errorf("String: got %q, want the key, field and value in it", text)
	}
}

// A dump is whole however many keys there are.
func TestDumpMany(t *testing.T) {
	s := redistest.Single(t, redistest.Arg("enable-debug-command", "local"))
	do(t, s.Client(), "DEBUG POPULATE 5000")
	if got := len(s.Dump()); got != 5000 {
		t.Errorf("got %d entries, want 5000", got)
	}
}

func do(t *testing.T, c redis.UniversalClient, command string) {
	t.Helper()
	var args []any
	for _, word := range strings.Fields(command) {
		args = append(args, word)
	}
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}
