// Command bench measures a broker, each thing beside what it is compared with and
// alternating with it in one run: on a noisy machine only ratios of the same run
// mean anything. Its parts are:
//
//   - cached: cached answers of the broker, beside a bare Fiber handler that reads the
//     body and writes as many bytes.
//   - redis: answers from Redis, with the memory tier off, beside the same handler and
//     beside one that gets as many bytes from Redis by one GET.
//   - misses: misses of a broker in aws mode, beside the same requests sent straight to
//     its upstream, which is another broker, on the engine.
//   - refused: cached answers of a broker in aws mode to a user whose logins strangers try
//     to change, 1,000 calls a second, beside the same without them.
//   - fences: changes that end what a fleet has cached, beside those of a broker
//     without Redis.
//   - renewals: renewals ahead of a broker in a fleet, beside as many GETs.
//   - lease: what brokers cost whom nobody asks anything.
//   - memory: what a user takes of a broker's memory and of Redis, beside a plain map
//     and plain SETs.
//
// The first six print a line for each: name req/s p50_us p99_us cpu_us/req ratio_rps
// ratio_cpu. The last two have columns of their own, which they name.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	bin := flag.String("broker", "bin/broker", "the broker's binary")
	p := plan{}
	flag.IntVar(&p.rounds, "rounds", 7, "rounds; every variant runs once in each")
	flag.DurationVar(&p.length, "length", 1500*time.Millisecond, "of one variant of cached answers in one round")
	flag.IntVar(&p.misses, "misses", 1500, "of one variant in one round")
	flag.IntVar(
		&p.connections, "connections", 0,
		fmt.Sprintf("keep-alive connections; 0: %d, and %d to answers from Redis", connections, redisConnections),
	)
	flag.IntVar(&p.entries, "entries", 100_000, "that are weighed in memory and in Redis")
	flag.StringVar(
		&p.beside, "beside", "",
		"other brokers' binaries, with commas between them, whose answers from Redis are measured in the same rounds; "+
			"their ratios are to the first's",
	)
	flag.BoolVar(
		&p.floating, "floating", false, "let servers that give cached answers run on any processor, not only on the first",
	)
	only := flag.String(
		"only", "", "the part of that name: cached, redis, misses, refused, fences, renewals, lease or memory; all if empty",
	)
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
	var names []string
	for _, part := range parts() {
		names = append(names, part.name)
	}
	if *only != "" && !slices.Contains(names, *only) {
		exitOn(errors.New("-only: expected one of " + strings.Join(names, ", ")))
	}
	columns := ""
	for _, part := range parts() {
		if *only != "" && *only != part.name {
			continue
		}
		if columns != part.columns {
			columns = part.columns
			fmt.Println(columns)
		}
		exitOn(part.run(p, *bin))
	}
}

// part is something to be measured, and the columns of its lines.
type part struct {
	name, columns string
	run           func(p plan, bin string) error
}

// parts are all, those with the same columns one after the other.
func parts() []part {
	const rates = "name req/s p50_us p99_us cpu_us/req ratio_rps ratio_cpu"
	return []part{
		{"cached", rates, compareCached},
		{"redis", rates, compareRedis},
		{"misses", rates, compareMisses},
		{"refused", rates, compareRefused},
		{"fences", rates, compareFences},
		{"renewals", rates, compareRenewals},
		{"lease", "name brokers commands/s broker_us/s redis_us/s", measureLease},
		{"memory", "name entries bytes/entry ratio", measureMemory},
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}
