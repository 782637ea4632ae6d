package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	config       = "configs/development.yaml"
	startTimeout = 20 * time.Second
)

// server is a process under load.
type server struct {
	name    string // of what runs beside a broker
	address string
	store   string   // the broker's file
	environ []string // on top of this process's, for the broker's commands
	process *os.Process
	asked   int // commands that a Redis had from here to tell its statistics
	stop    func()
}

// serveLoad starts a server that is put under load.
func serveLoad(c *exec.Cmd) (s *server, err error) {
	err = onServers(func() error {
		s, err = start(c)
		return err
	})
	return s, err
}

func start(c *exec.Cmd) (*server, error) {
	c.Stderr = os.Stderr
	// One processor for each server, so that CPU and throughput are of one.
	c.Env = append(append(os.Environ(), c.Env...), "GOMAXPROCS=1")
	if err := c.Start(); err != nil {
		return nil, err
	}
	// No interrupt: whoever was started in the background of a shell ignores that.
	return &server{process: c.Process, stop: func() { _ = c.Process.Signal(syscall.SIGTERM); _ = c.Wait() }}, nil
}

// startBroker runs a broker by the development configuration with overrides.
func startBroker(bin string, overrides ...string) (*server, error) {
	dir, err := os.MkdirTemp("", "broker-bench-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	store := filepath.Join(dir, "broker.db")
	environ := append([]string{"BROKER_LISTEN=" + address, "BROKER_PUBLIC_URL=http://" + address,
		"BROKER_COGNITO__STORE=" + store, "BROKER_LOG__LEVEL=error"}, overrides...)
	c := exec.Command(bin, "serve", "-config", config)
	c.Env = environ
	s, err := serveLoad(c)
	if err != nil {
		return nil, err
	}
	end := s.stop
	s.address, s.store, s.environ, s.stop = address, store, environ, func() { end(); os.RemoveAll(dir) }
	if err := s.await(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// freeAddress is one that nobody listens on yet.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *server) await() error {
	for began := time.Now(); time.Since(began) < startTimeout; time.Sleep(50 * time.Millisecond) {
		if r, err := http.Get("http://" + s.address + "/healthz"); err == nil {
			r.Body.Close()
			return nil
		}
	}
	return errors.New("the broker did not come up")
}

// spent is CPU that a variant's servers have used.
type spent struct{ own, beside time.Duration }

// cpu is what the variant's servers have used until now.
func (v variant) cpu() (s spent, err error) {
	for _, one := range v.servers {
		d, err := one.cpu()
		if err != nil {
			return s, err
		}
		s.own += d
	}
	if v.beside != nil {
		s.beside, err = v.beside.cpu()
	}
	return s, err
}

// cpu is the time that a process has run on a processor, over all its threads,
// from Linux's scheduler in nanoseconds.
func (s *server) cpu() (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.process.Pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no scheduler statistics of process %d (Linux only)", s.process.Pid)
	}
	var sum time.Duration
	for _, f := range files {
		text, err := os.ReadFile(f)
		if errors.Is(err, os.ErrNotExist) {
			continue // the thread has ended
		}
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(text))
		if len(fields) == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		ns, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}
