package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet"
)

// kinds are what stands in Redis for a user, by what follows the scope in a name.
var kinds = []struct{ letter, name string }{
	{"c", "entry"}, {"v", "epoch"}, {"o", "owner"}, {"u", "use"}, {"m", "material"}, {"due", "schedule"}, {"p", "place"},
}

// footprint is what Redis holds.
type footprint struct {
	users int
	used  float64            // all of it
	bytes map[string]float64 // of keys by the letter of their kind, with their share of what is around keys
}

// weighFleet weighs what the users of a fleet leave in Redis, by what they did and of
// which kind it is, and what they take of a broker's memory.
func weighFleet(count int, memory weight) error {
	store, err := startRedis()
	if errors.Is(err, exec.ErrNotFound) {
		return noRedis("memory of Redis")
	}
	if err != nil {
		return err
	}
	defer store.stop()
	c := redis.NewClient(&redis.Options{Addr: store.address, ReadTimeout: startTimeout})
	defer c.Close()
	floor, err := weighSets(c, count)
	if err != nil {
		return err
	}
	floor.print("redis-set", floor)
	begun, err := usedMemory(c)
	last := footprint{users: count, used: begun}
	if err != nil {
		return err
	}
	look := func(what string) error {
		now, err := footprintOf(c, last.users, begun)
		if err == nil {
			now.print("redis-"+what, floor, last)
			last = now
		}
		return err
	}
	err = weighUsers(count, "memory-fleet", store.address, memory, func(users *crowd, what string) error {
		if err := look(what); err != nil || what != asksTwice {
			return err
		}
		if err := users.learn(); err != nil {
			return err
		}
		return look("place")
	})
	if err != nil {
		return err
	}
	return last.each(last.used-begun).print("redis-all", floor)
}

// weighSets weighs plain SETs, and takes them back.
func weighSets(c *redis.Client, count int) (weight, error) {
	ctx := context.Background()
	before, err := usedMemory(c)
	if err != nil {
		return weight{}, err
	}
	value := make([]byte, payload(credentials(identity(0), time.Now())))
	err = each(count, func(n int) error { return c.Set(ctx, fmt.Sprintf("plain:%016d", n), value, time.Hour).Err() })
	if err != nil {
		return weight{}, err
	}
	after, err := usedMemory(c)
	if err != nil {
		return weight{}, err
	}
	return weight{count, (after - before) / float64(count), nil}, c.FlushAll(ctx).Err()
}

// usedMemory is what Redis has allocated.
func usedMemory(c *redis.Client) (float64, error) {
	info, err := c.Info(context.Background(), "memory").Result()
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(info, "used_memory:")
	line, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseFloat(line, 64)
}

// footprintOf looks at all keys of a Redis that had begun with so much. What none
// of them tells of itself, the tables that they stand in, is shared among them.
func footprintOf(c *redis.Client, users int, begun float64) (footprint, error) {
	ctx := context.Background()
	f := footprint{users: users, bytes: map[string]float64{}}
	count, keys, told := map[string]float64{}, 0.0, 0.0
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		names, next, err := c.Scan(ctx, cursor, "*", 1000).Result()
		if err != nil {
			return f, err
		}
		sizes, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, name := range names {
				p.MemoryUsage(ctx, name, 0)
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) { // gone meanwhile
			return f, err
		}
		for i, name := range names {
			_, rest, _ := strings.Cut(name, "}:")
			letter, _, _ := strings.Cut(rest, ":")
			size := float64(sizes[i].(*redis.IntCmd).Val())
			f.bytes[letter] += size
			count[letter], keys, told = count[letter]+1, keys+1, told+size
		}
		cursor = next
	}
	var err error
	f.used, err = usedMemory(c)
	for letter, n := range count {
		f.bytes[letter] += n / keys * (f.used - begun - told)
	}
	return f, err
}

// each is a user's part of so many bytes.
func (f footprint) each(bytes float64) weight {
	return weight{f.users, bytes / float64(f.users), nil}
}

// print prints what came since for each user: of each kind, and all.
func (f footprint) print(name string, floor weight, since footprint) {
	for _, kind := range kinds {
		if came := f.each(f.bytes[kind.letter] - since.bytes[kind.letter]); came.bytes >= 1 {
			came.print(name+"-"+kind.name, floor)
		}
	}
	f.each(f.used-since.used).print(name, floor)
}

// askTwice has all users ask twice, and waits until the fleet knows, if there is one.
func (c *crowd) askTwice() error {
	for asked := range int64(2) {
		if err := each(c.users, c.ask); err != nil {
			return err
		}
		told := func() bool { return c.schedule.told.Load() >= (asked+1)*int64(c.users) }
		if c.schedule != nil && !await(told) {
			return fmt.Errorf("the fleet was told of %d hand-outs, want %d", c.schedule.told.Load(), (asked+1)*int64(c.users))
		}
	}
	return nil
}

// learn has the fleet remember where all identities are.
func (c *crowd) learn() error {
	places := c.fleet.Identities()
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = places.Run(running); close(done) }()
	defer func() { stop(); <-done }()
	for n := range c.users {
		if !await(func() bool { return places.Learn(identity(n), fleet.IdentityFacts{Pool: pool, Authenticated: true}) }) {
			return fmt.Errorf("place %d was not noted", n)
		}
	}
	if !await(func() bool { _, ok, err := places.Find(running, identity(c.users-1)); return ok && err == nil }) {
		return errors.New("the places were not written")
	}
	return nil
}
