//go:build !race

package flows_test

// raced says that the race detector is on, which makes tests slow.
const raced = false
