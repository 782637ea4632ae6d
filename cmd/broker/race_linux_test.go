//go:build race

package main

// announcedMiB is what connections may take that only announce: the race detector keeps
// several bytes for each.
const announcedMiB = 400
