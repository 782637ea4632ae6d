package redistest

import (
	"os"
	"os/exec"
	"runtime"
)

// process is a program that runs until it is killed, or this process ends.
type process struct {
	*os.Process
	exited chan struct{} // closed when it is gone and waited for
}

// launch starts a program; its output is appended to a file.
func launch(output, name string, args ...string) (*process, error) {
	log, err := os.OpenFile(output, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = endsWithParent()

	started, exited := make(chan error), make(chan struct{})
	go func() {
		defer close(exited)
		// Linux sends the signal of the parent's end when the thread that forked
		// ends: this one is kept for as long as the program runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // killed as a rule: its status says nothing
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return &process{Process: cmd.Process, exited: exited}, nil
}

// end kills the program and waits until it is gone.
func (p *process) end() {
	_ = p.Kill() // an error means that it is gone
	<-p.exited
}
