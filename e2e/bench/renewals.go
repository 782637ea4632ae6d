package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// renewed is how many renewals are made in a round.
	renewed = 3000
	// renewers is how many a broker makes at once.
	renewers = 16
)

// compareRenewals has a broker within this process renew ahead, through a real
// Redis, what users of a backend that takes no time were handed; beside as many
// GETs of as many bytes. Times are of single renewals, from claim to settlement.
func compareRenewals(p plan, _ string) error {
	store, err := startRedis()
	if errors.Is(err, exec.ErrNotFound) {
		return noRedis("renewals")
	}
	if err != nil {
		return err
	}
	defer store.stop()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as for each server
	users, err := newCrowd(renewed, store.address)
	if err != nil {
		return err
	}
	defer users.stop()
	if err := each(renewed, users.identify); err != nil {
		return err
	}
	get := redis.NewClient(&redis.Options{Addr: store.address, PoolSize: 64})
	defer get.Close()
	self := &server{process: &os.Process{Pid: os.Getpid()}}
	floor := variant{name: "get-renewal", servers: []*server{self}}
	own := variant{name: "renewal", floor: floor.name, servers: []*server{self}, beside: store}
	results := map[string][]sample{}
	for round := range p.rounds + 1 { // the first warms up
		bare, err := floor.took(func() ([]time.Duration, time.Duration, error) { return getEach(get) })
		if err != nil {
			return err
		}
		if err := users.used(); err != nil {
			return err
		}
		s, err := own.took(users.renewAll)
		if err != nil {
			return err
		}
		if round > 0 {
			results[floor.name], results[own.name] = append(results[floor.name], bare), append(results[own.name], s)
		}
	}
	report(floor, results)
	report(own, results)
	return nil
}

// took measures work that tells how long each part of it took, and all.
func (v variant) took(work func() ([]time.Duration, time.Duration, error)) (sample, error) {
	before, err := v.cpu()
	if err != nil {
		return sample{}, err
	}
	times, all, err := work()
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", v.name, err)
	}
	after, err := v.cpu()
	return sampled(times, all, before, after), err
}

// used has all users ask twice, until the fleet was told of both.
func (c *crowd) used() error {
	c.schedule.reset()
	for asked := range int64(2) {
		if err := each(renewed, c.ask); err != nil {
			return err
		}
		if !await(func() bool { return c.schedule.told.Load() >= (asked+1)*renewed }) {
			return errors.New("the fleet was not told who asks")
		}
	}
	c.schedule.reset()
	return nil
}

// renewAll lets so much time pass that all that users have is due, and waits until
// it was renewed.
func (c *crowd) renewAll() ([]time.Duration, time.Duration, error) {
	before := c.renewed.Load()
	c.passed.Add(int64(granted * 66 / 100))
	if !await(func() bool { return c.schedule.done() >= renewed }) || c.renewed.Load()-before != renewed {
		return nil, 0, fmt.Errorf("got %d renewals, want %d", c.renewed.Load()-before, renewed)
	}
	s := c.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.renewals), s.last.Sub(s.first), nil
}

// getEach gets as often as renewals are made, as many at once, what is as long as an
// entry.
func getEach(c *redis.Client) ([]time.Duration, time.Duration, error) {
	ctx := context.Background()
	if err := c.Set(ctx, "get:renewal", make([]byte, 1500), 0).Err(); err != nil {
		return nil, 0, err
	}
	times, errs := make([][]time.Duration, renewers), make([]error, renewers)
	var all sync.WaitGroup
	var turn atomic.Int64
	began := time.Now()
	for w := range renewers {
		all.Go(func() {
			for errs[w] == nil && turn.Add(1) <= renewed {
				sent := time.Now()
				errs[w] = c.Get(ctx, "get:renewal").Err()
				times[w] = append(times[w], time.Since(sent))
			}
		})
	}
	all.Wait()
	return slices.Concat(times...), time.Since(began), errors.Join(errs...)
}
