//go:build unix

package httpapi

import "syscall"

// keptFiles are for all but connections: the store, Redis, the way to upstream, keys.
const keptFiles = 512

// openFiles is how many connections the process may have open, as far as its limit of
// files goes; Go has raised that as far as it could be.
func openFiles() (int, bool) {
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
	if err != nil || uint64(l.Cur) > 1<<30 { //nolint:unconvert // some are signed
		return 0, false
	}
	n := int(l.Cur)
	return max(n-keptFiles, n/2), true
}
