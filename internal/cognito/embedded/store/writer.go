package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
)

// Limits of the writer: how many writes wait, and how many share a commit.
const (
	queueLength = 1024
	batchLimit  = 256
)

// writer is the store's one writer: a goroutine that gathers the writes which
// arrived during the last commit into the next, each behind a savepoint of its
// own, and answers each after the commit.
type writer struct {
	db      *sql.DB
	jobs    chan *job
	closing chan struct{}
	once    sync.Once
	done    chan struct{}
	failing atomic.Bool // the last write was not taken
}

type job struct {
	ctx  context.Context // only asked whether its asker is still there
	fn   func(*Tx) error
	err  error
	done chan struct{}
}

func startWriter(db *sql.DB) *writer {
	w := &writer{
		db:      db,
		jobs:    make(chan *job, queueLength),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go w.run()
	return w
}

// refusing is the writer of a store that is open for reading: it is closed.
func refusing() *writer {
	w := &writer{closing: make(chan struct{}), done: make(chan struct{})}
	w.once.Do(func() { close(w.closing) })
	close(w.done)
	return w
}

func (w *writer) do(ctx context.Context, fn func(*Tx) error) error {
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case <-w.closing:
		return ErrClosed
	default:
	}
	select {
	case w.jobs <- j:
	case <-w.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	case <-w.done: // stopped between the queue and the loop
		select {
		case <-j.done:
			return j.err
		default:
			return ErrClosed
		}
	}
}

// stop lets the queued writes finish and waits for them.
func (w *writer) stop() {
	w.once.Do(func() { close(w.closing) })
	<-w.done
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case j := <-w.jobs:
			w.commit(w.gather(j))
		case <-w.closing:
			for {
				select {
				case j := <-w.jobs:
					w.commit(w.gather(j))
				default:
					return
				}
			}
		}
	}
}

func (w *writer) gather(first *job) []*job {
	batch := []*job{first}
	for len(batch) < batchLimit {
		select {
		case j := <-w.jobs:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

func (w *writer) commit(batch []*job) {
	err := w.write(batch)
	failing := err != nil
	for _, j := range batch {
		if err != nil && j.err == nil {
			j.err = &Unwritable{err}
		} else if unwritable(j.err) {
			j.err, failing = &Unwritable{j.err}, true
		}
	}
	w.failing.Store(failing) // before anybody hears of it
	for _, j := range batch {
		close(j.done)
	}
}

// write runs the batch in one transaction. It does not pass the askers' contexts
// to SQLite: a cancelled statement could roll back the neighbours too.
func (w *writer) write(batch []*job) error {
	ctx := context.Background()
	t, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin write: %w", err)
	}
	defer t.Rollback()
	for _, j := range batch {
		if j.err = j.ctx.Err(); j.err != nil {
			continue
		}
		if err := runSaved(ctx, t, j); err != nil {
			return err
		}
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// runSaved runs one job behind a savepoint; the error it returns is of the
// transaction, the job's own goes into j.err.
func runSaved(ctx context.Context, t *sql.Tx, j *job) error {
	if _, err := t.ExecContext(ctx, "SAVEPOINT job"); err != nil {
		return fmt.Errorf("set savepoint: %w", err)
	}
	j.err = runJob(ctx, t, j)
	end := "RELEASE job"
	if j.err != nil {
		end = "ROLLBACK TO job; RELEASE job"
	}
	if _, err := t.ExecContext(ctx, end); err != nil {
		return fmt.Errorf("end savepoint: %w", err)
	}
	return nil
}

func runJob(ctx context.Context, t *sql.Tx, j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write panicked: %v", p)
		}
	}()
	return j.fn(&Tx{ctx: ctx, q: t})
}
