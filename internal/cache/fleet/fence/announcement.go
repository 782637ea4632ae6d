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
// more. Everyone is waited for where it is not known who holds one.
//
// Where a master has replaced another lately, brokers may go by that one still, and keep in memory
// what it says after they have acknowledged. So all are waited for then, and told again when
// nobody goes by it.
func (m *membership) announce(ctx context.Context, scopes []cache.Scope, everyone, replaced bool) error {
	first, err := m.tell(ctx, scopes, func(a *published) bool {
		return everyone || replaced || a.kept < leaseLife+clockStep
	})
	if err != nil || !replaced {
		return err
	}
	// Who held a lease before has none any more: whoever holds one is in this table, unless that
	// is another one.
	_, err = m.tell(ctx, scopes, func(a *published) bool { return a.table != first.table })
	return err
}

// tell makes an announcement, and returns when all who held a lease have heard it or have none any
// more. unknown says of what it found whether there may be holders that the table does not have.
func (m *membership) tell(
	ctx context.Context, scopes []cache.Scope, unknown func(*published) bool,
) (*published, error) {
	a := &published{id: codec.Random(), heard: make(chan string, maxMembers)}
	m.mu.Lock()
	m.waiting[a.id] = a.heard
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.waiting, a.id)
		m.mu.Unlock()
	}()
	if err := m.publish(ctx, a, scopes); err != nil {
		return nil, redisconn.Unavailable("announce a fence", err)
	}
	return a, m.awaitBrokers(ctx, a, a.more || unknown(a))
}

// published is an announcement, and what it found.
type published struct {
	id      [16]byte
	at      time.Time       // not before it was made
	table   string          // names the table of leases that it found
	kept    time.Duration   // how long the server has kept that, and been the master that it is
	holders map[string]bool // others who may hold a lease by that table
	more    bool            // there are more than were named
	heard   chan string     // brokers that acknowledged it
}

// publish makes an announcement, and tells what it found.
func (m *membership) publish(ctx context.Context, a *published, scopes []cache.Scope) error {
	by := m.number()
	rest := m.codec.Seal.Seal(by[:len(by):len(by)], codec.PackScopes(scopes), sealedFor(a.id, by))
	cmd, stood, err := m.redis.ConfirmedAt(ctx, announceChange, m.leases,
		m.announcements(), a.id[:], rest, clockStep.Milliseconds(), maxMembers+1)
	a.at = time.Now()
	if err != nil {
		return err
	}
	answer, err := cmd.Slice()
	if err != nil || len(answer) < 2 {
		return errors.Join(err, redisconn.ErrReply)
	}
	known, _ := answer[0].(int64)
	a.kept = min(stood.EnoughFor, time.Duration(known)*time.Millisecond)
	a.table, _ = answer[1].(string)
	a.holders, a.more = map[string]bool{}, len(answer) > 2+maxMembers
	for _, h := range answer[2:] {
		if name, _ := h.(string); name != m.id {
			a.holders[name] = true
		}
	}
	return nil
}

// maxMembers is the largest fleet whose acknowledgements are counted. In a larger one, fences
// wait until leases lapse.
const maxMembers = 1024

// awaitBrokers waits until no other broker can serve from memory what it obtained before the
// announcement: until all holders that are known have heard it or, with everyone, until all leases
// have lapsed.
func (m *membership) awaitBrokers(ctx context.Context, a *published, everyone bool) error {
	silent := time.NewTimer(time.Until(a.at.Add(leaseLife)))
	defer silent.Stop()
	for everyone || len(a.holders) > 0 {
		select {
		case name := <-a.heard:
			delete(a.holders, name)
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
