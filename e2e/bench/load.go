package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// variant is one way to have requests answered.
type variant struct {
	name, floor string
	// servers are all that work for a request; the first is asked. Their CPU counts
	// together.
	servers []*server
	cache   string // the X-Cache that each answer must have
	// alone sends one request after the other, on one connection.
	alone bool
	// beside works for a request too. Its CPU is added in a line of its own.
	beside *server
	// during starts what goes on while the requests are sent, if anything does.
	during   func() (stop func() error)
	requests [][]byte // sent in turn, over and over; or
	// fresh makes n requests, each of which is sent once. What it takes to make them
	// is not measured.
	fresh func(n int) ([][]byte, error)
}

// sample is what one round of a variant showed; times in microseconds.
type sample struct{ rps, p50, p99, cpu, beside float64 }

// load sends a round of requests on a few connections.
func load(v variant, p plan) (sample, error) {
	next, err := v.source(p)
	if err != nil {
		return sample{}, err
	}
	n := cmp.Or(p.connections, connections)
	if v.alone {
		n = 1
	}
	conns, err := dial(v.servers[0].address, n)
	if err != nil {
		return sample{}, err
	}
	stop := func() error { return nil }
	if v.during != nil {
		stop = v.during()
	}
	before, err := v.cpu()
	if err != nil {
		return sample{}, errors.Join(err, stop())
	}
	began := time.Now()
	times := make([][]time.Duration, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() { times[i], errs[i] = v.ask(c, next) })
	}
	wg.Wait()
	took := time.Since(began)
	after, err := v.cpu()
	if err = errors.Join(append(errs, err, stop())...); err != nil {
		return sample{}, err
	}
	return sampled(slices.Concat(times...), took, before, after), nil
}

// sampled is the sample of requests that took so long each, and all together.
func sampled(times []time.Duration, took time.Duration, before, after spent) sample {
	slices.Sort(times)
	n := float64(len(times))
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return sample{
		rps: n / took.Seconds(), p50: us(times[len(times)/2]), p99: us(times[len(times)*99/100]),
		cpu: us(after.own-before.own) / n, beside: us(after.beside-before.beside) / n,
	}
}

// source returns what gives the next request at a time, nil at the end; it is
// safe for concurrent use.
func (v variant) source(p plan) (func(time.Time) []byte, error) {
	if v.fresh == nil {
		until := time.Now().Add(p.length)
		var turn atomic.Uint64
		return func(now time.Time) []byte {
			if now.Before(until) {
				return v.requests[turn.Add(1)%uint64(len(v.requests))]
			}
			return nil
		}, nil
	}
	list, err := v.fresh(p.misses)
	if err != nil {
		return nil, fmt.Errorf("make requests: %w", err)
	}
	var taken atomic.Int64
	return func(time.Time) []byte {
		if i := int(taken.Add(1)); i <= len(list) {
			return list[i-1]
		}
		return nil
	}, nil
}

func dial(address string, n int) ([]net.Conn, error) {
	list := make([]net.Conn, n)
	for i := range list {
		var err error
		if list[i], err = net.Dial("tcp", address); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ask sends requests on a connection, one after the other, and closes it.
func (v variant) ask(c net.Conn, next func(time.Time) []byte) ([]time.Duration, error) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	var times []time.Duration
	now := time.Now()
	for request := next(now); request != nil; request = next(now) {
		if _, err := c.Write(request); err != nil {
			return nil, err
		}
		if err := readAnswer(r, v.cache); err != nil {
			return nil, err
		}
		then := now
		now = time.Now()
		times = append(times, now.Sub(then))
	}
	return times, nil
}
