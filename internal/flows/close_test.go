package flows_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/flows"
)

// Close waits for what is under way and lets nothing begin after it.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.want("key1", flows.Miss, flows.CallInfo{})
		r.backend.set(func(b *backend) { b.slow = 10 * time.Second })
		time.Sleep(37 * time.Minute)
		r.want("key1", flows.Hit, flows.CallInfo{}) // a renewal is under way
		synctest.Wait()
		began := time.Now()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close with a second: got %v, want its deadline", err)
		}
		if err := r.Close(t.Context()); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("Close: got %v after %v, want nil after 10 s", err, time.Since(began))
		}
		time.Sleep(36 * time.Minute)
		r.want("key2", flows.Hit, flows.CallInfo{}) // due, but no renewal begins
		r.exchanged(time.Minute, 2)
	})
}

// Whatever comes first, no renewal runs after Close has returned.
func TestCloseAgainstAskers(t *testing.T) {
	t.Parallel()
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.want("key1", flows.Miss, flows.CallInfo{})
			time.Sleep(37 * time.Minute)
			var closed atomic.Bool
			r.backend.set(func(b *backend) {
				b.fail = func(string) error {
					if closed.Load() {
						t.Error("a renewal began after Close")
					}
					return nil
				}
			})
			for range 4 {
				go r.ask(user, "a1", &flows.CallInfo{})
			}
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
			closed.Store(true)
			synctest.Wait()
		})
	}
}
