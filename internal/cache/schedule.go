package cache

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Schedule holds keys with the time at which each is due. It is safe for
// concurrent use.
type Schedule struct {
	mu    sync.Mutex
	heap  dueHeap
	slots map[Key]*slot
	woken chan struct{}
}

type slot struct {
	key   Key
	at    time.Time
	index int
}

// NewSchedule returns an empty schedule.
func NewSchedule() *Schedule {
	return &Schedule{slots: map[Key]*slot{}, woken: make(chan struct{}, 1)}
}

// Put sets when key is due.
func (s *Schedule) Put(key Key, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.slots[key]; ok {
		old.at = at
		heap.Fix(&s.heap, old.index)
	} else {
		fresh := &slot{key: key, at: at}
		s.slots[key] = fresh
		heap.Push(&s.heap, fresh)
	}
	if s.heap[0].key == key {
		select {
		case s.woken <- struct{}{}:
		default:
		}
	}
}

// Len is the number of keys.
func (s *Schedule) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.heap)
}

// Wait returns at most n keys that are due, earliest first, and takes them off; it waits
// for one. It returns none only when ctx ends. One goroutine at a time may wait.
func (s *Schedule) Wait(ctx context.Context, n int, now func() time.Time) []Key {
	for {
		keys, next := s.take(n, now())
		if len(keys) > 0 {
			return keys
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.woken:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// take returns at most n keys that are due, or how long nothing will be.
func (s *Schedule) take(n int, now time.Time) (keys []Key, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.heap) > 0 && len(keys) < n && !s.heap[0].at.After(now) {
		due := heap.Pop(&s.heap).(*slot)
		delete(s.slots, due.key)
		keys = append(keys, due.key)
	}
	if len(s.heap) == 0 {
		return keys, time.Hour
	}
	return keys, s.heap[0].at.Sub(now)
}

// dueHeap orders slots by time; container/heap's interface.
type dueHeap []*slot

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(v any) {
	added := v.(*slot)
	added.index = len(*h)
	*h = append(*h, added)
}

func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
