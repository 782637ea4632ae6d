package fence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// membership is this broker's part in the fleet: its lease, the announcements that it hears, and
// those that it makes.
type membership struct {
	redis   redisconn.Client
	codec   *codec.Codec
	observe Observer
	id      string
	leases  []string // their keys
	lease   *cache.Lease
	// invalidate ends the scopes in this process's memory.
	invalidate func(scopes ...cache.Scope)

	log     *invalidationLog
	mu      sync.Mutex
	waiting map[[16]byte]chan string // acknowledgements by announcement
	acks    chan ack
	ended   atomic.Pointer[error] // how the last session did
	missed  atomic.Int64          // how often announcements were
}

// ack is an acknowledgement to be sent.
type ack struct{ to, announcement [16]byte }

// sessionPause is how long it is until the next session after one that broke.
const sessionPause = 200 * time.Millisecond

// run keeps the lease until ctx ends, and gives it back then.
func (m *membership) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.session(ctx)
		m.ended.Store(&err)
		m.observe.Subscription(err == nil || ctx.Err() != nil)
		timer := time.NewTimer(sessionPause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	m.lease.NextTerm()
	ctx, cancel := context.WithTimeout(redisconn.BypassBreaker(context.Background()), time.Second)
	defer cancel()
	_, _ = m.redis.At(ctx, dropLease, m.leases, m.id)
}

// session subscribes, and renews the lease while the subscription holds. It ends with the first
// sign that an announcement may have been missed.
func (m *membership) session(ctx context.Context) error {
	node, err := m.redis.Node(ctx, m.leases[0])
	if err != nil {
		return fmt.Errorf("find the table of leases: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Announcements are published on the server that keeps the leases, and heard there: so they
	// come in order.
	subscription := node.Subscribe(ctx, m.announcements(), m.acknowledgements(m.id))
	defer subscription.Close()
	subscribed := make(chan struct{})
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel(nil)
	defer subscription.Close() // ends a receive that waits
	background.Go(func() { cancel(m.listen(ctx, subscription, subscribed)) })
	background.Go(func() { m.acknowledge(ctx, node) })
	select {
	case <-subscribed:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(leaseLife):
		return errors.New("no subscription in time")
	}
	m.observe.Subscription(true)
	return m.keep(ctx)
}

// keep renews the lease every half second. A renewal counts when every announcement before it
// was heard.
func (m *membership) keep(ctx context.Context) error {
	ticker := time.NewTicker(leaseEvery)
	defer ticker.Stop()
	for first := true; ; first = false {
		sent := time.Now()
		head, err := m.renew(ctx)
		if err != nil {
			return fmt.Errorf("renew the lease: %w", err)
		}
		if first {
			m.log.begin(head)
		} else if !m.log.await(ctx, head, leaseEvery) {
			m.missedAnnouncement()
			return errors.New("an announcement was not heard")
		}
		m.lease.Extend(sent.Add(leaseCounted))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// listen hears announcements and acknowledgements until the subscription breaks. The library
// would subscribe again by itself, and would not say that something may have been missed: so
// the first error ends it.
func (m *membership) listen(ctx context.Context, subscription *redis.PubSub, subscribed chan<- struct{}) error {
	for open := 0; ; {
		got, err := subscription.Receive(ctx)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		switch got := got.(type) {
		case *redis.Subscription:
			if open++; open == 2 {
				close(subscribed)
			}
		case *redis.Message:
			if got.Channel == m.announcements() {
				m.hearAnnouncement(got.Payload)
			} else {
				m.acknowledged(got.Payload)
			}
		}
	}
}

// hearAnnouncement ends in memory what an announcement names, adds it to the log, and has it
// acknowledged. One that does not follow the last one, or that no key opens, shows that others
// were missed: then all that is in memory ends.
func (m *membership) hearAnnouncement(payload string) {
	a, err := m.openAnnouncement(payload)
	if err != nil {
		m.missedAnnouncement()
		if len(payload) < announcementSize {
			return
		}
	}
	own := a.by == m.number() // its scopes are fenced in this process already
	if err == nil && !own {
		m.invalidate(a.scopes...)
	}
	m.log.append(a.before, a.id)
	if !own {
		select {
		case m.acks <- ack{a.by, a.id}:
		default: // whoever waits for it waits until the lease lapses
		}
	}
}

// missedAnnouncement ends all that is in memory, by a new term of the lease.
func (m *membership) missedAnnouncement() {
	m.missed.Add(1)
	m.observe.AnnouncementsMissed()
	m.lease.NextTerm()
}

// acknowledge sends acknowledgements.
func (m *membership) acknowledge(ctx context.Context, node *redis.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-m.acks:
			_ = node.Publish(ctx, m.acknowledgements(brokerID(a.to)), string(a.announcement[:])+m.id).Err()
		}
	}
}

// acknowledged gives an acknowledgement to the fence that waits for it.
func (m *membership) acknowledged(payload string) {
	if len(payload) < 16 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case m.waiting[[16]byte([]byte(payload[:16]))] <- payload[16:]:
	default: // nobody waits for it
	}
}
