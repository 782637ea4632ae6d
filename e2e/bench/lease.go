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
)

// restFor is how long brokers of whom nobody asks anything are watched in a round.
const restFor = 2 * time.Second

// measureLease watches brokers that nobody asks anything: one without Redis, and one
// and three that keep their leases in it and look for renewals; and a Redis without
// brokers. All rest at the same time. Commands are of one broker, with those that
// scripts send; so is CPU, in microseconds a second.
func measureLease(p plan, bin string) error {
	alone, err := startBroker(bin)
	if err != nil {
		return err
	}
	defer alone.stop()
	resting := []company{{brokers: []*server{alone}}}
	for _, n := range []int{0, 1, 3} {
		c, err := startCompany(bin, n)
		if errors.Is(err, exec.ErrNotFound) {
			return noRedis("the lease")
		}
		if err != nil {
			return err
		}
		defer c.stop()
		resting = append(resting, c)
	}
	rounds := make([][]rested, len(resting))
	for round := range p.rounds + 1 { // the first warms up
		all, err := restTogether(resting)
		if err != nil {
			return err
		}
		for i := range all {
			if round > 0 {
				rounds[i] = append(rounds[i], all[i])
			}
		}
	}
	for i, name := range []string{"rest-without-redis", "rest-redis-alone", "rest-lease", "rest-lease"} {
		of := func(f func(rested) float64) float64 {
			var xs []float64
			for _, r := range rounds[i] {
				xs = append(xs, f(r))
			}
			return median(xs)
		}
		fmt.Printf("%s %d %.1f %.0f %.0f\n", name, len(resting[i].brokers), of(func(r rested) float64 { return r.commands }),
			of(func(r rested) float64 { return r.broker }), of(func(r rested) float64 { return r.redis }))
	}
	return nil
}

// rested is what a company used of a second, a broker's part of it: commands, and
// CPU in microseconds.
type rested struct{ commands, broker, redis float64 }

// restTogether lets companies rest.
func restTogether(all []company) ([]rested, error) {
	before, err := usedBy(all)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	time.Sleep(restFor)
	after, err := usedBy(all)
	if err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	for i, c := range all {
		each := took * float64(max(1, len(c.brokers)))
		after[i].commands = (after[i].commands - before[i].commands) / each
		after[i].broker = (after[i].broker - before[i].broker) / each
		after[i].redis = (after[i].redis - before[i].redis) / each
	}
	return after, nil
}

// usedBy is what companies have used until now.
func usedBy(all []company) ([]rested, error) {
	list := make([]rested, len(all))
	for i, c := range all {
		used, err := variant{servers: c.brokers, beside: c.redis}.cpu()
		if err != nil {
			return nil, err
		}
		list[i].broker, list[i].redis = float64(used.own.Microseconds()), float64(used.beside.Microseconds())
		if c.redis == nil {
			continue
		}
		if list[i].commands, err = c.redis.commands(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// commands is how many commands a Redis has had, but for those that ask.
func (s *server) commands() (float64, error) {
	c := redis.NewClient(&redis.Options{Addr: s.address, DisableIdentity: true})
	defer c.Close()
	info, err := c.Info(context.Background(), "stats").Result()
	if err != nil {
		return 0, err
	}
	s.asked += 2 // this one, and what the library says first
	_, rest, _ := strings.Cut(info, "total_commands_processed:")
	line, _, _ := strings.Cut(rest, "\r\n")
	n, err := strconv.ParseFloat(line, 64)
	return n - float64(s.asked), err
}
