package cache

import "sync"

// An InvalidationRecorder notes which scopes are ended in this process while it is open. It is for
// answers that name their scope only when they are there: whoever reads its epoch
// then would not see what ended before, while the answer was on its way. It is safe
// for concurrent use, and must be closed.
type InvalidationRecorder struct {
	recorders *recorders
	mu        sync.Mutex
	ended     map[Scope]bool
	full      bool // too many to tell apart
}

// maxRecorded bounds what a recorder tells apart.
const maxRecorded = 1024

// RecordInvalidations opens a recorder, to be closed.
func (e *Epochs) RecordInvalidations() *InvalidationRecorder {
	w := &InvalidationRecorder{recorders: &e.recorders, ended: map[Scope]bool{}}
	e.recorders.mu.Lock()
	defer e.recorders.mu.Unlock()
	if e.recorders.open == nil {
		e.recorders.open = map[*InvalidationRecorder]bool{}
	}
	e.recorders.open[w] = true
	return w
}

// Ended reports whether the scope was ended since the recorder was opened, or may have
// been. Ask after its epoch was read.
func (w *InvalidationRecorder) Ended(scope Scope) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full || w.ended[scope]
}

// Close ends the recorder.
func (w *InvalidationRecorder) Close() {
	w.recorders.mu.Lock()
	defer w.recorders.mu.Unlock()
	delete(w.recorders.open, w)
}

// recorders are those that are open.
type recorders struct {
	mu   sync.Mutex
	open map[*InvalidationRecorder]bool
}

// record tells all recorders that the scopes end. It comes before their new epochs can
// be read.
func (ws *recorders) record(scopes ...Scope) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.open {
		w.record(scopes)
	}
}

func (w *InvalidationRecorder) record(scopes []Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full = w.full || len(w.ended)+len(scopes) > maxRecorded; w.full {
		w.ended = nil
		return
	}
	for _, scope := range scopes {
		w.ended[scope] = true
	}
}
