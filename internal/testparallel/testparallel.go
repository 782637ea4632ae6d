// Package testparallel sets how many parallel tests of a package run at a time.
package testparallel

import "flag"

// Default runs n parallel tests at a time, unless -parallel says otherwise. Call it in TestMain, for
// packages whose tests wait more than they work.
func Default(n string) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "test.parallel" })
	if !set {
		_ = flag.Set("test.parallel", n)
	}
}
