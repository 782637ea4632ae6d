//go:build !linux

package redistest

import "syscall"

// endsWithParent promises nothing here: a test binary that is killed leaves its
// servers running.
func endsWithParent() *syscall.SysProcAttr { return nil }
