package flows_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// history is what became of identities, in the order of a clock that ticks when a
// request begins, when its answer is there, and when the backend acts.
type history struct {
	mu     sync.Mutex
	ids    []string         // that anyone may name: the last ones met
	met    int              // how many were
	linked map[string]int64 // identity → moment at which a linking call had been answered
	owner  map[string]int   // identity → user
	gone   map[string][]unlinked
	roles  map[string][]int64 // pool → moments at which its nth settings had been answered
	spend  []spendable
	// setting orders changes of roles.
	setting sync.Mutex
}

// unlinked is a login that an identity lost: the backend had done it, and its
// caller knew.
type unlinked struct{ done, answered int64 }

// spendable is a token of the backend's own, and by which login it was earned.
type spendable struct {
	user            int
	identity, token string
	proof           string
}

func newHistory() history {
	return history{
		linked: map[string]int64{}, owner: map[string]int{}, gone: map[string][]unlinked{}, roles: map[string][]int64{},
	}
}

func (h *history) note(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.ids, id) {
		return
	}
	if h.met++; len(h.ids) < slots {
		h.ids = append(h.ids, id)
		return
	}
	h.ids[h.met%slots] = id // so that there are always some with a future
}

func (h *history) pick(o op) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.id != "" || o.slot >= len(h.ids) {
		return o.id
	}
	return h.ids[o.slot]
}

// own notes that a user was answered for an identity, by its own id or by one that
// is no guest's any more: linked or merged.
func (w *world) own(user int, ids ...string) (complaint string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock.Add(1)
	for n, id := range ids {
		if id == "" {
			continue
		}
		if owner, ok := w.owner[id]; ok && owner != user && n == 0 {
			return fmt.Sprintf("user %d was answered for the identity of user %d", user, owner)
		}
		if n == 0 {
			w.owner[id] = user
		}
		if _, ok := w.linked[id]; !ok {
			w.linked[id] = now
		}
	}
	return ""
}

// handed is one set of credentials, and who received it for what.
type handed struct {
	user       int
	proof      string // of the user
	asked      string // identity that the call named, or ""
	identity   string // that the answer names
	key, token string
	role       string // that the call named, or ""
	began      int64
}

// judge looks into the session that was served: whose it is decides, not what
// the answer says.
func (w *world) judge(a handed) (complaint string) {
	session, err := w.sts.Open(a.key, a.token)
	if err != nil {
		return "the session does not open: " + err.Error()
	}
	// A user may be answered with an identity that he owns, into which the one that
	// he asked for was merged.
	if session.Subject != a.identity || (a.asked != "" && session.Subject != a.asked && a.user < 0) {
		return fmt.Sprintf("asked for %s, was answered %s with a session of %s", a.asked, a.identity, session.Subject)
	}
	if c := w.judgeState(a, session.Subject, slices.Contains(session.AMR, "authenticated")); c != "" {
		return c
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	obtained, _ := w.obtained.Load(a.key)
	for _, u := range w.gone[session.Subject+" "+a.proof] {
		if u.answered < a.began && obtained.(int64) < u.done {
			return fmt.Sprintf("%s received a session from before he was unlinked", a.proof)
		}
	}
	return w.judgeRole(a, session.Audience, session.RoleARN)
}

func (w *world) judgeState(a handed, subject string, authenticated bool) string {
	if a.user >= 0 {
		if !authenticated {
			return "a user received a guest's session"
		}
		return w.own(a.user, subject, a.asked)
	}
	if authenticated {
		return "a guest received a user's session of " + subject
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, ok := w.linked[subject]; ok && at < a.began {
		return "a guest's session of " + subject + " was served after its sign-in had been answered"
	}
	return ""
}

// judgeRole holds the session's role against the one that was asked for, or
// against the settings that the client may expect. w.mu is held.
func (w *world) judgeRole(a handed, pool, role string) string {
	if a.role != "" {
		if a.role != role {
			return fmt.Sprintf("asked for %s, received a session of %s", a.role, role)
		}
		return ""
	}
	least := 0
	for n, answered := range w.roles[pool] {
		if answered < a.began {
			least = n + 1
		}
	}
	var version int
	if _, err := fmt.Sscan(role[strings.LastIndexByte(role, '-')+1:], &version); err != nil || version < least {
		return fmt.Sprintf("received %s after the pool's roles of version %d had been answered", role, least)
	}
	return ""
}
