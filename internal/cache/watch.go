package cache

import "sync"

// A Watch notes which scopes are ended in this process while it is open. It is for
// answers that name their scope only when they are there: whoever reads its epoch
// then would not see what ended before, while the answer was on its way. It is safe
// for concurrent use, and must be closed.
type Watch struct {
	watches *watches
	mu      sync.Mutex
	ended   map[Scope]bool
	full    bool // too many to tell apart
}

// maxWatched bounds what a watch tells apart.
const maxWatched = 1024

// Watch opens a watch.
func (e *Epochs) Watch() *Watch {
	w := &Watch{watches: &e.watches, ended: map[Scope]bool{}}
	e.watches.mu.Lock()
	defer e.watches.mu.Unlock()
	if e.watches.open == nil {
		e.watches.open = map[*Watch]bool{}
	}
	e.watches.open[w] = true
	return w
}

// Ended reports whether the scope was ended since the watch was opened, or may have
// been. Ask after its epoch was read.
func (w *Watch) Ended(scope Scope) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full || w.ended[scope]
}

// Close ends the watch.
func (w *Watch) Close() {
	w.watches.mu.Lock()
	defer w.watches.mu.Unlock()
	delete(w.watches.open, w)
}

// watches are those that are open.
type watches struct {
	mu   sync.Mutex
	open map[*Watch]bool
}

// note tells all watches that the scopes end. It comes before their new epochs can
// be read.
func (ws *watches) note(scopes ...Scope) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.open {
		w.note(scopes)
	}
}

func (w *Watch) note(scopes []Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full = w.full || len(w.ended)+len(scopes) > maxWatched; w.full {
		w.ended = nil
		return
	}
	for _, scope := range scopes {
		w.ended[scope] = true
	}
}
