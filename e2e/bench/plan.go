package main

import (
	"fmt"
	"slices"
	"time"
)

// plan is how much is measured.
type plan struct {
	rounds, misses, connections int
	length                      time.Duration
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
	var rps, cpu []float64
	for i := range own { // ratios within the same round
		rps = append(rps, own[i].rps/floor[i].rps)
		cpu = append(cpu, floor[i].cpu/own[i].cpu)
	}
	of := func(f func(sample) float64) float64 {
		var xs []float64
		for _, s := range own {
			xs = append(xs, f(s))
		}
		return median(xs)
	}
	fmt.Printf("%s %.0f %.0f %.0f %.2f %.2f %.2f\n", v.name,
		of(func(s sample) float64 { return s.rps }), of(func(s sample) float64 { return s.p50 }),
		of(func(s sample) float64 { return s.p99 }), of(func(s sample) float64 { return s.cpu }),
		median(rps), median(cpu))
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}
