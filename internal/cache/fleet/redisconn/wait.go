package redisconn

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxConfirm bounds the wait for replicas.
const maxConfirm = 300 * time.Millisecond

// wait has a server's replicas confirm what a connection wrote, as many as must, within a
// pipeline. Where none must, it does nothing.
type wait struct {
	copies  *redis.Cmd
	touched *redis.BoolCmd
}

// touch writes: what writes nothing has nothing confirmed. A full server takes it too. It
// writes nothing where the record is gone.
func (w *wait) touch(ctx context.Context, p redis.Pipeliner, c Client, record string) {
	if c.minReplicas > 0 {
		w.touched = p.PExpire(ctx, record, recordLife)
	}
}

// ask waits for the replicas.
func (w *wait) ask(ctx context.Context, p redis.Pipeliner, c Client) {
	if c.minReplicas > 0 {
		w.copies = p.Do(ctx, "wait", c.minReplicas, c.confirmWithin.Milliseconds())
	}
}

// wrote reports whether touch wrote, or had not to.
func (w *wait) wrote() bool { return w.touched == nil || w.touched.Val() }

// enough fails with ErrUnconfirmed where fewer replicas than must have confirmed.
func (w *wait) enough(c Client) error {
	if w.copies == nil {
		return nil
	}
	n, err := w.copies.Int()
	if err == nil && n < c.minReplicas {
		err = ErrUnconfirmed
	}
	return err
}
