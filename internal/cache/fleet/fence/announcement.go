package fence

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// announcement tells all brokers that scopes are being changed. Its payload is the id of the
// announcement before, its own id, the number of the broker that makes it, and the scopes,
// sealed.
type announcement struct {
	before, id, by [16]byte
	scopes         []cache.Scope
}

const announcementSize = 48

// sealedFor is the name that the scopes of an announcement are sealed for.
func sealedFor(id, by [16]byte) string { return "announcement" + string(id[:]) + string(by[:]) }

// announce tells all brokers that the scopes' epochs are pending, and returns when none of them
// serves from memory what was obtained before: each has acknowledged, or cannot hold a lease any
// more. kept is how long the servers that keep the epochs have been the masters that they are:
// brokers may go by those before for as long as a lease.
func (m *membership) announce(ctx context.Context, scopes []cache.Scope, kept time.Duration) error {
	id := codec.Random()
	by := m.number()
	heard := make(chan string, maxMembers)
	m.mu.Lock()
	m.waiting[id] = heard
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.waiting, id)
		m.mu.Unlock()
	}()
	rest := m.codec.Seal.Seal(by[:len(by):len(by)], codec.PackScopes(scopes), sealedFor(id, by))
	cmd, stood, err := m.redis.ConfirmedAt(ctx, announceChange, m.leases,
		m.announcements(), id[:], rest, clockStep.Milliseconds(), maxMembers+1)
	published := time.Now()
	if err != nil {
		return redisconn.Unavailable("announce a fence", err)
	}
	answer, err := cmd.Slice()
	if err != nil || len(answer) == 0 {
		return redisconn.Unavailable("announce a fence", errors.Join(err, errors.New("unexpected answer")))
	}
	known, _ := answer[0].(int64)
	kept = min(kept, stood.EnoughFor, time.Duration(known)*time.Millisecond)
	if len(answer) > 1+maxMembers {
		kept = 0 // there are more holders than were named
	}
	holders := map[string]bool{}
	for _, h := range answer[1:] {
		if name, _ := h.(string); name != m.id {
			holders[name] = true
		}
	}
	return m.awaitBrokers(ctx, published, kept, holders, heard)
}

// maxMembers is the largest fleet whose acknowledgements are counted. In a larger one, fences
// wait until leases lapse.
const maxMembers = 1024

// awaitBrokers waits until no other broker can serve what was announced at published. Where kept,
// how long the servers have been what they are, is less than a lease lasts, there may be holders
// that they do not know.
func (m *membership) awaitBrokers(
	ctx context.Context, published time.Time, kept time.Duration, holders map[string]bool, heard <-chan string,
) error {
	silent := time.NewTimer(time.Until(published.Add(leaseLife)))
	defer silent.Stop()
	unknown := kept < leaseLife+clockStep
	for unknown || len(holders) > 0 {
		select {
		case name := <-heard:
			delete(holders, name)
		case <-silent.C:
			return nil
		case <-ctx.Done():
			return redisconn.Unavailable("wait for other brokers", context.Cause(ctx))
		}
	}
	return nil
}

// openAnnouncement reads an announcement. Where its scopes do not open, its ids are read all the
// same, if they are there. It fails with codec.ErrSealed.
func (m *membership) openAnnouncement(payload string) (announcement, error) {
	var a announcement
	if len(payload) < announcementSize {
		return a, codec.ErrSealed
	}
	copy(a.before[:], payload)
	copy(a.id[:], payload[16:])
	copy(a.by[:], payload[32:])
	plain, err := m.codec.Seal.Open([]byte(payload[announcementSize:]), sealedFor(a.id, a.by))
	if err != nil {
		return a, err
	}
	a.scopes, err = codec.UnpackScopes(plain)
	return a, err
}

func (m *membership) announcements() string             { return m.codec.Names.Shared("fences") }
func (m *membership) acknowledgements(id string) string { return m.codec.Names.Shared("acks:" + id) }

// number is the broker's id in 16 bytes.
func (m *membership) number() (n [16]byte) {
	_, _ = hex.Decode(n[:], []byte(m.id))
	return n
}

// brokerID is the id of the broker with that number.
func brokerID(number [16]byte) string { return hex.EncodeToString(number[:]) }
