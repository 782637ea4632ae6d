//go:build !race

package main

// announcedMiB is what connections may take that only announce.
const announcedMiB = 100
