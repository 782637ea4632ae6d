package flows

import (
	"context"
	"sync"
	"time"
)

// background is the work that goes on behind those who began it. It is safe for concurrent use.
type background struct {
	running sync.WaitGroup
	mu      sync.Mutex // orders what begins and close
	closing bool
	stop    chan struct{} // closed by close
}

func newBackground() *background { return &background{stop: make(chan struct{})} }

// start runs work, unless close was called.
func (b *background) start(work func()) (began bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing {
		return false
	}
	b.running.Go(work)
	return true
}

// pause waits, or returns false when close is called.
func (b *background) pause(d time.Duration) bool { return b.pauseUntil(d, nil) }

// pauseUntil is pause that ends earlier where woken has something.
func (b *background) pauseUntil(d time.Duration, woken <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-woken:
		return true
	case <-b.stop:
		return false
	}
}

// every does work at an interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, work func(ctx context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			work(ctx)
		}
	}
}

// close lets nothing begin any more and waits for what runs, until ctx ends.
func (b *background) close(ctx context.Context) error {
	b.mu.Lock()
	if !b.closing {
		b.closing = true
		close(b.stop)
	}
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { b.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
