package flows

import (
	"context"
	"sync"

	"github.com/cognito-broker/broker/internal/cache"
)

// memorySchedule has the entries that a process renews which is alone, each with the call that its
// last client made. Calls hold his tokens, so they stay in memory and end with their entry.
type memorySchedule struct {
	*Config
	times *cache.Schedule
	mu    sync.Mutex
	by    map[cache.Key]renewal
	homes homeCounts
}

func newMemorySchedule(c *Config) *memorySchedule {
	return &memorySchedule{Config: c, times: cache.NewSchedule(), by: map[cache.Key]renewal{}, homes: homeCounts{}}
}

// record schedules an entry, replacing the call of an earlier client.
func (m *memorySchedule) record(e *cache.Entry, q query) {
	if !q.renewable || e.RenewalEnded() || !e.Stamp.Valid() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.by[q.key]; !known && (len(m.by) >= m.MaxRenewals || !m.homes.add(q.scope)) {
		return
	}
	m.by[q.key] = renewal{entry: e, q: q}
	m.times.Put(q.key, e.NextRenewal())
}

// claim forgets what it returns: whoever is served from an entry again schedules it again.
func (m *memorySchedule) claim(ctx context.Context, n int) (claimed []renewal) {
	keys := m.times.Wait(ctx, n, m.Now)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		if r, ok := m.by[key]; ok {
			delete(m.by, key)
			m.homes.remove(r.q.scope)
			claimed = append(claimed, r)
		}
	}
	return claimed
}

// load reads the epochs again: the entry must still stand.
func (m *memorySchedule) load(ctx context.Context, r *renewal) (ok bool, err error) {
	r.q.readEpochs(m.Epochs)
	if !r.entry.Live(m.Now()) || r.entry.RenewalEnded() {
		return false, nil
	}
	r.usage, r.due = r.entry.Usage(), r.entry.NextRenewal()
	if m.Shared != nil {
		if r.q.stamp, err = m.Shared.Stamp(ctx, r.q.stamp); err != nil || !r.entry.Stamp.Stands() {
			return false, err
		}
	}
	if r.q.Flow == flowDeveloper {
		// What the renewal asks differs from what its client did: neither may it
		// link, nor is its refusal his.
		r.q.request, r.q.links = r.q.forRenewal(r.entry.Credentials.IdentityID), false
		r.q.tokens = m.Names.Key("tokens", "renewal")
	}
	return true, nil
}

// settle schedules what is renewed later.
func (m *memorySchedule) settle(r *renewal, o outcome) {
	switch {
	case o.fresh != nil:
		m.record(o.fresh, r.q)
	case !o.next.IsZero() || !o.notBefore.IsZero():
		m.record(r.entry, r.q)
	}
}
