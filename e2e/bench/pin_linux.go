package main

import (
	"errors"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// reserved is the processor for servers under load; nil while they may run on any.
var reserved *unix.CPUSet

// pin keeps one processor for the servers under load, and this process, with what else
// it starts, on the others: who wakes whom, and where, is the same in all rounds then.
// end undoes it. With one processor there is nothing to keep.
func pin() (end func(), err error) {
	var whole, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &whole); err != nil {
		return nil, err
	}
	if whole.Count() < 2 {
		return func() {}, nil
	}
	first := 0
	for !whole.IsSet(first) {
		first++
	}
	others := whole
	one.Set(first)
	others.Clear(first)
	if err := move(others); err != nil {
		return nil, err
	}
	reserved = &one
	return func() {
		reserved = nil
		_ = move(whole)
	}, nil
}

// move moves all threads of this process; those that they make stay with them.
func move(set unix.CPUSet) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// onServers runs start on a thread that is where servers under load belong, for what
// it starts to stay there.
func onServers(start func() error) error {
	if reserved == nil {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var here unix.CPUSet
	if err := unix.SchedGetaffinity(0, &here); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, reserved); err != nil {
		return err
	}
	return errors.Join(start(), unix.SchedSetaffinity(0, &here))
}
