package redisconn

import "sync"

// maxMasterIDs bounds the replication ids that are remembered.
const maxMasterIDs = 4096

// masters counts the masters that were confirmed, by their replication ids, which none ever has
// again. It is safe for concurrent use.
type masters struct {
	mu      sync.Mutex
	seen    map[string]bool
	at      int // the most that there were at once
	dropped int
}

// note notes the masters that are confirmed now, and returns how many were replaced so far: those
// that are more than there ever were at once.
func (m *masters) note(now []string) (replaced int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[string]bool{}
	}
	if len(m.seen) >= maxMasterIDs {
		m.dropped += len(m.seen) - m.at
		clear(m.seen)
		m.at = 0
	}
	for _, id := range now {
		m.seen[id] = true
	}
	m.at = max(m.at, len(now))
	return m.dropped + len(m.seen) - m.at
}

// MastersReplaced is how often a master was replaced so far, or started again, as far as this
// client has confirmed them.
func (c Client) MastersReplaced() int {
	var now []string
	for _, one := range c.hooks.inUse() {
		if known := one.held(""); known != nil {
			now = append(now, known.ReplicationID)
		}
	}
	return c.hooks.masters.note(now)
}
