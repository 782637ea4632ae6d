package redistest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Entry is a key of a server and all that stands under it.
type Entry struct {
	DB        int
	Key, Type string
	// Values are the string; the members of a list or set; a hash's fields, each
	// before its value; a sorted set's members, each before its score; a stream's
	// ids, each before the fields and values of its entry.
	Values []string
}

// String shows everything of the entry in clear, one string a line: what a search
// for leaks reads.
func (e Entry) String() string {
	return fmt.Sprintf("%d %s %s\n%s", e.DB, e.Type, e.Key, strings.Join(e.Values, "\n"))
}

// Dump returns every key of every database, in their order.
func (s *Server) Dump() []Entry {
	s.t.Helper()
	var entries []Entry
	for name := range s.Info("keyspace") {
		db, err := strconv.Atoi(strings.TrimPrefix(name, "db"))
		if err != nil {
			continue
		}
		s.must("dump", func(ctx context.Context) error {
			options := *s.client.Options()
			options.DB = db
			client := redis.NewClient(&options)
			defer client.Close()
			found, err := dump(ctx, client, db)
			entries = append(entries, found...)
			return err
		})
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.DB, b.DB), strings.Compare(a.Key, b.Key))
	})
	return entries
}

func dump(ctx context.Context, client *redis.Client, db int) ([]Entry, error) {
	var entries []Entry
	seen := map[string]bool{} // SCAN may tell a key twice
	keys := client.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		e := Entry{DB: db, Key: keys.Val()}
		if seen[e.Key] {
			continue
		}
		seen[e.Key] = true
		var err error
		if e.Type, err = client.Type(ctx, e.Key).Result(); err != nil {
			return nil, err
		}
		if e.Values, err = values(ctx, client, e.Type, e.Key); errors.Is(err, redis.Nil) {
			continue
		} else if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, keys.Err()
}

func values(ctx context.Context, client *redis.Client, kind, key string) ([]string, error) {
	switch kind {
	case "none": // it expired meanwhile
		return nil, redis.Nil
	case "string":
		value, err := client.Get(ctx, key).Result()
		return []string{value}, err
	case "list":
		return client.LRange(ctx, key, 0, -1).Result()
	case "set":
		return client.SMembers(ctx, key).Result()
	case "hash":
		return pairs(client.Do(ctx, "HGETALL", key))
	case "zset":
		return pairs(client.Do(ctx, "ZRANGE", key, 0, -1, "WITHSCORES"))
	case "stream":
		return pairs(client.Do(ctx, "XRANGE", key, "-", "+"))
	}
	return nil, fmt.Errorf("its type is unknown: %s", kind)
}

// pairs are the strings of an answer, in their order, whatever its nesting is.
func pairs(answer *redis.Cmd) ([]string, error) {
	reply, err := answer.Result()
	return flat(nil, reply), err
}

func flat(to []string, reply any) []string {
	switch r := reply.(type) {
	case nil:
	case []any:
		for _, element := range r {
			to = flat(to, element)
		}
	case map[any]any:
		for name, value := range r {
			to = flat(flat(to, name), value)
		}
	default:
		to = append(to, fmt.Sprint(r))
	}
	return to
}
