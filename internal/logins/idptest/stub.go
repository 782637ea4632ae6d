package idptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// stub is an API that is asked about tokens, made from what its provider documents: no test
// here speaks to the real one.
type stub struct {
	// URL is where it is.
	URL string
	// Questions counts requests, AtOnce is how many were under way at most.
	Questions, AtOnce atomic.Int32

	answer http.HandlerFunc
	now    atomic.Int32
	mu     sync.Mutex
	fault  http.HandlerFunc
	hold   chan struct{}
}

// start runs it until the test ends.
func (s *stub) start(t testing.TB) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(s.Release)
	s.URL = server.URL
}

// Break answers all questions by fault; nil mends it.
func (s *stub) Break(fault http.HandlerFunc) { s.mu.Lock(); s.fault = fault; s.mu.Unlock() }

// Hold has questions wait until Release.
func (s *stub) Hold() { s.mu.Lock(); s.hold = make(chan struct{}); s.mu.Unlock() }

// Release lets questions go on that wait.
func (s *stub) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hold != nil {
		close(s.hold)
		s.hold = nil
	}
}

// ServeHTTP answers what is asked.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Questions.Add(1)
	now := s.now.Add(1)
	defer s.now.Add(-1)
	for most := s.AtOnce.Load(); now > most && !s.AtOnce.CompareAndSwap(most, now); most = s.AtOnce.Load() {
	}
	s.mu.Lock()
	fault, hold := s.fault, s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}
	if fault != nil {
		fault(w, r)
		return
	}
	s.answer(w, r)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// InProcess is a transport that asks handlers, by host, without a network: also those that no
// test owns, and within a bubble of testing/synctest. Others cannot be reached.
type InProcess map[string]http.Handler

// RoundTrip asks the host's handler.
func (p InProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := p[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("nobody is at %s", r.URL.Host)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}
