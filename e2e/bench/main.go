// Command bench measures cached answers of the broker beside a bare Fiber
// handler that reads the body and writes as many bytes, alternating in one run:
// on a noisy machine only ratios of the same run mean anything. It prints a line
// for each: name req/s p50_us p99_us cpu_us/req ratio_rps ratio_cpu.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

func main() {
	bin := flag.String("broker", "bin/broker", "the broker's binary")
	rounds := flag.Int("rounds", 7, "rounds; every variant runs once in each")
	length := flag.Duration("length", 1500*time.Millisecond, "of one variant in one round")
	connections := flag.Int("connections", 16, "keep-alive connections")
	bare := flag.Int("bare", 0, "serve the bare handler with answers of so many bytes, and nothing else")
	flag.Parse()
	if *bare > 0 {
		exitOn(serveBare(*bare))
		return
	}
	exitOn(compare(*bin, *rounds, *length, *connections))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}

func compare(bin string, rounds int, length time.Duration, connections int) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	broker, requests, err := startBroker(bin)
	if err != nil {
		return err
	}
	defer broker.stop()
	results := map[string][]sample{}
	var variants []variant
	for _, r := range requests {
		floor, err := startBare(own, r.answerBytes)
		if err != nil {
			return err
		}
		defer floor.stop()
		variants = append(variants,
			variant{name: "bare-" + r.name, server: floor, request: r.bytes},
			variant{name: r.name, server: broker, request: r.bytes, floor: "bare-" + r.name})
	}
	for round := range rounds + 1 { // the first warms up
		for _, v := range variants {
			s, err := load(v, connections, length)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			if round > 0 {
				results[v.name] = append(results[v.name], s)
			}
		}
	}
	fmt.Println("name req/s p50_us p99_us cpu_us/req ratio_rps ratio_cpu")
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
