package main

import (
	"fmt"
	"slices"
	"time"
)

// plan is how much is measured.
type plan struct {
	rounds, misses int
	connections    int // zero: as many as the part has by default
	entries        int
	length         time.Duration
	beside         string // other brokers' binaries, with commas between them
	floating       bool   // servers run where the system wants
}

// connections are how many are asked on, where the plan does not say; redisConnections
// where the answers come from Redis: what costs most there is shared by those who ask
// at the same time.
const (
	connections      = 16
	redisConnections = 64
)

// place keeps the servers that are started from now on a processor of their own, if
// the plan wants that. end undoes it.
func (p plan) place() (end func(), err error) {
	if p.floating {
		return func() {}, nil
	}
	return pin()
}

// compare runs the variants in turn, round after round, and prints their medians.
func (p plan) compare(variants []variant) error {
	results := map[string][]sample{}
	for round := range p.rounds + 1 { // the first warms up
		for _, v := range variants {
			s, err := load(v, p)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			if round > 0 {
				results[v.name] = append(results[v.name], s)
			}
		}
	}
	for _, v := range variants {
		report(v, results)
	}
	return nil
}

func report(v variant, results map[string][]sample) {
	own, floor := results[v.name], results[v.name]
	if v.floor != "" {
		floor = results[v.floor]
	}
	line(v.name, own, floor, func(s sample) float64 { return s.cpu })
	if v.beside != nil {
		line(v.name+"+"+v.beside.name, own, floor, func(s sample) float64 { return s.cpu + s.beside })
	}
}

// line prints the medians of a variant's rounds, and of its ratios to the floor in
// the same round.
func line(name string, own, floor []sample, cpu func(sample) float64) {
	var rps, cpus []float64
	for i := range own {
		rps = append(rps, own[i].rps/floor[i].rps)
		cpus = append(cpus, cpu(floor[i])/cpu(own[i]))
	}
	of := func(f func(sample) float64) float64 {
		var xs []float64
		for _, s := range own {
			xs = append(xs, f(s))
		}
		return median(xs)
	}
	fmt.Printf("%s %.0f %.0f %.0f %.2f %.2f %.2f\n", name,
		of(func(s sample) float64 { return s.rps }), of(func(s sample) float64 { return s.p50 }),
		of(func(s sample) float64 { return s.p99 }), of(cpu), median(rps), median(cpus))
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}
