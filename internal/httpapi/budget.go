package httpapi

import "sync"

// budget is memory that the requests of all connections share. Of it one client address
// has a part only, so that nobody takes all. It is safe for concurrent use.
type budget struct {
	part int // an address's

	mu    sync.Mutex
	left  int
	taken map[string]int // by address, of those that have some
}

// newBudget shares out size bytes, of which an address may have part.
func newBudget(size, part int) *budget {
	return &budget{part: part, left: size, taken: map[string]int{}}
}

// take reports whether address got n bytes.
func (b *budget) take(address string, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left || n > b.part-b.taken[address] {
		return false
	}
	b.left -= n
	b.taken[address] += n
	return true
}

// give returns n bytes that take gave to address.
func (b *budget) give(address string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	if b.taken[address] -= n; b.taken[address] == 0 {
		delete(b.taken, address)
	}
}
