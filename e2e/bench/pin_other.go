//go:build !linux

package main

// pin does nothing: processes are only kept on processors on Linux.
func pin() (end func(), err error) { return func() {}, nil }

func onServers(start func() error) error { return start() }
