package cache

import "context"

// queued is work for all who asked before it began. Its channel is closed when it
// has ended; the rest is guarded by the lock of Flights until it begins.
type queued[T any] struct {
	work    func() (T, error)
	waiters int        // who wait for it
	after   *queued[T] // of the work under way: what follows it, nil for none
	done    chan struct{}
	value   T
	err     error
}

// next runs work, or what another caller brought who waits like this one, after
// whatever runs for the key has ended.
func (f *Flights[T]) next(ctx context.Context, key Key, work func() (T, error)) (value T, ran bool, err error) {
	q, ran := f.enqueue(key, work)
	select {
	case <-ctx.Done():
		f.mu.Lock()
		q.waiters--
		f.mu.Unlock()
		return value, false, ctx.Err()
	case <-q.done:
		return q.value, ran, q.err
	}
}

// enqueue begins work where none runs for the key, and puts it behind the running
// one otherwise, unless other work stands there.
func (f *Flights[T]) enqueue(key Key, work func() (T, error)) (q *queued[T], ran bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queues == nil {
		f.queues = map[Key]*queued[T]{}
	}
	running := f.queues[key]
	if running != nil && running.after != nil {
		running.after.waiters++
		return running.after, false
	}
	q = &queued[T]{work: work, waiters: 1, done: make(chan struct{})}
	if running != nil {
		running.after = q
	} else {
		f.queues[key] = q
		go f.runQueue(key, q)
	}
	return q, true
}

// runQueue runs the work of a key until nobody waits for more.
func (f *Flights[T]) runQueue(key Key, q *queued[T]) {
	for q != nil {
		q.value, q.err = q.work()
		close(q.done)
		q = f.dequeue(key, q)
	}
}

// dequeue is what follows work that has ended; nil where nobody waits for it.
func (f *Flights[T]) dequeue(key Key, ended *queued[T]) *queued[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := ended.after
	if after == nil || after.waiters == 0 {
		delete(f.queues, key)
		return nil
	}
	f.queues[key] = after
	return after
}
