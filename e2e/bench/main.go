// Command bench measures cached answers of the broker beside a bare Fiber
// handler that reads the body and writes as many bytes, alternating in one run:
// on a noisy machine only ratios of the same run mean anything. It prints a line
// for each: name req/s p50_us p99_us cpu_us/req ratio_rps ratio_cpu.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	bin := flag.String("broker", "bin/broker", "the broker's binary")
	p := plan{}
	flag.IntVar(&p.rounds, "rounds", 7, "rounds; every variant runs once in each")
	flag.DurationVar(&p.length, "length", 1500*time.Millisecond, "of one variant of cached answers in one round")
	flag.IntVar(&p.connections, "connections", 16, "keep-alive connections")
	bare := flag.Int("bare", 0, "serve the bare handler with answers of so many bytes, and nothing else")
	flag.Parse()
	if *bare > 0 {
		exitOn(serveBare(*bare))
		return
	}
	fmt.Println("name req/s p50_us p99_us cpu_us/req ratio_rps ratio_cpu")
	exitOn(compareCached(p, *bin))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}
