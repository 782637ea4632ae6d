package fence_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/fence"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
	"github.com/cognito-broker/broker/internal/redistest"
)

// silent observes nothing.
type silent struct{}

func (silent) Fence(string, time.Duration) {}
func (silent) Subscription(bool)           {}
func (silent) AnnouncementsMissed()        {}
func (silent) Redis(string, time.Duration) {}

// fences are those of a broker whose fences last for an hour.
func fences(t *testing.T, address string) *fence.Fences {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	k, err := codec.New([][]byte{key}, key, func() {})
	if err != nil {
		t.Fatal(err)
	}
	c := redisconn.Dial(redisconn.Server{
		Addresses: []string{address}, DialTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
	}, silent{})
	f := fence.New(c, k, time.Hour, silent{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		f.Close()
		c.Close()
	})
	return f
}

// A fence that was given up before it arrived is looked for as long as it may be late: it is
// taken back, and does not last.
func TestFenceThatArrivesAfterItWasGivenUp(t *testing.T) {
	t.Parallel()
	f := fences(t, redistest.Single(t).Addr())
	scope := cache.IdentityScope("x")
	epochs := cache.NewEpochs()
	epochs.ShareWith(f)
	if _, err := f.Stamp(t.Context(), epochs.Read(scope)); err != nil {
		t.Fatal(err)
	}
	looked, arrive, given := f.LateFence(t.Context(), scope, time.Hour)
	<-looked
	if err := arrive(); err != nil {
		t.Fatal(err)
	}
	<-given
	stamp, err := f.Stamp(t.Context(), epochs.Read(scope))
	if err != nil || !stamp.Stands() {
		t.Errorf("after it was given up: got an epoch that is pending (%v), want the fence taken back", err)
	}
	looked, _, given = f.LateFence(t.Context(), scope, 0)
	<-looked
	<-given // what cannot be late any more is not looked for
	if fence.MayArriveWithin < time.Second {
		t.Errorf("a fence may be late by %v, want more than a command is held up", fence.MayArriveWithin)
	}
}
