// Command bench measures three things, each beside what it is compared with and
// alternating with it in one run: on a noisy machine only ratios of the same run
// mean anything.
//
//   - Cached answers of the broker, beside a bare Fiber handler that reads the body
//     and writes as many bytes.
//   - Answers from Redis, with the memory tier off, beside the same handler and beside
//     one that gets as many bytes from Redis by one GET.
//   - Misses of a broker in aws mode, beside the same requests sent straight to its
//     upstream, which is another broker, on the engine.
//
// It prints a line for each: name req/s p50_us p99_us cpu_us/req ratio_rps ratio_cpu.
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

func main() {
	bin := flag.String("broker", "bin/broker", "the broker's binary")
	p := plan{}
	flag.IntVar(&p.rounds, "rounds", 7, "rounds; every variant runs once in each")
	flag.DurationVar(&p.length, "length", 1500*time.Millisecond, "of one variant of cached answers in one round")
	flag.IntVar(&p.misses, "misses", 1500, "of one variant in one round")
	flag.IntVar(&p.connections, "connections", 16, "keep-alive connections")
	only := flag.String("only", "", "cached, redis or misses; all if empty")
	bare := flag.Int("bare", 0, "serve the bare handler with answers of so many bytes, and nothing else")
	get := flag.String("get", "", "likewise, but get the answers from the Redis at this address")
	flag.Parse()
	switch {
	case *get != "":
		exitOn(serveGet(*get, *bare))
		return
	case *bare > 0:
		exitOn(serveBare(*bare))
		return
	}
	parts := map[string]func(plan, string) error{"cached": compareCached, "misses": compareMisses, "redis": compareRedis}
	if *only != "" && parts[*only] == nil {
		exitOn(errors.New("-only: expected: cached, redis or misses"))
	}
	fmt.Println("name req/s p50_us p99_us cpu_us/req ratio_rps ratio_cpu")
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if *only == "" || *only == name {
			exitOn(parts[name](p, *bin))
		}
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}
