package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// variant is one server under one request.
type variant struct {
	name, floor string
	server      *server
	request     []byte
}

// sample is what one round of a variant showed; times in microseconds.
type sample struct{ rps, p50, p99, cpu float64 }

// load sends one request over and over on a few connections.
func load(v variant, connections int, length time.Duration) (sample, error) {
	before, err := v.server.cpu()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	times := make([][]time.Duration, connections)
	errs := make([]error, connections)
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() { times[i], errs[i] = repeat(v, began.Add(length)) })
	}
	wg.Wait()
	took := time.Since(began)
	after, err := v.server.cpu()
	if err = errors.Join(append(errs, err)...); err != nil {
		return sample{}, err
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	n := float64(len(all))
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return sample{
		rps: n / took.Seconds(), p50: us(all[len(all)/2]), p99: us(all[len(all)*99/100]),
		cpu: us(after-before) / n,
	}, nil
}

func repeat(v variant, until time.Time) ([]time.Duration, error) {
	c, err := net.Dial("tcp", v.server.address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	var times []time.Duration
	for now := time.Now(); now.Before(until); {
		if _, err := c.Write(v.request); err != nil {
			return nil, err
		}
		if _, err := readAnswer(r); err != nil {
			return nil, err
		}
		next := time.Now()
		times = append(times, next.Sub(now))
		now = next
	}
	return times, nil
}

// readAnswer reads one answer with a Content-Length and returns its body's
// length. Anything but 200 is an error.
func readAnswer(r *bufio.Reader) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.Contains(line, []byte(" 200 ")) {
		return 0, fmt.Errorf("answer: %s", bytes.TrimSpace(line))
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("answer without Content-Length")
	}
	_, err = r.Discard(length)
	return length, err
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
