package redistest

import "syscall"

// endsWithParent makes the kernel kill the program when this process ends.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
